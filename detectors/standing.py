"""The kernel kept ready: one database whose tables stand, filled and emptied again for every small set of facts.

To make the tables anew costs more than to judge a batch. An evaluation is a transaction that is rolled back, so
nothing of one set of facts is there for the next, and the plans of the statements stay valid. Registries, which are the
same from one evaluation to the next, stay where they are: a catalogue of 100,000 items takes longer than a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import duckdb
import pyarrow as pa

from detectors import engine, evidence, ledger, settle
from detectors import facts as fact_tables
from detectors.anomaly.model import ModelSet
from detectors.evaluate import (
    PROVIDED,
    OnStep,
    Params,
    Result,
    judge,
    needed_columns,
    needed_tables,
    prepare,
    provide,
)
from detectors.facts import Facts, fact_schemas
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from rules.schema import ledger_names

#: `seq` of the messages of registries that stand begins here, beyond whatever a source gives.
_FIRST_SEQ = 1 << 62


@dataclass(frozen=True)
class Registries:
    """Fact tables of which a ledger table is made without any other, and `message` with the messages that brought them.
    `key`: equal where they are the same, 0 where there are none."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    key: int = 0


_NONE = Registries()


@dataclass(frozen=True)
class Judged:
    """What `evaluate` says of a set of facts, and the database that still holds them."""

    result: Result
    con: duckdb.DuckDBPyConnection


class StandingKernel:
    """`evaluate` for many small sets of facts, one after the other. Not to be used by two threads at once."""

    def __init__(
        self,
        rulebook: Rulebook,
        knowledge: Knowledge,
        params: Params | None = None,
        models: ModelSet | None = None,
        *,
        threads: int | None = None,
        memory_limit: str = engine.MEMORY_LIMIT,
    ) -> None:
        self.rulebook = rulebook
        self.knowledge = knowledge
        self.params = params or {}
        self.models = models
        self._columns = needed_columns(rulebook, models)
        self._tables = needed_tables(rulebook, models)
        self.reads = ledger.fact_tables(self._tables)
        """The fact tables that these rules and their models can see anything of."""
        self._con = engine.connect(threads=threads, memory_limit=memory_limit, few_facts=True)
        fact_tables.load(self._con, Facts())
        ledger.create(self._con, tables=self._tables, columns=self._columns)
        provide(self._con, ledger_names())
        self._plan(knowledge)
        self._key = _NONE.key
        self._standing: list[str] = []

    @contextmanager
    def judged(
        self,
        tables: Mapping[str, pa.Table],
        watermark: datetime | None,
        on_step: OnStep = lambda _: None,
        registries: Registries = _NONE,
    ) -> Iterator[Judged]:
        """Judge these facts. They and their ledger are there for as long as the block lasts. `registries`: what comes to
        them and is kept for the next evaluation."""
        con = self._con
        if registries.key != self._key:
            self._stand(registries)
        engine.execute(con, "begin")
        try:
            there = self._there(tables)
            for name in there:
                self._take(name, tables[name])
            on_step("load")
            ledger.fill(
                con,
                tables=self._tables,
                columns=self._columns,
                views=(),
                there=there + self._standing,
                standing=self._standing,
            )
            on_step("ledger")
            result = judge(
                con,
                self.rulebook,
                self.knowledge,
                watermark,
                models=self.models,
                params=self.params,
                covered=False,
                on_step=on_step,
            )
            yield Judged(result, con)
        finally:
            engine.execute(con, "rollback")

    def close(self) -> None:
        """Let the database go."""
        self._con.close()

    def _plan(self, knowledge: Knowledge) -> None:
        """Plan once what every evaluation runs."""
        schemas = {_given(name): fact_schemas()[name] for name in self.reads}
        engine.stand(self._con, {**schemas, **settle.GIVEN, **evidence.GIVEN})
        names = sorted(self.reads)
        statements = [
            *map(_insert, names),
            *ledger.fillings(self._tables, self._columns),
            PROVIDED,
            *(rule.text(self.params.get(rule.code)) for rule in self.rulebook.rules),
            *settle.QUERIES,
            *evidence.queries(names),
        ]
        prepare(self._con, knowledge, statements)

    def _there(self, tables: Mapping[str, pa.Table]) -> list[str]:
        """The tables with rows that the rules can see anything of."""
        return [name for name, table in tables.items() if table.num_rows and name in self.reads]

    def _stand(self, registries: Registries) -> None:
        """Have these registries in the place of those that stood."""
        con = self._con
        tables, _ = fact_tables.renumbered(registries.tables, _FIRST_SEQ)
        there = self._there(tables)
        names = [name for name in there if name != "message"]
        con.execute("begin")
        try:
            con.execute("delete from fact.message")
            for name in self._standing:
                con.execute(f"delete from fact.{name}")
                con.execute(f"delete from main.{name}")
            for name in there:
                self._take(name, tables[name])
            ledger.fill_registries(con, names, tables=self._tables, columns=self._columns)
        except BaseException:
            con.execute("rollback")
            raise
        con.execute("commit")
        con.execute("checkpoint")  # without it the rows that were deleted would take memory for good
        self._key, self._standing = registries.key, names

    def _take(self, name: str, table: pa.Table) -> None:
        with engine.given(self._con, _given(name), table):
            engine.execute(self._con, _insert(name))


def _given(name: str) -> str:
    """Under which name the rows of a fact table are given."""
    return f"given_fact_{name}"


@cache
def _insert(name: str) -> str:
    return f"insert into fact.{name} select {', '.join(fact_schemas()[name].names)} from {_given(name)}"
