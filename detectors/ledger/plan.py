"""The build steps as data: which statement fills which table, from which others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rules.schema import ledger_columns

STEPS = Path(__file__).parent / "steps"

_TABLE = re.compile(r"\b(fact|kept|step|main)\.([a-z_]+)\b(?!\()")
_TARGET = re.compile(r"^(?:insert into|create or replace view) (\S+)", re.MULTILINE)
_GATE = re.compile(r"^-- only with (.+)$", re.MULTILINE)
_COLUMNS_OF = re.compile(r"^-- columns of (.+)$", re.MULTILINE)
_FEEDS = re.compile(r"^-- feeds (.+)$", re.MULTILINE)
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
    #: The only columns ("visit.heard") for which others read the target. Empty: not said.
    feeds: frozenset[str]
    #: The target is a view over facts, created once, empty or not.
    is_view: bool
    #: Not needed where every msgid is known to stand once.
    unless_unique: bool
    #: The ledger table whose columns the target has; "" where it is another table of the steps.
    table: str
    #: Instead of filling its target it may be a view in its place: nothing is copied, and every query does the work anew.
    may_be_view: bool
    #: It may run for one slice of the visits after the other (`step.in_slice`), so that its joins fit into memory.
    in_slices: bool

    def without(self, columns: Collection[str]) -> Statement:
        """The same, but these columns of its query are not inserted (it need not have them all)."""
        if not columns:
            return self
        head, _, query = self.sql.partition(" by name\n")
        names = ", ".join(f"'{name}'" for name in sorted(columns))
        return replace(
            self, sql=f"{head} by name\nselect columns(lambda name: name not in ({names})) from (\n{query}\n)"
        )

    def as_view(self, lacks: Collection[str]) -> Statement:
        """The same as a view in the place of its target, without these columns."""
        names = [name for name in ledger_columns()[self.table] if name not in lacks] if self.table else ["*"]
        _, _, query = self.sql.partition(" by name\n")
        sql = f"create or replace view {self.target} as\nselect {', '.join(names)} from (\n{query}\n)"
        return replace(self, sql=sql, is_view=True)

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
    gate, feeds, columns_of = _GATE.search(text), _FEEDS.search(text), _COLUMNS_OF.search(text)
    own = target[1].removeprefix("main.") if target[1].startswith("main.") else ""
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
        feeds=frozenset(feeds[1].split(", ")) if feeds else frozenset(),
        is_view=sql.startswith("create"),
        table=columns_of[1] if columns_of else own,
        may_be_view="-- may be a view" in text,
        unless_unique="-- unless unique" in text,
        in_slices="-- in slices" in text,
    )


@cache
def plan(tables: frozenset[str] | None, omitted: frozenset[str] = frozenset()) -> tuple[Statement, ...]:
    """The statements that fill these ledger tables (None: all) and what they depend on, in order.

    `omitted`: columns ("visit.heard") that the tables shall not have; what only feeds those is left out, too. Raises
    ValueError for a name that is no ledger table.
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
        if statement.target in needed and not (statement.feeds and statement.feeds <= omitted):
            chosen.append(statement)
            needed |= statement.reads
    return tuple(reversed(chosen))


#: The tables that are most of a ledger. Writing them is most of its cost, and half of their columns are seldom read.
WIDE = ("diagnosis", "fee_line", "settlement", "settlement_list", "visit")

#: What is a view where facts are many: most of it is another table again. Where facts are few, it is planned once.
OF_MANY = frozenset({"step.settled_visit"})

#: What is a view where a dozen queries read few columns each: lines are not copied, but read from the facts by each.
OF_FEW_QUERIES = OF_MANY | {"main.fee_line"}

#: What a step that adds to one of them asks of the rows that are there already.
_KEY = "mdtrt_id"


def used_columns(texts: Iterable[str], tables: Collection[str] | None = None) -> dict[str, frozenset[str]]:
    """The columns of each wide table that these SQL texts name, at the most, and those that the steps read which fill
    `tables` (None: all)."""
    words = _words(texts)
    wanted = None if tables is None else frozenset(tables)
    # Without what nobody asks for, fewer steps ask for something.
    every = _chosen(words, plan(wanted))
    return _chosen(words, plan(wanted, left_out(every)))


def lacking(columns: Mapping[str, Collection[str]], steps: Iterable[Statement]) -> dict[str, frozenset[str]]:
    """What each table lacks that has the columns of a ledger table of which only some are wanted, by its full name: what is
    not wanted, and of a table of the steps (they may have several readers) what none of these steps names either."""
    unwanted = _unwanted(columns)
    found = {f"main.{table}": names for table, names in unwanted.items()}
    for step in steps:
        if step.table in unwanted and step.target not in found:
            found[step.target] = unwanted[step.table] - _asked_of(step.target, steps)
    return found


def left_out(columns: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The columns ("visit.heard") that tables lack of which only some columns are wanted."""
    return frozenset(f"{table}.{name}" for table, names in _unwanted(columns).items() for name in names)


def _unwanted(columns: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    return {table: frozenset(ledger_columns()[table].keys() - few) for table, few in columns.items()}


def _chosen(words: frozenset[str], steps: Collection[Statement]) -> dict[str, frozenset[str]]:
    return {
        table: frozenset(
            ledger_columns()[table].keys() & (words | {_KEY} | _asked_of(f"main.{table}", steps))
        )
        for table in WIDE
    }


def _asked_of(table: str, steps: Iterable[Statement]) -> frozenset[str]:
    return _words(step.sql for step in steps if table in step.reads and step.target != table)


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z_0-9]+", text))


def fact_tables(tables: Collection[str] | None = None) -> frozenset[str]:
    """The fact tables (without schema) that these ledger tables are built from; None: all ledger tables."""
    chosen = plan(None if tables is None else frozenset(tables))
    return frozenset(
        name.removeprefix("fact.") for s in chosen for name in s.reads if name.startswith("fact.")
    )
