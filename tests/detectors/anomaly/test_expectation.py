"""Model 1: calibrated on the honest, blind to an institution's own standard, and silent with a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest

from detectors.anomaly import design
from detectors.anomaly.expectation import Expectation
from detectors.anomaly.fit_expectation import ExpectationFitting, Settings
from detectors.anomaly.model import ModelError
from tests.detectors.anomaly.stays import START, honest, stay, table

AS_OF = datetime.fromisoformat("2026-03-20")
FITTING = ExpectationFitting(Settings(trees=40))


@cache
def fitted() -> Expectation:
    return FITTING.fit(table(honest(4000, seed=1)), AS_OF, seed=1)


def scored(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fitted().score(table(list(rows))).to_pylist()
    return found


def test_of_honest_stays_as_many_score_high_as_the_score_says() -> None:
    found = fitted().score(table(honest(20_000, seed=2)))["score"].drop_null().to_numpy()
    assert len(found) > 19_000
    for share in (0.5, 0.2, 0.1, 0.05, 0.01):
        above = float(np.mean(found > 1 - share))
        assert above == pytest.approx(share, rel=0.25), f"{above:.4f} score above {1 - share}"
    assert np.mean(found > 0.999) < 0.003


def test_a_stay_far_outside_is_told_with_the_comparison() -> None:
    (row,) = scored(stay("M1", cost=90_000.0))
    assert row["score"] > 0.9999
    assert row["drivers"][0]["indicator"] == "cost"
    assert row["observed"] == 90_000
    assert row["low"] < row["expected"] < row["high"] < 10_000
    assert "医疗费用90,000元" in row["reason"]
    assert "90,000 CNY" in row["reason_en"]
    assert row["shown"] == ["M1"]
    assert row["period"] == "2025-01-05"


def test_what_is_cheap_and_short_is_nothing_to_look_at() -> None:
    (row,) = scored(stay("M1", cost=10.0, days=1, items=1))
    assert row["score"] < 0.1
    assert row["reason"] == "在同类病例的预期范围内"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"begun_on": START, "ended_on": None}, design.NOT_DISCHARGED),
        ({"ended_on": None, "too_long": True}, design.TOO_LONG),
        ({"settled": False, "cost": None}, design.NOT_SETTLED),
        ({"incomplete": True}, design.INCOMPLETE),
        ({"diagnosis": None}, design.NO_DIAGNOSIS),
        ({"diagnosis": "Z99"}, design.FEW_CASES),
        ({"cost": None, "days": None, "items": 0, "ended_on": START}, design.NOTHING_KNOWN),
    ],
)
def test_who_cannot_be_compared_is_told_why(columns: dict[str, Any], reason: str) -> None:
    (row,) = scored(stay("M1", **columns))
    assert (row["score"], row["not_enough"], row["reason"]) == (None, reason, None)
    assert row["drivers"] == []


def test_without_lines_or_total_the_rest_is_compared() -> None:
    whole, without = scored(stay("M1", days=40), stay("M2", days=40, items=None, cost=None))
    assert without["score"] == whole["score"]
    assert [one["indicator"] for one in without["drivers"]] == ["days"]
    assert without["observed"] == 40


def test_nobody_sets_their_own_standard() -> None:
    """An institution that charges four times as much is measured by what the others charge, however large it is."""
    rows = honest(4000, seed=3, institutions=8)
    dear = [{**row, "cost": row["cost"] * 4} if row["fixmedins_code"] == "H003" else row for row in rows]
    before, after = (FITTING.fit(table(some), AS_OF, seed=1) for some in (rows, dear))
    mine = [row for row in dear if row["fixmedins_code"] == "H003"]
    expected = [one.score(table(mine))["expected"].to_numpy() for one in (before, after)]
    fold = {
        code: number for code, number in after.institutions.items() if number == after.institutions["H003"]
    }
    assert set(fold) & {row["fixmedins_code"] for row in rows} == set(fold)
    np.testing.assert_allclose(expected[0], expected[1], rtol=0.02)
    scores = after.score(table(mine))["score"].drop_null().to_numpy()
    assert np.median(scores) > 0.99


def test_an_institution_that_was_not_trained_on_is_measured_by_one_fold() -> None:
    known, unknown = scored(stay("M1", cost=9000.0), stay("M2", cost=9000.0, fixmedins_code="H999"))
    assert unknown["score"] == pytest.approx(known["score"], abs=0.05)
    assert unknown == scored(stay("M2", cost=9000.0, fixmedins_code="H999"))[0]


def test_only_stays_of_closed_months_are_learned_of() -> None:
    rows = honest(1000, seed=1)
    early = FITTING.fit(table(rows), datetime.fromisoformat("2025-09-05"), seed=1)
    known = [row for row in rows if row["ended_on"] < START.replace(month=8)]
    assert early.meta["rows"] == len(known)
    again = FITTING.fit(table(known), datetime.fromisoformat("2025-09-05"), seed=1)
    assert again.hash == early.hash
    assert max(row["ended_on"] for row in rows) > START + timedelta(days=240)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (honest(150), "there are 150 at"),
        ([{**row, "fixmedins_code": "H001"} for row in honest(300)], "300 at 1"),
        ([{**row, "settled": False} for row in honest(300)], "there are 0"),
    ],
)
def test_too_little_to_learn_of_is_refused(rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        FITTING.fit(table(rows), AS_OF, seed=1)
