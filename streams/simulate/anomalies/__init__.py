"""Many institutions with patients of their own: ordinary ones, honest but unusual ones, and those that misbehave.

What they do no exact rule decides; `Label`s say who does what, and how strongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from streams.simulate import registry
from streams.simulate.anomalies import rings
from streams.simulate.anomalies.houses import Sector, build
from streams.simulate.anomalies.lives import HouseLife
from streams.simulate.clock import DAY
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.truth import Label


def live(county: County, progress: Callable[[int, int], None]) -> list[Label]:
    """Lives all houses of the world, after everything else in it. Returns who is labelled."""
    sector = build(county)
    start = county.world.first * DAY
    county.outbox.breaking = False
    labels: list[Label] = []
    for number, house in enumerate(sector.houses):
        registry.institution(county, house.place, start)
        registry.practitioners(county, house.place, start)
        HouseLife(county, house, Dice(county.world.seed, 21, number)).live()
        labels += house.labels()
        progress(number + 1, len(sector.houses))
    doubtful = {("institution", house.place.code) for house in rings.hosts(county, sector)}
    groups = rings.rings(county, sector)
    seen_by = _who_sees(groups, sector)
    told = [
        replace(one, kind=seen_by.get((one.subject_type, one.subject), one.kind))
        for one in labels
        if (one.subject_type, one.subject) not in doubtful
    ]
    return told + groups


def _who_sees(groups: list[Label], sector: Sector) -> dict[tuple[str, str], str]:
    """The kind of group by institution that an honest one comes to, and by physician of the department where it is seen."""
    comes_to = {one.subject.partition(":")[0]: one.kind for one in groups if not one.label}
    found = {}
    for house in sector.houses:
        kind = comes_to.get(house.place.code)
        if kind:
            found["institution", house.place.code] = kind
            found |= {("practitioner", doctor): kind for doctor in house.place.doctors[house.place.depts[0]]}
    return found
