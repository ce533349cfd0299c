"""Feature tables of an invented town: honest institutions of very different size, and those that are told to misbehave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.anomaly import featurefile

MONTHS = tuple(date(2026, month, 1) for month in range(1, 7))

#: Diagnoses, and how often a stay with one is short.
STRATA = {"inpatient|J18|60|0": 0.08, "inpatient|I10|60|0": 0.20, "inpatient|K80|15|1": 0.02}


def table(unit: str, rows: list[dict[str, Any]]) -> pa.Table:
    """A feature table with zeros (rates and values: NULL) where a row says nothing."""
    columns = featurefile.load()[unit].columns
    kinds = {"date": pa.date32(), "code": pa.string(), "list": pa.list_(pa.string()), "boolean": pa.bool_()}
    arrays = {}
    for name in featurefile.load()[unit].names:
        column = columns.get(name)
        if column is None:  # a key that the header does not explain
            arrays[name] = pa.array([row[name] for row in rows], pa.string())
            continue
        kind = pa.date32() if name in ("month", "day") else kinds.get(column.unit, pa.float64())
        missing = None if column.role in ("rate", "value", "context") else 0.0
        if kind == pa.string() and column.role == "key":
            missing = ""
        arrays[name] = pa.array([row.get(name, missing) for row in rows], kind)
    return pa.table(arrays)


def town(
    seed: int, institutions: int = 60, *, misbehaving: Mapping[int, float] | None = None, spread: float = 0.25
) -> dict[str, pa.Table]:
    """Six months. Sizes are log-normal; everybody's rate of short stays differs honestly by `spread` (log odds);
    `misbehaving`: number of an institution → share of its stays that are made short.
    """
    dice = np.random.default_rng(seed)
    mix: list[dict[str, Any]] = []
    months: list[dict[str, Any]] = []
    for number in range(institutions):
        code = f"H{number:03d}"
        size = float(np.exp(dice.normal(3.2, 1.0)))
        if number in (misbehaving or {}):
            size = 25.0  # an ordinary one
        own = dice.normal(0, spread)
        cost = dice.normal(0, 0.05)
        for month in MONTHS:
            total = 0
            for stratum, rate in STRATA.items():
                n = int(dice.poisson(size / len(STRATA)))
                if not n:
                    continue
                odds = np.log(rate / (1 - rate)) + own
                short = int(dice.binomial(n, 1 / (1 + np.exp(-odds))))
                short += int(dice.binomial(n - short, (misbehaving or {}).get(number, 0.0)))
                costs = dice.normal(8 + cost, 0.5, n)
                days = dice.normal(2, 0.4, n)
                total += n
                mix.append(
                    {
                        "fixmedins_code": code, "dr_code": "", "month": month, "stratum": stratum, "cases": n,
                        "costed": n, "cost_log": costs.sum(), "cost_log_sq": (costs**2).sum(),
                        "stayed": n, "days_log": days.sum(), "days_log_sq": (days**2).sum(), "short_stays": short,
                        "admitted": n, "readmitted": dice.binomial(n, 0.03), "elective": n,
                        "off_days": dice.binomial(n, 0.27),
                    }
                )  # fmt: skip
            months.append(
                {
                    "fixmedins_code": code,
                    "month": month,
                    "visits": total,
                    "stays": total,
                    "level": "6",
                    "kind": "1",
                }
            )
    shown = [
        {
            "subject_type": "institution",
            "subject": row["fixmedins_code"],
            "month": row["month"],
            "short_share": ["M1"],
        }
        for row in months
    ]
    return {
        "case_mix": table("case_mix", mix),
        "institution_month": table("institution_month", months),
        "practitioner_month": table("practitioner_month", []),
        "shown": table("shown", shown),
    }
