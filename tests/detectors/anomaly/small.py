"""Models small enough for a test: the features of some facts, and what is trained on them in a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from detectors import engine, ledger
from detectors import facts as fact_tables
from detectors.anomaly import compute, featurefile
from detectors.anomaly.fit_expectation import Settings
from detectors.anomaly.model import ModelSet
from detectors.evaluate import prepare, provide
from detectors.facts import Facts
from rules.knowledge import Knowledge
from rules.schema import LEDGER_SQL, ledger_names
from streams.anomaly.training import fit_all
from tests.detectors.bench import insert

#: Trees that learn the coarse things.
FEW_TREES = Settings(trees=30)

#: When a world's months are closed that ends in spring 2026.
CLOSED = datetime(2026, 7, 15)  # noqa: DTZ001 platform times carry no zone


def features_of(facts: Facts, knowledge: Knowledge) -> dict[str, pa.Table]:
    """Every feature table of some facts."""
    con = engine.connect(threads=2)
    files = featurefile.load()
    fact_tables.load(con, facts)
    ledger.build(con, tables={table for one in files.values() for table in one.tables}, unique=facts.unique)
    provide(con, ledger_names())
    prepare(con, knowledge)
    return {unit: compute.table(con, one) for unit, one in files.items()}


def rows_of(unit: str, **tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A feature table of the rows of a ledger."""
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, Knowledge({}, {}, "none", {}))
    insert(con, **tables)
    found: list[dict[str, Any]] = compute.table(con, featurefile.load()[unit]).to_pylist()
    return found


def trained(features: Mapping[str, pa.Table], as_of: datetime = CLOSED, seed: int = 1) -> ModelSet:
    """A set of every model that can be trained on these features."""
    return fit_all(features, as_of, seed=seed, settings=FEW_TREES).models
