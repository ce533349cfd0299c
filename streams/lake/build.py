"""Building a lake: decode to the disk, find the copies of messages, write each table and month."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from detectors import engine, ledger
from detectors.facts import fact_schemas
from streams.decode_log import LogSummary, decode_log
from streams.errors import Refused
from streams.inputs import LogCounts, LogInput, OnProgress, readable_again, reject_record
from streams.lake.layout import (
    BUCKET_SQL,
    BUCKETS,
    DROPPED,
    LAKE,
    REJECTS,
    ROWS_TO_CUT,
    Manifest,
    Part,
    is_lake,
    schema_hash,
)  # fmt: skip
from streams.lake.read import Lake, open_lake
from streams.lake.spool import MonthSpool
from streams.run import written_whole
from streams.sources import total_bytes
from streams.spool import Spool
from streams.wire import Reject

#: Rows of a row group: large enough to read fast, small enough that a person's rows are found without all others.
_ROWS_A_GROUP = 131_072


@dataclass(frozen=True)
class LakeReport:
    """What a build did. `counts`: of the logs read now; `lake`: what there is now."""

    counts: LogCounts
    lake: Lake


def build_lake(
    inputs: Sequence[str],
    out: Path,
    key: bytes,
    *,
    append: bool = False,
    replace_lake: bool = False,
    processes: int | None = None,
    memory_limit: str = engine.MEMORY_LIMIT,
    workspace: Path | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> LakeReport:
    """Write the facts of event logs into a new lake, or add them to one.

    Memory does not grow with the logs; the disk holds them once more while it runs (`workspace`: where, default
    beside the lake). Interrupted, it leaves no new lake, or the old one as it was. Raises `Refused`.
    """
    job = _Job(inputs, key, processes, memory_limit, on_progress)
    if not append:
        with (
            written_whole(out, replace=replace_lake, marker=LAKE) as folder,
            _work(workspace or folder) as work,
        ):
            report = job.run(folder, Manifest(), folder, work)
        return replace(report, lake=open_lake(out))
    before = Manifest.read(out)
    with (
        tempfile.TemporaryDirectory(prefix=".adding-", dir=out) as added,
        _work(workspace or Path(added)) as work,
    ):
        return job.run(out, before, Path(added), work)


@contextmanager
def _work(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".work-", dir=folder) as work:
        yield Path(work)


@dataclass(frozen=True)
class _Job:
    inputs: Sequence[str]
    key: bytes
    processes: int | None
    memory_limit: str
    on_progress: OnProgress

    def run(self, lake: Path, before: Manifest, new: Path, work: Path) -> LakeReport:
        """Decode, tell copies apart, write new files into `new` and take them over into `lake`."""
        spool = MonthSpool(work / "decoded")
        log = self._decode(spool, work)
        offset = before.next_seq
        months = list(spool.months())
        con = engine.connect(workspace=work, memory_limit=self.memory_limit)
        con.execute("set preserve_insertion_order = true")
        old = {table: [str(lake / part.path) for part in parts] for table, parts in before.parts.items()}
        fresh = [str(path) for table, _, paths, _ in months for path in paths if table == "message"]
        _find_copies(con, old.get("message", []), fresh, offset)
        parts = {table: list(some) for table, some in before.parts.items()}
        lost = _lost(con, offset)
        if lost:
            _rewrite(con, lake, new, parts, offset)
        total = sum(rows for *_, rows in months)
        done = 0
        for table, month, paths, rows in months:
            self.on_progress("writing", done, total)
            parts.setdefault(table, []).extend(_write_month(con, new, table, month, paths, rows, offset))
            done += rows
        self.on_progress("writing", total, total)
        dropped = _write_dropped(con, new, offset)
        conflicts = con.execute(
            f"select seq - {offset} from fact_dropped where reason = 'conflict' and seq >= {offset} order by seq"
        ).fetchall()
        duplicates = _number(
            con, f"select count(*) from fact_dropped where reason = 'duplicate' and seq >= {offset}"
        )
        records = [
            *log.rejects(),
            *_with_time(con, offset, log.conflict_rejects([seq for (seq,) in conflicts]), log),
            *lost,
        ]
        con.close()
        rejects_bytes = _add_rejects(lake, before.rejects_bytes, records)
        after = Manifest(
            next_seq=offset + log.summary.lines,
            counts=_together(before.counts, log.counts),
            sources=(*before.sources, *log.described()),
            parts={
                table: tuple(sorted(some, key=lambda part: part.path))
                for table, some in parts.items()
                if some
            },
            dropped=(*before.dropped, *dropped),
            rejects_bytes=rejects_bytes,
        )
        _take_over(lake, before, new, after)
        return LakeReport(log.counts.settled(duplicates, len(conflicts), 0), Lake(lake, after))

    def _decode(self, spool: MonthSpool, work: Path) -> LogInput:
        inputs = [readable_again(name, work) for name in self.inputs]
        total = total_bytes(inputs)
        rejects: list[Reject] = []
        summary: LogSummary = decode_log(
            inputs,
            self.key,
            spool,
            on_rejects=rejects.extend,
            on_progress=lambda done: self.on_progress("decoding", done, total or 0),
            processes=self.processes,
            workspace=work,
        )
        return LogInput(summary, Spool(Path()), rejects)


def _find_copies(con: duckdb.DuckDBPyConnection, old: list[str], fresh: list[str], offset: int) -> None:
    """Fill `fact_dropped`: copies of messages, among the new ones and against those of the lake."""
    con.execute("create schema fact")
    sources = [f"select seq, msgid, content, inf_time from read_parquet({_list(old)})"] if old else []
    if fresh:
        sources.append(
            f"select (seq + {offset})::ubigint as seq, msgid, content, inf_time from read_parquet({_list(fresh)})"
        )
    nothing = "select null::ubigint as seq, null::varchar as msgid, null::ubigint as content, null::timestamp as inf_time where false"
    con.execute(f"create view fact.message as {' union all '.join(sources or [nothing])}")
    ledger.identity(con)
    con.execute(
        "create table dropped as select m.seq, m.msgid, m.inf_time, d.reason from fact.message m "
        "join (select seq, reason from fact_dropped) d on d.seq = m.seq"
    )


def _write_month(
    con: duckdb.DuckDBPyConnection,
    new: Path,
    table: str,
    month: str,
    paths: list[Path],
    rows: int,
    offset: int,
) -> Iterator[Part]:
    """Write a table's rows of a month, those of a person together, cut into buckets where they are many."""
    columns = ", ".join(name for name in fact_schemas()[table].names if name != "seq")
    source = (
        f"select (s.seq + {offset})::ubigint as seq, {columns} from read_parquet({_list(paths)}) s "
        f"anti join fact_dropped d on d.seq = s.seq + {offset}"
    )
    name = f"part-{offset:012}.parquet"
    if rows < ROWS_TO_CUT or "psn_no" not in fact_schemas()[table].names:
        yield from _write_part(
            con, new, Part.folder(table, month, None), name, f"{source} {_order(table)}", table
        )
        return
    bucket = f"(case when psn_no is not null then {BUCKET_SQL} end)::tinyint as bucket"
    con.execute(
        f"create temp table month_rows as select {bucket}, * from ({source}) {_order(table, 'bucket')}"
    )
    for number in (None, *range(BUCKETS)):
        which = "is null" if number is None else f"= {number}"
        query = f"select * exclude (bucket) from month_rows where bucket {which}"
        yield from _write_part(con, new, Part.folder(table, month, number), name, query, table)
    con.execute("drop table month_rows")


def _order(table: str, *before: str) -> str:
    known = fact_schemas()[table].names
    return f"order by {', '.join([*before, *(c for c in ('psn_no', 'inf_time', 'seq', 'row_no') if c in known)])}"


def _write_part(
    con: duckdb.DuckDBPyConnection, new: Path, folder: str, name: str, query: str, table: str
) -> Iterator[Part]:
    (new / folder).mkdir(parents=True, exist_ok=True)
    target = new / folder / name
    row = con.execute(
        f"copy ({query}) to '{_quoted(target)}' (format parquet, compression zstd, row_group_size {_ROWS_A_GROUP}, "
        f"kv_metadata {{fundwatch_table: '{table}', fundwatch_schema: '{schema_hash()}'}})"
    ).fetchone()
    rows = int(row[0]) if row else 0
    if rows:
        yield Part(f"{folder}/{name}", rows)
    else:
        target.unlink()


def _rewrite(
    con: duckdb.DuckDBPyConnection, lake: Path, new: Path, parts: dict[str, list[Part]], offset: int
) -> None:
    """Write again, without the messages that lost against new ones, the files of the lake that hold some."""
    months = {
        f"{year:04}-{month:02}"
        for year, month in con.execute(
            f"select distinct year(inf_time), month(inf_time) from dropped where seq < {offset}"
        ).fetchall()
    }
    for table, some in parts.items():
        for part in [part for part in some if part.month in months]:
            source = f"read_parquet('{_quoted(lake / part.path)}')"
            if not _number(con, f"select count(*) from {source} semi join fact_dropped using (seq)"):
                continue
            some.remove(part)
            folder, _, name = part.path.rpartition("/")
            query = f"select * from {source} anti join fact_dropped using (seq) {_order(table)}"
            some.extend(
                _write_part(
                    con, new, folder, f"{name.removesuffix('.parquet')}-{offset:012}.parquet", query, table
                )
            )


def _lost(con: duckdb.DuckDBPyConnection, offset: int) -> list[dict[str, Any]]:
    """Rejects of messages of the lake that lost against a smaller (inf_time, content) of the new logs."""
    sentence = "Another message with the same msgid and other content comes before it in the order (inf_time, content)."
    rows = con.execute(
        f"select msgid, inf_time::varchar, to_json(d)::varchar from dropped d where seq < {offset} order by seq"
    ).fetchall()
    records = []
    for msgid, inf_time, raw in rows:
        reject = Reject.of(
            raw.encode(), source="lake", line=0, reason_code="msgid_conflict", sentence=sentence, msgid=msgid
        )
        records.append({**reject_record(reject), "inf_time": inf_time})
    return records


def _with_time(
    con: duckdb.DuckDBPyConnection, offset: int, records: Iterable[dict[str, Any]], log: LogInput
) -> Iterator[dict[str, Any]]:
    """The conflict rejects, each with its inf_time, by which a reader leaves out what came later."""
    rows = con.execute(
        f"select seq - {offset}, inf_time::varchar from dropped where reason = 'conflict' and seq >= {offset}"
    ).fetchall()
    times: dict[tuple[str, int], str] = {}
    for seq, inf_time in rows:
        place = log.summary.place(seq)
        times[Path(place.source).name, place.line] = inf_time
    for record in records:
        yield {**record, "inf_time": times[record["source"], record["line"]]}


def _write_dropped(con: duckdb.DuckDBPyConnection, new: Path, offset: int) -> list[str]:
    if not _number(con, "select count(*) from dropped"):
        return []
    path = f"{DROPPED}/part-{offset:012}.parquet"
    (new / DROPPED).mkdir()
    con.execute(
        f"copy (from dropped order by seq) to '{_quoted(new / path)}' (format parquet, compression zstd)"
    )
    return [path]


def _add_rejects(lake: Path, kept: int, records: Iterable[dict[str, Any]]) -> int:
    """Write rejects behind those that count; what an interrupted build left there is cut off."""
    path = lake / REJECTS
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(kept)
        file.seek(kept)
        for record in records:
            file.write(msgspec.json.encode(record) + b"\n")
        return file.tell()


def _take_over(lake: Path, before: Manifest, new: Path, after: Manifest) -> None:
    """Move the new files into the lake and then, at once, make them count."""
    if is_lake(lake) and Manifest.read(lake) != before:
        raise Refused(f"{lake} was changed by another build meanwhile: add these logs again.")
    old = {part.path for parts in before.parts.values() for part in parts} | set(before.dropped)
    now = {part.path for parts in after.parts.values() for part in parts} | set(after.dropped)
    if new != lake:
        for path in sorted(now - old):
            (lake / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).replace(lake / path)
    after.write(lake)
    for path in old - now:
        (lake / path).unlink(missing_ok=True)


def _together(before: Mapping[str, Any], counts: LogCounts) -> dict[str, Any]:
    """The counts of decoding of all logs so far; which of their facts are copies is told by `dropped`."""
    now = counts.described()
    if not before:
        return {name: now[name] for name in ("read", "by_kind", "not_facts", "rejected", "rejected_rows")}
    return {
        "read": before["read"] + now["read"],
        **{
            name: dict(sorted((Counter(before[name]) + Counter(now[name])).items()))
            for name in ("by_kind", "not_facts", "rejected", "rejected_rows")
        },
    }


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _list(paths: Iterable[Path | str]) -> str:
    return "[" + ", ".join(f"'{_quoted(path)}'" for path in paths) + "]"


def _quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")
