"""A ledger in files: one Parquet file a ledger table, and `ledger.json` that says what is in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from detectors import engine
from rules.schema import LEDGER_SQL, ledger_columns, ledger_names
from streams.errors import Refused

#: Version of the folder's layout; a reader refuses another.
FORMAT = 1

LEDGER = "ledger.json"
REJECTS = "rejects.jsonl"

#: By what a table's rows are sorted in its file, where not by all columns: the same ledger gives the same bytes.
_ORDER: Mapping[str, str] = {
    "visit": "mdtrt_id, msgids",
    "fee_line": "mdtrt_id, feedetl_sn, msgid",
    "settlement": "setl_id, msgid",
    "message": "msgid",
}


@dataclass(frozen=True)
class LedgerFiles:
    """What `ledger.json` says. `tables`: rows by table; `provided`: the tables and `table.column`s that the source
    supplies; `sources`: the files it was made of; `first` and `last`: the messages' inf_time, as text or None."""

    folder: Path
    tables: Mapping[str, int]
    provided: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    made_by: Mapping[str, Any]
    first: str | None
    last: str | None


def write_ledger(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    provided: Collection[str],
    sources: Collection[Mapping[str, Any]] = (),
    made_by: Mapping[str, Any] | None = None,
) -> LedgerFiles:
    """Write the ledger tables of a connection that have rows into an existing empty folder.

    `provided`: names as `rules.schema.ledger_names()`; `sources`: what to state of each file read; `made_by`: of
    the program and mapping. Raises ValueError for a name that no ledger has.
    """
    if unknown := sorted(set(provided) - ledger_names()):
        raise ValueError(f"provided names that the ledger does not have: {', '.join(unknown)}")
    tables: dict[str, int] = {}
    for table in ledger_columns():
        row = con.execute(f"select count(*) from main.{table}").fetchone()
        if not row or not row[0]:
            continue
        tables[table] = row[0]
        order = _ORDER.get(table, "all")
        target = str(folder / f"{table}.parquet").replace("'", "''")
        con.execute(
            f"copy (select * from main.{table} order by {order}) to '{target}' "
            "(format parquet, compression zstd, row_group_size 262144)"
        )
    span = con.execute("select min(inf_time)::varchar, max(inf_time)::varchar from main.message").fetchone()
    first, last = span or (None, None)
    described = {
        "format": FORMAT,
        "made_by": dict(made_by or {}),
        "tables": tables,
        "provided": sorted(provided),
        "sources": [dict(source) for source in sources],
        "first": first,
        "last": last,
    }
    (folder / LEDGER).write_text(json.dumps(described, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return describe(folder)


def is_ledger(path: Path) -> bool:
    """Whether a folder holds a ledger."""
    return (path / LEDGER).is_file()


def describe(path: Path) -> LedgerFiles:
    """What a ledger folder says of itself. Raises `Refused` where it is none, or of another version."""
    try:
        facts = json.loads((path / LEDGER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(
            f"{path} is no ledger: it has no {LEDGER}. Make one with fundwatch import … --out."
        ) from None
    except ValueError:
        raise Refused(f"{path / LEDGER} is damaged: import the tables again.") from None
    if facts.get("format") != FORMAT:
        raise Refused(
            f"{path} has ledger format {facts.get('format')}; this fundwatch reads {FORMAT}. Import again."
        )
    return LedgerFiles(
        folder=path,
        tables=facts["tables"],
        provided=tuple(facts["provided"]),
        sources=tuple(facts["sources"]),
        made_by=facts["made_by"],
        first=facts["first"],
        last=facts["last"],
    )


def open_ledger(
    path: Path,
    *,
    workspace: Path | None = None,
    memory_limit: str = engine.MEMORY_LIMIT,
    threads: int | None = None,
    con: duckdb.DuckDBPyConnection | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database with the ledger's tables filled, and `provided(name)`.

    Tables that the folder does not have are empty; columns it does not have hold their default. The arguments are
    those of `detectors.engine.connect`; `con`: an empty database of it to fill instead. Raises `Refused`.
    """
    ledger = describe(path)
    con = con or engine.connect(workspace=workspace, memory_limit=memory_limit, threads=threads)
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    for table, rows in ledger.tables.items():
        if table not in ledger_columns():
            raise Refused(f"{path} has the table {table}, which this fundwatch does not know. Import again.")
        source = str(path / f"{table}.parquet").replace("'", "''")
        try:
            con.execute(f"insert into main.{table} by name select * from read_parquet('{source}')")
            found = con.execute(f"select count(*) from main.{table}").fetchone()
        except duckdb.Error as error:
            raise Refused(f"{path / table}.parquet cannot be read: {str(error).splitlines()[0]}") from error
        if not found or found[0] != rows:
            raise Refused(
                f"{path / table}.parquet does not have the {rows} rows that {LEDGER} names. Import again."
            )
    con.execute(
        "create table provided as select unnest($names::varchar[]) as name", {"names": list(ledger.provided)}
    )
    return con
