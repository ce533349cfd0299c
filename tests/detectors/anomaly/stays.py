"""Stays as a feature table: honest ones drawn from a known rule, and a few rows as a test wants them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from detectors import engine
from detectors.anomaly import compute, featurefile
from detectors.evaluate import prepare, provide
from rules.knowledge import Knowledge
from rules.schema import LEDGER_SQL, ledger_names

START = date(2025, 1, 1)


def schema() -> pa.Schema:
    """The schema of the feature file `stay`."""
    con = engine.connect(threads=1)
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, Knowledge({}, {}, "none", {}))
    return compute.table(con, featurefile.load()["stay"]).schema


def honest(count: int, seed: int = 0, institutions: int = 40) -> list[dict[str, Any]]:
    """Settled stays whose cost, days and lines follow from diagnosis, operation, level and age, and chance."""
    chance = np.random.default_rng(seed)
    diagnosis = chance.integers(0, 30, count)
    institution = chance.integers(0, institutions, count)
    age, operated = chance.integers(0, 95, count), chance.random(count) < 0.3
    mean = 7 + 0.8 * np.sin(diagnosis) + 0.3 * (institution % 3) + 0.005 * age + 0.7 * operated
    cost = np.exp(mean + chance.normal(0, 0.4, count))
    days = np.maximum(1, np.round(np.exp(1.8 + 0.3 * np.sin(diagnosis) + chance.normal(0, 0.3, count))))
    items = 1 + np.round(np.exp(4 + 0.5 * np.sin(diagnosis) + chance.normal(0, 0.3, count)))
    begins = chance.integers(0, 300, count)
    return [
        stay(
            f"M{n:06d}",
            fixmedins_code=f"H{institution[n]:03d}",
            begun_on=START + timedelta(days=int(begins[n])),
            cost=round(float(cost[n]), 2),
            days=int(days[n]),
            items=int(items[n]),
            diagnosis=f"{'ABC'[diagnosis[n] // 10]}{diagnosis[n]:02d}",
            operation="51" if operated[n] else None,
            operations=int(operated[n]),
            age=int(age[n]),
            level=str(institution[n] % 3),
        )
        for n in range(count)
    ]


def stay(mdtrt_id: str, **columns: Any) -> dict[str, Any]:
    """A settled stay of four days at H001; `columns`: what is different."""
    row: dict[str, Any] = {
        "mdtrt_id": mdtrt_id, "fixmedins_code": "H001", "begun_on": START, "days": 4, "cost": 1000.0, "items": 50,
        "diagnosis": "A01", "age": 60, "sex": "1", "operations": 0, "level": "1", "settled": True, "too_long": False,
        "incomplete": False, "insurance": "310", "emergency": False, "referred": False, "newborn": False,
    }  # fmt: skip
    row |= columns
    if "ended_on" not in row:
        row["ended_on"] = row["begun_on"] + timedelta(days=row["days"])
    if row["ended_on"] is not None:
        row["month"] = row["ended_on"].replace(day=1)
    return row


def table(rows: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """The rows as the features that models read."""
    return {"stay": pa.Table.from_pylist(rows, schema=schema())}
