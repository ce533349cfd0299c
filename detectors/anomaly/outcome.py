"""Observed over expected: what model 1 says of single stays, added up by institution, practitioner and month.

Of every stay that model 1 could judge, the logarithm of observed over expected cost, days and items. The mean over a subject's
stays is an indicator as any other; one is what others do with the same patients (out of fold: nobody sets their own standard).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import indicators
from detectors.anomaly.indicators import Indicator
from detectors.anomaly.model import Features

#: Whose scores it rests on, and the features that tell where and when a stay was.
MODEL, UNIT = "model.expectation", "stay"

_NAMES = {
    "cost": ("费用与模型预计之比", "cost over what the model expects"),
    "days": ("住院日与模型预计之比", "days over what the model expects"),
    "items": ("明细条数与模型预计之比", "fee lines over what the model expects"),
}

#: The indicators, by the target of model 1.
INDICATORS: tuple[Indicator, ...] = tuple(
    Indicator(
        f"{target}_ratio", "mean", f"{target} n", f"{target} x", 1, 5, meaning, english, "ln ratio", False
    )
    for target, (meaning, english) in _NAMES.items()
)

_SUBJECT = {"institution": "fixmedins_code", "practitioner": "atddr_no"}


def there(features: Features) -> bool:
    """Whether model 1 has spoken."""
    return MODEL in features and UNIT in features


def parts(kind: str, features: Features) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Subject, month and the numbers of every stay that was judged: one entry a stay and target."""
    scores = features[MODEL].filter(pc.is_valid(features[MODEL]["score"]))
    drivers = scores["drivers"].combine_chunks()
    flat = drivers.flatten()
    ids = scores["subject"].combine_chunks().take(pc.list_parent_indices(drivers))
    stays = features[UNIT]
    at = pc.index_in(ids, value_set=stays["mdtrt_id"].combine_chunks())
    of_stay = stays.select([_SUBJECT[kind], "month"]).take(at)
    observed, expected = (
        np.asarray(
            pc.fill_null(pc.struct_field(flat, name), np.nan).to_numpy(zero_copy_only=False), dtype=float
        )
        for name in ("observed", "expected")
    )
    subject, month = indicators.texts(of_stay[_SUBJECT[kind]]), indicators.months(of_stay["month"])
    name = np.array(pc.struct_field(flat, "indicator").to_pylist(), dtype=str)
    good = (subject != "") & (month != "") & (observed > 0) & (expected > 0)
    ratio = np.log(np.where(good, observed, 1.0) / np.where(good, expected, 1.0))[good]
    found: dict[str, np.ndarray] = {}
    for target in _NAMES:
        mine = (name[good] == target).astype(float)
        found[f"x {target}_ratio"] = ratio * mine
        found[f"n {target}_ratio"] = mine
    return subject[good], month[good], found


def closed(features: Features, end: pa.Scalar) -> dict[str, pa.Table]:
    """Stays of closed months only, with what model 1 says of them."""
    stays = features[UNIT].filter(pc.less(features[UNIT]["month"], end))
    scores = features[MODEL]
    return {
        UNIT: stays,
        MODEL: scores.filter(pc.is_in(scores["subject"], value_set=stays["mdtrt_id"].combine_chunks())),
    }
