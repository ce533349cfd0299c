"""Create the ledger's tables in a connection and fill them from its facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

import duckdb

from detectors import engine
from detectors.ledger.plan import (
    OF_MANY,
    STEPS,
    Statement,
    fact_tables,
    lacking,
    left_out,
    plan,
    statements,
)
from rules.schema import LEDGER_SQL

#: Columns by ledger table; a table that is not named has all of its columns.
Chosen = Mapping[str, Collection[str]]

_DROPPED = "main.fact_dropped"
_ALL: Chosen = {}


def build(
    con: duckdb.DuckDBPyConnection,
    *,
    tables: Collection[str] | None = None,
    unique: bool = False,
    columns: Chosen = _ALL,
    slices: int = 1,
    views: Collection[str] = OF_MANY,
) -> None:
    """Create and fill the ledger from the tables (or views) of schema `fact`.

    `tables`: fill only these ledger tables and what they depend on; the others are there, and empty or partial.
    `unique`: every msgid stands once among the facts, so that no copy needs to be looked for.
    `columns`: the only columns that these tables shall have (see `used_columns`).
    `slices`: in how many parts the largest joins are made, so that each fits into memory.
    `views`: what is not copied but read anew by each query that names it (`OF_MANY`, `OF_FEW_QUERIES`, or nothing).
    Raises ValueError for a name that is no ledger table.
    """
    create(con, tables=tables, columns=columns)
    fill(con, tables=tables, unique=unique, columns=columns, slices=slices, views=views)


def create(
    con: duckdb.DuckDBPyConnection, *, tables: Collection[str] | None = None, columns: Chosen = _ALL
) -> None:
    """Create the empty tables of the ledger (main), the work tables (step), the views of kept facts (kept), and in their
    place the views that `fill` with the same `tables` and `columns` rests on."""
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute((STEPS / "000_tables.sql").read_text(encoding="utf-8"))
    con.execute("create schema kept")
    for name in sorted(fact_tables()):
        con.execute(f"create view kept.{name} as from fact.{name} anti join {_DROPPED} using (seq)")
    steps = _planned(tables, columns)
    for table, names in lacking(columns, steps).items():
        for name in sorted(names):
            con.execute(f"alter table {table} drop column if exists {name}")
    for statement in steps:
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


def fill(
    con: duckdb.DuckDBPyConnection,
    *,
    tables: Collection[str] | None = None,
    unique: bool = False,
    columns: Chosen = _ALL,
    slices: int = 1,
    views: Collection[str] = OF_MANY,
    there: Collection[str] | None = None,
    standing: Collection[str] = (),
) -> None:
    """Fill the created, empty tables, in such a way that a driver may roll that back and fill again. `there`: the fact
    tables that have rows, where that is known. `standing`: those that `fill_registries` has filled the ledger from."""
    chosen = _steps(None if tables is None else frozenset(tables), _frozen(columns), unique, frozenset(views))
    gates = {name for statement in chosen for name in statement.only_with}
    if there is None:
        filled = _with_rows(con, {name for name in gates if name.startswith("fact.")})
    else:
        filled = {f"fact.{name}" for name in there}
    stands = {f"fact.{name}" for name in standing}
    copies = False
    for statement in chosen:
        if _is_made_of(statement, stands) or (statement.only_with and filled.isdisjoint(statement.only_with)):
            continue
        if statement.is_view:
            con.execute(f"drop table {statement.target}")
        sql = statement.copies_apart() if copies else statement.sql
        if statement.in_slices and slices > 1:
            _in_slices(con, sql, slices)
        else:
            engine.execute(con, sql)
        if statement.target == _DROPPED:
            copies = bool(_with_rows(con, {_DROPPED}))
        elif statement.target in gates:
            filled |= _with_rows(con, {statement.target})


def fill_registries(
    con: duckdb.DuckDBPyConnection,
    names: Collection[str],
    *,
    tables: Collection[str],
    columns: Chosen,
) -> None:
    """Fill what of the ledger is made of these fact tables alone, whatever else there is: registries, which do not ask
    whether a message is the fact or its copy."""
    stands = {f"fact.{name}" for name in names}
    for statement in _steps(frozenset(tables), _frozen(columns), False, frozenset()):
        if _is_made_of(statement, stands):
            engine.execute(con, statement.sql)


def _is_made_of(statement: Statement, names: Collection[str]) -> bool:
    """Whether it reads these tables and no others."""
    return bool(statement.reads) and statement.reads <= set(names)


def fillings(tables: Collection[str], columns: Chosen) -> list[str]:
    """The statements that `fill` runs of few facts (no views), with copies among them and without."""
    chosen = _steps(frozenset(tables), _frozen(columns), False, frozenset())
    asked = {_DROPPED, *(name for statement in chosen for name in statement.only_with)}
    texts = [text for one in chosen for text in (one.sql, one.copies_apart())]
    return [*dict.fromkeys(texts), *(_has_rows([name]) for name in sorted(asked))]


def _planned(tables: Collection[str] | None, columns: Chosen) -> tuple[Statement, ...]:
    return plan(None if tables is None else frozenset(tables), left_out(columns))


def _frozen(columns: Chosen) -> frozenset[tuple[str, frozenset[str]]]:
    return frozenset((table, frozenset(few)) for table, few in columns.items())


@cache
def _steps(
    tables: frozenset[str] | None,
    columns: frozenset[tuple[str, frozenset[str]]],
    unique: bool,
    views: frozenset[str],
) -> tuple[Statement, ...]:
    """What `fill` runs, in order: worked out once for the many fills of a worker."""
    few = dict(columns)
    steps = _planned(tables, few)
    without = lacking(few, steps)
    chosen = []
    for step in steps:
        lacks = without.get(step.target, frozenset())
        if step.is_view or (unique and step.unless_unique):
            continue
        is_view = step.may_be_view and step.target in views
        chosen.append(step.as_view(lacks) if is_view else step.without(lacks))
    return tuple(chosen)


def _in_slices(con: duckdb.DuckDBPyConnection, sql: str, slices: int) -> None:
    macro = "create or replace macro step.in_slice(mdtrt_id) as "
    for number in range(slices):
        con.execute(f"{macro} hash(mdtrt_id) % {slices} = {number}")
        con.execute(sql)
    con.execute(f"{macro} true")


def _with_rows(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> set[str]:
    if not tables:
        return set()
    names = sorted(tables)
    row = engine.execute(con, _has_rows(names)).fetchone()
    return {name for name, there in zip(names, row or (), strict=True) if there}


def _has_rows(names: Sequence[str]) -> str:
    return "select " + ", ".join(f"exists(from {name})" for name in names)
