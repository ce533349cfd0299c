"""Institutions that do what no exact rule decides, and honest ones that are unlike all others."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from streams.simulate import Log, World, simulate, write
from streams.simulate import catalogue as cat
from streams.simulate.anomalies.houses import DOCTORS_DO, INSTITUTIONS_DO, STRENGTHS, build
from streams.simulate.anomalies.lives import HouseLife
from streams.simulate.anomalies.profiles import UNUSUAL
from streams.simulate.arrival import Outbox
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.people import Residents
from streams.simulate.places import build as build_places

_WORLD = World(persons=30, days=110, seed=3, noise=0.0, planted=False, anomalies=True, institutions=24)


@pytest.fixture(scope="module")
def county_log() -> Log:
    """Few residents, 24 more institutions, with misconduct."""
    return simulate(replace(_WORLD, planted=True))


@pytest.fixture(scope="module")
def stays(county_log: Log) -> dict[str, list[dict[str, Any]]]:
    """Settlements of stays (2304) by institution."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in county_log.events:
        if line.startswith(b'{"infno":"2304"'):
            message = json.loads(line)
            found[message["fixmedins_code"]].append(message["response"]["output"]["setlinfo"])
    return found


def _sector(institutions: int, seed: int = 1, planted: bool = True) -> Any:
    world = World(persons=1, days=110, seed=seed, planted=planted, anomalies=True, institutions=institutions)
    county = County(world, build_places(world), Residents(world, 5, 6), Outbox(Dice(seed, 0)))
    return build(county)


def test_every_kind_occurs_at_every_strength() -> None:
    sector = _sector(320)
    assert {(house.does, house.strength) for house in sector.houses if house.does} == {
        (kind, strength) for kind in INSTITUTIONS_DO for strength in STRENGTHS
    }
    assert {house.doctor_does for house in sector.houses if house.doctor} == set(DOCTORS_DO)


@pytest.mark.parametrize("planted", [True, False])
def test_every_unusual_kind_occurs_and_is_labelled_honest(planted: bool) -> None:
    labels = [one for house in _sector(120, planted=planted).houses for one in house.labels()]
    kinds = Counter(one.kind for one in labels if one.subject_type == "institution" and one.label == 0)
    assert {profile.kind for profile in UNUSUAL} <= set(kinds)
    assert kinds["ordinary"] > 60


def test_who_misbehaves_is_of_every_size() -> None:
    houses = [
        house for seed in range(6) for house in _sector(200, seed).houses if house.profile.kind == "general"
    ]
    bad = [house.monthly for house in houses if house.does]
    good = [house.monthly for house in houses if not house.does]
    assert len(bad) > 100
    assert abs(sum(bad) / len(bad) - sum(good) / len(good)) < 4
    assert min(bad) <= 10
    assert max(bad) >= 60


def test_a_clean_world_has_the_institutions_and_no_misconduct() -> None:
    log = simulate(_WORLD)
    assert {one.label for one in log.labels} == {0}
    assert len({one.subject for one in log.labels if one.subject_type == "institution"}) == 24
    assert log.truth == []


def test_nobody_is_labelled_where_it_is_open_whose_doing_it_is(county_log: Log) -> None:
    labelled = {(one.subject_type, one.subject) for one in county_log.labels}
    assert len(labelled) == len(county_log.labels)
    bad = {one.subject for one in county_log.labels if one.label and one.subject_type == "institution"}
    doctors_of = {one.subject[7:11] for one in county_log.labels if one.subject_type == "practitioner"}
    assert bad
    assert not {code[-4:] for code in bad} & doctors_of


def test_ordinary_life_stays_as_it_was(county_log: Log) -> None:
    plain = simulate(replace(_WORLD, planted=True, anomalies=False))
    assert set(plain.events) <= set(county_log.events)
    assert [plant.line() for plant in plain.truth] == [plant.line() for plant in county_log.truth]
    assert plain.labels == []


def test_a_world_without_anomalies_does_not_speak_of_them() -> None:
    world = simulate(World(persons=10, days=30, planted=False)).manifest["world"]
    assert isinstance(world, dict)
    assert not {"anomalies", "institutions"} & set(world)


def test_the_same_seed_gives_the_same_bytes(county_log: Log) -> None:
    again = simulate(replace(_WORLD, planted=True))
    assert (
        hashlib.sha256(b"".join(again.events)).digest()
        == hashlib.sha256(b"".join(county_log.events)).digest()
    )
    assert again.labels == county_log.labels


def test_sums_hold_where_cash_is_waived(county_log: Log, stays: dict[str, list[dict[str, Any]]]) -> None:
    houses = {one.subject for one in county_log.labels if one.subject_type == "institution"}
    for code in houses:  # elsewhere plants of rules may be wrong on purpose
        for bill in stays[code]:
            parts = ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")
            assert abs(float(bill["medfee_sumamt"]) - sum(float(bill[name]) for name in parts)) < 0.005


def test_files_have_a_truth_csv(tmp_path: Path) -> None:
    write(_WORLD, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "truth.csv").read_text(encoding="utf-8"))))
    assert list(rows[0]) == ["subject_type", "subject", "label", "kind", "strength"]
    assert {row["label"] for row in rows} == {"0"}
    assert "truth.csv" in (tmp_path / "README.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "said"), [({"institutions": 5}, "between 20 and"), ({"days": 60}, "at least 100 days")]
)
def test_impossible_worlds_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(_WORLD, **settings)


# What is planted can be seen: the share of bent stays grows with the strength.


@cache
def _house_log(kind: str, strength: float) -> list[dict[str, Any]]:
    """Admissions, bills and settlement lists of one house that does this so strongly."""
    world = World(persons=1, days=130, seed=5, planted=False, noise=0.0, anomalies=True)
    county = County(world, build_places(world), Residents(world, 5, 6), Outbox(Dice(5, 0), 0.0))
    house = next(
        house for house in build(county).houses if house.profile.kind == "general" and house.monthly >= 60
    )
    if kind in DOCTORS_DO:
        house.doctor, house.doctor_does, house.strength = house.busy()[0], kind, strength
    else:
        house.does, house.strength = kind, strength
    HouseLife(county, house, Dice(5, 21)).live()
    return [
        json.loads(line)
        for bucket in county.outbox.buckets.values()
        for _, line in bucket
        if line[10:14] in (b"2301", b"2304", b"2401", b"4101")
    ]


@pytest.mark.parametrize("kind", [*INSTITUTIONS_DO, *DOCTORS_DO])
def test_the_measure_of_each_kind_grows_with_its_strength(kind: str) -> None:
    values = [_MEASURES[kind](_house_log(kind if strength else "", strength)) for strength in (0, 1, 4)]
    assert values[0] < values[1] < values[2], values
    assert values[2] > 1.15 * values[0], values


def _discharged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["input"]["setlinfo"] for one in messages if one.get("infno") == "4101"]


def _short(messages: list[dict[str, Any]]) -> float:
    lists = _discharged(messages)
    return sum(_nights(one) <= 2 and not one["wm_dise_code"].startswith("H") for one in lists) / len(lists)


def _nights(one: dict[str, Any]) -> int:

    return (date.fromisoformat(one["dscg_time"][:10]) - date.fromisoformat(one["adm_time"][:10])).days


def _long(messages: list[dict[str, Any]]) -> float:
    lists = _discharged(messages)
    return sum(map(_nights, lists)) / len(lists)


def _lines(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**asked, **got}
        for one in messages
        if one.get("infno") == "2301"
        for asked, got in zip(one["input"]["feedetail"], one["response"]["output"]["result"], strict=True)
    ]


def _of_item(messages: list[dict[str, Any]], wanted: str) -> float:
    """Lines of that kind (`med_chrgitm_type`) or code for each stay."""
    lines = _lines(messages)
    return sum(wanted in (line["med_chrgitm_type"], line["med_list_codg"]) for line in lines) / len(
        _discharged(messages)
    )


def _waived(messages: list[dict[str, Any]]) -> float:
    bills = [one["response"]["output"]["setlinfo"] for one in messages if one.get("infno") == "2304"]
    return sum(float(bill["psn_cash_pay"]) == 0 for bill in bills) / len(bills)


def _returned(messages: list[dict[str, Any]]) -> float:
    admitted = Counter(one["input"]["mdtrtinfo"]["psn_no"] for one in messages if one.get("infno") == "2401")
    return 1 - len(admitted) / sum(admitted.values())


def _together(messages: list[dict[str, Any]]) -> float:
    """Share of the largest village or employer."""
    lists = _discharged(messages)
    return max(
        max(Counter(one[name] for one in lists if one[name]).values()) / len(lists)
        for name in ("curr_addr", "emp_name")
    )


def _weekend(messages: list[dict[str, Any]]) -> float:

    days = [date.fromisoformat(one["adm_time"][:10]).weekday() for one in _discharged(messages)]
    return sum(day >= 5 for day in days) / len(days)


_MEASURES = {
    "needless_admissions": _short,
    "lengthened_stays": _long,
    "padded_bills": lambda messages: _of_item(messages, cat.REHABILITATION.code),
    "waived_cash": _waived,
    "examination_stays": lambda messages: _of_item(messages, "03"),
    "readmissions": _returned,
    "bulk_admissions": _together,
    "weekend_bursts": _weekend,
    "five_drugs": lambda messages: _of_item(messages, cat.HEPARIN.code),
    "thirty_hours": lambda messages: _of_item(messages, "05"),
}
