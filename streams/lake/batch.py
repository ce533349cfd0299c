"""Messages with their positions in a topic, decoded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pyarrow as pa

from streams.inputs import LogCounts
from streams.wire import Reject, decode


class Record(NamedTuple):
    """A message as it came, and where it stands. A value of None (a tombstone) is none."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass(frozen=True)
class Batch:
    """Decoded messages. `seq` of the facts and `line` of the rejects are the position in `records`."""

    records: Sequence[Record]
    tables: dict[str, pa.Table]
    rejects: Sequence[Reject]
    counts: LogCounts


def decode_records(records: Sequence[Record], key: bytes) -> Batch:
    """Decode messages. `key`: the site's secret for the hashes of certificate and phone numbers."""
    lines = [_line(record.value) for record in records]
    decoded = decode(lines, source="", first_line=0, first_seq=0, key=key)
    rejects = [_as_it_came(reject, records[reject.line]) for reject in decoded.rejects]
    return Batch(records, decoded.tables, rejects, LogCounts.of(decoded.counts))


def _line(value: bytes | None) -> bytes:
    """The message on one line. Between the values of JSON a line feed is a blank; inside them it cannot stand."""
    return b"" if value is None else value.replace(b"\n", b" ")


def _as_it_came(reject: Reject, record: Record) -> Reject:
    value = record.value or b""
    if b"\n" not in value:
        return reject
    told = Reject.of(
        value,
        source=reject.source,
        line=reject.line,
        reason_code=reject.reason_code,
        sentence=reject.sentence,
    )
    return replace(told, row=reject.row, msgid=reject.msgid)
