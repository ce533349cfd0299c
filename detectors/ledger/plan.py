"""The build steps as data: which statement fills which table, from which others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
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
    #: It may run for one slice of the visits after the other (`step.in_slice`), so that its joins fit into memory.
    in_slices: bool

    @property
    def table(self) -> str:
        """The ledger table that it fills; "" for another."""
        return self.target.removeprefix("main.") if self.target.startswith("main.") else ""

    def of_columns(self, columns: Collection[str]) -> Statement:
        """The same, but only these columns of its query are inserted (it need not have them all)."""
        head, _, query = self.sql.partition(" by name\n")
        chosen = ", ".join(f"'{name}'" for name in sorted(columns))
        return replace(
            self, sql=f"{head} by name\nselect columns(lambda name: name in ({chosen})) from (\n{query}\n)"
        )

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
        raise ValueError(
            f"{file}: a step must begin with `insert into <table>` or `create or replace view <table>`: {sql[:60]!r}"
        )
    gate = _GATE.search(text)
    reads = {
        f"{'fact' if schema == 'kept' else schema}.{name}"
        for schema, name in _TABLE.findall(sql[target.end() :])
    }
    return Statement(
        file=file,
        sql=sql,
        target=target[1],
        reads=frozenset(reads),
        only_with=tuple(gate[1].split(", ")) if gate else (),
        is_view=sql.startswith("create"),
        unless_unique="-- unless unique" in text,
        in_slices="-- in slices" in text,
    )


@cache
def plan(tables: frozenset[str] | None) -> tuple[Statement, ...]:
    """The statements that fill these ledger tables (None: all) and what they depend on, in order.

    Raises ValueError for a name that is no ledger table.
    """
    known = frozenset(ledger_columns())
    wanted = known if tables is None else tables
    if unknown := sorted(wanted - known):
        raise ValueError(
            f"not a ledger table: {', '.join(unknown)}; the tables are those of rules/ledger.sql"
        )
    needed = {"main.fact_dropped"} | {f"main.{name}" for name in wanted}
    chosen = []
    for statement in reversed(statements()):
        if statement.target in needed:
            chosen.append(statement)
            needed |= statement.reads
    return tuple(reversed(chosen))


#: The tables that are most of a ledger. Writing them is most of its cost, and half of their columns are seldom read.
WIDE = ("fee_line", "settlement", "visit")

#: What a step that adds to one of them asks of the rows that are there already.
_KEY = "mdtrt_id"


def used_columns(texts: Iterable[str]) -> dict[str, frozenset[str]]:
    """The columns of each wide table that these SQL texts name, at the most, and those that the steps read."""
    words = _words(texts)
    return {
        table: frozenset(ledger_columns()[table].keys() & (words | _read_by_steps(table))) for table in WIDE
    }


@cache
def _read_by_steps(table: str) -> frozenset[str]:
    name = f"main.{table}"
    return _words(s.sql for s in statements() if name in s.reads and s.target != name) | {_KEY}


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z_0-9]+", text))


def fact_tables(tables: Collection[str] | None = None) -> frozenset[str]:
    """The fact tables (without schema) that these ledger tables are built from; None: all ledger tables."""
    chosen = plan(None if tables is None else frozenset(tables))
    return frozenset(
        name.removeprefix("fact.") for s in chosen for name in s.reads if name.startswith("fact.")
    )
