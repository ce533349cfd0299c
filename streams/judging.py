"""A ledger filled from facts at once: what replay, sweep and repair have in common."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import duckdb

from detectors import engine
from detectors import facts as fact_tables
from detectors.anomaly.model import ModelSet
from detectors.evaluate import build
from detectors.facts import Facts
from detectors.watermark import LATENESS, watermark
from rules.rulebook import Rulebook


def fill(
    con: duckdb.DuckDBPyConnection,
    facts: Facts,
    rulebook: Rulebook,
    *,
    expected: int,
    persons: Collection[str] | None = None,
    lateness: timedelta = LATENESS,
    memory_limit: str = engine.MEMORY_LIMIT,
    tables: Collection[str] = (),
    models: ModelSet | None = None,
) -> datetime | None:
    """Build in an empty database what these rules and their models read of the facts, and `tables` of the ledger besides.

    `expected`: messages among the facts, about. `persons`: rows of others are left out. Returns the watermark of the
    facts that are there.
    """
    fact_tables.load(con, facts, persons)
    mark = watermark(con, lateness)
    slices = engine.slices(expected, memory_limit)
    build(con, rulebook, models, unique=facts.unique, tables=tables, slices=slices)
    return mark
