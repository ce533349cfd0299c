"""Empirical Bayes: how far a subject lies from its peers, when chance and honest differences between peers are allowed for.

Three kinds of indicator, one scheme. A subject with `n` cases shows `y`; `e` is expected of its cases. Peers differ by chance
(sampling, less with more cases) and honestly (over-dispersion, whatever the number of cases):

| kind  | y                     | prior on a subject's own level | variance of y                             |
| ----- | --------------------- | ------------------------------ | ----------------------------------------- |
| rate  | x of n cases          | beta, so y is beta-binomial    | p (1 - p) (1/n + rho (1 - 1/n))           |
| count | x per n of exposure   | gamma, so y is gamma-Poisson   | a mu/n + b mu^2 (a: size of a clump)       |
| mean  | mean of n cases       | normal, so y is normal         | a/n + b                                   |

The group's location (a factor on `e`, for means a shift) and over-dispersion are estimated so that a few extreme members
move neither: Huber's second proposal, the additive over-dispersion of funnel plots (Spiegelhalter and others, Statistical
methods for healthcare regulation, JRSS A 2012). All numbers are binary floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy import special

Floats: TypeAlias = np.ndarray
Kind = Literal["rate", "count", "mean"]

#: Residuals beyond this many standard deviations count as this many: Huber's usual compromise.
_BOUND = 1.5

#: The mean of a squared normal residual when it is bounded so.
_BOUNDED_SQUARE = float(
    special.gammainc(1.5, _BOUND**2 / 2) + _BOUND**2 * special.gammaincc(0.5, _BOUND**2 / 2)
)

#: Up to so many cases the beta-binomial tail is summed exactly; beyond, a beta of the same mean and variance serves.
_EXACT = 60

#: Rounds of location and dispersion in turn; they settle in about ten.
_ROUNDS = 12

#: The largest over-dispersion looked for: as correlation, squared coefficient of variation, or variance.
_MOST = {"rate": 0.6, "count": 25.0, "mean": 1e6}

_TINY = 1e-300

#: Honest difference between peers that is always allowed for, as a share of their level (one standard deviation).
LEEWAY = 0.05


@dataclass(frozen=True)
class Group:
    """What a group of peers is like: `location` times (means: plus) the expectation, `between` = over-dispersion (rho, b),
    `size` subjects."""

    location: float
    between: float
    size: int


def centre(kind: Kind, expected: Floats, location: float | Floats) -> Floats:
    """What peers show: the expectation moved to the group's location."""
    if kind == "mean":
        return np.asarray(expected + location)
    moved = expected * location
    return np.asarray(np.clip(moved, 1e-4, 1 - 1e-4) if kind == "rate" else np.maximum(moved, 1e-9))


def variance(kind: Kind, mu: Floats, n: Floats, within: float, between: float | Floats) -> Floats:
    """Of what a subject with `n` cases shows: chance and honest differences together."""
    if kind == "rate":
        return np.asarray(mu * (1 - mu) * (1 / n + between * (1 - 1 / n)))
    if kind == "count":
        return np.asarray(within * mu / n + between * mu**2)
    return np.asarray(within / n + between)


def leeway(kind: Kind, mu: Floats, logarithmic: bool) -> Floats:
    """The variance that peers are granted however alike a group seems: a difference of `LEEWAY` is worth no visit."""
    if kind == "mean" and logarithmic:
        return np.full_like(mu, LEEWAY**2)
    return np.asarray((LEEWAY * mu) ** 2)


def fit_group(kind: Kind, y: Floats, expected: Floats, n: Floats, within: float) -> Group:
    """Location and over-dispersion of a group. `within`: variance of a single case (counts: a clump), see `fit_within`."""
    location, between = _start(kind, y, expected), 0.0
    for _ in range(_ROUNDS):
        mu = centre(kind, expected, location)
        between = _between(kind, y, mu, n, within)
        location = _step(kind, y, mu, variance(kind, mu, n, within, between), location)
    return Group(location, between, len(y))


def fit_location(kind: Kind, y: Floats, expected: Floats, n: Floats, within: float, between: float) -> float:
    """The location alone, where the over-dispersion is known (a single month of a group)."""
    location = _start(kind, y, expected)
    for _ in range(_ROUNDS):
        mu = centre(kind, expected, location)
        location = _step(kind, y, mu, variance(kind, mu, n, within, between), location)
    return location


def fit_within(kind: Kind, y: Floats, mu: Floats, n: Floats) -> float:
    """The variance of a single case, from subjects about their groups' centres: that by which the smaller half of the
    subjects varies more than the larger half. Rates need none: it follows from the rate. A clump is one event at least."""
    if kind == "rate" or len(y) < 4:
        return 1.0
    scale = mu if kind == "count" else np.ones_like(mu)
    u = (y - mu) ** 2 / scale
    inverse = 1 / n
    u = np.minimum(u, np.quantile(u, 0.9))
    small = inverse >= np.median(inverse)
    if small.all():
        return max(float(np.mean(u * n)) / _TRIMMED, 1.0 if kind == "count" else 1e-12)
    slope = (u[small].mean() - u[~small].mean()) / max(inverse[small].mean() - inverse[~small].mean(), 1e-12)
    most = u[small].mean() / inverse[small].mean()
    single = float(np.clip(slope, 0.05 * most, most) / _TRIMMED)
    return max(single, 1.0 if kind == "count" else 1e-12)


#: What is left of a normal's variance when its squares are cut at their ninetieth percentile.
_TRIMMED = float(special.gammainc(1.5, special.chdtri(1, 0.1) / 2) + 0.1 * special.chdtri(1, 0.1))


def _start(kind: Kind, y: Floats, expected: Floats) -> float:
    if kind == "mean":
        return float(np.median(y - expected))
    total = float(expected.sum())
    return float(max(y.sum() / total, 1e-3)) if total > 0 else 1.0


def _step(kind: Kind, y: Floats, mu: Floats, var: Floats, location: float) -> float:
    """One step of a bounded-influence estimate of the location."""
    sd = np.sqrt(var)
    bounded = np.clip((y - mu) / sd, -_BOUND, _BOUND)
    if kind == "mean":
        return location + float((bounded / sd).sum() / (1 / var).sum())
    gradient = mu / sd
    step = float((gradient * bounded).sum() / max(float((gradient**2).sum()), 1e-12))
    return location * float(np.clip(1 + step, 0.25, 4.0))


def _between(kind: Kind, y: Floats, mu: Floats, n: Floats, within: float) -> float:
    """The over-dispersion at which the bounded squares are as large as they must be."""
    wanted = _BOUNDED_SQUARE * (len(y) - 1)
    square = (y - mu) ** 2

    def excess(between: float) -> float:
        z2 = square / np.maximum(variance(kind, mu, n, within, between), 1e-15)
        return float(np.minimum(z2, _BOUND**2).sum()) - wanted

    low, high = 0.0, 1e-9
    if excess(low) <= 0:
        return 0.0
    while excess(high) > 0:
        low, high = high, high * 4
        if high > _MOST[kind]:
            return _MOST[kind]
    for _ in range(30):
        middle = (low * high) ** 0.5 if low > 0 else high / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def upper_tail(kind: Kind, y: Floats, mu: Floats, n: Floats, var: Floats) -> Floats:
    """The probability that a peer with as many cases shows more than `y` (half of that it shows just as much)."""
    if kind == "mean":
        return np.asarray(special.ndtr(-(y - mu) / np.sqrt(var)))
    if kind == "count":
        shape = mu**2 / var
        return np.asarray(np.clip(special.gammaincc(shape, np.maximum(y, 0) * shape / mu), _TINY, 1.0))
    tail = _beta_tail(y, mu, n, var)
    few = n <= _EXACT
    if few.any():
        tail[few] = _beta_binomial_tail(np.rint(y[few] * n[few]), np.rint(n[few]), mu[few], var[few])
    return np.asarray(np.clip(tail, _TINY, 1.0))


def _beta_tail(y: Floats, mu: Floats, n: Floats, var: Floats) -> Floats:
    strength = np.maximum(mu * (1 - mu) / var - 1, 1e-3)
    a, b = mu * strength, (1 - mu) * strength
    upper = special.betaincc(a, b, np.clip(y - 0.5 / n, 0, 1))
    above = special.betaincc(a, b, np.clip(y + 0.5 / n, 0, 1))
    return np.asarray(0.5 * (upper + above))


def _beta_binomial_tail(x: Floats, n: Floats, mu: Floats, var: Floats) -> Floats:
    """Summed: row by row over 0 … `_EXACT` successes."""
    rho = np.clip((var * n / (mu * (1 - mu)) - 1) / np.maximum(n - 1, 1), 1e-6, 1 - 1e-6)
    strength = (1 - rho) / rho
    a, b = (mu * strength)[:, None], ((1 - mu) * strength)[:, None]
    k, total = np.arange(_EXACT + 1)[None, :], n[:, None]
    inside = k <= total
    rest = np.where(inside, total - k, 0)
    log_mass = (
        special.gammaln(total + 1) - special.gammaln(k + 1) - special.gammaln(rest + 1)
        + special.betaln(k + a, rest + b) - special.betaln(a, b)
    )  # fmt: skip
    mass = np.where(inside, np.exp(log_mass), 0.0)
    at = x[:, None]
    return np.asarray((mass * (k > at)).sum(axis=1) + 0.5 * (mass * (k == at)).sum(axis=1))


def deviate(kind: Kind, p: Floats, n: Floats, sampling: Floats, var: Floats, size: Floats) -> Floats:
    """A tail probability as a normal deviate, where the group is known from `size` subjects only.

    The centre is uncertain by 1/size of the spread, and the spread has size - 1 degrees of freedom; of a mean, the part
    that is chance has those of the subject's own n cases (Satterthwaite), so that five odd cases are not proof.
    """
    z = -special.ndtri(np.clip(p, _TINY, 1 - 1e-16)) / np.sqrt(1 + 1 / size)
    freedom = size - 1
    if kind == "mean":
        honest = np.maximum(var - sampling, 0.0)
        freedom = var**2 / (sampling**2 / np.maximum(n - 1, 1) + honest**2 / (size - 1))
    return np.asarray(-special.ndtri(np.clip(special.stdtr(freedom, -z), _TINY, 1 - 1e-16)))


def shrunk(y: Floats, mu: Floats, sampling: Floats, var: Floats) -> Floats:
    """The subject's own level, as far as its cases say: towards the peers where they are few (the posterior mean)."""
    trust = np.clip(1 - sampling / np.maximum(var, 1e-300), 0.0, 1.0)
    return np.asarray(mu + trust * (y - mu))


def stretch(z: Floats) -> float:
    """By how much the deviates of a baseline are spread wider than honest ones would be, at least 1.

    Where peers differ in ways that no bell describes (most never do a thing, some do it always), the tail is longer than
    over-dispersion says. The ninetieth percentile, and in larger groups the ninety-fifth and ninety-eighth, are held
    against the normal's: as long as fewer are dishonest than lie beyond them, honest ones stay where they belong.
    """
    z = z[np.isfinite(z)]
    levels = [level for level, fewest in ((0.9, 20), (0.95, 60), (0.98, 400)) if len(z) >= fewest]
    return max([1.0, *(float(np.quantile(z, level) / special.ndtri(level)) for level in levels)])
