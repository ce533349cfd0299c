"""Every kind of message there is, by name."""

from __future__ import annotations

from streams.wire import (
    clinical,
    filings,
    inpatient,
    lists,
    outpatient,
    persons,
    pharmacy,
    presence,
    registries,
    stock,
)
from streams.wire.shape import Kind

TRANSACTIONS: dict[str, Kind] = {
    kind.name: kind
    for family in (persons, pharmacy, outpatient, inpatient, filings, stock, lists, clinical, presence)
    for kind in family.KINDS
}
REGISTRIES: dict[str, Kind] = {kind.name: kind for kind in registries.KINDS}
KINDS: dict[str, Kind] = {**TRANSACTIONS, **REGISTRIES}

TRIALS = frozenset({"2101", "2206", "2303"})
"""Trial settlements: asked, answered, and nothing happened."""

WITHOUT_FACTS = (
    "1201",
    "2001",
    "2162",
    "2203A",
    "2502",
    "2504",
    "2505",
    "2506",
    "2507",
    "3101",
    "3102",
    "3201",
    "3202",
    "3512",
    "3513",
    "3592B",
    "3605",
    "3606",
    "4102",
    "4103",
    "4104",
    "4105",
    "4401",
    "4402",
    "4901",
    "5203",
    "5204",
    "5206",
    "5301",
    "5302",
    "5303",
    "9001",
    "9002",
    "9101",
    "9102",
    "9602",
    "9605",
    "100001",
)
"""Frequent transactions of which nothing is kept. Any other unknown number is treated alike, a little slower."""
