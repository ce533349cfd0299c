"""Fraud and innocent look-alikes, on residents of their own.

`scene` is the stage; each rule has a module with one function a behaviour.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.simulate import registry
from streams.simulate.care import live
from streams.simulate.clock import DAY
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.plants import (
    after_death,
    after_discharge,
    bed_days,
    card_bursts,
    care_elsewhere,
    claims,
    frequent_stays,
    idle_days,
    impossible_quantities,
    no_upload,
    not_insured,
    other_sex,
    receipts,
    shared_beds,
    split_stays,
    strangers_account,
    trace_codes,
    two_hospitals,
    two_places,
    wrong_sums,
)
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import Behaviour, Script
from streams.simulate.truth import Kind, Plant

#: The behaviours of each rule, ghost beds first.
SCRIPTS: tuple[Script, ...] = tuple(
    module.script
    for module in (
        bed_days,
        idle_days,
        care_elsewhere,
        shared_beds,
        after_discharge,
        no_upload,
        frequent_stays,
        split_stays,
        after_death,
        two_places,
        two_hospitals,
        other_sex,
        card_bursts,
        not_insured,
        impossible_quantities,
        receipts,
        claims,
        trace_codes,
        strangers_account,
        wrong_sums,
    )
)

#: Plants of a kind for every rule in a county of 20,000; smaller ones have each behaviour once.
WANTED: dict[Kind, int] = {"fraud": 24, "below": 8, "lookalike": 24, "cancelled": 8}


def casting(script: Script, persons: int, days: int) -> list[tuple[Behaviour, int, str]]:
    """Which behaviours are planted how often, and under which disguise: (behaviour, number, disguise)."""
    cast: list[tuple[Behaviour, int, str]] = []
    for kind, wanted in WANTED.items():
        some = [one for one in script.behaviours if one.kind == kind and one.days <= days]
        for number in range(max(len(some), -(-wanted * persons // 20000))):
            one = some[number % len(some)]
            turn = number // len(some)
            hide = one.disguises and not one.hidden and (number + turn) % 2 == 1
            cast.append(
                (one, number, one.disguises[(turn + number // 2) % len(one.disguises)] if hide else "")
            )
    return cast


def plant_all(county: County, progress: Callable[[int, int], None]) -> list[Plant]:
    """Lives all plants. Their residents otherwise live as others do, but out of the plant's way."""
    world = county.world
    start = world.first * DAY
    county.outbox.breaking = False
    truth: list[Plant] = []
    for turn, script in enumerate(SCRIPTS):
        for serial, (behaviour, number, disguise) in enumerate(casting(script, world.persons, world.days)):
            scene = Scene(county, Dice(world.seed, 7, turn, serial), behaviour, number, disguise)
            behaviour.act(scene)
            if not scene.truth:
                raise AssertionError(f"{behaviour.rule} {behaviour.name} told nothing.")
            truth += scene.truth
            for person in scene.people:
                registry.resident(county, person, start)
                if person.number not in scene.still:
                    live(
                        county,
                        person,
                        Dice(world.seed, 8, person.number),
                        quiet=scene.quiet.get(person.number, ()),
                        stays=False,
                    )
        progress(turn + 1, len(SCRIPTS))
    return truth
