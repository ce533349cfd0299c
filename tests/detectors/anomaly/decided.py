"""Alerts and what invented reviewers decided of them: institutions and rules differ in how often they are confirmed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from detectors.anomaly.alertfeatures import ALERTS, DECISIONS

FIRST = date(2025, 9, 1)


def reviewed(count: int = 900, seed: int = 1, days: int = 240) -> tuple[pa.Table, pa.Table]:
    """The tables `alerts` and `decisions`; the chance of each alert is a logistic function of its rule, place and evidence."""
    rng = np.random.default_rng(seed)
    rules, places = rng.normal(0, 1.2, 8), rng.normal(0, 1.2, 30)
    alerts, decisions = [], []
    for number in range(count):
        rule, place, evidence = int(rng.integers(8)), int(rng.integers(30)), int(rng.integers(1, 40))
        odds = rules[rule] + places[place] + 0.8 * (np.log1p(evidence) - 2.5)
        jr_id = f"{number:032x}"
        alerts.append(
            {
                "jr_id": jr_id, "rule": f"XX-{rule:02d}", "institution": f"H{place:03d}", "severity": int(rng.integers(1, 4)),
                "amount": float(rng.integers(0, 50_000)), "settled": True, "evidence": evidence, "visits": int(rng.integers(1, 5)),
                "items": int(rng.integers(0, 9)), "score": float(rng.random()) if rng.random() < 0.3 else None,
            }
        )  # fmt: skip
        day = FIRST + timedelta(days=number * days // count)
        decisions.append(
            {"jr_id": jr_id, "confirmed": bool(rng.random() < 1 / (1 + np.exp(-odds))), "day": day}
        )
    return pa.Table.from_pylist(alerts, ALERTS), pa.Table.from_pylist(decisions, DECISIONS)
