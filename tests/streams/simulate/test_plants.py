"""What is planted, and that the truth can be found in the log."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from streams.simulate import Log
from streams.simulate.plants import SCRIPTS, WANTED, casting
from streams.simulate.truth import Plant

RULES = [
    "GB-01",
    "GB-02",
    "GB-03",
    "GB-05",
    "GB-07",
    "GB-08",
    "IN-05",
    "IN-06",
    "FP-01",
    "FP-02",
    "FP-03",
    "FP-04",
    "FP-06",
    "FP-07",
    "FR-01",
    "FR-02",
    "FR-04",
    "FI-08",
    "PA-02",
    "BA-01",
]


def _of(log: Log, rule: str) -> list[Plant]:
    return [plant for plant in log.truth if plant.rule_code == rule]


def test_all_twenty_rules_have_a_script() -> None:
    assert sorted(script.rule for script in SCRIPTS) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_small_world_has_plants_of_every_kind(log: Log, rule: str) -> None:
    kinds = Counter(plant.kind for plant in _of(log, rule))
    assert kinds["fraud"] >= 3
    assert kinds["below"] >= 1
    assert kinds["lookalike"] >= 3
    assert kinds["cancelled"] >= 1


@pytest.mark.parametrize("rule", RULES)
def test_a_third_of_the_fraud_is_disguised(log: Log, rule: str) -> None:
    if rule == "BA-01":  # wrong sums cannot be hidden better than in a settlement entered again
        assert any(plant.disguised for plant in _of(log, rule))
        return
    fraud = [plant for plant in _of(log, rule) if plant.kind == "fraud"]
    assert sum(plant.disguised for plant in fraud) * 3 >= len(fraud)


def test_a_county_of_twenty_thousand_has_twenty_of_each() -> None:
    for script in SCRIPTS:
        cast = Counter(one.kind for one, _, _ in casting(script, 20000, 365))
        assert cast["fraud"] >= 20
        assert cast["lookalike"] >= 20
        for kind, wanted in WANTED.items():
            assert cast[kind] >= wanted


def test_only_fraud_expects_an_alert(log: Log) -> None:
    for plant in log.truth:
        assert (plant.expect in (1, 2, 3)) == (plant.kind == "fraud"), plant.plant_id


def test_plant_ids_are_unique(log: Log) -> None:
    assert len({plant.plant_id for plant in log.truth}) == len(log.truth)


def test_every_anchor_is_in_the_log(log: Log) -> None:
    said = {word for line in log.events for word in line.split(b'"')}
    for plant in log.truth:
        for mdtrt_id in plant.mdtrt_ids:
            assert mdtrt_id.encode() in said, plant.plant_id
        for key in ("setl_id", "psn_no", "owner", "payee", "drug_trac_codg", "bill_no", "opter"):
            value = plant.anchor.get(key)
            if isinstance(value, str) and value:
                assert value.encode() in said, (plant.plant_id, key)


def test_plants_do_not_share_residents(log: Log) -> None:
    rules: dict[str, set[str]] = defaultdict(set)
    for plant in log.truth:
        rules[plant.psn_no].add(plant.rule_code)
    assert all(len(some) == 1 for some in rules.values())
