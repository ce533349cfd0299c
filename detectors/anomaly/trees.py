"""Boosted regression trees as plain arrays, and their prediction in numpy: no scikit-learn where scores are made.

A tree is not walked. For each feature it is known which leaves a value in each bin excludes; the leaves that are left
after all features are AND-ed, and the lowest of them is the leaf (Lucchese et al., "QuickScorer", SIGIR 2015).
Conditions are compared as they were fitted (`value <= threshold`, missing values to the side the node says), and a
row's sum is added tree by tree, so it is the same alone and among others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Leaves of a tree at the most: one bit each.
MOST_LEAVES = 32

#: Rows that are predicted together: what they need stays in the processor's cache.
_ROWS = 2048


@dataclass(frozen=True)
class Trees:
    """Trees one after the other: tree `t` has the nodes `start[t]` to `start[t + 1]`, its root first.

    A node is a leaf (`feature` −1) with its `value`, or sends rows whose feature is at most `threshold` to `left`,
    others to `right` (both counted within the tree), missing values left where `missing_left` says so.
    """

    baseline: float
    start: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int16]
    threshold: Floats
    missing_left: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int16]
    right: npt.NDArray[np.int16]
    value: Floats

    @staticmethod
    def of(regressor: Any) -> Trees:
        """The trees of a fitted `HistGradientBoostingRegressor` with one output and without categorical features."""
        nodes = [predictor.nodes for (predictor,) in regressor._predictors]
        every = np.concatenate(nodes)
        if every["is_categorical"].any():
            raise ValueError("categorical splits are not kept; encode categories as numbers")
        leaf = every["is_leaf"].astype(bool)
        return Trees(
            baseline=float(np.asarray(regressor._baseline_prediction).ravel()[0]),
            start=np.cumsum([0, *map(len, nodes)]).astype(np.int32),
            feature=np.where(leaf, -1, every["feature_idx"].astype(np.int64)).astype(np.int16),
            threshold=np.where(leaf, 0.0, every["num_threshold"]),
            missing_left=np.where(leaf, False, every["missing_go_to_left"].astype(bool)),
            left=np.where(leaf, 0, every["left"].astype(np.int64)).astype(np.int16),
            right=np.where(leaf, 0, every["right"].astype(np.int64)).astype(np.int16),
            value=np.where(leaf, every["value"], 0.0),
        )

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """As arrays to be saved."""
        return {
            f"{prefix}.baseline": np.array([self.baseline]),
            f"{prefix}.start": self.start,
            f"{prefix}.feature": self.feature,
            f"{prefix}.threshold": self.threshold,
            f"{prefix}.missing_left": self.missing_left,
            f"{prefix}.left": self.left,
            f"{prefix}.right": self.right,
            f"{prefix}.value": self.value,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], prefix: str) -> Trees:
        """What `arrays` gave."""
        return Trees(
            float(arrays[f"{prefix}.baseline"][0]),
            *(
                arrays[f"{prefix}.{name}"]
                for name in ("start", "feature", "threshold", "missing_left", "left", "right", "value")
            ),
        )

    @property
    def count(self) -> int:
        """How many trees there are."""
        return len(self.start) - 1

    def predict(self, rows: Floats) -> Floats:
        """The prediction for each row (rows × features, NaN: missing)."""
        found = np.empty(len(rows))
        for begin in range(0, len(rows), _ROWS):
            found[begin : begin + _ROWS] = self._some(rows[begin : begin + _ROWS])
        return found

    def _some(self, rows: Floats) -> Floats:
        bins, leaves = self._bins, self._leaves
        alive = np.full((len(rows), self.count), np.uint32(0xFFFFFFFF))
        kept = np.empty_like(alive)
        for column, (thresholds, masks) in bins.items():
            values = rows[:, column]
            at = np.searchsorted(thresholds, values, side="left")
            at[np.isnan(values)] = len(thresholds) + 1
            np.take(masks, at, axis=0, out=kept, mode="clip")
            np.bitwise_and(alive, kept, out=alive)
        # the lowest bit that is left, as the exponent of the power of two that it is
        np.bitwise_and(alive, np.negative(alive), out=alive)
        leaf = (alive.astype(np.float32).view(np.int32) >> 23) - 127
        leaf += np.arange(0, self.count * MOST_LEAVES, MOST_LEAVES, dtype=np.int32)
        values = leaves.take(leaf, mode="clip")
        total = np.full(len(rows), self.baseline)
        for tree in range(self.count):
            total += values[:, tree]
        return total

    @cached_property
    def _leaves(self) -> Floats:
        """Value of leaf `n` of tree `t` at `t * MOST_LEAVES + n`, counted from left to right."""
        values = np.zeros(self.count * MOST_LEAVES)
        for tree in range(self.count):
            for number, node in enumerate(self._order(tree, 0)):
                values[tree * MOST_LEAVES + number] = self.value[self.start[tree] + node]
        return values

    @cached_property
    def _bins(self) -> dict[int, tuple[Floats, npt.NDArray[np.uint32]]]:
        """Feature → its thresholds in order, and by bin (the last: missing) and tree the leaves that are left."""
        bins: dict[int, tuple[Floats, npt.NDArray[np.uint32]]] = {}
        excluded = self._excluded()
        for column in np.unique(self.feature[self.feature >= 0]):
            of_column = np.flatnonzero(self.feature == column)
            thresholds = np.unique(self.threshold[of_column])
            masks = np.full((len(thresholds) + 2, self.count), np.uint32(0xFFFFFFFF))
            for node in of_column.tolist():
                # a value is in bin b where b thresholds are less than it; the condition fails above the node's own
                fails = int(np.searchsorted(thresholds, self.threshold[node])) + 1
                tree = int(np.searchsorted(self.start, node, side="right")) - 1
                masks[fails : len(thresholds) + 1, tree] &= excluded[node]
                if not self.missing_left[node]:
                    masks[-1, tree] &= excluded[node]
            bins[int(column)] = thresholds, masks
        return bins

    def _excluded(self) -> dict[int, np.uint32]:
        """For each node that is no leaf: all leaves but those on its left."""
        found: dict[int, np.uint32] = {}
        for tree in range(self.count):
            first = int(self.start[tree])
            place = {node: number for number, node in enumerate(self._order(tree, 0))}
            if len(place) > MOST_LEAVES:
                raise ValueError(f"a tree has {len(place)} leaves; {MOST_LEAVES} at the most")
            for node in range(first, int(self.start[tree + 1])):
                if self.feature[node] >= 0:
                    lost = sum(1 << place[leaf] for leaf in self._order(tree, int(self.left[node])))
                    found[node] = np.uint32(0xFFFFFFFF ^ lost)
        return found

    def _order(self, tree: int, node: int) -> list[int]:
        """The leaves under a node of a tree from left to right, counted within the tree."""
        first, waiting, leaves = int(self.start[tree]), [node], []
        while waiting:
            one = waiting.pop()
            if self.feature[first + one] < 0:
                leaves.append(one)
            else:
                waiting += [int(self.right[first + one]), int(self.left[first + one])]
        return leaves
