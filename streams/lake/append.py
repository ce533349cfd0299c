"""Adding small batches of a topic to a lake, one after the other, for years."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors import engine
from streams.inputs import CONFLICT, LogCounts, reject_record
from streams.lake import compact
from streams.lake.batch import Batch, Record, decode_records
from streams.lake.copies import FRESH, Displaced, displaced, find_copies
from streams.lake.layout import DROPPED, ROWS_A_GROUP, Part, is_lake, schema_hash
from streams.lake.manifest import OFFSET_BITS, Manifest, Origin
from streams.lake.msgids import Found, Known, Msgids, signed
from streams.lake.read import Lake
from streams.lake.writer import GRACE, Writer, settle
from streams.wire import Reject

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True)
class Appended:
    """What an append did: messages by what became of them, new files, and their bytes."""

    counts: LogCounts
    files: int
    bytes: int


class Appender:
    """A lake into which batches of a topic are put. It is the only writer of the lake until it is closed.

    Whatever happens, the lake is the one before an append or the one after it, and the offsets in it are those of its
    files. After an exception of `append` or `tidy`, open another.
    """

    def __init__(self, lake: Path, key: bytes, *, grace: timedelta = GRACE) -> None:
        """Open a lake, or make one where none is. `key`: the site's secret for the hashes of personal numbers;
        `grace`: how long replaced files stay for those who read. Raises `Refused`, also where another writes."""
        if not is_lake(lake):
            Writer.create(lake)
        self._key = key
        self._writer = Writer(lake, grace=grace)
        try:
            self._msgids = Msgids(lake, self._writer.manifest)
        except BaseException:
            self._writer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the lake."""
        self._msgids.close()
        self._writer.close()

    @property
    def lake(self) -> Lake:
        """The lake as it is now."""
        return Lake(self._writer.folder, self._writer.manifest)

    def append(
        self, records: Sequence[Record], upto: Mapping[tuple[str, int], int] | None = None
    ) -> Appended:
        """Add messages, and note up to where their partitions are archived.

        Records of a partition ascend by offset; those that are archived already are passed over. `upto`: offsets that
        come next, by topic and partition (default: after the last record); what lies before them is not to be had.
        """
        archived = self.lake.archived
        new = [record for record in records if record.offset >= archived.get(record[:2], 0)]
        return self.append_decoded(decode_records(new, self._key), upto)

    def append_decoded(self, batch: Batch, upto: Mapping[tuple[str, int], int] | None = None) -> Appended:
        """As `append`, for messages that were decoded before and of which none is archived."""
        before = self._writer.manifest
        origins = _origins(before, batch.records, upto or {})
        if not origins:
            return Appended(LogCounts(), 0, 0)
        step = _Step(self._writer.folder, before, self._writer.next_version, batch, origins)
        fresh = list(step.messages())
        found = self._msgids.find(fresh, before)
        step.compare(fresh, found)
        added, gone = step.write()
        rejects = b"".join(msgspec.json.encode(record) + b"\n" for record in step.rejects())
        settle(self._writer.folder, [part.path for _, part in added])
        self._writer.commit(
            added=added, gone=gone, origins=origins.values(), counts=batch.counts, rejects=rejects
        )
        facts = (one for number, one in enumerate(fresh) if step.numbers[number] not in step.dropped)
        self._msgids.take(facts, found, self._writer.manifest)
        size = sum((self._writer.folder / part.path).stat().st_size for _, part in added)
        return Appended(batch.counts.settled(*step.copies, 0), len(added), size)

    def tidy(self) -> bool:
        """Do one bounded piece of what keeps the lake fast: merge small files, delete replaced ones, fold the journal.
        Whether there was anything to do."""
        if self._writer.tidy() or compact.merge_some(self._writer):
            self._msgids.keep(self._writer.manifest)
            return True
        return False


def _origins(
    before: Manifest, records: Sequence[Record], upto: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], Origin]:
    """The partitions that move on, as they are afterwards."""
    begins: dict[tuple[str, int], int] = {}
    last: dict[tuple[str, int], int] = {}
    for record in records:
        place = record[:2]
        if record.offset <= last.get(place, -1):
            raise ValueError(f"offsets of {record.topic}-{record.partition} do not ascend")
        begins.setdefault(place, record.offset)
        last[place] = record.offset
    ends = {place: max(upto.get(place, 0), last.get(place, -1) + 1) for place in {*upto, *last}}
    made: dict[tuple[str, int], Origin] = {}
    number = len(before.origins)
    for place, end in sorted(ends.items()):
        there = before.origin(*place)
        if there is None:
            if not _TOPIC.fullmatch(place[0]):
                raise ValueError(f"{place[0]!r} cannot be part of a file's name")
            number += 1
            there = Origin(number, *place, begins.get(place, end), 0)
        if end > there.next:
            made[place] = msgspec.structs.replace(there, next=end)
    return made


class _Step:
    """One append: what is new, what of it are copies, and the files that it becomes."""

    def __init__(
        self,
        lake: Path,
        before: Manifest,
        version: int,
        batch: Batch,
        origins: Mapping[tuple[str, int], Origin],
    ) -> None:
        self._lake = lake
        self._before = before
        self._version = version
        self._batch = batch
        self._origins = origins
        self._seqs = np.fromiter(
            (origins[record[:2]].first_seq + record.offset for record in batch.records),
            np.uint64,
            len(batch.records),
        )
        self._names = _names(batch.records, origins)
        #: Positions of the messages that are facts or copies of such, in the order of `messages`.
        self.numbers: list[int] = []
        #: Position → reason and inf_time, of those that are not the fact.
        self.dropped: dict[int, tuple[str, str]] = {}
        self._lost = Displaced()
        self._dropped_rows: pa.Table | None = None

    @property
    def copies(self) -> tuple[int, int]:
        """How many duplicates and conflicts."""
        conflicts = sum(reason == "conflict" for reason, _ in self.dropped.values())
        return len(self.dropped) - conflicts, conflicts

    def messages(self) -> Iterator[Known]:
        """What of the batch may be a fact."""
        if "message" not in self._batch.tables:
            return
        table = self._batch.tables["message"]
        self.numbers = table["seq"].to_pylist()
        times = table["inf_time"].cast(pa.int64()).to_pylist()
        for number, msgid, content, time in zip(
            self.numbers, table["msgid"].to_pylist(), table["content"].to_pylist(), times, strict=True
        ):
            yield Known(msgid, signed(content), time, int(self._seqs[number]))

    def compare(self, fresh: Sequence[Known], found: Found) -> None:
        """Find the copies, and write the lake's files anew that hold messages which lose."""
        if len({one.msgid for one in fresh}) == len(fresh) and not found.known:
            return
        with ExitStack() as stack:
            con = stack.enter_context(engine.connect(threads=1))
            message = self._batch.tables["message"].select(["seq", "msgid", "content", "inf_time"])
            con.register("fresh", message)
            con.register("there", _rows(found.known, message.schema))
            find_copies(
                con,
                [
                    "select * from there",
                    f"select (seq + {FRESH})::ubigint as seq, msgid, content, inf_time from fresh",
                ],
            )
            self._lost = displaced(con, self._lake, self._before, self._lake, self._version)
            rows = con.execute(
                f"select seq - {FRESH}, reason, inf_time::varchar from dropped where seq >= {FRESH} order by seq"
            ).fetchall()
            self.dropped = {number: (reason, time) for number, reason, time in rows}
            table = con.sql("select * from dropped order by seq").to_arrow_table()
            seqs = table["seq"].to_numpy()
            placed = seqs.copy()
            placed[seqs >= FRESH] = self._seqs[seqs[seqs >= FRESH] - np.uint64(FRESH)]
            self._dropped_rows = table.set_column(0, "seq", pa.array(placed, pa.uint64()))

    def write(self) -> tuple[list[tuple[str, Part]], list[str]]:
        """Write the new files. Gives them by table, and the paths of those that no longer count."""
        added = list(self._lost.added)
        for table, rows in sorted(self._batch.tables.items()):
            if self.dropped:
                rows = rows.filter(
                    pc.invert(pc.is_in(rows["seq"], pa.array(list(self.dropped), pa.uint64())))
                )
            if rows.num_rows:
                added += ((table, part) for part in self._write_table(table, rows))
        if self._dropped_rows is not None and self._dropped_rows.num_rows:
            path = f"{DROPPED}/appended-{self._version:012}.parquet"
            added.append((DROPPED, self._write_file(DROPPED, path, self._dropped_rows)))
        return added, self._lost.gone

    def rejects(self) -> Iterator[dict[str, Any]]:
        """Lines of the lake's rejects: topic and partition come on top, and inf_time of conflicts."""
        for reject in self._batch.rejects:
            yield self._placed(reject)
        for number, (reason, time) in self.dropped.items():
            if reason == "conflict":
                value = self._batch.records[number].value or b""
                msgid = str(msgspec.json.decode(value)["msgid"])
                reject = Reject.of(
                    value,
                    source="",
                    line=number,
                    reason_code="msgid_conflict",
                    sentence=CONFLICT,
                    msgid=msgid,
                )
                yield {**self._placed(reject), "inf_time": time}
        yield from self._lost.records

    def _placed(self, reject: Reject) -> dict[str, Any]:
        record = self._batch.records[reject.line]
        origin = self._origins[record[:2]]
        told = replace(reject, source=origin.name, line=record.offset, byte_offset=None)
        return {**reject_record(told), "topic": origin.topic, "partition": origin.partition}

    def _write_table(self, table: str, rows: pa.Table) -> Iterator[Part]:
        """A file for each partition and month."""
        seqs = self._seqs[rows["seq"].to_numpy()]
        times = rows["inf_time"]
        months = (pc.year(times).to_numpy() * 12 + pc.month(times).to_numpy() - 1).astype(np.int64)
        origins = (seqs >> np.uint64(OFFSET_BITS)).astype(np.int64)
        rows = rows.set_column(0, rows.schema.field("seq"), pa.array(seqs, pa.uint64()))
        keys = origins * 1_000_000 + months
        for key in np.unique(keys):
            number, month = divmod(int(key), 1_000_000)
            folder = Part.folder(table, f"{month // 12:04}-{month % 12 + 1:02}", None)
            chosen = rows.filter(pa.array(keys == key))
            yield self._write_file(table, f"{folder}/{self._names[number]}", chosen)

    def _write_file(self, table: str, path: str, rows: pa.Table) -> Part:
        (self._lake / path).parent.mkdir(parents=True, exist_ok=True)
        about = {"fundwatch_table": table, "fundwatch_schema": schema_hash()}
        pq.write_table(
            rows.replace_schema_metadata(about),
            self._lake / path,
            compression="zstd",
            row_group_size=ROWS_A_GROUP,
        )
        return Part(path, rows.num_rows, self._version)


def _names(records: Sequence[Record], origins: Mapping[tuple[str, int], Origin]) -> dict[int, str]:
    """How the new files of each origin are called, by its number."""
    spans: dict[tuple[str, int], tuple[int, int]] = {}
    for record in records:
        first, _ = spans.get(record[:2], (record.offset, 0))
        spans[record[:2]] = (first, record.offset)
    return {
        origins[place].number: f"{origins[place].name}-{first:012}-{last:012}.parquet"
        for place, (first, last) in spans.items()
    }


def _rows(known: Iterable[Known], schema: pa.Schema) -> pa.Table:
    some = list(known)
    return pa.table(
        {
            "seq": pa.array([one.seq for one in some], pa.uint64()),
            "msgid": pa.array([one.msgid for one in some], pa.string()),
            "content": pa.array([one.content % (1 << 64) for one in some], pa.uint64()),
            "inf_time": pa.array([one.inf_time for one in some], pa.int64()).cast(pa.timestamp("us")),
        }
    ).cast(schema)
