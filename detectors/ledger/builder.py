"""Create the ledger's tables in a connection and fill them from its facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import duckdb

from detectors.ledger.plan import STEPS, Statement, fact_tables, plan, statements
from rules.schema import LEDGER_SQL

__all__ = ["build", "create", "fact_tables", "fill", "identity"]

_DROPPED = "main.fact_dropped"


def build(con: duckdb.DuckDBPyConnection, *, tables: Collection[str] | None = None, unique: bool = False) -> None:
    """Create and fill the ledger from the tables (or views) of schema `fact`.

    `tables`: fill only these ledger tables and what they depend on; the others are there, and empty or partial.
    `unique`: every msgid stands once among the facts, so that no copy needs to be looked for.
    Raises ValueError for a name that is no ledger table.
    """
    create(con)
    fill(con, tables=tables, unique=unique)


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables of the ledger (main), the work tables (step) and the views of kept facts (kept)."""
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute((STEPS / "000_tables.sql").read_text(encoding="utf-8"))
    con.execute("create schema kept")
    for name in sorted(fact_tables()):
        con.execute(f"create view kept.{name} as from fact.{name} anti join {_DROPPED} using (seq)")
    for statement in statements():
        if statement.is_view:
            con.execute(f"drop table {statement.target}")
            con.execute(statement.sql)


def identity(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `fact_dropped(seq, msgid, reason)`: the copies of messages that are not the fact.

    `reason` is 'duplicate' (the same again) or 'conflict' (another content under the same msgid). Needs only
    `fact.message`; creates the table if it is not there.
    """
    con.execute(f"create table if not exists {_DROPPED} (seq ubigint, msgid varchar, reason varchar)")
    for statement in statements():
        if statement.target == _DROPPED:
            con.execute(statement.sql)


def fill(con: duckdb.DuckDBPyConnection, *, tables: Collection[str] | None = None, unique: bool = False) -> None:
    """Fill the created, empty tables: inserts only, so that a driver may roll them back and fill again."""
    chosen = [
        s
        for s in plan(None if tables is None else frozenset(tables))
        if not s.is_view and not (unique and s.unless_unique)
    ]
    filled = _with_rows(con, {name for s in chosen for name in s.only_with if name.startswith("fact.")})
    dropped = False
    for statement in chosen:
        if statement.only_with and filled.isdisjoint(statement.only_with):
            continue
        con.execute(statement.copies_apart() if dropped else statement.sql)
        if statement.target == _DROPPED:
            dropped = bool(_with_rows(con, {_DROPPED}))
        elif _gates(chosen, statement.target):
            filled |= _with_rows(con, {statement.target})


def _gates(chosen: Iterable[Statement], table: str) -> bool:
    return any(table in statement.only_with for statement in chosen)


def _with_rows(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> set[str]:
    if not tables:
        return set()
    names = sorted(tables)
    row = con.execute("select " + ", ".join(f"exists(from {name})" for name in names)).fetchone()
    return {name for name, there in zip(names, row or (), strict=True) if there}
