"""Chance, from seeded streams: the same key gives the same draws on every machine.

Only uniform numbers are drawn and only compared, scaled and truncated: no logarithm, no exponential, nothing
whose last bit could depend on a mathematics library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")
_PAGE = 512


class Dice:
    """A stream of its own for each key, e.g. (seed, purpose, block)."""

    def __init__(self, *key: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
        #: The next uniform number in [0, 1).
        self.u = chain.from_iterable(self._pages()).__next__

    def _pages(self) -> Iterator[list[float]]:
        while True:
            yield self._rng.random(_PAGE).tolist()

    def below(self, n: int) -> int:
        """A whole number in 0 … n-1."""
        return int(self.u() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number in low … high, both included."""
        return low + int(self.u() * (high - low + 1))

    def pick(self, some: Sequence[_T]) -> _T:
        """One of a sequence, each as likely."""
        return some[int(self.u() * len(some))]

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self.u() < p

    def shuffled(self, some: Sequence[_T]) -> list[_T]:
        """The sequence in another order."""
        rest = list(some)
        for i in range(len(rest) - 1, 0, -1):
            j = int(self.u() * (i + 1))
            rest[i], rest[j] = rest[j], rest[i]
        return rest
