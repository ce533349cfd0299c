"""One rule under the linter: parsed, and with an empty ledger to try it on."""

from __future__ import annotations

from functools import cache, cached_property

import duckdb
import sqlglot

from rules.casefile import Case, read_cases
from rules.knowledge import Knowledge
from rules.rulebook import Rule
from rules.schema import LEDGER_SQL, MACROS_SQL, MODELS_SQL
from rules.sqltree import SqlTree


class Subject:
    """A rule, its tree, its cases and the knowledge it may join with.

    Raises ValueError, with a sentence, where the SQL is not one SELECT.
    """

    def __init__(self, rule: Rule, known: Knowledge) -> None:
        self.rule, self.known = rule, known
        self.con = empty_ledger(known.batch, known)
        try:
            statements = self.con.extract_statements(rule.query)
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0]) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
            raise ValueError(f"the file holds {kinds}")
        try:
            self.tree = SqlTree(rule)
        except sqlglot.errors.SqlglotError as error:
            raise ValueError(str(error).splitlines()[0]) from error

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The rule's cases. Raises `SourceError`."""
        return read_cases(self.rule)

    @cached_property
    def result(self) -> dict[str, str]:
        """Columns of the result and their SQL types. Raises `duckdb.Error` where the query is refused."""
        values = {name: value for name, value in self.rule.param_values().items() if name in self.rule.used}
        query = f"select * from ({self.rule.query}\n) where false"
        described = self.con.execute(query, values).description or []
        return {column[0]: str(column[1]) for column in described}

    def types(self, select: str) -> list[str]:
        """SQL types of the columns of a select in place of the rule's final one. Raises `duckdb.Error`."""
        query = f"{self.tree.preamble}\nselect * from ({select}) where false"
        values = {name: value for name, value in self.rule.param_values().items() if f"${name}" in query}
        return [str(column[1]) for column in self.con.execute(query, values).description or []]


@cache
def _ledgers() -> dict[str, duckdb.DuckDBPyConnection]:
    return {}


def empty_ledger(batch: str, known: Knowledge) -> duckdb.DuckDBPyConnection:
    """An empty ledger with macros and knowledge tables, one for each knowledge batch."""
    ledgers = _ledgers()
    if batch not in ledgers:
        con = duckdb.connect()
        con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
        con.execute(MACROS_SQL.read_text(encoding="utf-8"))
        con.execute(MODELS_SQL.read_text(encoding="utf-8"))
        con.execute("create table provided (name varchar)")
        con.execute("create schema knowledge")
        for name, table in known.tables.items():
            con.register("given", table)
            con.execute(f"create table knowledge.{name} as select * from given limit 0")
            con.unregister("given")
        ledgers[batch] = con
    return ledgers[batch]
