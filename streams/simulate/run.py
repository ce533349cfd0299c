"""Runs a simulation: residents block by block, then the plants, then the log in its order of arrival."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from streams.simulate import anomalies, registry, sale
from streams.simulate import catalogue as cat
from streams.simulate.arrival import Outbox
from streams.simulate.care import live
from streams.simulate.clock import DAY, HOUR
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.people import Person, Residents
from streams.simulate.places import build
from streams.simulate.plants import plant_all
from streams.simulate.truth import Label, Plant
from streams.simulate.world import World
from streams.simulate.writer import Compression, LogWriter, in_order

#: Residents of a block share a stream of chance, and households do not reach beyond a block.
BLOCK = 400

Progress = Callable[[str, int, int], None]


class Log(NamedTuple):
    """A simulated world in memory: lines in order of arrival, what was planted, the counts of world.json, who is labelled."""

    events: list[bytes]
    truth: list[Plant]
    manifest: dict[str, object]
    labels: Sequence[Label] = ()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: millions of lines wait, and nothing here refers in circles."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _kept(outbox: Outbox) -> None:
    """Everything stays in memory."""


def _silent(stage: str, done: int, total: int) -> None:
    """No progress shown."""


def _live(
    world: World, spill: Callable[[Outbox], None], progress: Progress
) -> tuple[County, list[Plant], list[Label]]:
    places = build(world)
    county = County(
        world,
        places,
        Residents(world, max(5, world.persons // 150), max(6, world.persons // 500)),
        Outbox(Dice(world.seed, 0), world.noise),
    )
    outbox = county.outbox
    start = world.first * DAY
    registry.catalogue(county, start)
    for place in places.all():
        registry.institution(county, place, start)
        registry.practitioners(county, place, start)
    _stock(county, Dice(world.seed, 3))
    made = 0
    block = 0
    while made < world.persons:
        dice = Dice(world.seed, 1, block)
        people: list[Person] = []
        size = min(BLOCK, world.persons - made)
        while len(people) < size:
            people += county.residents.household(dice, size - len(people))
        for person in people:
            registry.resident(county, person, start)
        for person in people:
            live(county, person, dice)
        made += size
        block += 1
        spill(outbox)
        progress("居民", made, world.persons)
    _checks(county, Dice(world.seed, 4))
    truth: list[Plant] = []
    if world.planted:

        def planted(done: int, total: int) -> None:
            spill(outbox)
            progress("植入", done, total)

        truth = plant_all(county, planted)
    labels: list[Label] = []
    if world.anomalies:

        def served(done: int, total: int) -> None:
            spill(outbox)
            progress("机构", done, total)

        labels = anomalies.live(county, served)
    return county, truth, labels


def _stock(county: County, dice: Dice) -> None:
    """Stock counted once, goods bought every week, and a sign of life of every hospital each day."""
    world, places = county.world, county.places
    drugs = [item for item in cat.ITEMS if item.list_type == "101"]
    for place in places.pharmacies:
        sale.stock_opening(county, place.counters[0], drugs, world.first * DAY + 7 * HOUR + dice.below(HOUR))
        for day in range(world.first + 1 + dice.below(6), world.last, 7):
            sale.stock_purchase(
                county,
                place.counters[0],
                [dice.pick(drugs) for _ in range(4)],
                30,
                day * DAY + 9 * HOUR + dice.below(6 * HOUR),
            )
    for place in [
        *places.hospitals(),
        places.psychiatric,
        places.maternity,
        places.centre,
        places.city,
        places.province,
    ]:
        for day in range(world.first, world.last):
            t = day * DAY + 16 * HOUR + dice.below(5 * HOUR)
            if not place.dark(t, t + 1):
                sale.stock_change(county, place.counters[0], dice.pick(drugs), 1 + dice.below(3), t, "104")


def _checks(county: County, dice: Dice) -> None:
    """Reminders answered now and then, and a remote bed check of every hospital every other week."""
    world = county.world
    for n in range(max(3, world.persons * world.days // 60000)):
        place = dice.pick(county.places.hospitals())
        t = (world.first + dice.below(world.days)) * DAY + 9 * HOUR + dice.below(8 * HOUR)
        if not place.dark(t, t + 1):
            registry.feedback(county, place.counters[0], n + 1, t)
    beds: dict[str, list[tuple[int, int, Person, str]]] = {}
    for place, begin, end, person, mdtrt_id in county.inpatients:
        beds.setdefault(place.code, []).append((begin, end, person, mdtrt_id))
    for place in county.places.hospitals():
        for day in range(world.first + 3 + dice.below(10), world.last, 14):
            t = day * DAY + 15 * HOUR + dice.below(HOUR)
            found = [
                (person, mdtrt_id)
                for begin, end, person, mdtrt_id in beds.get(place.code, ())
                if begin < day < end
            ]
            if found and not place.dark(t, t + 1):
                registry.bed_check(county, place.counters[0], found[:6], t)


def _manifest(county: County, truth: list[Plant]) -> dict[str, object]:
    world, outbox = county.world, county.outbox
    settings = asdict(world)
    if not world.anomalies:  # what does not matter is not said: older worlds keep their words
        del settings["anomalies"], settings["institutions"]
    plants: dict[str, dict[str, int]] = {}
    for plant in truth:
        kinds = plants.setdefault(plant.rule_code, {})
        kinds[plant.kind] = kinds.get(plant.kind, 0) + 1
    return {
        "note": "Invented. No person, institution, code beginning with 99 or 98, or amount is real.",
        "world": {**settings, "start": world.start.isoformat()},
        "persons": county.residents.made,
        "institutions": len(county.places.all()) + (world.institutions if world.anomalies else 0),
        "events": sum(outbox.counts.values()),
        "lines": outbox.pending,
        "counts": dict(sorted(outbox.counts.items())),
        "disorder": dict(sorted(outbox.disorder.items())),
        "plants": dict(sorted(plants.items())),
    }


def simulate(world: World) -> Log:
    """A world in memory. For small worlds: everything is held at once."""
    with _uncollected():
        county, truth, labels = _live(world, _kept, _silent)
        events: list[bytes] = []
        for day in sorted(county.outbox.buckets):
            events += in_order(county.outbox.buckets[day])
    return Log(events, truth, _manifest(county, truth), labels)


def write(
    world: World, folder: Path, *, compression: Compression = "zst", progress: Progress = _silent
) -> dict[str, object]:
    """A world in files: `events/*.jsonl[.zst|.gz]`, `truth.jsonl`, `world.json`, `README.txt`, and with anomalies `truth.csv`.

    Returns world.json's content.
    """
    with _uncollected(), LogWriter(folder, compression) as writer:
        county, truth, labels = _live(world, writer.spill, progress)
        writer.finish(county.outbox, progress)
        manifest = _manifest(county, truth)
        writer.tell(truth, manifest, labels)
    return manifest
