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
from rules.schema import LEDGER_SQL, ledger_columns
from streams.imports import complete
from streams.imports.mapping import REQUIRED, Entry, Mapping, Source, Value, numbered
from streams.imports.read import Broken, Export, assign, identifier, literal, stage
from streams.imports.values import Typed, condition, register, typed
from streams.inputs import reject_record
from streams.ledger_files import LEDGER, REJECTS, write_ledger
from streams.run import written_whole
from streams.wire.reject import Reject

#: Told where the import stands: the stage, how much of it is done, and how much there is.
OnProgress = Callable[[str, int, int], None]

#: Columns that do not say when something was seen: births, and ends that may lie far ahead.
_NO_BUSINESS_TIME = ("brdy", "cert_brdy", "enddate", "valid_from", "valid_until", "bed_until")


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
    _key(con, source, names)
    entries = [entry for entry in mapping.entries if entry.source == source.name]
    made = [_make(con, entry, source, names, number) for number, entry in enumerate(entries)]
    _date(con, source, names, made)
    _identify(con, source, names)
    for entry, one in zip(entries, made, strict=True):
        _insert(con, entry, source, one)
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


def _key(con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str]) -> None:
    """`keyed`: the stage's rows with their msgid, `<source>:<key>`; a row without a key is rejected."""
    content = ", ".join(f"coalesce({name}, '')" for name in names.values())
    if source.keyed_by_content:
        key = f"md5(concat_ws(chr(31), {content}))"
    else:
        key = " || '|' || ".join(names[column] for column in source.key)
    con.execute(
        f"create temp table keyed as select {literal(source.name + ':')} || {key} as msgid, * from stage_{source.name}"
    )
    sentence = f"the key of the row ({', '.join(source.key)}) is missing"
    con.execute(
        f"insert into rejected select {literal(source.name)}, file_no, line, 'missing_field', {literal(sentence)} "
        "from keyed where msgid is null"
    )


@dataclass(frozen=True)
class _Made:
    """The typed rows of one entry: the temporary table that holds them and its columns that are ledger columns."""

    table: str
    columns: tuple[str, ...]


def _make(
    con: duckdb.DuckDBPyConnection, entry: Entry, source: Source, names: MappingOf[str, str], number: int
) -> _Made:
    kinds = ledger_columns()[entry.table]
    columns: tuple[str, ...] = ()
    selects = []
    for n in entry.numbers():
        parts: dict[str, str] = {}
        wrongs: list[str] = []
        for column, value in entry.columns.items():
            one = typed(value, column, kinds[column], source, names, n)
            parts[column] = one.sql
            if f"{column}_is_date" in kinds and f"{column}_is_date" not in entry.columns and one.is_date:
                parts[f"{column}_is_date"] = one.is_date
            wrongs.append(_wrong(entry, column, value, one))
        columns = tuple(parts)
        where = ["msgid is not null", *(condition(one, names, n) for one in entry.where)]
        if entry.when:
            where.append(f"{identifier(names[numbered(entry.when, n)])} is not null")
        listed = ", ".join(f"{sql} as {column}" for column, sql in parts.items())
        selects.append(
            f"select msgid, file_no, line, {listed}, [{', '.join(wrongs)}] as wrong "
            f"from keyed where {' and '.join(where)}"
        )
    table = f"made_{number}"
    con.execute(f"create temp table {table} as {' union all '.join(selects)}")
    con.execute(
        f"""
        insert into rejected
        with told as (
            select file_no, line, list_filter(wrong, lambda w: w is not null) as sentences from {table}
        )
        select distinct {literal(source.name)}, file_no, line,
            if(contains(sentence, ' is missing'), 'missing_field', 'bad_value'), sentence
        from (select file_no, line, unnest(sentences) as sentence from told where len(sentences) > 0)
        """
    )
    if {"begntime", "dscg_time"} <= set(columns):
        con.execute(
            f"insert into rejected select {literal(source.name)}, file_no, line, 'bad_value', "
            "'dscg_time: ' || dscg_time || ' lies before begntime ' || begntime "
            f"from {table} where dscg_time < begntime"
        )
    return _Made(table, columns)


def _wrong(entry: Entry, column: str, value: Value, one: Typed) -> str:
    wrong = one.wrong or "null::varchar"
    if column not in REQUIRED[entry.table] and not value.required:
        return wrong
    origin = f" (column {', '.join(value.columns)})" if value.columns else ""
    missing = literal(f"{column} is missing{origin}")
    return f"coalesce({wrong}, case when {one.sql} is null then {missing} end)"


def _date(
    con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str], made: Sequence[_Made]
) -> None:
    """`dated`: inf_time and institution of each row; the time as the mapping says, else the latest business time of
    what the row became."""
    selects = []
    for one in made:
        times = [] if source.inf_time else _business_times(con, one)
        time = f"greatest({', '.join(times)})" if times else "null::timestamp"
        institution = "fixmedins_code" if "fixmedins_code" in one.columns else "null::varchar"
        selects.append(
            f"select file_no, line, {time} as inf_time, {institution} as fixmedins_code from {one.table}"
        )
    con.execute(
        "create temp table dated as select file_no, line, max(inf_time) as inf_time, "
        f"min(fixmedins_code) as fixmedins_code from ({' union all '.join(selects)}) group by all"
    )
    if source.inf_time:
        said = typed(source.inf_time, "inf_time", "TIMESTAMP", source, names, 0)
        con.execute(
            f"insert into rejected select {literal(source.name)}, file_no, line, 'bad_value', wrong "
            f"from (select file_no, line, {said.wrong} as wrong from keyed) where wrong is not null"
        )
        con.execute(
            "create or replace temp table dated as select k.file_no, k.line, "
            f"{said.sql} as inf_time, d.fixmedins_code from keyed k join dated d on d.file_no = k.file_no and d.line = k.line"
        )


def _business_times(con: duckdb.DuckDBPyConnection, made: _Made) -> list[str]:
    described = con.execute(f"describe {made.table}").fetchall()
    return [
        f"{name}::timestamp"
        for name, kind, *_ in described
        if name in made.columns and kind in ("TIMESTAMP", "DATE") and name not in _NO_BUSINESS_TIME
    ]


def _identify(con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str]) -> None:
    """`copy`: rows whose msgid another row holds (the smallest inf_time, sha-256 of the content); `taken`: the others
    that are not rejected."""
    content = ", ".join(f"coalesce(k.{name}, chr(30))" for name in names.values())
    con.execute(
        f"""
        create temp table copy as
        with repeated as (select msgid from keyed group by msgid having count(*) > 1),
        candidate as (
            select k.msgid, k.file_no, k.line, d.inf_time, sha256(concat_ws(chr(31), {content})) as content
            from keyed k semi join repeated using (msgid)
            join dated d on d.file_no = k.file_no and d.line = k.line
            anti join rejected r on r.source = {literal(source.name)} and r.file_no = k.file_no and r.line = k.line
        ),
        ranked as (
            select *, row_number() over w as place, first_value(content) over w as held
            from candidate
            window w as (partition by msgid order by inf_time, content, file_no, line)
        )
        select file_no, line, msgid, content <> held as conflict from ranked where place > 1
        """
    )
    con.execute(
        f"insert into rejected select {literal(source.name)}, file_no, line, 'msgid_conflict', "
        "'another row says otherwise under the same key ' || msgid from copy where conflict"
    )
    con.execute(
        f"""
        create temp table taken as
        select k.file_no, k.line, k.msgid, d.inf_time, d.fixmedins_code
        from keyed k join dated d on d.file_no = k.file_no and d.line = k.line
        anti join copy c on c.file_no = k.file_no and c.line = k.line
        anti join rejected r on r.source = {literal(source.name)} and r.file_no = k.file_no and r.line = k.line
        """
    )
    con.execute(
        f"insert into message select msgid, inf_time, {literal(source.name)}, fixmedins_code from taken"
    )


def _insert(con: duckdb.DuckDBPyConnection, entry: Entry, source: Source, made: _Made) -> None:
    """The entry's rows into the ledger. What the mapping does not give is NULL, not the column's default, save for
    flags (which say that something is known) and lists."""
    parts: dict[str, str] = {}
    for column, kind in ledger_columns()[entry.table].items():
        if column in made.columns:
            parts[column] = f"m.{column}"
        elif column == "msgid" or column == "adm_msgid":
            parts[column] = "t.msgid"
        elif column == "dscg_msgid":
            parts[column] = (
                "case when m.dscg_time is not null then t.msgid end"
                if "dscg_time" in made.columns
                else "null"
            )
        elif column == "msgids":
            parts[column] = "[t.msgid]"
        elif column == "inpatient":
            parts[column] = "m.kind = 'inpatient'"
        elif column == "inf_time" or (column == "upload_time" and source.inf_time):
            parts[column] = "t.inf_time"
        elif kind != "BOOLEAN" and not kind.endswith("[]") and column not in ("valid_from", "valid_until"):
            parts[column] = "null"
    con.execute(
        f"insert into {entry.table} ({', '.join(parts)}) select {', '.join(parts.values())} "
        f"from {made.table} m join taken t on t.file_no = m.file_no and t.line = m.line"
    )


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
        rows = con.execute(
            f"""
            with one as (
                select file_no, line, arg_min(code, sentence) as code, string_agg(distinct sentence, '; ' order by sentence) as sentence
                from rejected where source = {literal(source.name)} group by all
            )
            select one.file_no, one.line, one.code, one.sentence, to_json({{{row}}})
            from one join stage_{source.name} s on s.file_no = one.file_no and s.line = one.line
            """
        ).fetchall()
        for number, line, code, sentence, raw in rows:
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
    rows = _count(con, f"from stage_{export.source.name} where file_no = {number}")
    rows += sum(1 for file_no, _ in broken if file_no == number)
    return {
        "source": export.source.name,
        "file": export.path.name,
        "bytes": export.size,
        "sha256": export.sha256,
        "rows": rows,
    }
