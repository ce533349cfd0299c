"""From comparisons to the table of scores: drivers, sentences, the cases that show it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.anomaly import explain, indicators
from detectors.anomaly.comparing import Comparison
from detectors.anomaly.model import DRIVER, SCORES, WHOLE, Features
from detectors.anomaly.shrinkage import Floats

#: Why somebody has no score.
FEW_CASES = "病例不足"
FEW_PEERS = "同类不足"

#: Cases that are shown at the most.
SHOWN = 10

#: Indicators whose cases are those of another.
_SHOWN_AS = {"cost_ratio": "cost_level", "days_ratio": "days_level", "long_share": "days_level"}

#: From this score on a row is explained; below, nobody reads it.
EXPLAINED = 0.5


def table(
    kind: str, model: str, compared: Comparison, scores: Floats, order: np.ndarray, features: Features,
    worth: float = explain.WORTH,
) -> pa.Table:  # fmt: skip
    """Scores of one subject type. `scores`: NaN where there are none; `order`: indicators by row, most telling first;
    `worth`: the deviate from which on an indicator is told in the sentence."""
    panel = compared.panel
    size = len(panel)
    tops = order[:, : explain.MOST]
    lead = order[:, 0] if order.size else np.zeros(size, dtype=int)
    rows = np.arange(size)
    scored = np.isfinite(scores)
    reasons, reasons_en = _reasons(kind, compared, scores, tops, worth)
    numbers = {
        name: pa.array(
            np.round(getattr(compared, name)[rows, lead], 6),
            mask=~(scored & np.isfinite(compared.z[rows, lead])),
        )
        for name in ("observed", "expected", "low", "high")
    }
    return pa.table(
        {
            "subject_type": pa.array([kind] * size, pa.string()),
            "subject": pa.array(panel.subject.tolist(), pa.string()),
            "period": pa.array(panel.period.tolist(), pa.string()),
            "model": pa.array([model] * size, pa.string()),
            "score": pa.array(np.round(scores, 12), mask=~scored),
            "cases": pa.array(panel.cases),
            **numbers,
            "reason": pa.array(reasons, pa.string()),
            "reason_en": pa.array(reasons_en, pa.string()),
            "not_enough": pa.array(_not_enough(compared, scored), pa.string()),
            "drivers": _drivers(compared, tops, scored),
            "shown": _shown(kind, compared, scores, lead, features),
        },
        schema=SCORES,
    )


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of scores as one, by subject type, subject and period."""
    joined = pa.concat_tables(tables) if tables else SCORES.empty_table()
    return joined.sort_by([(name, "ascending") for name in ("subject_type", "subject", "period")])


def _reasons(
    kind: str, compared: Comparison, scores: Floats, tops: np.ndarray, worth: float
) -> tuple[list[str | None], list[str | None]]:
    told: list[str | None] = [explain.NOTHING if one else None for one in np.isfinite(scores)]
    told_en: list[str | None] = [explain.NOTHING_EN if one else None for one in np.isfinite(scores)]
    whole = compared.panel.period == WHOLE
    for row in _places(np.isfinite(scores) & (whole | (np.nan_to_num(scores) >= EXPLAINED))):
        columns = [column for column in tops[row].tolist() if np.isfinite(compared.z[row, column])]
        drivers = [driver(compared, row, column) for column in columns]
        peers = max((int(compared.peers[row, column]) for column in columns), default=0)
        told[row], told_en[row] = explain.sentences(kind, drivers, peers, worth)
    return told, told_en


def _places(which: np.ndarray) -> list[int]:
    found: list[int] = np.flatnonzero(which).tolist()
    return found


def driver(compared: Comparison, row: int, column: int) -> dict[str, Any]:
    """One indicator of a row, as `DRIVER` has it."""
    return {
        "indicator": compared.indicators[column].name,
        **{
            name: round(float(getattr(compared, name)[row, column]), 6)
            for name in ("observed", "expected", "low", "high")
        },
        "cases": int(compared.cases[row, column]),
        "z": round(float(compared.z[row, column]), 3),
    }


def _not_enough(compared: Comparison, scored: np.ndarray) -> list[str | None]:
    panel = compared.panel
    enough = np.zeros(len(panel), dtype=bool)
    for one in compared.indicators:
        enough |= panel.n[one.name] >= one.few
    return [
        None if one else (FEW_PEERS if there else FEW_CASES)
        for one, there in zip(scored, enough, strict=True)
    ]


def _drivers(compared: Comparison, tops: np.ndarray, scored: np.ndarray) -> pa.ListArray:
    """The drivers of every row that has a score."""
    z = np.take_along_axis(compared.z, tops, axis=1)
    kept = np.isfinite(z) & scored[:, None]
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])

    def flat(name: str, digits: int) -> pa.Array:
        values = np.take_along_axis(getattr(compared, name), tops, axis=1)[kept]
        return pa.array(np.round(values, digits))

    names = pa.array([one.name for one in compared.indicators], pa.string())
    columns = {
        "indicator": names.take(pa.array(tops[kept])),
        **{name: flat(name, 6) for name in ("observed", "expected", "low", "high")},
        "cases": flat("cases", 0).cast(pa.int64()),
        "z": flat("z", 3),
    }
    structs = pa.StructArray.from_arrays([columns[one.name] for one in DRIVER], fields=list(DRIVER))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)


def _shown(
    kind: str, compared: Comparison, scores: Floats, lead: np.ndarray, features: Features
) -> list[list[str]]:
    """The cases that show a row's first driver best; of a whole, those of the months that show it most."""
    panel = compared.panel
    found: list[list[str]] = [[] for _ in range(len(panel))]
    if "shown" not in features:
        return found
    listed = features["shown"].filter(pa.compute.equal(features["shown"]["subject_type"], kind))
    place = {
        key: row
        for row, key in enumerate(
            zip(
                indicators.texts(listed["subject"]).tolist(),
                indicators.months(listed["month"]).tolist(),
                strict=True,
            )
        )
    }
    names = [_SHOWN_AS.get(one.name, one.name) for one in compared.indicators]
    names = [name if name in listed.column_names else "cost_level" for name in names]
    columns = {name: listed[name].combine_chunks() for name in set(names)}
    by_subject: dict[str, list[int]] = {}
    monthly = set(_places(indicators.monthly(panel.period)))
    quarter_of = indicators.quarters(np.where(indicators.monthly(panel.period), panel.period, "0000-01"))
    for row, who in enumerate(panel.subject.tolist()):
        if row in monthly:
            by_subject.setdefault(who, []).append(row)
    for row in _places(
        np.isfinite(scores) & ((np.nan_to_num(scores) >= EXPLAINED) | (panel.period == WHOLE))
    ):
        subject, column = str(panel.subject[row]), int(lead[row])
        months = [row]
        if row not in monthly:
            period = str(panel.period[row])
            months = sorted(
                (at for at in by_subject.get(subject, []) if period in (WHOLE, quarter_of[at])),
                key=lambda at: (-np.nan_to_num(compared.z[at, column], nan=-9.0), at),
            )
        for at in months:
            listed_at = place.get((subject, str(panel.period[at])))
            if listed_at is not None and len(found[row]) < SHOWN:
                found[row] += (columns[names[column]][listed_at].as_py() or [])[: SHOWN - len(found[row])]
    return found
