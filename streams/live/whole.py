"""A whole lake, or some persons of it, as a ledger that rules can run on."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from detectors import engine
from detectors import facts as fact_tables
from detectors.evaluate import prepare
from detectors.watermark import LATENESS, watermark
from streams.judging import fill
from streams.lake import Lake
from streams.live.rules import Judging


class BrokenOffError(Exception):
    """Somebody asked for what was under way to be broken off."""


class Breaker:
    """By which one thread breaks off what another has a database do."""

    def __init__(self) -> None:
        self._con: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._asked = False

    def break_off(self) -> None:
        """Break off. To be called again until it is over: between two statements there is nothing to interrupt."""
        self._asked = True
        with self._lock:
            if self._con is not None:
                self._con.interrupt()

    def check(self, *_: object) -> None:
        """Raise `BrokenOffError` where it was asked for; to be called between statements."""
        if self._asked:
            raise BrokenOffError

    @contextmanager
    def over(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """For as long as the block lasts, this connection is what is interrupted."""
        self._con = con
        try:
            self.check()
            yield
        except duckdb.InterruptException as error:
            raise BrokenOffError from error
        finally:
            with self._lock:
                self._con = None


@dataclass(frozen=True)
class Means:
    """What a lake is judged with. `workspace`: folder for what does not fit in memory, default the system's.
    `memory_limit` as DuckDB writes it; `threads`: default all cores."""

    lateness: timedelta = LATENESS
    memory_limit: str = engine.MEMORY_LIMIT
    threads: int | None = None
    workspace: Path | None = None
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True)
class Whole:
    """A prepared ledger, and how far event time has come in the lake."""

    con: duckdb.DuckDBPyConnection
    watermark: datetime | None


@contextmanager
def ledger_of(
    lake: Lake,
    judging: Judging,
    means: Means,
    *,
    persons: Collection[str] | None = None,
    tables: Collection[str] = (),
) -> Iterator[Whole]:
    """What these rules read of the lake, and `tables` of the ledger besides. `persons`: only their facts and those
    that name nobody; the watermark is the lake's all the same."""
    messages = sum(part.rows for part in lake.manifest.parts.get("message", ()))
    with tempfile.TemporaryDirectory(prefix="fundwatch-", dir=means.workspace) as workspace:
        con = engine.connect(
            workspace=Path(workspace),
            memory_limit=means.memory_limit,
            threads=means.threads,
            expected_facts=messages if persons is None else 0,
        )
        try:
            with means.breaker.over(con):
                mark = fill(
                    con,
                    lake.facts(persons=persons),
                    judging.rulebook,
                    expected=messages if persons is None else 0,
                    persons=persons,
                    lateness=means.lateness,
                    memory_limit=means.memory_limit,
                    tables=tables,
                    models=judging.models,
                )
                prepare(con, judging.knowledge)
                yield Whole(con, mark if persons is None else watermark_of(lake, means))
        finally:
            con.close()


def watermark_of(lake: Lake, means: Means) -> datetime | None:
    """How far event time has come in the lake."""
    with engine.connect(threads=means.threads, memory_limit=means.memory_limit) as con:
        fact_tables.load(con, lake.facts())
        return watermark(con, means.lateness)
