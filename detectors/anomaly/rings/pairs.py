"""Pairs that come together: how often, how often chance would have it, and how unlikely that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.anomaly import fdr
from detectors.anomaly.rings import chance
from detectors.anomaly.rings.chance import Floats, Rates
from detectors.anomaly.rings.meetings import LEAST_DATES, Arrivals, Ints, common, testable

#: False discovery rate of the pairs, at each of the two questions.
FALSE_DISCOVERIES = 0.05

#: Pairs that share so many days by chance more often than this are not asked how close they come.
OFTEN = 0.05


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs with `LEAST_DATES` common dates at a place. `first`, `second`: numbers of persons, `place` of places.

    `dates`: common dates, `close`: those within reach of each other; `expected`, `expected_close`: as many by chance. `by_day`:
    the probability of so many common dates, `by_frequency` of so many close ones; `by_time`: that of the common dates so many are
    close, NaN where a source knows no times. `tested`: how many pairs could have been.
    """

    first: Ints
    second: Ints
    place: Ints
    dates: Ints
    close: Ints
    expected: Floats
    expected_close: Floats
    by_day: Floats
    by_frequency: Floats
    by_time: Floats
    tested: int

    def __len__(self) -> int:
        return len(self.first)

    def where(self, keep: npt.NDArray[np.bool_]) -> Pairs:
        """Some of them."""
        return Pairs(
            self.first[keep], self.second[keep], self.place[keep], self.dates[keep], self.close[keep],
            self.expected[keep], self.expected_close[keep], self.by_day[keep], self.by_frequency[keep], self.by_time[keep],
            self.tested,
        )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Evidence (−log10 of a probability) at which the false discovery rate is held: of frequency, and of time."""

    frequency: float
    time: float

    def reached(self, pairs: Pairs) -> Floats:
        """The evidence of pairs in lines: 1 is at the line on the question on which they are less sure."""
        often = fdr.evidence(pairs.by_frequency) / self.frequency
        close = fdr.evidence(np.nan_to_num(pairs.by_time, nan=1.0)) / self.time
        found = np.where(np.isnan(pairs.by_time), often, np.minimum(often, close))
        return np.where((pairs.close >= LEAST_DATES) & (pairs.by_day <= OFTEN), found, 0.0)


def pairs(of: Arrivals, rates: Rates) -> Pairs:
    """The pairs of some arrivals, by place and person."""
    one = common(of)
    same_day, reach = rates.at(of.places[one.place])
    timed = of.timed(one.place)
    pairs_of_dates = (one.first_dates * one.second_dates).astype(float)
    expected = pairs_of_dates * same_day * chance.weekly(one.weekday, pairs_of_dates)
    near = np.where(timed, chance.habitual(one.alike, pairs_of_dates, reach), 1.0)
    expected_close = expected * near
    dates, close = one.dates.astype(float), one.close.astype(float)
    return Pairs(
        one.first, one.second, one.place, one.dates, one.close, expected, expected_close,
        chance.by_frequency(one.dates, one.first_dates, one.second_dates, expected), chance.by_frequency(one.close, one.first_dates, one.second_dates, expected_close),
        np.where(timed, chance.by_time(close, dates, reach), np.nan), testable(of),
    )  # fmt: skip


def line(found: Pairs) -> Line:
    """The line of a baseline: frequency over all pairs that could be tested, time over those that share more days than usual.

    Whether they do (`OFTEN`) is asked of days alone, which say nothing of how close within them chance brings a pair.
    """
    asked = found.by_time[(found.by_day <= OFTEN) & np.isfinite(found.by_time)]
    return Line(_cut(found.by_frequency, found.tested), _cut(asked, len(asked)))


def _cut(p: Floats, tested: int) -> float:
    """Evidence at the line (Benjamini and Hochberg) when so many were tested; those that are not given are ones."""
    ordered = np.sort(p)
    steps = FALSE_DISCOVERIES * np.arange(1, len(ordered) + 1) / max(1, tested)
    reached = np.flatnonzero(ordered <= steps)
    cut = float(steps[reached[-1]]) if len(reached) else FALSE_DISCOVERIES / max(1, tested)
    return round(float(fdr.evidence(np.array(cut))), 9)


def lines(texts: Mapping[str, list[float]]) -> dict[str, Line]:
    """Lines of a state."""
    return {period: Line(*values) for period, values in texts.items()}
