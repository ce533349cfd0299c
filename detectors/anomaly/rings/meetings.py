"""Who was where when, as arrays: one arrival a person, day, institution and act, and the pairs that arrive together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.anomaly.model import Features

Ints = npt.NDArray[np.int64]

#: Minutes within which two arrivals are together.
TOGETHER = 30

#: Joint dates from which on a pair is looked at, and from which on it can be tested at all.
LEAST_DATES = 3

#: A minute that is not known.
NO_MINUTE = -1


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The first arrival of each person on each day at each place, sorted by place, day, minute and person.

    A place is an institution and an act there (`H1 visited`); where a source knows days only it is a place of its own (`H1 visited|day`).
    `person` and `place` are numbers into `people` and `places`; `minute` is of the day, `NO_MINUTE` where unknown.
    """

    people: npt.NDArray[np.str_]
    places: npt.NDArray[np.str_]
    person: Ints
    place: Ints
    day: Ints
    minute: Ints
    visit: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.person)

    def where(self, keep: npt.NDArray[np.bool_]) -> Arrivals:
        """Some of them."""
        return Arrivals(
            self.people, self.places, self.person[keep], self.place[keep], self.day[keep], self.minute[keep],
            self.visit[keep],
        )  # fmt: skip

    def cut(self, begin: int, end: int) -> Arrivals:
        """Those from `begin` to before `end`."""
        part = slice(begin, end)
        return Arrivals(
            self.people, self.places, self.person[part], self.place[part], self.day[part], self.minute[part],
            self.visit[part],
        )  # fmt: skip

    def timed(self, place: Ints) -> npt.NDArray[np.bool_]:
        """Whether the minute is known there."""
        return np.char.find(self.places[place], "|") < 0 if len(place) else np.zeros(0, bool)

    def institution(self, place: int) -> str:
        """The institution of a place."""
        return str(self.places[place]).split(" ")[0]


@dataclass(frozen=True, eq=False)
class Meetings:
    """Pairs on the dates on which both came to one place: numbers of the arrivals, `close` where within `TOGETHER` of each other."""

    first: Ints
    second: Ints
    close: npt.NDArray[np.bool_]


def texts(column: pa.ChunkedArray) -> npt.NDArray[np.str_]:
    """A column of texts; what is missing is empty."""
    return np.array(["" if one is None else one for one in column.to_pylist()], dtype=str)


def arrivals(encounters: pa.Table) -> Arrivals:
    """The arrivals that nothing excuses; those without person, institution or day are left out."""
    day = np.array(encounters["day"].to_numpy(), dtype="datetime64[D]")
    person, house = texts(encounters["psn_no"]), texts(encounters["fixmedins_code"])
    keep = (texts(encounters["excused"]) == "") & ~np.isnat(day) & (person != "") & (house != "")
    raw = np.array(encounters["minute"].to_numpy(zero_copy_only=False), dtype=float)
    minute = np.where(np.isnan(raw), NO_MINUTE, np.nan_to_num(raw)).astype(np.int64)
    place = np.char.add(np.char.add(house, " "), texts(encounters["act"]))
    place = np.char.add(place, np.where(minute == NO_MINUTE, "|day", ""))
    people, number = np.unique(person[keep], return_inverse=True)
    places, at = np.unique(place[keep], return_inverse=True)
    days, minutes = day[keep].astype(np.int64), minute[keep]
    visit = texts(encounters["mdtrt_id"])[keep]
    order = np.lexsort((visit, minutes, number, days, at))
    fresh = np.ones(len(order), dtype=bool)
    same = (np.diff(at[order]) == 0) & (np.diff(days[order]) == 0) & (np.diff(number[order]) == 0)
    fresh[1:] = ~same
    order = order[fresh]
    order = order[np.lexsort((number[order], minutes[order], days[order], at[order]))]
    return Arrivals(people, places, number[order], at[order], days[order], minutes[order], visit[order])


def regulars(of: Arrivals) -> Arrivals:
    """The arrivals of those who came to the place on `LEAST_DATES` dates: nobody else can come with anybody so often."""
    pair = of.place * max(1, len(of.people)) + of.person
    _, back, counts = np.unique(pair, return_inverse=True, return_counts=True)
    return of.where(counts[back] >= LEAST_DATES)


def meetings(of: Arrivals) -> Meetings:
    """All pairs of arrivals at one place on one day; the person with the smaller number first."""
    firsts: list[Ints] = []
    seconds: list[Ints] = []
    step = 1
    while step < len(of):
        # Arrivals of a day at a place lie beside each other: those `step` further on are of the same as long as any are.
        same = np.flatnonzero((of.place[step:] == of.place[:-step]) & (of.day[step:] == of.day[:-step]))
        if not len(same):
            break
        firsts.append(same)
        seconds.append(same + step)
        step += 1
    one = np.concatenate(firsts) if firsts else np.zeros(0, np.int64)
    other = np.concatenate(seconds) if seconds else np.zeros(0, np.int64)
    turned = of.person[one] > of.person[other]
    one, other = np.where(turned, other, one), np.where(turned, one, other)
    close = (np.abs(of.minute[one] - of.minute[other]) <= TOGETHER) & (of.minute[one] != NO_MINUTE)
    return Meetings(one, other, close | (of.minute[one] == NO_MINUTE))


def testable(of: Arrivals) -> int:
    """How many pairs came to one place often enough to be tested there."""
    often = regulars(of)
    persons = np.unique(np.stack([often.place, often.person]), axis=1)[0]
    _, counts = np.unique(persons, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


@dataclass(frozen=True, eq=False)
class Common:
    """Pairs with `LEAST_DATES` common dates at a place: numbers of both persons (the smaller first) and of the place.

    `dates`: common dates, `close`: those on which they are close; `first_dates`, `second_dates`: dates of either. `alike`: the share of
    pairs of arrivals, one of each and not of one day, whose hours are close (0 where no hour is known); `weekday`: of which the weekday is one.
    """

    first: Ints
    second: Ints
    place: Ints
    dates: Ints
    close: Ints
    first_dates: Ints
    second_dates: Ints
    alike: npt.NDArray[np.float64]
    weekday: npt.NDArray[np.float64]


def common(of: Arrivals) -> Common:
    """The pairs of some arrivals that share dates. One place at a time, so that memory holds the meetings of one only."""
    often = regulars(of)
    begins = np.searchsorted(often.place, np.arange(len(of.places) + 1)).tolist()
    parts = [
        _of_place(often.cut(begins[place], begins[place + 1]), place)
        for place in np.unique(often.place).tolist()
    ]
    if not parts:
        none = np.zeros(0, np.int64)
        return Common(none, none, none, none, none, none, none, np.zeros(0), np.zeros(0))
    return Common(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _of_place(some: Arrivals, place: int) -> tuple[npt.NDArray[Any], ...]:
    """The columns of `Common`, of one place."""
    met = meetings(some)
    persons, person, times = np.unique(some.person, return_inverse=True, return_counts=True)
    key, back, dates = np.unique(
        person[met.first] * len(persons) + person[met.second], return_inverse=True, return_counts=True
    )
    close = np.bincount(back, weights=met.close, minlength=len(key)).astype(np.int64)
    enough = dates >= LEAST_DATES
    key, dates, close = key[enough], dates[enough], close[enough]
    first, second = key // len(persons), key % len(persons)
    alike = _alike(some, person, len(persons), first, second)
    pairs = np.maximum(times[first] * times[second] - dates, 1)
    alike = np.clip(np.maximum(alike - close, 0.0) / pairs, 0.0, 1.0)
    week = np.bincount(person * 7 + some.day % 7, minlength=len(persons) * 7).reshape(-1, 7)
    weekday = np.clip(((week[first] * week[second]).sum(axis=1) - dates) / pairs, 0.0, 1.0)
    at = np.full(len(key), place)
    return persons[first], persons[second], at, dates, close, times[first], times[second], alike, weekday


def _alike(some: Arrivals, person: Ints, persons: int, first: Ints, second: Ints) -> npt.NDArray[np.float64]:
    """Pairs of arrivals of two persons whose hours are close, whatever the days, from counts by `TOGETHER` minutes: all of one
    step are, and half of two that follow each other."""
    if not len(first) or some.minute[0] == NO_MINUTE:
        return np.zeros(len(first))
    steps = 1440 // TOGETHER
    counts = np.bincount(person * steps + some.minute // TOGETHER, minlength=persons * steps)
    hours = counts.reshape(persons, steps).astype(float)
    near = hours.copy()
    near[:, 1:] += hours[:, :-1] / 2
    near[:, :-1] += hours[:, 1:] / 2
    return np.asarray((hours[first] * near[second]).sum(axis=1))


def kin_of(features: Features) -> set[tuple[str, str]]:
    """Pairs of one household, the smaller number first."""
    if "kin" not in features:
        return set()
    table = features["kin"]
    pairs = zip(texts(table["psn_no"]).tolist(), texts(table["member_psn_no"]).tolist(), strict=True)
    return {(min(pair), max(pair)) for pair in pairs}


def living_of(encounters: pa.Table) -> dict[str, str]:
    """Who is registered at a nursing home or a school, by person."""
    person, living = texts(encounters["psn_no"]), texts(encounters["living"])
    there = living != ""
    return dict(sorted(zip(person[there].tolist(), living[there].tolist(), strict=True)))


def explained(one: str, other: str, kin: Collection[tuple[str, str]], living: dict[str, str]) -> bool:
    """Whether two people belong together anyhow: one household, one nursing home, one school."""
    if (min(one, other), max(one, other)) in kin:
        return True
    return one in living and living[one] == living.get(other)
