"""Staged rows of a source become typed rows of ledger tables: key, types, time, identity.

Works on temporary tables of the import's database, one source at a time: `keyed` (rows with msgid), `made_<n>` (typed
rows of an entry), `dated` (inf_time), `copy` (rows that another row of their msgid displaces), `taken` (the others).
What is wrong with a row goes to `rejected`.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from rules.schema import ledger_columns
from streams.imports.mapping import REQUIRED, Entry, Source, Value, numbered
from streams.imports.read import identifier, literal
from streams.imports.values import Typed, condition, typed

#: Columns that do not say when something was seen: births, and ends that may lie far ahead.
_NO_BUSINESS_TIME = ("brdy", "cert_brdy", "enddate", "valid_from", "valid_until", "bed_until")


def key_rows(con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str]) -> None:
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
class Made:
    """The typed rows of one entry: the temporary table that holds them and its columns that are ledger columns."""

    table: str
    columns: tuple[str, ...]


def make(
    con: duckdb.DuckDBPyConnection, entry: Entry, source: Source, names: MappingOf[str, str], number: int
) -> Made:
    """Type the rows of one entry into a temporary table, and what could not be typed into the rejects."""
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
    return Made(table, columns)


def _wrong(entry: Entry, column: str, value: Value, one: Typed) -> str:
    wrong = one.wrong or "null::varchar"
    if column not in REQUIRED[entry.table] and not value.required:
        return wrong
    origin = f" (column {', '.join(value.columns)})" if value.columns else ""
    missing = literal(f"{column} is missing{origin}")
    return f"coalesce({wrong}, case when {one.sql} is null then {missing} end)"


def date_rows(
    con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str], made: Sequence[Made]
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


def _business_times(con: duckdb.DuckDBPyConnection, made: Made) -> list[str]:
    described = con.execute(f"describe {made.table}").fetchall()
    return [
        f"{name}::timestamp"
        for name, kind, *_ in described
        if name in made.columns and kind in ("TIMESTAMP", "DATE") and name not in _NO_BUSINESS_TIME
    ]


def identify(con: duckdb.DuckDBPyConnection, source: Source, names: MappingOf[str, str]) -> None:
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


def insert(con: duckdb.DuckDBPyConnection, entry: Entry, source: Source, made: Made) -> None:
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
