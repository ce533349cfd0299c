"""Categories as numbers: the smoothed mean of what is to be predicted, never from the fold that it is used on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

#: So many cases of its own weigh as much as what is known of a category's parents.
WEIGHT = 20.0


def vocabulary(column: pa.ChunkedArray) -> npt.NDArray[np.str_]:
    """The categories of a column, sorted; a missing value is the category ""."""
    return np.array(sorted(pc.unique(pc.fill_null(column, "")).to_pylist()), dtype=np.str_)


def codes(column: pa.ChunkedArray, known: npt.NDArray[np.str_]) -> Codes:
    """The place of each value in a vocabulary, −1 where it is not in it."""
    found = pc.index_in(pc.fill_null(column, ""), value_set=pa.array(known.tolist(), pa.string()))
    return np.asarray(pc.fill_null(found, -1).combine_chunks(), dtype=np.int64)


def parents(known: npt.NDArray[np.str_]) -> Codes:
    """The group of each category by its first letter (of an ICD category: about its chapter), numbered from 0."""
    letters = [str(one)[:1] for one in known]
    order = {letter: number for number, letter in enumerate(sorted(set(letters)))}
    return np.array([order[letter] for letter in letters], dtype=np.int64)


@dataclass(frozen=True)
class Sums:
    """Sum and number of values by fold and category, from which means without some folds follow.

    `parent`: for each category its group, towards whose mean it is drawn; none: towards the mean of all.
    """

    total: Floats  # folds × categories
    cases: Floats  # folds × categories
    parent: Codes | None = None

    @staticmethod
    def of(
        values: Floats, at: Codes, fold: Codes, folds: int, categories: int, parent: Codes | None = None
    ) -> Sums:
        """Add values up. `at`: their category, −1 for none, which counts nowhere."""
        known = at >= 0
        cell = fold[known] * categories + at[known]
        size = folds * categories
        return Sums(
            np.asarray(
                np.bincount(cell, weights=values[known], minlength=size).reshape(folds, categories),
                np.float64,
            ),
            np.bincount(cell, minlength=size).reshape(folds, categories).astype(np.float64),
            parent,
        )

    def without(self, folds: Sequence[int], weight: float = WEIGHT) -> Floats:
        """The mean of each category over the other folds, drawn towards that of its group, and this towards that of all."""
        keep = np.ones(len(self.total), dtype=bool)
        keep[list(folds)] = False
        total, cases = self.total[keep].sum(axis=0), self.cases[keep].sum(axis=0)
        every = total.sum() / max(cases.sum(), 1.0)
        prior: Floats | float = every
        if self.parent is not None:
            groups = int(self.parent.max()) + 1
            group_total = np.bincount(self.parent, weights=total, minlength=groups)
            group_cases = np.bincount(self.parent, weights=cases, minlength=groups)
            prior = ((group_total + weight * every) / (group_cases + weight))[self.parent]
        return np.asarray((total + weight * prior) / (cases + weight))

    def cases_without(self, fold: int) -> Floats:
        """How many cases each category has in the other folds."""
        return np.asarray(self.cases.sum(axis=0) - self.cases[fold])
