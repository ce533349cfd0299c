"""Entries of the journal, decoded: for the judge as packets and rejects, for the archiver as a batch of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from streams.inputs import LogCounts
from streams.lake import Batch, Record, decode_records
from streams.live.journal import Entry
from streams.live.packets import Packet
from streams.live.routing import route
from streams.wire import Counts, Reject

#: What the journal is called in the lake: one topic of one partition, whose offsets are the messages' numbers.
TOPIC = "journal"

#: The only shard.
SHARDS = 1


@dataclass(frozen=True)
class Taken:
    """A micro-batch for the judge. `rejects`: with the number of the message, each as if its source had been replayed."""

    packets: Sequence[Packet]
    rejects: Sequence[tuple[int, Reject]]
    counts: Counts


def for_judge(entries: Sequence[Entry], key: bytes, reads: frozenset[str]) -> Taken:
    """Decode a micro-batch. `key`: the site's secret; `reads`: the fact tables that rules of persons see."""
    places = list(_places(entries))
    # a blank line is no message; nothing at all would be one without a value, as a topic may bring
    lines = [line or b" " for _, _, line in places]
    routed = route(lines, source="", key=key, shards=SHARDS, reads=reads)
    rejects = _unread(entries)
    for place, reject in routed.rejects:
        entry, number, _ = places[place]
        piece = entry.piece
        before = piece.lines[: number - entry.first]
        told = replace(reject, source=piece.source, line=piece.line + len(before))
        rejects.append((number, told.at(piece.byte_offset + sum(len(line) + 1 for line in before))))
    counts = routed.counts
    counts.add(_counted(_unread(entries)))
    return Taken(routed.parts.packets(), sorted(rejects, key=lambda one: one[0]), counts)


def for_lake(entries: Sequence[Entry], key: bytes) -> Batch:
    """Decode messages for the lake."""
    records: list[Record] = []
    unread: list[Reject] = []
    for entry in entries:
        if entry.piece.reject is not None:
            unread.append(replace(entry.piece.reject, line=len(records)))
            records.append(Record(TOPIC, 0, entry.first, None))
            continue
        records += [Record(TOPIC, 0, number, line) for _, number, line in _places([entry])]
    batch = decode_records(records, key)
    more = LogCounts.of(_counted([(0, reject) for reject in unread]))
    counts = replace(
        batch.counts, read=batch.counts.read + more.read, rejected=batch.counts.rejected + more.rejected
    )
    return replace(batch, rejects=[*batch.rejects, *unread], counts=counts)


def _places(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int, bytes]]:
    """Every message with its entry and its number."""
    for entry in entries:
        if entry.piece.reject is None:
            for number, line in enumerate(entry.piece.lines, entry.first):
                yield entry, number, line


def _unread(entries: Sequence[Entry]) -> list[tuple[int, Reject]]:
    """What was rejected while it was read."""
    return [(entry.first, entry.piece.reject) for entry in entries if entry.piece.reject is not None]


def _counted(rejects: Sequence[tuple[int, Reject]]) -> Counts:
    rejected: Counter[str] = Counter(reject.reason_code for _, reject in rejects)
    return Counts(read=len(rejects), rejected=rejected)
