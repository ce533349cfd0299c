"""Rings that are planted are found; whoever has every reason to come together is not."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from functools import cache

import pytest

from detectors.anomaly import rings as model
from detectors.anomaly.rings.communities import Ring
from streams.simulate import World
from streams.simulate.anomalies import rings as planted
from streams.simulate.anomalies.houses import STRENGTHS, House, Sector, build
from streams.simulate.anomalies.lives import HouseLife
from streams.simulate.arrival import Outbox
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.people import Residents
from streams.simulate.places import build as build_places
from streams.simulate.truth import Label
from streams.simulate.writer import in_order
from tests.detectors.anomaly.small import features_of
from tests.promises.kernel import facts_of, knowledge

CLOSED = datetime(2026, 8, 1)  # noqa: DTZ001 platform times carry no zone


def county(*, clean: bool = False) -> tuple[County, Sector]:
    world = World(persons=1, days=150, seed=5, planted=not clean, noise=0.0, anomalies=True, institutions=96)
    one = County(world, build_places(world), Residents(world, 5, 6), Outbox(Dice(5, 0), 0.0))
    return one, build(one)


def lines(of: County) -> list[bytes]:
    return [line for day in sorted(of.outbox.buckets) for line in in_order(of.outbox.buckets[day])]


@cache
def lived() -> tuple[list[Label], list[bytes], str]:
    """One ordinary house with all its life, and among its patients a ring of each strength and every look-alike."""
    one, sector = county()
    house: House = next(
        house
        for house in sector.houses
        if house.kind == "ordinary" and not house.doctor and house.monthly >= 60
    )
    HouseLife(one, house, Dice(5, 21)).live()
    labels = [planted._ring(one, house, strength, Dice(5, 30, 0, n)) for n, strength in enumerate(STRENGTHS)]
    for n, kind in enumerate(planted.LOOKALIKES):
        labels.append(planted._label(house, kind(one, house, Dice(5, 30, 1, n)), kind.__name__))
    return labels, lines(one), house.place.code


@cache
def found() -> tuple[Ring, ...]:
    features = features_of(facts_of(lived()[1]), knowledge())
    return model.fit(features, CLOSED, seed=1).rings


def overlap(label: Label) -> float:
    """The share of a group that stands in one ring that was found."""
    members = set(Ring.of(label.subject).members)
    return max((len(members & set(ring.members)) / len(members) for ring in found()), default=0.0)


def test_a_ring_of_each_strength_is_found() -> None:
    shares = {label.strength: overlap(label) for label in lived()[0] if label.label}
    assert set(shares) == set(STRENGTHS)
    assert all(share >= 0.75 for strength, share in shares.items() if strength >= 1), shares


@pytest.mark.parametrize("kind", [one.__name__ for one in planted.LOOKALIKES])
def test_whoever_has_every_reason_to_come_together_is_no_ring(kind: str) -> None:
    (label,) = [label for label in lived()[0] if label.kind == kind]
    assert label.label == 0
    assert overlap(label) == 0


def test_what_is_found_is_what_was_planted() -> None:
    known = {member for label in lived()[0] if label.label for member in Ring.of(label.subject).members}
    assert {member for ring in found() for member in ring.members} <= known


def test_a_stronger_ring_comes_on_more_days() -> None:
    days: dict[str, set[str]] = defaultdict(set)
    for line in lived()[1]:
        message = json.loads(line)
        if message.get("infno") == "2201":
            asked = message["input"]["data"]
            days[asked["psn_no"]].add(asked["begntime"][:10])
    means = [
        sum(len(days[member]) for member in Ring.of(label.subject).members)
        / len(Ring.of(label.subject).members)
        for label in lived()[0]
        if label.label
    ]
    assert means == sorted(means)


def test_a_clean_world_has_the_look_alikes_only_and_doubt_has_no_label() -> None:
    one, sector = county(clean=True)
    assert planted.hosts(one, sector) == []
    assert {label.label for label in planted.rings(one, sector)} == {0}
    other, full = county()
    labels = planted.rings(other, full)
    hosts = {house.place.code for house in planted.hosts(other, full)}
    assert {Ring.of(label.subject).institution for label in labels if label.label} == hosts
    assert {label.strength for label in labels if label.label} == set(STRENGTHS)
