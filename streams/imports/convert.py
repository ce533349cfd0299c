"""The import itself: staged rows become ledger rows, each source row whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from detectors import engine
from rules.schema import LEDGER_SQL
from streams.imports import complete, rows
from streams.imports.mapping import Mapping, Source
from streams.imports.read import Broken, Export, assign, literal, stage
from streams.imports.values import condition, register
from streams.inputs import reject_record
from streams.ledger_files import LEDGER, REJECTS, write_ledger
from streams.run import written_whole
from streams.wire.reject import Reject

#: Told where the import stands: the stage, how much of it is done, and how much there is.
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SourceCount:
    """What became of a source's rows: read = imported + filtered + duplicates + rejected.

    Filtered: left out by `where`, or turned into no ledger row.
    """

    source: str
    read: int
    imported: int
    filtered: int
    duplicates: int
    rejected: int


@dataclass(frozen=True)
class Report:
    """What an import did. `tables`: ledger rows by table; `rejects` as written to the ledger's rejects.jsonl."""

    sources: tuple[SourceCount, ...]
    tables: MappingOf[str, int]
    rejects: int


def import_tables(
    mapping: Mapping,
    tables: Sequence[Path],
    out: Path,
    key: bytes,
    *,
    replace: bool = False,
    on_progress: OnProgress = lambda *_: None,
) -> Report:
    """Turn exported files into a ledger folder. `key`: the site's key for hashes. Raises `Refused`."""
    exports = assign(mapping, tables)
    with (
        written_whole(out, replace=replace, marker=LEDGER) as folder,
        tempfile.TemporaryDirectory(prefix=".import-", dir=folder) as work,
    ):
        con = engine.connect(workspace=Path(work))
        con.execute(
            "set preserve_insertion_order = true; set enable_progress_bar = true; set enable_progress_bar_print = false"
        )
        con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
        con.execute(
            "create table rejected (source varchar, file_no integer, line bigint, code varchar, sentence varchar)"
        )
        con.execute("create table incomplete_visit (mdtrt_id varchar)")
        register(con, key)
        present = [
            source for source in mapping.sources.values() if any(one.source == source for one in exports)
        ]
        broken = _stage_all(con, mapping, exports, present, Path(work), on_progress)
        described = [_described(con, number, export, broken) for number, export in enumerate(exports)]
        counts = []
        for number, source in enumerate(present):
            on_progress(f"converting {source.name}", number, len(present))
            bad_lines = sum(1 for n, _ in broken if exports[n].source == source)
            counts.append(_convert(con, mapping, source, bad_lines))
        on_progress("completing", 0, 1)
        complete.complete(con)
        rejects = _write_rejects(con, mapping, exports, broken, folder / REJECTS)
        on_progress("writing", 0, 1)
        made_by = {
            "program": f"fundwatch {version('fundwatch')}",
            "mapping": mapping.name,
            "mapping_sha256": mapping.sha256,
            "rows": [asdict(count) for count in counts],
        }
        entries = [entry for entry in mapping.entries if mapping.sources[entry.source] in present]
        written = write_ledger(
            con, folder, provided=complete.provided(entries, mapping), sources=described, made_by=made_by
        )
        con.close()
        on_progress("writing", 1, 1)
    return Report(tuple(counts), written.tables, rejects)


def _stage_all(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    exports: Sequence[Export],
    present: Sequence[Source],
    work: Path,
    on_progress: OnProgress,
) -> list[tuple[int, Broken]]:
    for source in present:
        names = _stage_names(mapping, source)
        columns = "".join(f", {name} varchar" for name in names.values())
        con.execute(f"create table stage_{source.name} (file_no integer, line bigint{columns})")
    total = sum(export.size for export in exports)
    read = 0
    broken: list[tuple[int, Broken]] = []
    for number, export in enumerate(exports):
        label = f"reading {export.path.name}"
        on_progress(label, read, total)

        def on_share(share: float, label: str = label, before: int = read, size: int = export.size) -> None:
            on_progress(label, before + int(share * size), total)

        names = _stage_names(mapping, export.source)
        broken.extend((number, one) for one in stage(con, export, number, names, mapping, work, on_share))
        read += export.size
        on_progress(label, read, total)
    return broken


def _stage_names(mapping: Mapping, source: Source) -> dict[str, str]:
    return {column: f"c{number}" for number, column in enumerate(mapping.columns_of(source.name))}


def _convert(con: duckdb.DuckDBPyConnection, mapping: Mapping, source: Source, bad_lines: int) -> SourceCount:
    names = _stage_names(mapping, source)
    stage_table = f"stage_{source.name}"
    read = _count(con, f"from {stage_table}")
    if source.where:
        kept = " and ".join(condition(one, names) for one in source.where)
        con.execute(f"delete from {stage_table} where not ({kept})")
    rows.key_rows(con, source, names)
    entries = [entry for entry in mapping.entries if entry.source == source.name]
    made = [rows.make(con, entry, source, names, number) for number, entry in enumerate(entries)]
    rows.date_rows(con, source, names, made)
    rows.identify(con, source, names)
    for entry, one in zip(entries, made, strict=True):
        rows.insert(con, entry, source, one)
        if "mdtrt_id" in entry.columns and entry.table != "visit":
            con.execute(
                f"insert into incomplete_visit select distinct mdtrt_id from {one.table} m "
                f"semi join rejected r on r.source = {literal(source.name)} and r.file_no = m.file_no and r.line = m.line "
                "where mdtrt_id is not null"
            )
    imported = _count(con, "from taken")
    duplicates = _count(con, "from copy where not conflict")
    rejected = _count(
        con, f"from (select distinct file_no, line from rejected where source = {literal(source.name)})"
    )
    for table in (*(one.table for one in made), "keyed", "dated", "copy", "taken"):
        con.execute(f"drop table {table}")
    filtered = read - imported - duplicates - rejected
    return SourceCount(source.name, read + bad_lines, imported, filtered, duplicates, rejected + bad_lines)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(f"select count(*) {query}").fetchone()
    return int(row[0]) if row else 0


def _write_rejects(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    exports: Sequence[Export],
    broken: Sequence[tuple[int, Broken]],
    target: Path,
) -> int:
    """One line a rejected row, by file and line. `raw` is the row as the mapping reads it, as JSON."""
    rejects = []
    for number, one in broken:
        file = exports[number].path.name
        reject = Reject.of(
            one.raw, source=file, line=one.line, reason_code="bad_shape", sentence=one.sentence
        )
        rejects.append((number, one.line, reject))
    for source in {export.source.name: export.source for export in exports}.values():
        row = ", ".join(
            f"{literal(column)}: s.{name}" for column, name in _stage_names(mapping, source).items()
        )
        found = con.execute(
            f"""
            with one as (
                select file_no, line, arg_min(code, sentence) as code, string_agg(distinct sentence, '; ' order by sentence) as sentence
                from rejected where source = {literal(source.name)} group by all
            )
            select one.file_no, one.line, one.code, one.sentence, to_json({{{row}}})
            from one join stage_{source.name} s on s.file_no = one.file_no and s.line = one.line
            """
        ).fetchall()
        for number, line, code, sentence, raw in found:
            file = exports[number].path.name
            reject = Reject.of(
                raw.encode(), source=file, line=line, reason_code=code, sentence=sentence + "."
            )
            rejects.append((number, line, reject))
    rejects.sort(key=lambda one: one[:2])
    with target.open("wb") as out:
        for _, _, reject in rejects:
            out.write(msgspec.json.encode(reject_record(reject)) + b"\n")
    return len(rejects)


def _described(
    con: duckdb.DuckDBPyConnection, number: int, export: Export, broken: Sequence[tuple[int, Broken]]
) -> dict[str, Any]:
    count = _count(con, f"from stage_{export.source.name} where file_no = {number}")
    count += sum(1 for file_no, _ in broken if file_no == number)
    return {
        "source": export.source.name,
        "file": export.path.name,
        "bytes": export.size,
        "sha256": export.sha256,
        "rows": count,
    }
