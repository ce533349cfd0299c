"""A resident's time: which days are spoken for, and what happens when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from streams.simulate.catalogue import Illness
from streams.simulate.clock import DATE, weekday
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.people import Person

#: Ordinary people do not return to hospital sooner than this (days); who does is a story of its own.
BETWEEN_STAYS = 45

#: Mean number a year of clinic visits, pharmacy visits, stays and deaths, by upper age.
_RATES = (
    (6, 6.5, 0.8, 0.13, 0.0004),
    (18, 3.0, 0.8, 0.03, 0.0002),
    (40, 2.6, 3.2, 0.05, 0.0006),
    (60, 4.2, 5.0, 0.11, 0.003),
    (75, 7.0, 5.5, 0.26, 0.013),
    (200, 7.5, 4.0, 0.40, 0.05),
)


def rates(age: int) -> tuple[float, float, float, float]:
    """Clinic visits, pharmacy visits, stays, deaths a year at an age."""
    clinics, shops, stays, deaths = next(numbers for below, *numbers in _RATES if age < below)
    return clinics, shops, stays, deaths


@dataclass(slots=True)
class Life:
    """A resident's calendar. `until`: the day after the last on which anything may happen."""

    county: County
    person: Person
    dice: Dice
    first: int
    until: int
    taken: set[int] = field(default_factory=set)
    stays: list[tuple[int, int]] = field(default_factory=list)
    plans: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)

    def plan(self, t: int, act: Callable[[], None]) -> None:
        """Something to happen at t (seconds)."""
        self.plans.append((t, len(self.plans), act))

    def day(self, winter: bool = False) -> int | None:
        """A free day, rather in winter where the season matters, rather not on a Sunday."""
        u = self.dice.u
        span = self.until - self.first
        for _ in range(4):
            day = self.first + int(u() * span)
            if day in self.taken or (weekday(day) == 6 and u() < 0.6):
                continue
            if winter and DATE[day][5:7] not in ("11", "12", "01", "02", "03") and u() < 0.5:
                continue
            return day
        return None

    def take(self, begin: int, end: int) -> None:
        """No ordinary visit from begin to end (day numbers, both included)."""
        self.taken.update(range(begin, end + 1))

    def take_stay(self, begin: int, end: int) -> bool:
        """Days for a stay, if they are free and far from every other stay."""
        if end + 4 >= self.until or any(day in self.taken for day in range(begin - 2, end + 3)):
            return False
        if any(
            begin - BETWEEN_STAYS < other_end and other < end + BETWEEN_STAYS
            for other, other_end in self.stays
        ):
            return False
        self.take(begin - 2, end + 2)
        self.stays.append((begin, end))
        return True

    def happen(self) -> None:
        """Everything planned, in order of time."""
        self.plans.sort(key=lambda plan: plan[:2])
        for _, _, act in self.plans:
            act()
        self.plans.clear()  # they refer to this life: no circles for the collector to find


def fitting(some: list[Illness], person: Person, day: int, dice: Dice) -> Illness | None:
    """One of the illnesses that this person may have."""
    age = person.age(day)
    for _ in range(6):
        illness = dice.pick(some)
        if illness.ages[0] <= age <= illness.ages[1] and illness.sex in ("", person.gend):
            return illness
    return None
