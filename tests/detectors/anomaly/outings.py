"""Encounters of an invented town: people who come when they come, and those who come together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from tests.detectors.anomaly.town import table

FIRST = date(2026, 1, 1)
DAYS = 180


def encounter(person: str, house: str, day: int, minute: int | None, **more: Any) -> dict[str, Any]:
    """One encounter, on a day counted from the first."""
    at = FIRST + timedelta(days=day)
    act = more.pop("act", "visited")
    return {
        "mdtrt_id": f"M{person}-{day}-{house}", "act": act, "psn_no": person, "fixmedins_code": house, "day": at,
        "month": at.replace(day=1), "minute": minute, **more,
    }  # fmt: skip


def crowd(seed: int, houses: int = 6, persons: int = 60, **more: Any) -> list[dict[str, Any]]:
    """Everybody goes to one house, a few to twelve times, when it suits them; Mondays suit many."""
    dice = np.random.default_rng(seed)
    found = []
    for house in range(houses):
        for number in range(persons):
            for day in dice.choice(DAYS, size=int(dice.integers(2, 13)), replace=False).tolist():
                moved = day - (FIRST + timedelta(days=day)).weekday() if dice.random() < 0.3 else day
                found.append(
                    encounter(
                        f"P{house}-{number:03d}",
                        f"H{house}",
                        max(0, moved),
                        int(dice.integers(480, 1020)),
                        **more,
                    )
                )
    unique = {(row["mdtrt_id"], row["act"]): row for row in found}
    return list(unique.values())


def outings(
    seed: int, people: Sequence[str], house: str, times: int, *, spread: int = 15, **more: Any
) -> list[dict[str, Any]]:
    """All of these people come within `spread` minutes of each other, on so many days."""
    dice = np.random.default_rng([seed, 99])
    found = []
    for day in sorted(dice.choice(DAYS, size=times, replace=False).tolist()):
        start = int(dice.integers(480, 980))
        found += [
            encounter(person, house, int(day), start + int(dice.integers(0, spread)), **more)
            for person in people
        ]
    return found


def features(rows: Iterable[dict[str, Any]], kin: Iterable[tuple[str, str]] = ()) -> dict[str, pa.Table]:
    """As feature tables."""
    listed = sorted(rows, key=lambda row: (row["mdtrt_id"], row["act"]))
    pairs = sorted({(min(pair), max(pair)) for pair in kin})
    return {
        "encounter": table("encounter", listed),
        "kin": table("kin", [{"psn_no": one, "member_psn_no": other} for one, other in pairs]),
    }
