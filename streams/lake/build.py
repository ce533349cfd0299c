"""Building a lake: decode to the disk, find the copies of messages, write each table and month."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from detectors import engine
from detectors.facts import fact_schemas
from streams.decode_log import LogSummary, decode_log
from streams.inputs import LogCounts, LogInput, OnProgress, readable_again
from streams.lake.copies import FRESH, displaced, find_copies
from streams.lake.layout import DROPPED, LAKE, REJECTS, ROWS_TO_CUT, Part, is_lake
from streams.lake.manifest import Change, Manifest, counts_together
from streams.lake.parts import files_in_sql, write_dropped, write_month
from streams.lake.read import Lake, open_lake
from streams.lake.spool import MonthSpool
from streams.lake.writer import WORK, Writer, lock, settle
from streams.run import written_whole
from streams.sources import total_bytes
from streams.spool import Spool
from streams.wire import Reject


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
    if append:
        with (
            Writer(out) as writer,
            tempfile.TemporaryDirectory(prefix=WORK, dir=out) as added,
            _work(workspace or Path(added)) as work,
        ):
            report = job.run(out, writer.manifest, Path(added), work, writer)
            while writer.tidy():
                pass
            return report
    with (
        lock(out) if replace_lake and is_lake(out) else nullcontext(),
        written_whole(out, replace=replace_lake, marker=LAKE) as folder,
        _work(workspace or folder) as work,
    ):
        report = job.run(folder, Manifest(), folder, work)
    return replace(report, lake=open_lake(out))


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

    def run(
        self, lake: Path, before: Manifest, new: Path, work: Path, writer: Writer | None = None
    ) -> LakeReport:
        """Decode, tell copies apart, write new files into `new` and have them count. `writer`: of a lake that is there."""
        spool = MonthSpool(work / "decoded")
        log = self._decode(spool, work)
        first = before.next_seq
        version = before.version if writer is None else writer.next_version
        months = list(spool.months())
        con = engine.connect(workspace=work, memory_limit=self.memory_limit)
        con.execute("set preserve_insertion_order = true")
        find_copies(con, _messages(lake, before, months))
        lost = displaced(con, lake, before, new, version)
        added = list(lost.added)
        total = sum(rows for *_, rows in months)
        done = 0
        for table, month, paths, rows in months:
            self.on_progress("writing", done, total)
            columns = ", ".join(name for name in fact_schemas()[table].names if name != "seq")
            query = (
                f"select (s.seq + {first})::ubigint as seq, {columns} from {files_in_sql(paths)} s "
                f"anti join fact_dropped d on d.seq = s.seq + {FRESH}"
            )
            cut = rows >= ROWS_TO_CUT
            parts = write_month(con, new, table, month, f"part-{first:012}.parquet", query, version, cut=cut)
            added += [(table, part) for part in parts]
            done += rows
        self.on_progress("writing", total, total)
        placed = f"select if(seq < {FRESH}, seq, seq - {FRESH - first})::ubigint as seq, msgid, inf_time, reason from dropped"
        dropped = write_dropped(con, new, f"part-{first:012}.parquet", placed, version)
        added += [(DROPPED, part) for part in dropped]
        copies = con.execute(
            f"select seq - {FRESH}, reason, inf_time::varchar from dropped where seq >= {FRESH} order by seq"
        ).fetchall()
        conflicts = {seq: inf_time for seq, reason, inf_time in copies if reason == "conflict"}
        records = [*log.rejects(), *_conflicts(log, conflicts), *lost.records]
        con.close()
        change = Change(
            version=version,
            at=0,
            added=_by_table(added),
            gone=lost.gone,
            counts=counts_together(before.counts, log.counts),
            rejects_bytes=_add_rejects(lake, before.rejects_bytes, records),
        )
        after = replace(
            before.after([change]),
            next_seq=first + log.summary.lines,
            sources=(*before.sources, *log.described()),
        )
        if writer is None:
            replace(after, gone={}).write(lake)
        else:
            _move(new, lake, sorted(after.paths - before.paths))
            writer.replace(replace(after, gone=before.gone))
        return LakeReport(
            log.counts.settled(len(copies) - len(conflicts), len(conflicts), 0), Lake(lake, after)
        )

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


def _messages(
    lake: Path, before: Manifest, months: Sequence[tuple[str, str, list[Path], int]]
) -> Iterator[str]:
    """The messages of the lake and the new ones, as `find_copies` wants them."""
    old = [lake / part.path for part in before.parts.get("message", ())]
    new = [path for table, _, paths, _ in months for path in paths if table == "message"]
    if old:
        yield f"select seq, msgid, content, inf_time from {files_in_sql(old)}"
    if new:
        yield f"select (seq + {FRESH})::ubigint as seq, msgid, content, inf_time from {files_in_sql(new)}"


def _conflicts(log: LogInput, times: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """The conflict rejects, each with its inf_time, by which a reader leaves out what came later."""
    by_place = {}
    for seq, inf_time in times.items():
        place = log.summary.place(seq)
        by_place[Path(place.source).name, place.line] = inf_time
    for record in log.conflict_rejects(list(times)):
        yield {**record, "inf_time": by_place[record["source"], record["line"]]}


def _by_table(added: Iterable[tuple[str, Part]]) -> dict[str, dict[str, tuple[int, int]]]:
    files: dict[str, dict[str, tuple[int, int]]] = {}
    for table, part in sorted(added, key=lambda one: one[1].path):
        files.setdefault(table, {})[part.path] = (part.rows, part.version)
    return files


def _add_rejects(lake: Path, kept: int, records: Iterable[dict[str, Any]]) -> int:
    """Write rejects behind those that count; what an interrupted build left there is cut off."""
    path = lake / REJECTS
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(kept)
        file.seek(kept)
        for record in records:
            file.write(msgspec.json.encode(record) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _move(new: Path, lake: Path, paths: Sequence[str]) -> None:
    """Put new files into their places, on the disk."""
    for path in paths:
        (lake / path).parent.mkdir(parents=True, exist_ok=True)
        (new / path).replace(lake / path)
    settle(lake, paths)
