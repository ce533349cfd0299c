"""What models are trained on and score: the feature tables of event logs, a lake, or an imported ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from detectors import engine
from detectors import facts as fact_tables
from detectors.anomaly import compute, featurefile
from detectors.evaluate import needed_columns, needed_tables, prepare, provide
from detectors.ledger import OF_FEW_QUERIES, OF_MANY, build, used_columns
from detectors.watermark import LATENESS, watermark
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from rules.schema import ledger_names
from streams.errors import Refused
from streams.inputs import FactsInput, OnProgress, only, read_logs
from streams.lake import is_lake, open_lake
from streams.ledger_files import describe, is_ledger, open_ledger


@dataclass(frozen=True)
class Source:
    """Where the facts lie, and how they are read. `as_of`: what the platform saw later does not exist."""

    inputs: Sequence[str]
    key: bytes
    as_of: datetime | None = None
    memory_limit: str = engine.MEMORY_LIMIT
    threads: int | None = None
    workspace: Path | None = None


@dataclass(frozen=True)
class Opened:
    """A prepared ledger. `described`: the inputs by hash; `mark`: how far event time has come."""

    con: duckdb.DuckDBPyConnection
    described: list[dict[str, Any]]
    mark: datetime | None

    @property
    def provided(self) -> frozenset[str]:
        """What the source supplies."""
        return frozenset(name for (name,) in self.con.execute("select name from provided").fetchall())

    def rows(self, table: str) -> int:
        """Rows of a ledger table."""
        found = self.con.execute(f"select count(*) from {table}").fetchall()
        return int(found[0][0])


@contextmanager
def opened(
    source: Source,
    knowledge: Knowledge,
    on_progress: OnProgress = lambda *_: None,
    *,
    rules: Rulebook | None = None,
) -> Iterator[Opened]:
    """The ledger of a source as of its time, closed to the outside world: what the feature files read, and `rules`, if
    some shall judge it. An imported ledger has no `as_of` of its own."""
    judging = rules or Rulebook(())
    with tempfile.TemporaryDirectory(prefix="fundwatch-", dir=source.workspace) as folder:
        workspace = Path(folder)
        paths = [Path(name) for name in source.inputs]
        if any(map(is_ledger, paths)):
            path = only(source.inputs, "ledger")
            con = engine.connect(
                workspace=workspace, memory_limit=source.memory_limit, threads=source.threads
            )
            open_ledger(path, con=con)
            described = [dict(one) for one in describe(path).sources]
            mark = watermark(con, LATENESS, table="message")
        else:
            if any(map(is_lake, paths)):
                read: FactsInput = open_lake(only(source.inputs, "lake"), as_of=source.as_of)
            else:
                read = read_logs(source.inputs, workspace, source.key, None, on_progress)
            con = engine.connect(
                workspace=workspace,
                memory_limit=source.memory_limit,
                threads=source.threads,
                expected_facts=read.counts.facts,
            )
            facts = read.facts(source.as_of)
            fact_tables.load(con, facts)
            mark = watermark(con, LATENESS)
            _build(con, judging, facts.unique, engine.slices(read.counts.facts, source.memory_limit))
            on_progress("ledger", 1, 1)
            described = read.described()
        prepare(con, knowledge)
        try:
            yield Opened(con, described, mark)
        finally:
            con.close()


def _build(con: duckdb.DuckDBPyConnection, rules: Rulebook, unique: bool, slices: int) -> None:
    """Of the ledger what the feature files read, and these rules."""
    files = featurefile.load().values()
    tables = frozenset(table for one in files for table in one.tables)
    columns = used_columns([one.query for one in files], tables)
    if rules.rules:
        tables |= needed_tables(rules)
        of_rules = needed_columns(rules)
        columns = {table: columns[table] | of_rules[table] for table in columns}
    views = OF_MANY if rules.rules else OF_FEW_QUERIES
    build(con, tables=tables, unique=unique, columns=columns, slices=slices, views=views)
    provide(con, ledger_names())


def features(
    ledger: Opened, units: Sequence[str], on_progress: OnProgress = lambda *_: None
) -> Mapping[str, pa.Table]:
    """The feature tables of these units that the source can supply. Refuses where it supplies none."""
    provided = ledger.provided
    files = featurefile.load()
    found: dict[str, pa.Table] = {}
    for done, unit in enumerate(units, 1):
        if not compute.lacking(files[unit], provided):
            found[unit] = compute.table(ledger.con, files[unit])
        on_progress(f"features {unit}", done, len(units))
    if not found:
        raise Refused("the source has no visits with time and institution; no feature can be computed.")
    return found
