"""Institutions against their peers: size raises nobody, misconduct does, and a row alone scores as among others."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import spearmanr

from detectors.anomaly import forest, groups, indicators, overall, peers
from detectors.anomaly.model import SCORES, Model, ModelError, State
from tests.detectors.anomaly.town import table, town

CLOSED = datetime(2026, 8, 1)  # noqa: DTZ001 platform times carry no zone

#: Numbers of institutions → share of stays made short, on average sizes.
FRAUD = {3: 0.35, 17: 0.3, 29: 0.4}


@cache
def features(seed: int, fraud: bool = False) -> dict[str, pa.Table]:
    return town(seed, misbehaving=FRAUD if fraud else None)


@cache
def fitted(seed: int, fraud: bool = False) -> tuple[peers.Peers, forest.Forest, overall.Overall]:
    found = features(seed, fraud)
    second = peers.fit(found, CLOSED, seed=1)
    third = forest.fit(found, CLOSED, seed=1, beside=second)
    known = {**found, "model.peers": second.score(found), "model.forest": third.score(found)}
    lines = {"peers": second.lines, "forest": third.lines}
    return second, third, overall.fit(known, CLOSED, seed=1, lines=lines)


def scored(seed: int, fraud: bool = False) -> dict[str, pa.Table]:
    found = features(seed, fraud)
    second, third, list_ = fitted(seed, fraud)
    tables = {"peers": second.score(found), "forest": third.score(found)}
    known = {**found, **{f"model.{name}": one for name, one in tables.items()}}
    return {**tables, "overall": list_.score(known)}


def whole(scores: pa.Table) -> pa.Table:
    return scores.filter(pc.equal(scores["period"], "all"))


def test_in_an_honest_town_hardly_anybody_reaches_the_line() -> None:
    raised, months = 0, 0
    for seed in range(20):
        scores = peers.fit(town(seed, 30), CLOSED, seed=1).score(town(seed, 30))
        over = pc.fill_null(pc.greater_equal(scores["score"], peers.AT_LINE), False)
        at_line = scores.filter(over)["period"].to_pylist()
        raised += "all" in at_line
        months += len({period for period in at_line if period != "all"})
    # Of a town without misconduct every alert is wrong: 5 % of the towns, and of their months, may have one.
    assert raised <= 3
    assert months <= 0.05 * 20 * 6 + 4


@pytest.mark.parametrize("name", ["peers", "forest", "overall"])
def test_among_the_honest_the_score_does_not_follow_size(name: str) -> None:
    found = [whole(scored(seed)[name]) for seed in (1, 2, 3)]
    found = [one.filter(pc.is_valid(one["score"])) for one in found]
    cases = np.concatenate([one["cases"].to_numpy() for one in found])
    score = np.concatenate([one["score"].to_numpy() for one in found])
    assert len(score) > 150
    assert abs(spearmanr(cases, score)[0]) < 0.2


def test_who_misbehaves_stands_at_the_top_and_the_sentence_says_why() -> None:
    listed = (
        whole(scored(4, fraud=True)["overall"]).sort_by([("score", "descending")]).slice(0, 3).to_pylist()
    )
    assert {row["subject"] for row in listed} == {f"H{number:03d}" for number in FRAUD}
    for row in listed:
        assert row["drivers"][0]["indicator"] == "short_share"
        assert row["observed"] > row["high"]
        assert "住院不足三日且无手术占比" in row["reason"]
        assert "share of stays under three days without operation" in row["reason_en"]
        assert row["shown"] == ["M1"] * 6


@pytest.mark.parametrize(("odd", "raised"), [(4, False), (8, True)])
def test_four_who_come_again_may_be_one_family(odd: int, raised: bool) -> None:
    """Nobody else's patients come again within a week, so that however few they are they would stand out."""
    found = town(5)
    mix = found["case_mix"].to_pylist()
    for row in mix:
        here = (row["fixmedins_code"], str(row["month"])) == ("H001", "2026-03-01")
        if row["stratum"].startswith("inpatient|J18"):
            row |= {"ambulatory": 20, "again": odd if here else 0}
    found["case_mix"] = table("case_mix", mix)
    scores = peers.fit(found, CLOSED, seed=1).score(found)
    (of_march,) = [
        row for row in scores.to_pylist() if (row["subject"], row["period"]) == ("H001", "2026-03")
    ]
    assert (of_march["score"] >= peers.AT_LINE) == raised


def test_a_large_honest_institution_is_not_raised_for_a_small_difference() -> None:
    found = town(5)
    mix = found["case_mix"].to_pylist()
    for row in mix:
        if row["fixmedins_code"] == "H000":  # forty thousand stays, a tenth more of them short than expected
            row |= {
                "cases": 2400,
                "costed": 2400,
                "cost_log": 2400 * 8.0,
                "cost_log_sq": 2400 * 64.25,
                "stayed": 2400,
            }
            row |= {"days_log": 4800.0, "days_log_sq": 2400 * 4.16, "admitted": 2400, "readmitted": 72}
            row |= {
                "elective": 2400,
                "off_days": 648,
                "short_stays": round(2400 * {"J": 0.09, "I": 0.22, "K": 0.022}[row["stratum"][10]]),
            }
    found["case_mix"] = table("case_mix", mix)
    scores = whole(peers.fit(found, CLOSED, seed=1).score(found))
    large = scores.filter(pc.equal(scores["subject"], "H000")).to_pylist()[0]
    assert large["score"] < 0.5


def test_a_row_alone_scores_as_among_others() -> None:
    together = scored(4, fraud=True)
    for subject in ("H003", "H010"):
        alone = {
            unit: one.filter(pc.equal(one[{"shown": "subject"}.get(unit, "fixmedins_code")], subject))
            for unit, one in features(4, True).items()
        }
        second, third, _ = fitted(4, True)
        for name, model in (("peers", second), ("forest", third)):
            expected = together[name].filter(pc.equal(together[name]["subject"], subject))
            assert model.score(alone).equals(expected), name


def test_the_order_of_rows_changes_nothing() -> None:
    turned = {
        unit: one.take(pa.array(np.arange(one.num_rows)[::-1])) for unit, one in features(4, True).items()
    }
    again = peers.fit(turned, CLOSED, seed=1)
    scores, before = again.score(turned), scored(4, True)["peers"]
    assert np.allclose(scores["score"].to_numpy(), before["score"].to_numpy(), atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_same_data_and_seed_give_the_same_model_and_a_state_restores_it(number: int) -> None:
    model: Model = fitted(4, True)[number]
    fitted.cache_clear()
    assert fitted(4, True)[number].hash == model.hash
    module = (peers, forest, overall)[number]
    state = model.state()
    again = module.restore(State(json.loads(json.dumps(state.meta)), state.arrays))
    assert again.hash == model.hash


def test_who_is_new_has_few_cases_or_an_unknown_diagnosis_gets_a_score_or_a_reason() -> None:
    row = dict.fromkeys(("cases", "stayed", "admitted", "elective"), 40) | {
        "fixmedins_code": "NEW", "dr_code": "", "month": features(4)["case_mix"]["month"][0].as_py(),
        "stratum": "inpatient|Q99|75|1r", "short_stays": 30, "days_log": 60.0, "days_log_sq": 95.0,
    }  # fmt: skip
    few = row | {
        "fixmedins_code": "FEW",
        "cases": 2,
        "stayed": 2,
        "admitted": 2,
        "elective": 2,
        "short_stays": 1,
    }
    own = [{"fixmedins_code": code, "month": row["month"], "visits": 40} for code in ("FEW", "NEW")]
    unknown = {
        "case_mix": table("case_mix", [few, row]),
        "institution_month": table("institution_month", own),
        "practitioner_month": table("practitioner_month", []),
    }
    scores = {one["subject"]: one for one in whole(fitted(4)[0].score(unknown)).to_pylist()}
    assert scores["NEW"]["score"] is not None
    assert scores["FEW"]["score"] is None
    assert scores["FEW"]["not_enough"] == "病例不足"


def test_months_that_are_not_closed_teach_nothing() -> None:
    early = peers.fit(features(4, True), datetime(2026, 4, 9), seed=1)  # noqa: DTZ001
    assert early.meta["months"] == ["2026-01", "2026-02"]
    with pytest.raises(ModelError, match="closed"):
        peers.fit(features(4, True), datetime(2026, 1, 20), seed=1)  # noqa: DTZ001


def test_who_has_no_like_is_compared_leniently() -> None:
    found = town(6)
    mix = [
        row | ({"stratum": "inpatient|F20|15|0"} if row["fixmedins_code"] == "H007" else {})
        for row in found["case_mix"].to_pylist()
    ]
    found["case_mix"] = table("case_mix", mix)
    subjects = np.unique(indicators.texts(found["institution_month"]["fixmedins_code"]))
    fitted_groups = groups.fit("institution", found, subjects, seed=1)
    strange = dict(zip(subjects.tolist(), fitted_groups.strangeness.max(axis=1).tolist(), strict=True))
    assert strange["H007"] > 2.5
    assert np.median(list(strange.values())) == 1.0


def test_what_the_expectation_says_of_stays_is_compared_too() -> None:
    found = features(4)
    dice = np.random.default_rng(5)
    stays, scores = [], []
    for number in range(3000):
        place = number % 60
        month = found["institution_month"]["month"][number % 6].as_py()
        stays.append({"mdtrt_id": f"M{number}", "fixmedins_code": f"H{place:03d}", "month": month})
        cost = float(np.exp(dice.normal(8 + (0.6 if place == 9 else 0.0), 0.4)))
        driver = {
            "indicator": "cost",
            "observed": cost,
            "expected": 3200.0,
            "low": 0.0,
            "high": 0.0,
            "cases": 9,
            "z": 0.0,
        }
        scores.append(
            {
                "subject_type": "stay",
                "subject": f"M{number}",
                "period": "x",
                "score": 0.5,
                "drivers": [driver],
            }
        )
    known = {**found, "stay": table("stay", stays), "model.expectation": pa.Table.from_pylist(scores, SCORES)}
    model = peers.fit(known, CLOSED, seed=1)
    assert model.after == ("expectation",)
    assert "stay" in model.units
    first = whole(model.score(known)).sort_by([("score", "descending")]).to_pylist()[0]
    assert first["subject"] == "H009"
    assert first["drivers"][0]["indicator"] == "cost_ratio"
    assert "费用与模型预计之比" in first["reason"]
    assert peers.restore(model.state()).hash == model.hash
