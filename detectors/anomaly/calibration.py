"""From a number that is large where something is odd to how seldom so large a number is: a calibrated upper tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Up to this share of the values the distribution is that which was seen; beyond it an exponential tail is laid on.
CUT = 0.98

#: At how many points the distribution is kept.
_POINTS = 99

#: The highest score: certainty is not to be had.
HIGHEST = 1 - 1e-9


@dataclass(frozen=True)
class Tail:
    """How the values of a baseline are distributed.

    `grid`: the values below which 0 to `CUT` of them lie, at equal steps; `scale`: mean excess beyond the last. From
    the median of the excesses, so that a few frauds in the baseline do not set the standard.
    """

    grid: Floats
    scale: float

    @staticmethod
    def of(values: Floats) -> Tail:
        """The distribution of a baseline. Raises ValueError where it is empty."""
        if not len(values):
            raise ValueError("a baseline without values")
        grid = np.quantile(values, np.linspace(0, CUT, _POINTS))
        beyond = values[values > grid[-1]] - grid[-1]
        spread = float(np.median(beyond)) / math.log(2) if len(beyond) else 0.0
        return Tail(grid, max(spread, 1e-3))

    def evidence(self, values: Floats) -> Floats:
        """−ln of the share of the baseline that is larger: 0 for the smallest, 3.9 at `CUT`, and on without end."""
        grid = self.grid
        at = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
        step = grid[at + 1] - grid[at]
        part = np.clip((values - grid[at]) / np.where(step > 0, step, 1.0), 0.0, 1.0)
        share = (at + part) / (len(grid) - 1) * CUT
        above = -math.log(1 - CUT) + np.maximum(values - grid[-1], 0.0) / self.scale
        return np.where(values > grid[-1], above, -np.log1p(-share))

    def quantile(self, share: float) -> float:
        """The value below which a share of the baseline lies (0 to `CUT`)."""
        return float(np.interp(share, np.linspace(0, CUT, len(self.grid)), self.grid))


def score(evidence: Floats) -> Floats:
    """Evidence as a score from 0 to 1: the share of the baseline that is less odd."""
    return np.minimum(np.round(-np.expm1(-evidence), 9), HIGHEST)
