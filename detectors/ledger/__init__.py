"""Facts become the ledger: what is true, in the tables of `rules/ledger.sql`.

Set operations only, one SQL file a concern (`steps/`), run by `build`. Each statement fills one table; what it
depends on is what it reads.
"""

from __future__ import annotations

from detectors.ledger.builder import build, create, fill, fill_registries, fillings, identity
from detectors.ledger.plan import OF_FEW_QUERIES, OF_MANY, fact_tables, used_columns

__all__ = [
    "OF_FEW_QUERIES",
    "OF_MANY",
    "build",
    "create",
    "fact_tables",
    "fill",
    "fill_registries",
    "fillings",
    "identity",
    "used_columns",
]
