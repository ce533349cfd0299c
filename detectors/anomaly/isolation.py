"""Isolation forests as plain arrays, and their path lengths in numpy: no scikit-learn where scores are made.

A row that few random cuts set apart from the others is odd (Liu, Ting and Zhou, Isolation Forest, ICDM 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Rows that walk together.
_ROWS = 4096


@dataclass(frozen=True)
class Isolation:
    """Trees one after the other, the nodes of tree `t` from `start[t]` on, its root first.

    A leaf has feature -1, points to itself, and holds in `length` its depth and what a search among its rows would cost;
    `normal` is that cost for all rows of a tree.
    """

    start: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    length: np.ndarray
    normal: float
    depth: int

    @staticmethod
    def of(forest: Any) -> Isolation:
        """The trees of a fitted `IsolationForest` that uses all features in each tree."""
        parts: dict[str, list[np.ndarray]] = {
            name: [] for name in ("feature", "threshold", "left", "right", "length")
        }
        start, deepest = [0], 0
        for estimator in forest.estimators_:
            tree, first = estimator.tree_, start[-1]
            depth = _depths(tree.children_left, tree.children_right)
            leaf = tree.children_left < 0
            own = np.arange(tree.node_count)
            parts["feature"].append(np.where(leaf, -1, tree.feature))
            parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
            parts["left"].append(np.where(leaf, own, tree.children_left) + first)
            parts["right"].append(np.where(leaf, own, tree.children_right) + first)
            parts["length"].append(np.where(leaf, depth + _search(tree.n_node_samples), 0.0))
            start.append(first + tree.node_count)
            deepest = max(deepest, int(depth.max()))
        return Isolation(
            start=np.array(start[:-1], dtype=np.int64),
            **{name: np.concatenate(arrays) for name, arrays in parts.items()},
            normal=float(_search(np.array([forest.max_samples_]))[0]),
            depth=deepest,
        )

    def oddity(self, rows: np.ndarray) -> np.ndarray:
        """From 0 to 1 for each row (rows by features, none missing): one half is ordinary, near 1 stands alone."""
        found = np.empty(len(rows))
        plain = rows.astype(np.float32)  # as it was fitted
        for begin in range(0, len(rows), _ROWS):
            some = plain[begin : begin + _ROWS]
            at = np.broadcast_to(self.start, (len(some), len(self.start))).copy()
            each = np.arange(len(some))[:, None]
            for _ in range(self.depth):
                feature = self.feature[at]
                value = some[each, np.maximum(feature, 0)]
                at = np.where(value <= self.threshold[at], self.left[at], self.right[at])
            total = np.zeros(len(some))
            for lengths in self.length[at].T:  # tree by tree, so that a row alone adds up as among others
                total += lengths
            found[begin : begin + _ROWS] = 2.0 ** (-total / (len(self.start) * self.normal))
        return found

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """As arrays to be saved."""
        names = ("start", "feature", "threshold", "left", "right", "length")
        return {f"{prefix}{name}": getattr(self, name) for name in names} | {
            f"{prefix}shape": np.array([self.normal, float(self.depth)])
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], prefix: str) -> Isolation:
        """What `arrays` gave."""
        names = ("start", "feature", "threshold", "left", "right", "length")
        normal, depth = arrays[f"{prefix}shape"]
        return Isolation(
            **{name: arrays[f"{prefix}{name}"] for name in names}, normal=float(normal), depth=int(depth)
        )


def _depths(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Edges from the root to each node; children stand after their parents."""
    depth = np.zeros(len(left))
    for node in range(len(left)):
        if left[node] >= 0:
            depth[left[node]] = depth[right[node]] = depth[node] + 1
    return depth


def _search(rows: np.ndarray) -> np.ndarray:
    """Mean length of an unsuccessful search in a binary tree of so many rows."""
    n = np.asarray(rows, dtype=float)
    many = 2.0 * (np.log(np.maximum(n - 1, 1)) + np.euler_gamma) - 2.0 * (n - 1) / np.maximum(n, 1)
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, many))
