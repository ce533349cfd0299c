"""How often chance brings two people together, given how often each goes there.

Two questions of a pair at a place. Does it arrive together more often than the days of all who come there, and the weekdays and hours
that the two keep, allow (hypergeometric; expected are n_i n_j times the chance that two arrivals there are of one day and
close)? And of the days on which both came, do they arrive within `TOGETHER` more often than others who came on one day
(binomial)? The first separates people who travel together from early risers and from those who come on Mondays, the second
from people with the same timetable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, hypergeom

from detectors.anomaly.rings.meetings import LEAST_DATES, NO_MINUTE, TOGETHER, Arrivals, Ints, common

Floats = npt.NDArray[np.float64]

#: What the hours that two people keep anyhow are weighed against: so many pairs of arrivals at the rate of the place.
HABIT = 10.0

#: Pairs of arrivals that the rate of all places weighs against those of one place.
WEIGHT = 300.0

#: No place is believed to bring two people of one day together less often than this.
LEAST_CLOSE = 0.02


@dataclass(frozen=True, eq=False)
class Rates:
    """Of two arrivals at a place: the chance that they are of one day, and of two of one day that they are close.

    `same_day`, `close`: by place (sorted `places`); `others`: both by act (`visited`), for places that were not known. `days`: how many
    the arrivals are spread over.
    """

    places: npt.NDArray[np.str_]
    same_day: Floats
    close: Floats
    others: Mapping[str, tuple[float, float]]
    days: int

    def during(self, days: int) -> Rates:
        """The rates of as many days: the fewer, the more often two arrivals are of one."""
        factor = self.days / max(1, days)
        others = {act: (min(1.0, same * factor), close) for act, (same, close) in self.others.items()}
        return replace(self, same_day=np.minimum(1.0, self.same_day * factor), others=others, days=days)

    def at(self, places: npt.NDArray[np.str_]) -> tuple[Floats, Floats]:
        """Both rates of some places."""
        if not len(places):
            return np.zeros(0), np.zeros(0)
        found = np.minimum(np.searchsorted(self.places, places), max(0, len(self.places) - 1))
        known = self.places[found] == places if len(self.places) else np.zeros(len(places), bool)
        fallback = np.array([self.others.get(act_of(one), _UNKNOWN) for one in places.tolist()])
        same = np.where(known, self.same_day[found] if len(self.places) else 0, fallback[:, 0])
        close = np.where(known, self.close[found] if len(self.places) else 0, fallback[:, 1])
        return same, close

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As meta and arrays."""
        arrays = {"places": self.places, "same_day": self.same_day, "close": self.close}
        return {"others": {act: list(pair) for act, pair in self.others.items()}, "days": self.days}, arrays


#: Where nothing is known of an act: one day in thirty, and an hour of an eight-hour day.
_UNKNOWN = (1 / 30, 2 * TOGETHER / 480)


def act_of(place: str) -> str:
    """What is done at a place."""
    return place.split(" ", 1)[-1]


def fit(of: Arrivals) -> Rates:
    """The rates of a baseline, each place's drawn to those of its act by `WEIGHT` pairs. All arrivals count, also of those who came once.

    Of a pair that is close on `LEAST_DATES` dates or more one date counts: who comes together sets no standard for it.
    """
    size = len(of.places)
    arrived = np.bincount(of.place, minlength=size).astype(float)
    same, close = np.zeros(size), np.zeros(size)
    _, begins, counts = np.unique(np.stack([of.place, of.day]), axis=1, return_index=True, return_counts=True)
    np.add.at(same, of.place[begins], counts * (counts - 1) / 2)
    # Arrivals of a day are sorted by minute: how many follow within reach, by one search over all.
    clock = _clock(of)
    reach = np.searchsorted(clock, clock + TOGETHER, side="right") - 1 - np.arange(len(of))
    np.add.at(close, of.place, reach.astype(float))
    at, dates, near = together(of)
    np.subtract.at(same, at, dates - 1.0)
    np.subtract.at(close, at, near - near / dates)
    pairs = arrived * (arrived - 1) / 2
    acts = np.array([act_of(one) for one in of.places.tolist()], dtype=str)
    same_rate, close_rate, others = np.zeros(size), np.zeros(size), {}
    for act in np.unique(acts).tolist():
        mine = acts == act
        day_rate = float((same[mine].sum() + 1) / (pairs[mine].sum() + 30))
        close_share = float((close[mine].sum() + _UNKNOWN[1] * 20) / (same[mine].sum() + 20))
        others[act] = (round(day_rate, 12), round(close_share, 12))
        same_rate[mine] = (same[mine] + WEIGHT * day_rate) / (pairs[mine] + WEIGHT)
        # Of pairs of one day there are fewer: as many of them as the weight brings.
        own = WEIGHT / 10
        close_rate[mine] = (close[mine] + own * close_share) / (same[mine] + own)
    days = int(of.day.max() - of.day.min()) + 1 if len(of) else 1
    close_rate = np.maximum(close_rate, LEAST_CLOSE)
    return Rates(
        of.places, np.round(same_rate, 12), np.round(close_rate, 12).astype(np.float64), others, days
    )


def together(of: Arrivals) -> tuple[Ints, Ints, Ints]:
    """Place, common dates and close dates of the pairs that are close on `LEAST_DATES` dates or more."""
    pairs = common(of)
    often = pairs.close >= LEAST_DATES
    return pairs.place[often], pairs.dates[often], pairs.close[often]


def _clock(of: Arrivals) -> npt.NDArray[np.int64]:
    """Minutes on one line on which days and places never reach into each other."""
    day = of.day - (of.day.min() if len(of) else 0)
    span = int(day.max()) + 1 if len(of) else 1
    minute = np.where(of.minute == NO_MINUTE, 0, of.minute)
    return np.asarray(((of.place * span + day) * 4 * 1440) + minute)


def habitual(alike: Floats, pairs: Floats, close: Floats) -> Floats:
    """The chance that two people who come on one day are close, by the hours that they keep on other days (`alike`, of so many pairs of
    arrivals) drawn to that of the place; never less than that."""
    return np.asarray(np.maximum(close, (alike * pairs + HABIT * close) / (pairs + HABIT)))


def weekly(weekday: Floats, pairs: Floats) -> Floats:
    """How many times as often as others two people come on one day because both keep to weekdays; never less than once."""
    kept = (weekday * pairs + HABIT / 7) / (pairs + HABIT)
    return np.asarray(np.maximum(1.0, kept * 7))


def by_frequency(times: Ints, first: Ints, second: Ints, expected: Floats) -> Floats:
    """The probability of coming together so many `times` or more, of `first` and `second` dates of either, where so many are expected.

    Hypergeometric: as if both chose their dates among as many as make that expectation.
    """
    among = np.floor(first * second / np.maximum(expected, 1e-12))
    among = np.clip(among, np.maximum(first, second), 10**9).astype(np.int64)
    return np.asarray(np.clip(hypergeom.sf(times - 1, among, first, second), 0.0, 1.0))


def by_time(close: Floats, dates: Floats, rate: Floats) -> Floats:
    """The probability that of so many common dates so many or more are close."""
    return np.asarray(binom.sf(close - 1, dates, rate))


def restore(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Rates:
    """The rates of a state."""
    others = {act: (float(pair[0]), float(pair[1])) for act, pair in meta["others"].items()}
    return Rates(arrays["places"], arrays["same_day"], arrays["close"], others, int(meta["days"]))
