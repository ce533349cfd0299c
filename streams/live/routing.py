"""A micro-batch of raw messages, decoded once: what goes to which shard, and what is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.live.packets import Parts, split
from streams.wire import Counts, Reject, decode

#: A message without a value, as a compacted topic may bring: it is rejected like any other that is no object.
_NOTHING = b"null"


@dataclass(frozen=True)
class Routed:
    """`parts`: what goes to which shard. `rejects`: with the place of the message in the micro-batch, from 0."""

    parts: Parts
    rejects: list[tuple[int, Reject]]
    counts: Counts


def route(
    messages: Sequence[bytes | None], *, source: str, key: bytes, shards: int, reads: frozenset[str]
) -> Routed:
    """Decode messages and part their facts among the shards. `reads`: the fact tables that rules of persons see.

    `key`: the site's secret for the hashes of certificate and phone numbers.
    """
    # line feeds between the tokens of a message are blanks; within a text JSON forbids them
    lines = [(one or _NOTHING).replace(b"\n", b" ") for one in messages]
    decoded = decode(lines, source=source, first_line=1, first_seq=0, key=key, wanted=reads)
    return Routed(
        split(decoded.tables, shards, reads),
        [(reject.line - 1, reject) for reject in decoded.rejects],
        decoded.counts,
    )
