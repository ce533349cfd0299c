"""A subject's rows in a rule's steps: which rows are its own, how many there are, which conditions they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from rules.rulebook import Rule
from rules.sqltext import parameters
from rules.sqltree import DIALECT, Condition, SqlTree

__all__ = ["Condition", "Ledger", "Trail", "Tried"]

#: Type of subject → the column that holds its id in the ledger.
_OWN_COLUMN = MappingProxyType(
    {
        "person": "psn_no",
        "visit": "mdtrt_id",
        "institution": "fixmedins_code",
        "practitioner": "dr_codg",
        "trace_code": "drug_trac_codg",
        "bed": "bed",
        "operator": "opter",
        "owner": "acct_owner_psn_no",
    }
)

#: Columns by which rows are the subject's, the narrowest first.
_TIES = ("feedetl_sn", "setl_id", "mdtrt_id", "psn_no", "fixmedins_code")

#: Rows looked at before a condition is counted as met by none.
_AT_MOST = 10_000


@dataclass(frozen=True)
class Tried:
    """One row of the subject: which conditions it meets, and the values in each."""

    held: tuple[bool, ...]
    values: tuple[Mapping[str, Any], ...]


class Ledger:
    """A prepared ledger, asked with a rule's steps and parameters."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, rule: Rule, params: Mapping[str, Any] | None = None
    ) -> None:
        self.con, self.rule = con, rule
        self._columns: dict[str, list[str]] = {}
        self.tree = SqlTree(rule)
        self._bound: dict[str, Any] = {**rule.values(params)}
        if rule.lookback is not None:
            self._bound["lookback"] = rule.lookback
        self.texts = {name: param.text(self._bound[name]) for name, param in rule.params.items()}
        if rule.lookback is not None:
            self.texts["lookback"] = f"{rule.lookback.days} d"

    def ask(self, select: str, **more: Any) -> duckdb.DuckDBPyConnection:
        """Run a select that may name the rule's steps and parameters. Raises `duckdb.Error`."""
        query = f"{self.tree.preamble}\n{select}"
        values = {**self._bound, **more}
        return self.con.execute(query, {name: values[name] for name in parameters(query) if name in values})

    def columns(self, source: str) -> list[str]:
        """Names of the columns of a select; none where it cannot stand alone."""
        if source not in self._columns:
            try:
                described = self.ask(f"select * from ({source}) where false").description or []
            except duckdb.Error:
                described = []
            self._columns[source] = [column[0] for column in described]
        return self._columns[source]


class Trail:
    """One subject in one ledger."""

    def __init__(self, ledger: Ledger, subject: str) -> None:
        self.ledger, self.subject = ledger, subject
        self._rows: dict[str, int | None] = {}

    @cached_property
    def ties(self) -> Mapping[str, list[str]]:
        """Column → the values that make a row the subject's, the narrowest column first."""
        kind, column = self.ledger.rule.subject
        own = _OWN_COLUMN.get(kind, column)
        ties: dict[str, list[str]] = {column: [self.subject], own: [self.subject]}
        if own in ("mdtrt_id", "psn_no"):
            visits = self.ledger.con.execute(
                f"select mdtrt_id, psn_no, fixmedins_code from visit where {own} = ?", [self.subject]
            ).fetchall()
            settlements = self.ledger.con.execute(
                f"select setl_id from settlement where {own} = ?", [self.subject]
            ).fetchall()
            derived = {
                "setl_id": {row[0] for row in settlements},
                "mdtrt_id": {row[0] for row in visits},
                "psn_no": {row[1] for row in visits},
            }
            if own == "mdtrt_id":
                derived["fixmedins_code"] = {row[2] for row in visits}
            for name, values in derived.items():
                ties.setdefault(name, sorted(value for value in values if value))
        renamed = _renamed(self.ledger.tree, {column, own})
        ties |= {name: [self.subject] for name in renamed if name not in ties}
        order = (column, own, *renamed, *_TIES)
        return {name: ties[name] for name in order if name in ties}

    def tie(self, columns: Sequence[str]) -> str | None:
        """The column of a source by which its rows are the subject's; None: they cannot be told."""
        return next((name for name in self.ties if name in columns), None)

    def ties_to(self, source: str) -> bool:
        """Whether the rows of a select tell whose they are."""
        return self.tie(self.ledger.columns(source)) is not None

    def count(self, source: str, condition: str = "true") -> int:
        """How many rows of a select are the subject's and meet a condition."""
        column = self.tie(self.ledger.columns(source))
        if column is None:
            return 0
        row = self.ledger.ask(
            f"select count(*) from ({source}) where list_contains($ties, {column}::varchar) and ({condition})",
            ties=self.ties[column],
        ).fetchone()
        return int(row[0]) if row else 0

    def rows_of(self, step: str) -> int | None:
        """How many rows of a step are the subject's; None where they do not tell."""
        if step not in self._rows:
            source = f"select * from {step}"
            self._rows[step] = self.count(source) if self.ties_to(source) else None
        return self._rows[step]

    def restriction(self, tables: Sequence[exp.Expr], select: exp.Select) -> str | None:
        """The condition that a row of joined tables is the subject's; None where no table tells.

        Where the select returns the subject's column from one of the tables, that column; else the narrowest.
        """
        names = {table.alias_or_name for table in tables}
        for item in select.expressions:
            made_of = item.this if isinstance(item, exp.Alias) else item
            own = item.alias_or_name == next(iter(self.ties)) and isinstance(made_of, exp.Column)
            if own and (made_of.table in names or (not made_of.table and len(tables) == 1)):
                return f"list_contains($ties_{item.alias_or_name}, {made_of.sql(DIALECT)}::varchar)"
        ranks = {name: rank for rank, name in enumerate(self.ties)}
        ties = []
        for table in tables:
            column = self.tie(self.ledger.columns(_as_source(table)))
            if column is not None:
                ties.append((ranks[column], f"{table.alias_or_name}.{column}", column))
        if not ties:
            return None
        _, name, column = min(ties, key=lambda tie: tie[0])
        return f"list_contains($ties_{column}, {name}::varchar)"

    def has(self, source: str, restriction: str) -> bool:
        """Whether a FROM with its joins has a row of the subject."""
        query = f"select exists (select 1 {source} where {restriction})"
        try:
            row = self.ledger.ask(query, **self._ties_of(restriction)).fetchone()
        except duckdb.Error:
            return True  # a lateral source that needs what stands before it
        return bool(row and row[0])

    def try_conditions(
        self,
        source: str,
        restriction: str,
        conditions: Sequence[Condition],
        *,
        where: str = "",
        group: str = "",
        window: str = "",
    ) -> list[Tried]:
        """The subject's rows of a source (grouped rows, where there is a group), each condition tried by itself."""
        if not restriction:
            column = self.tie(self.ledger.columns(f"select * {source}"))
            if column is None:
                return []
            restriction = f"list_contains($ties_{column}, {column}::varchar)"
        shown = [_names_in(condition.text) for condition in conditions]
        if group:
            shown = [_aggregates_in(condition.text) for condition in conditions]
        items = [f"coalesce(({condition.text}), false)" for condition in conditions]
        items += [name for names in shown for name in names]
        filters = f"{where} and {restriction}" if where else f"where {restriction}"
        query = f"select {', '.join(items)} {source} {filters} {group} {window}"
        try:
            rows = self.ledger.ask(query, **self._ties_of(restriction)).fetchmany(_AT_MOST)
        except duckdb.Error:
            return []  # a condition that cannot stand alone: it names an alias of its own select
        tried = []
        for row in rows:
            values: list[Mapping[str, Any]] = []
            position = len(conditions)
            for condition, names in zip(conditions, shown, strict=True):
                named = dict(zip(names, row[position : position + len(names)], strict=True))
                position += len(names)
                bound = {f"${name}": self.ledger.texts[name] for name in sorted(parameters(condition.text))}
                values.append({**named, **bound})
            tried.append(Tried(tuple(bool(one) for one in row[: len(conditions)]), tuple(values)))
        return tried

    def _ties_of(self, restriction: str) -> dict[str, list[str]]:
        return {name: self.ties[name.removeprefix("ties_")] for name in parameters(restriction)}


def _renamed(tree: SqlTree, names: set[str]) -> list[str]:
    """Under what other names the steps of a rule carry some columns."""
    found: list[str] = []
    for step in tree.steps:
        for item in step.tree.find_all(exp.Alias):
            if isinstance(item.this, exp.Column) and item.this.name in {*names, *found} - set(_TIES):
                found.append(item.alias)
    return list(dict.fromkeys(found))


def _as_source(table: exp.Expr) -> str:
    """A select of all rows of a joined table; empty for one that belongs to nobody: knowledge, a function."""
    if isinstance(table, exp.Table) and table.name and not table.db:
        return f"select * from {table.name}"
    if isinstance(table, exp.Subquery) and table.alias:
        return str(table.this.sql(DIALECT, comments=False))
    return "select 1"


def _names_in(condition: str) -> list[str]:
    """Columns of a condition as written; of a subquery inside it those that it takes from outside."""
    tree = sqlglot.parse_one(condition, dialect=DIALECT)
    inner: set[int] = set()
    for query in tree.find_all(exp.Query):
        own = {table.alias_or_name for table in query.find_all(exp.Table)}
        inner |= {id(one) for one in query.find_all(exp.Column) if not one.table or one.table in own}
    return list(dict.fromkeys(one.sql(DIALECT) for one in tree.find_all(exp.Column) if id(one) not in inner))


def _aggregates_in(condition: str) -> list[str]:
    """Aggregates of a condition on groups; of windows the whole."""
    tree = sqlglot.parse_one(condition, dialect=DIALECT)
    windows = list(tree.find_all(exp.Window))
    aggregates = list(tree.find_all(exp.AggFunc))
    return list(dict.fromkeys(one.sql(DIALECT) for one in (windows or aggregates)))
