"""One append to a lake: what of a batch is new, what are copies, and the files that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors import engine
from streams.inputs import CONFLICT, reject_record
from streams.lake.batch import Batch, Record
from streams.lake.copies import FRESH, Displaced, displaced, find_copies
from streams.lake.layout import DROPPED, ROWS_A_GROUP, Part, schema_hash
from streams.lake.manifest import OFFSET_BITS, Manifest, Origin
from streams.lake.msgids import Found, Known, signed
from streams.wire import Reject


class Step:
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
