"""Feature tables: what a feature file says of a ledger.

A file needs no clock: features as of T are those of the ledger that is built of the facts known by T.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from detectors.anomaly import featurefile
from detectors.anomaly.featurefile import FeatureFile
from detectors.anomaly.model import Features
from detectors.errors import RuleError


def table(con: duckdb.DuckDBPyConnection, feature: FeatureFile) -> pa.Table:
    """The feature table of a prepared ledger, sorted by its key, one row a key.

    The tables that it rests on stay in the connection for the next that does: the ledger must not change meanwhile. What
    the source lacks comes out NULL. Raises `RuleError` where the file breaks its contract.
    """
    order = ", ".join(feature.key)
    try:
        _make_what_it_rests_on(con, feature)
        query = f"select * from (\n{feature.query}\n) order by {order}"
        found: pa.Table = con.sql(query, params=feature.bound or None).to_arrow_table()
    except duckdb.Error as error:
        raise RuleError(f"{feature.path}: {error}") from error
    if absent := sorted(set(feature.names) - set(found.column_names)):
        raise RuleError(f"{feature.path}: the result lacks {', '.join(absent)}; select them")
    if extra := sorted(set(found.column_names) - set(feature.names)):
        raise RuleError(f"{feature.path}: the header does not say what {', '.join(extra)} means")
    return found.select(list(feature.names))


def lacking(feature: FeatureFile, provided: Iterable[str]) -> tuple[str, ...]:
    """What the file needs and the source does not supply; then it cannot be computed."""
    given = frozenset(provided)
    own = set(feature.needs) - given
    return tuple(sorted(own.union(*(lacking(one, given) for one in feature.rests_on))))


def _make_what_it_rests_on(con: duckdb.DuckDBPyConnection, feature: FeatureFile) -> None:
    for one in feature.rests_on:
        _make_what_it_rests_on(con, one)
        con.execute(f"create temp table if not exists {one.unit} as {one.query}")


def ordered(features: Features) -> dict[str, pa.Table]:
    """The feature tables, each sorted by its key: sums of floats depend on their order, and no score may."""
    files = featurefile.load()
    return {
        unit: table.sort_by([(name, "ascending") for name in files[unit].key]) if unit in files else table
        for unit, table in features.items()
    }
