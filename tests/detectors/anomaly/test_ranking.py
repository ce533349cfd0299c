"""Model 5: learns from the past, is measured on later months, reorders and never hides."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from detectors.anomaly import model
from detectors.anomaly.alertfeatures import ALERTS, DECISIONS, FEATURES, past
from detectors.anomaly.fit_ranking import DECIDED, EVENTS_A_FEATURE, ISOTONIC_FROM, RankingFitting
from detectors.anomaly.model import SCORES, ModelError, ModelSet
from detectors.anomaly.ranking import NAME, TABLE, Ranking
from tests.detectors.anomaly.decided import FIRST, reviewed

_AS_OF = datetime.fromisoformat("2026-06-01")


def _fit(count: int = 900, seed: int = 1, as_of: datetime = _AS_OF) -> Ranking:
    alerts, decisions = reviewed(count, seed)
    return RankingFitting().fit({TABLE: alerts, DECIDED: decisions}, as_of, seed=1)


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return _fit()


def test_on_later_months_it_is_better_than_severity_and_money(ranking: Ranking) -> None:
    told = ranking.meta["measured"]
    assert told["auc"] > 0.7 > told["auc_by_severity_and_amount"] + 0.1
    assert told["brier"] < told["brier_of_the_share_alone"]
    assert told["from"] > ranking.meta["decisions_from"]
    assert told["from"].endswith("-01")  # whole months


def test_what_it_says_comes_true(ranking: Ranking) -> None:
    others, decisions = reviewed(3000, seed=1)  # the same reviewers, alerts that it partly never saw
    confirmed = np.array(decisions["confirmed"].to_pylist())
    chance = np.array(ranking.score({TABLE: others})["score"].to_pylist())
    for part in np.array_split(np.argsort(chance), 4):
        assert chance[part].mean() == pytest.approx(confirmed[part].mean(), abs=0.13)


@pytest.mark.parametrize("count", [900, 8000])
def test_many_decisions_are_calibrated_step_by_step_and_few_along_a_curve(count: int) -> None:
    fitted = _fit(count)
    assert fitted.meta["calibration"] == ("isotonic" if count / 5 >= ISOTONIC_FROM else "platt")
    assert (np.diff(fitted.line.chance) >= 0).all()
    assert ((fitted.line.chance >= 0) & (fitted.line.chance <= 1)).all()


def test_every_alert_comes_out_once_with_a_score_and_both_sentences(ranking: Ranking) -> None:
    alerts, _ = reviewed(50, seed=9)
    scores = ranking.score({TABLE: alerts})
    assert scores.schema == SCORES
    assert scores["subject"].to_pylist() == sorted(alerts["jr_id"].to_pylist())
    assert all(0 <= one <= 1 for one in scores["score"].to_pylist())
    assert all("获确认" in one for one in scores["reason"].to_pylist())
    assert all("are confirmed" in one for one in scores["reason_en"].to_pylist())


def test_a_row_alone_scores_as_among_others_in_any_order(ranking: Ranking) -> None:
    alerts, _ = reviewed(60, seed=4)
    among = ranking.score({TABLE: alerts}).to_pylist()
    alone = [ranking.score({TABLE: alerts.slice(n, 1)}).to_pylist()[0] for n in range(60)]
    assert alone == among
    assert ranking.score({TABLE: alerts.take(pa.array(range(59, -1, -1)))}).to_pylist() == among


def test_rules_and_institutions_that_were_never_seen_have_a_score(ranking: Ranking) -> None:
    strange = pa.Table.from_pylist(
        [
            {"jr_id": "x", "rule": "ZZ-99", "institution": None, "severity": 3, "amount": 0.0, "settled": False, "evidence": 0,
             "visits": 0, "items": 0, "score": None}
        ],
        ALERTS,
    )  # fmt: skip
    (row,) = ranking.score({TABLE: strange}).to_pylist()
    assert 0 < row["score"] < 1
    assert row["cases"] == 0


def test_without_alerts_it_scores_nothing(ranking: Ranking) -> None:
    assert ranking.score({}).num_rows == 0
    assert ranking.score({TABLE: ALERTS.empty_table()}).num_rows == 0


def test_the_same_decisions_give_the_same_model(ranking: Ranking) -> None:
    assert _fit().hash == ranking.hash
    assert _fit(seed=2).hash != ranking.hash


def test_saved_and_loaded_it_says_the_same(ranking: Ranking, tmp_path: Path) -> None:
    model.save(tmp_path, ModelSet({NAME: ranking}, _AS_OF, 1, {}))
    again = model.load(tmp_path).models[NAME]
    alerts, _ = reviewed(40, seed=3)
    assert again.hash == ranking.hash
    assert again.score({TABLE: alerts}).equals(ranking.score({TABLE: alerts}))


def test_decisions_after_its_time_do_not_exist() -> None:
    alerts, decisions = reviewed(1400)
    until = FIRST + timedelta(days=180)
    rows = decisions.to_pylist()
    known = pa.Table.from_pylist([row for row in rows if row["day"] <= until], DECISIONS)
    later = pa.Table.from_pylist(
        [row if row["day"] <= until else {**row, "confirmed": True} for row in rows], DECISIONS
    )
    moment = datetime.fromisoformat(until.isoformat())
    one, two = (
        RankingFitting().fit({TABLE: alerts, DECIDED: some}, moment, seed=1) for some in (known, later)
    )
    assert one.hash == two.hash


def test_what_is_measured_learns_nothing_from_what_it_is_measured_on() -> None:
    alerts, decisions = reviewed(1400)
    rows = decisions.to_pylist()
    last = rows[-1]["day"].replace(day=1)
    rng = np.random.default_rng(0)
    noise = pa.Table.from_pylist(
        [row if row["day"] < last else {**row, "confirmed": bool(rng.random() < 0.5)} for row in rows],
        DECISIONS,
    )
    told = RankingFitting().fit({TABLE: alerts, DECIDED: noise}, _AS_OF, seed=1).meta["measured"]
    truth = RankingFitting().fit({TABLE: alerts, DECIDED: decisions}, _AS_OF, seed=1).meta["measured"]
    assert told["auc"] < truth["auc"] - 0.05


def test_the_last_decision_of_an_alert_holds() -> None:
    alerts, decisions = reviewed(900)
    rows = decisions.to_pylist()
    early = [
        {**row, "confirmed": not row["confirmed"], "day": FIRST - timedelta(days=40)} for row in rows[:100]
    ]
    told = RankingFitting().fit(
        {TABLE: alerts, DECIDED: pa.Table.from_pylist([*early, *rows], DECISIONS)}, _AS_OF, seed=1
    )
    assert told.hash == _fit().hash


@pytest.mark.parametrize(
    ("count", "days", "said"),
    [
        (
            60,
            240,
            "confirmed and .* rejected in 8 months; it takes at least 100 of each, 10 for each of the 10 features",
        ),
        (900, 50, "in 2 months; .* in at least 4 months"),
        (0, 240, "0 confirmed and 0 rejected in 0 months"),
    ],
)
def test_too_few_decisions_are_refused_with_their_number_and_the_reason(
    count: int, days: int, said: str
) -> None:
    alerts, decisions = reviewed(count, days=days)
    with pytest.raises(ModelError, match=said):
        RankingFitting().fit({TABLE: alerts, DECIDED: decisions}, _AS_OF, seed=1)


def test_the_number_needed_follows_from_the_features() -> None:
    assert EVENTS_A_FEATURE * len(FEATURES) == 100


def test_one_decision_is_no_habit() -> None:
    known = past(["A"] * 20 + ["B"], ["H1"] * 20 + ["H2"], [True] * 10 + [False] * 10 + [True])
    assert known.share < known.institution_share("H2") < 0.7
    assert known.institution_share("unknown") == known.institution_share(None) == pytest.approx(known.share)


def test_scoring_needs_no_scikit_learn() -> None:
    program = "import sys, detectors.anomaly.ranking; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
