"""Many comparisons at once: false discovery rate, and one probability out of several.

Families are subjects, members of a family its indicators. A family counts by Simes' probability, and the families of a
month are selected by Benjamini and Hochberg: under any positive dependence at most the stated share of those selected is
honest (Benjamini and Bogomolov, Selective inference on multiple families, JRSS B 2014).
"""

from __future__ import annotations

import numpy as np

_TINY = 1e-300


def cut_off(p: np.ndarray, rate: float) -> float:
    """The largest probability that counts as a discovery at the false discovery `rate` (Benjamini and Hochberg, 1995).

    With none, the line that the smallest would have had to reach, `rate` / number of comparisons.

    >>> round(cut_off(np.array([0.001, 0.012, 0.03, 0.5]), 0.05), 3)
    0.038
    """
    ordered = np.sort(p[np.isfinite(p)])
    if not len(ordered):
        return rate
    line = rate * np.arange(1, len(ordered) + 1) / len(ordered)
    reached = np.flatnonzero(ordered <= line)
    return float(line[reached[-1]]) if len(reached) else float(line[0])


def simes(p: np.ndarray) -> np.ndarray:
    """One probability for each row, of the row's members; NaN are left out; 1 where there are none (Simes, 1986).

    >>> simes(np.array([[0.01, 0.5, np.nan]])).round(3).tolist()
    [0.02]
    """
    ordered = np.sort(p, axis=1)  # NaN last
    members = np.isfinite(ordered).sum(axis=1)
    ranks = np.arange(1, p.shape[1] + 1)
    scaled = np.where(np.isfinite(ordered), np.nan_to_num(ordered) * members[:, None] / ranks, np.inf)
    return np.asarray(np.clip(scaled.min(axis=1, initial=1.0), _TINY, 1.0))


def cauchy(p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """One probability for each row out of several that may depend on each other in any way; NaN are left out.

    The weighted mean of Cauchy variables is Cauchy again, whatever binds them, as far as small probabilities go
    (Liu and Xie, Cauchy combination test, JASA 2020).

    >>> cauchy(np.array([[0.01, 0.01]]), np.array([1.0, 3.0])).round(4).tolist()
    [0.01]
    """
    there = np.isfinite(p)
    bounded = np.clip(np.where(there, p, 0.5), _TINY, 1 - 1e-9)
    # For small p the tangent is 1 / (pi p), without the rounding of pi (0.5 - p).
    each = np.where(bounded < 1e-15, 1 / (np.pi * bounded), np.tan(np.pi * (0.5 - bounded)))
    shares = np.where(there, weights, 0.0)
    mean = (each * shares).sum(axis=1) / np.maximum(shares.sum(axis=1), 1e-12)
    small = mean > 1e15
    combined = np.where(small, 1 / (np.pi * np.where(small, mean, 1.0)), 0.5 - np.arctan(mean) / np.pi)
    return np.asarray(np.where(there.any(axis=1), np.clip(combined, _TINY, 1.0), np.nan))


def evidence(p: np.ndarray) -> np.ndarray:
    """A probability as evidence: 2 is one in a hundred, 6 one in a million."""
    return np.asarray(-np.log10(np.clip(p, _TINY, 1.0)))


def graded(amount: np.ndarray, line: float | np.ndarray) -> np.ndarray:
    """Evidence as a score from 0 to 1 that keeps its order and never saturates: one half at the `line`."""
    return np.asarray(amount / (amount + line))
