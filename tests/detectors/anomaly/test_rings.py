"""Rings: who comes together more often than chance is found; families, timetables, nursing homes and classes are not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from detectors.anomaly import overall, rings
from detectors.anomaly.model import ModelError, State
from detectors.anomaly.rings.communities import tree
from detectors.anomaly.sentences import small_table
from tests.detectors.anomaly.outings import DAYS, FIRST, crowd, encounter, features, outings

CLOSED = datetime(2026, 8, 1)  # noqa: DTZ001 platform times carry no zone

RING = ["R1", "R2", "R3", "R4", "R5"]


def fit(rows: Iterable[dict[str, Any]], kin: Iterable[tuple[str, str]] = ()) -> tuple[rings.Rings, pa.Table]:
    given = features(rows, kin)
    model = rings.fit(given, CLOSED, seed=1)
    return model, model.score(given)


def whole(scores: pa.Table) -> list[dict[str, Any]]:
    of_rings = pc.and_(pc.equal(scores["period"], "all"), pc.equal(scores["subject_type"], "ring"))
    found: list[dict[str, Any]] = scores.filter(of_rings).to_pylist()
    return found


@pytest.mark.parametrize("seed", range(6))
def test_in_an_honest_town_there_is_no_ring(seed: int) -> None:
    model, scores = fit(crowd(seed))
    assert model.rings == ()
    assert scores.num_rows == 0


@pytest.mark.parametrize("times", [4, 6, 10])
@pytest.mark.parametrize("act", ["visited", "bought", "admitted"])
def test_a_ring_is_found_with_its_members_and_shown(times: int, act: str) -> None:
    model, scores = fit([*crowd(1, act=act), *outings(1, RING, "H2", times, act=act)])
    assert [ring.members for ring in model.rings] == [tuple(RING)]
    (row,) = whole(scores)
    assert row["subject"] == model.rings[0].subject
    assert "R1" not in row["subject"], "a list of rings names nobody"
    assert row["score"] >= 0.9
    assert row["observed"] == times
    assert row["expected"] < 0.5
    assert row["cases"] == 5 * times
    assert len(row["shown"]) == 10
    assert f"5名参保人在{times}个日期结伴" in row["reason"]
    assert "5 insured persons" in row["reason_en"]
    assert [driver["indicator"] for driver in row["drivers"]] == ["joint_dates", "common_dates"]
    assert "每对先后到达的日期数" in small_table(row["drivers"])


def test_a_ring_whose_members_also_come_alone_is_found() -> None:
    alone = [encounter(who, "H2", day, 600 + day) for n, who in enumerate(RING) for day in range(n, DAYS, 31)]
    model, _ = fit([*crowd(2), *alone, *outings(2, RING, "H2", 7)])
    assert [set(ring.members) for ring in model.rings] == [set(RING)]


def test_more_outings_score_higher() -> None:
    found = [
        whole(fit([*crowd(3), *outings(3, RING, "H1", times)])[1])[0]["score"] for times in (4, 6, 9, 14)
    ]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_two_who_travel_together_are_no_ring() -> None:
    assert fit([*crowd(4), *outings(4, RING[:2], "H2", 12)])[0].rings == ()


def test_twice_together_is_no_ring() -> None:
    assert fit([*crowd(4), *outings(4, RING, "H2", 2)])[0].rings == ()


def test_a_family_is_no_ring() -> None:
    rows = [*crowd(5), *outings(5, RING, "H2", 8)]
    assert len(fit(rows)[0].rings) == 1
    assert fit(rows, combinations(RING, 2))[0].rings == ()


@pytest.mark.parametrize("excused", ["dialysis", "cycle", "home", "check_up"])
def test_what_is_excused_makes_no_ring(excused: str) -> None:
    assert fit([*crowd(6), *outings(6, RING, "H2", 20, excused=excused)])[0].rings == ()


@pytest.mark.parametrize("living", ["测试县第三养老院", "测试县第二小学"])
def test_who_lives_or_learns_under_one_roof_is_no_ring(living: str) -> None:
    assert fit([*crowd(7), *outings(7, RING, "H2", 8, living=living)])[0].rings == ()


def test_the_same_timetable_is_no_ring() -> None:
    """Everybody's prescription ends on the same day, they come on that day, but not within half an hour."""
    dice = np.random.default_rng(8)
    refills = [
        encounter(f"T{n}", "H2", day, int(dice.integers(480, 1020)))
        for n in range(12)
        for day in range(5, DAYS, 21)
    ]
    assert fit([*crowd(8), *refills])[0].rings == ()


def test_early_risers_are_no_ring() -> None:
    """Thirty people who always come when the doors open, on days of their own."""
    dice = np.random.default_rng(18)
    early = [
        encounter(f"E{n:02d}", "H2", int(day), 480 + int(dice.integers(0, 15)))
        for n in range(30)
        for day in dice.choice(DAYS, size=14, replace=False)
    ]
    assert fit([*crowd(18), *early])[0].rings == ()


def test_who_comes_on_fridays_at_eight_is_no_ring() -> None:
    """Forty people with weekly habits, on Fridays of their own choice, when the doors open."""
    dice = np.random.default_rng(20)
    fridays = [day for day in range(DAYS) if (FIRST + timedelta(days=day)).weekday() == 4]
    regulars = [
        encounter(f"E{n:02d}", "H2", int(day), 480 + int(dice.integers(0, 15)))
        for n in range(40)
        for day in dice.choice(fridays, size=7, replace=False)
    ]
    assert fit([*crowd(20), *regulars])[0].rings == ()


def test_a_ring_that_is_fetched_on_every_other_tuesday_is_found() -> None:
    tuesdays = [day for day in range(DAYS) if (FIRST + timedelta(days=day)).weekday() == 1]
    fetched = [encounter(who, "H2", day, 540 + 3 * n) for day in tuesdays[::2] for n, who in enumerate(RING)]
    assert [set(ring.members) for ring in fit([*crowd(21), *fetched])[0].rings] == [set(RING)]


def test_a_ring_that_always_comes_at_the_same_hour_is_found() -> None:
    dice = np.random.default_rng(19)
    fetched = [
        encounter(who, "H2", int(day), 540 + int(dice.integers(0, 20)))
        for day in dice.choice(DAYS, size=7, replace=False)
        for who in RING
    ]
    assert [set(ring.members) for ring in fit([*crowd(19), *fetched])[0].rings] == [set(RING)]


def test_where_a_source_knows_days_only_common_days_count() -> None:
    rows = [row | {"minute": None} for row in (*crowd(9), *outings(9, RING, "H2", 8))]
    model, scores = fit(rows)
    assert [ring.members for ring in model.rings] == [tuple(RING)]
    assert "同日" in whole(scores)[0]["reason"]


def test_a_ring_alone_scores_as_among_others_in_any_order() -> None:
    other = ["S1", "S2", "S3"]
    given = features([*crowd(10), *outings(10, RING, "H2", 6), *outings(11, other, "H4", 9)])
    model = rings.fit(given, CLOSED, seed=1)
    together = model.score(given)
    assert len(model.rings) == 2
    turned = {unit: one.take(pa.array(np.arange(one.num_rows)[::-1])) for unit, one in given.items()}
    assert model.score(turned).equals(together)
    assert rings.fit(turned, CLOSED, seed=1).hash == model.hash
    for ring in model.rings:
        mine = pc.is_in(given["encounter"]["psn_no"], pa.array(ring.members, pa.string()))
        alone = model.score({**given, "encounter": given["encounter"].filter(mine)})
        own = pa.array([ring.subject, ring.institution])
        assert alone.equals(together.filter(pc.is_in(together["subject"], own)))


def test_what_happens_after_the_baseline_is_held_against_it() -> None:
    rows = [*crowd(12), *outings(12, RING, "H2", 14)]
    early = rings.fit(features(rows), datetime(2026, 4, 20), seed=1)  # noqa: DTZ001
    assert early.meta["months"] == ["2026-01", "2026-03"]
    listed = [row for row in early.score(features(rows)).to_pylist() if row["subject_type"] == "ring"]
    by_period = {row["period"]: row for row in listed}
    assert set(by_period) == {"2026-Q1", "2026-Q2", "all"}
    assert by_period["all"]["score"] > 0.9
    with pytest.raises(ModelError, match="closed"):
        rings.fit(features(rows), datetime(2026, 1, 20), seed=1)  # noqa: DTZ001


def test_a_ring_that_learns_to_be_a_family_scores_nothing() -> None:
    rows = [*crowd(13), *outings(13, RING, "H2", 6)]
    model, _ = fit(rows)
    (row,) = whole(model.score(features(rows, combinations(RING, 2))))
    assert row["score"] == 0
    assert row["reason"] == "同行不多于巧合"


def test_a_state_restores_the_model() -> None:
    model, scores = fit([*crowd(14), *outings(14, RING, "H2", 6)])
    state = model.state()
    again = rings.restore(State(json.loads(json.dumps(state.meta)), state.arrays))
    assert again.hash == model.hash
    assert again.score(features([*crowd(14), *outings(14, RING, "H2", 6)])).equals(scores)


def test_a_ring_hangs_together_by_its_surest_links() -> None:
    links = [(0, 1, 1.0), (1, 2, 5.0), (0, 2, 3.0), (3, 4, 2.0)]
    assert tree(5, links) == [1, 2, 3]
    assert tree(5, []) == []


def test_the_institution_where_a_ring_meets_is_told_of_its_surest() -> None:
    _, scores = fit(
        [*crowd(15), *outings(15, RING, "H2", 4), *outings(16, ["S1", "S2", "S3", "S4"], "H2", 9)]
    )
    (row,) = [one for one in scores.to_pylist() if one["subject_type"] == "institution"]
    assert row["subject"] == "H2"
    assert row["score"] == max(one["score"] for one in whole(scores))
    assert "4名参保人" in row["reason"]


def test_missing_values_and_unseen_categories_give_a_score_or_say_why_not() -> None:
    rows = [*crowd(17), *outings(17, RING, "H2", 6)]
    given = features(rows)
    model = rings.fit(given, CLOSED, seed=1)
    encounters = given["encounter"]
    for name in ("day", "minute", "month", "psn_no", "fixmedins_code", "excused", "living"):
        place, kind = encounters.column_names.index(name), encounters.schema.field(name).type
        variants = [pa.nulls(encounters.num_rows, kind)]
        if pa.types.is_string(kind):
            variants.append(pa.array(["never seen"] * encounters.num_rows))
        for values in variants:
            scores = model.score({**given, "encounter": encounters.set_column(place, name, values)})
            known = pc.is_valid(scores["score"])
            assert pc.equal(known, pc.is_null(scores["not_enough"])).to_numpy().all(), name
    assert model.score({**given, "encounter": encounters.slice(0, 0)}).num_rows == 0


def test_the_one_list_takes_a_ring_as_evidence_of_its_institution_and_nothing_where_there_is_none() -> None:
    _, scores = fit([*crowd(16), *outings(16, RING, "H2", 9)])
    blank = dict.fromkeys(scores.column_names) | {"drivers": [], "shown": []}
    others = [
        {**blank, "subject_type": "institution", "subject": f"H{n}", "period": "all", "model": "peers", "score": 0.1 * n,
         "cases": 9, "reason": "peers"}
        for n in range(6)
    ]  # fmt: skip
    known = {"model.peers": pa.Table.from_pylist(others, scores.schema), "model.rings": scores}
    lines = {"peers": {"institution": {"all": 3.0}}, "rings": rings.AT_LINE}
    listed = overall.fit(known, CLOSED, seed=1, lines=lines).score(known).to_pylist()
    plain = (
        overall.fit({"model.peers": known["model.peers"]}, CLOSED, seed=1, lines=lines)
        .score(known)
        .to_pylist()
    )
    by_name = {row["subject"]: row for row in listed}
    assert max(listed, key=lambda row: row["score"])["subject"] == "H2"
    assert "结伴" in by_name["H2"]["reason"]
    before = sorted((row for row in plain if row["subject"] != "H2"), key=lambda row: row["score"])
    after = sorted((row for row in listed if row["subject"] != "H2"), key=lambda row: row["score"])
    assert [row["subject"] for row in after] == [row["subject"] for row in before]
