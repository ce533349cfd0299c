"""The build steps as data: which statement fills which table, from which others."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rules.schema import ledger_columns

STEPS = Path(__file__).parent / "steps"

_TABLE = re.compile(r"\b(fact|kept|step|main)\.([a-z_]+)\b(?!\()")
_TARGET = re.compile(r"^(?:insert into|create or replace view) (\S+)", re.MULTILINE)
_GATE = re.compile(r"^-- only with (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"--.*$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One `insert into <target>`, or a view. Names carry their schema: `fact.`, `step.` (work tables), `main.` (ledger)."""

    file: str
    sql: str
    target: str
    reads: frozenset[str]
    #: The statement inserts nothing unless one of these tables has rows. Empty: it always runs.
    only_with: tuple[str, ...]
    #: The target is a view over facts, created once, empty or not.
    is_view: bool
    #: Not needed where every msgid is known to stand once.
    unless_unique: bool

    def copies_apart(self) -> str:
        """The statement over facts without the dropped copies (the views `kept.…`)."""
        return re.sub(r"\bfact\.", "kept.", self.sql)


@cache
def statements() -> tuple[Statement, ...]:
    """All statements, in the order in which they run: by file name, then by place."""
    found = []
    for path in sorted(STEPS.glob("*.sql")):
        if path.stem == "000_tables":
            continue
        for text in re.split(r";\s*\n", path.read_text(encoding="utf-8")):
            sql = _COMMENT.sub("", text).strip()
            if sql:
                found.append(_statement(path.name, text, sql))
    return tuple(found)


def _statement(file: str, text: str, sql: str) -> Statement:
    target = _TARGET.search(sql)
    if target is None:
        raise ValueError(f"{file}: a step must begin with `insert into <table>` or `create or replace view <table>`: {sql[:60]!r}")
    gate = _GATE.search(text)
    reads = {f"{'fact' if schema == 'kept' else schema}.{name}" for schema, name in _TABLE.findall(sql[target.end() :])}
    return Statement(
        file=file,
        sql=sql,
        target=target[1],
        reads=frozenset(reads),
        only_with=tuple(gate[1].split(", ")) if gate else (),
        is_view=sql.startswith("create"),
        unless_unique="-- unless unique" in text,
    )


@cache
def plan(tables: frozenset[str] | None) -> tuple[Statement, ...]:
    """The statements that fill these ledger tables (None: all) and what they depend on, in order.

    Raises ValueError for a name that is no ledger table.
    """
    known = frozenset(ledger_columns())
    wanted = known if tables is None else tables
    if unknown := sorted(wanted - known):
        raise ValueError(f"not a ledger table: {', '.join(unknown)}; the tables are those of rules/ledger.sql")
    needed = {"main.fact_dropped"} | {f"main.{name}" for name in wanted}
    chosen = []
    for statement in reversed(statements()):
        if statement.target in needed:
            chosen.append(statement)
            needed |= statement.reads
    return tuple(reversed(chosen))


def fact_tables(tables: Collection[str] | None = None) -> frozenset[str]:
    """The fact tables (without schema) that these ledger tables are built from; None: all ledger tables."""
    chosen = plan(None if tables is None else frozenset(tables))
    return frozenset(name.removeprefix("fact.") for s in chosen for name in s.reads if name.startswith("fact."))
