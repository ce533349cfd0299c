"""Messages with their positions in a topic, decoded together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

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


def joined(batches: Sequence[Batch]) -> Batch:
    """What was decoded piece by piece, as if it had been decoded at once."""
    records: list[Record] = []
    rejects: list[Reject] = []
    pieces: defaultdict[str, list[pa.Table]] = defaultdict(list)
    for batch in batches:
        first = len(records)
        for name, table in batch.tables.items():
            seqs = pc.add(table["seq"], pa.scalar(first, pa.uint64()))
            pieces[name].append(table.set_column(0, table.schema.field("seq"), seqs))
        rejects += (replace(reject, line=first + reject.line) for reject in batch.rejects)
        records += batch.records
    tables = {name: pa.concat_tables(some) for name, some in pieces.items()}
    return Batch(records, tables, rejects, sum((batch.counts for batch in batches), LogCounts()))


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
