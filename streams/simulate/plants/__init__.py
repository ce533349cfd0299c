"""Fraud and innocent look-alikes, on residents of their own.

`cast` is the stage; each family of rules has a module with one function a behaviour.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.simulate import registry
from streams.simulate.care import live
from streams.simulate.clock import DAY
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.plants import account, benefit, card_bursts, fake_illness, fake_patient, fake_receipt, ghost_bed, induced
from streams.simulate.plants.cast import Behaviour, Scene, Script
from streams.simulate.truth import Kind, Plant

SCRIPTS: tuple[Script, ...] = (
    *ghost_bed.SCRIPTS, *induced.SCRIPTS, *fake_patient.SCRIPTS, *card_bursts.SCRIPTS, *fake_illness.SCRIPTS, *fake_receipt.SCRIPTS, *account.SCRIPTS,
    *benefit.SCRIPTS,
)  # fmt: skip

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
            cast.append((one, number, one.disguises[turn % len(one.disguises)] if hide else ""))
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
                    live(county, person, Dice(world.seed, 8, person.number), quiet=scene.quiet.get(person.number, ()), stays=False)
        progress(turn + 1, len(SCRIPTS))
    return truth
