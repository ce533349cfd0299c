"""How good a list is against a truth: arrays in, numbers out.

Scores are higher for who should be looked at first; NaN is not scored, and stands last. Where several subjects have the same score, a
cut through them takes the same fraction of each: no measure depends on the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Shares of all subjects for which precision and recall are told.
CUTS = (0.01, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Cut:
    """The first `count` of a list. `hits`: of them, those that the truth names (a fraction where a tie was cut).

    `lift`: how many times as many as a list drawn by chance would hold. `size_…`: the same for the list that ranks everyone
    among those of equal size, against chance among those of equal size.
    """

    share: float
    count: int
    hits: float
    precision: float
    recall: float
    lift: float
    size_precision: float
    size_chance: float
    size_lift: float


@dataclass(frozen=True, slots=True)
class Quality:
    """A list against a truth. `size_auc`: pairs of equal size only; NaN where there are none."""

    auc: float
    average_precision: float
    size_auc: float
    cuts: tuple[Cut, ...]


def quality(
    scores: Floats, truth: NDArray[np.bool_], strata: Ints, shares: tuple[float, ...] = CUTS
) -> Quality:
    """All measures of a list. Raises `ValueError` unless the truth has both kinds."""
    if not truth.any() or truth.all():
        raise ValueError("A truth needs subjects of both kinds, named and not named.")
    scores = _ranks(np.nan_to_num(scores, nan=-np.inf))
    base = truth.mean()
    chance = np.zeros(len(truth))
    within = among_equals(scores, strata)
    for stratum in np.unique(strata):
        here = strata == stratum
        chance[here] = truth[here].mean()
    cuts = []
    for share in shares:
        count = max(1, ceil(share * len(truth) - 1e-9))
        taken, taken_within = first(scores, count), first(within, count)
        hits, size_hits = float(taken @ truth), float(taken_within @ truth)
        expected = float(taken_within @ chance)
        cuts.append(
            Cut(
                share=share, count=count, hits=hits, precision=hits / count, recall=hits / float(truth.sum()),
                lift=hits / count / base, size_precision=size_hits / count, size_chance=expected / count,
                size_lift=size_hits / expected if expected else float("nan"),
            )
        )  # fmt: skip
    return Quality(
        auc(scores, truth),
        average_precision(scores, truth),
        equal_size_auc(scores, truth, strata),
        tuple(cuts),
    )


def auc(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """Chance that one whom the truth names stands above one whom it does not (ties: half)."""
    concordant, pairs = _pairs(scores, truth)
    return concordant / pairs if pairs else float("nan")


def equal_size_auc(scores: Floats, truth: NDArray[np.bool_], strata: Ints) -> float:
    """As `auc`, over pairs of the same stratum."""
    concordant = pairs = 0.0
    for stratum in np.unique(strata):
        here = strata == stratum
        some, of = _pairs(scores[here], truth[here])
        concordant, pairs = concordant + some, pairs + of
    return concordant / pairs if pairs else float("nan")


def average_precision(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """Precision at each score, weighted by the recall it adds."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    found = np.cumsum(truth[order])[ends].astype(float)
    gained = np.diff(found, prepend=0.0)
    return float((gained * found / (ends + 1)).sum() / truth.sum())


def first(scores: Floats, count: int) -> Floats:
    """Which part of each subject is among the first `count`: 1, 0, or a fraction at the cut."""
    edge = np.sort(scores)[len(scores) - count]
    taken: Floats = (scores > edge).astype(float)
    tied = scores == edge
    taken[tied] = (count - taken.sum()) / tied.sum()
    return taken


def gain(scores: Floats, truth: NDArray[np.bool_]) -> Floats:
    """Recall after the first 0, 1, … all of the list; straight through ties."""
    scores = np.nan_to_num(scores, nan=-np.inf)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(_ranks(scores)[order])), len(order) - 1)
    found = np.cumsum(truth[order])[ends] / max(1, truth.sum())
    reached: Floats = np.interp(np.arange(len(order) + 1), np.append(0, ends + 1), np.append(0.0, found))
    return reached


def among_equals(scores: Floats, strata: Ints) -> Floats:
    """Where each subject stands in its own stratum, 0 last to 1 first: the list that knows nothing of size."""
    scores = np.nan_to_num(scores, nan=-np.inf)
    within = np.zeros(len(scores))
    for stratum in np.unique(strata):
        here = strata == stratum
        within[here] = (_ranks(scores[here]) - 0.5) / here.sum()
    return within


def by_size(sizes: Floats, wanted: int) -> Ints:
    """Strata of about equal numbers, by size; the same size is never cut apart. Unknown sizes are a stratum of their own."""
    known = ~np.isnan(sizes)
    strata = np.full(len(sizes), -1, dtype=np.int64)
    if known.any():
        ranks = _ranks(sizes[known])
        strata[known] = np.minimum(((ranks - 0.5) / known.sum() * wanted).astype(np.int64), wanted - 1)
    return strata


def _ranks(values: Floats) -> Floats:
    """1 for the smallest; ties share the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    ends = np.append(np.flatnonzero(values[order][1:] != values[order][:-1]), len(values) - 1)
    starts = np.append(0, ends[:-1] + 1)
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends) / 2 + 1, ends - starts + 1)
    return ranks


def _pairs(scores: Floats, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Pairs in the right order (ties half), and all pairs of a named and an unnamed."""
    named = int(truth.sum())
    pairs = named * (len(truth) - named)
    if not pairs:
        return 0.0, 0.0
    return float(_ranks(scores)[truth].sum() - named * (named + 1) / 2), float(pairs)
