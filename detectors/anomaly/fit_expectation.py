"""How model 1 is made: encodings, trees, spreads and tails, each fold's without the institutions of that fold.

The only module of it that knows scikit-learn. The same data and seed give the same model; the threads of the trees are
fixed, because they add floats up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import design, folds
from detectors.anomaly.calibration import Tail
from detectors.anomaly.design import CATEGORIES, TARGETS
from detectors.anomaly.encoding import Codes, Floats, Sums, parents, vocabulary
from detectors.anomaly.expectation import Expectation, Expected
from detectors.anomaly.model import Features, ModelError, closed_before
from detectors.anomaly.trees import MOST_LEAVES, Trees

#: Fewer stays than that teach nothing (engineering default), of a target too.
FEWEST = 200

#: Residuals count for the spread up to so many typical ones: a few frauds must not widen what is expected.
WINSOR = 3.0

#: The least spread, as a share of the typical one: no diagnosis is so uniform that a day more is out of the world.
LEAST_SPREAD = 0.25

#: Two sums in either order are one; with more threads the order would decide the last digit.
THREADS = 2


@dataclass(frozen=True)
class Settings:
    """Size of the trees. Twice as many win less than 1 % of the error, and cost twice the time."""

    trees: int = 100
    learning_rate: float = 0.1
    leaves: int = MOST_LEAVES - 1
    fewest_in_leaf: int = 20
    ridge: float = 1.0


@dataclass(frozen=True)
class ExpectationFitting:
    """Makes model 1."""

    settings: Settings = Settings()

    def fit(self, features: Features, as_of: datetime, *, seed: int) -> Expectation:
        """Fit on stays that were discharged in months closed by `as_of`, settled and complete."""
        stays = _usable(features["stay"], as_of)
        institutions = folds.assign(stays["fixmedins_code"])
        if stays.num_rows < FEWEST or len(institutions) < 2:
            raise ModelError(
                f"Model 'expectation' needs {FEWEST} settled stays at two institutions in closed months; "
                f"there are {stays.num_rows} at {len(institutions)}."
            )
        return _Fit(self.settings, stays, institutions, seed).model(_meta(stays, as_of, seed, self.settings))


def _usable(stays: pa.Table, as_of: datetime) -> pa.Table:
    stays = stays.sort_by("mdtrt_id")
    closed = pc.less(stays["ended_on"], pa.scalar(closed_before(as_of)))
    usable = np.equal(design.unfit(stays), None) & np.asarray(pc.fill_null(closed, False).combine_chunks())
    return stays.filter(pa.array(usable.astype(bool)))


def _meta(stays: pa.Table, as_of: datetime, seed: int, settings: Settings) -> dict[str, Any]:
    span = pc.min_max(stays["ended_on"]).as_py()
    return {
        "as_of": as_of.isoformat(sep=" "),
        "window": [span["min"].isoformat(), span["max"].isoformat()],
        "rows": stays.num_rows,
        "seed": seed,
        "trees": {
            "count": settings.trees,
            "learning_rate": settings.learning_rate,
            "leaves": settings.leaves,
            "fewest_in_leaf": settings.fewest_in_leaf,
            "ridge": settings.ridge,
        },
    }


class _Fit:
    """One fit: the stays with their folds and categories, and what is learned of them step by step."""

    def __init__(
        self, settings: Settings, stays: pa.Table, institutions: Mapping[str, int], seed: int
    ) -> None:
        self.settings, self.seed, self.institutions = settings, seed, institutions
        self.count = max(institutions.values()) + 1
        self.fold = folds.of(stays["fixmedins_code"], institutions, self.count)
        self.known = {name: vocabulary(stays[name]) for name in CATEGORIES}
        self.places = design.places(stays, self.known)
        self.numbers = design.numbers(stays)
        self.targets = {
            name: values for name, values in design.targets(stays).items() if self._enough(values)
        }
        if not self.targets:
            raise ModelError("Model 'expectation' finds neither cost nor days of the stays.")
        self.chapter = parents(self.known["diagnosis"])

    def _enough(self, values: Floats) -> bool:
        return int(np.sum(~np.isnan(values))) >= FEWEST

    def model(self, meta: Mapping[str, Any]) -> Expectation:
        """Learn everything."""
        by_fold: dict[str, tuple[Expected, ...]] = {}
        evidence = [np.full(len(self.fold), -np.inf) for _ in range(self.count)]
        quality: dict[str, dict[str, float]] = {}
        for name, values in self.targets.items():
            by_fold[name], mean = self._target(values)
            seen = ~np.isnan(values)
            z = np.full(len(values), np.nan)
            for number in range(self.count):
                mine = seen & (self.fold == number)
                z[mine] = (values - mean)[mine] / by_fold[name][number].spread[self.places["diagnosis"][mine]]
            for number, one in enumerate(by_fold[name]):
                others = seen & (self.fold != number)
                tail = Tail.of(z[others])
                by_fold[name] = _with_tail(by_fold[name], number, tail)
                odd = tail.evidence(np.where(seen, z, 0.0))
                evidence[number] = np.maximum(evidence[number], np.where(seen, odd, -np.inf))
            error, spread = np.var((values - mean)[seen]), np.var(values[seen])
            quality[name] = {"explained": round(1 - float(error / spread), 4) if spread > 0 else 0.0}
        overall = tuple(
            Tail.of(one[(self.fold != number) & np.isfinite(one)]) for number, one in enumerate(evidence)
        )
        diagnosis = Sums.of(
            np.ones(len(self.fold)), self.places["diagnosis"], self.fold, self.count, len(self.known["diagnosis"])
        )
        return Expectation(
            meta={**meta, "quality": quality},
            vocabularies=self.known,
            institutions=self.institutions,
            cases=np.stack([diagnosis.cases_without(number) for number in range(self.count)]),
            by_fold={name: by_fold[name] for name in TARGETS if name in by_fold},
            overall=overall,
        )

    def _target(self, values: Floats) -> tuple[tuple[Expected, ...], Floats]:
        """What is learned of one target, tails still wanting, and what is expected of each stay, out of fold."""
        seen = ~np.isnan(values)
        sums = {
            name: Sums.of(
                values[seen], self.places[name][seen], self.fold[seen], self.count, len(self.known[name]),
                self.chapter if name == "diagnosis" else None,
            )
            for name in CATEGORIES
        }  # fmt: skip
        mean = np.full(len(values), np.nan)
        trees: list[Trees] = []
        means: list[dict[str, Floats]] = []
        for number in range(self.count):
            trees.append(self._trees(values, seen, sums, number))
            means.append({name: one.without([number]) for name, one in sums.items()})
            mine = self.fold == number
            mean[mine] = trees[number].predict(self._matrix(mine, means[number]))
        spread = self._spread(values - mean, seen)
        smear = self._smear(values - mean, seen)
        found = [
            Expected(trees[n], means[n], spread[n], Tail(np.zeros(2), 1.0), smear[n])
            for n in range(self.count)
        ]
        return tuple(found), mean

    def _trees(self, values: Floats, seen: npt.NDArray[np.bool_], sums: Mapping[str, Sums], fold: int) -> Trees:
        """The trees that do not know a fold. A row that they are fitted on is encoded without its own fold too."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        rows = np.flatnonzero(seen & (self.fold != fold))
        matrix = np.empty((len(rows), self.numbers.shape[1] + len(CATEGORIES)))
        for other in range(self.count):
            if other != fold:
                means = {name: one.without([fold, other]) for name, one in sums.items()}
                here = self.fold[rows] == other
                matrix[here] = self._matrix(rows[here], means)
        regressor = HistGradientBoostingRegressor(
            max_iter=self.settings.trees,
            learning_rate=self.settings.learning_rate,
            max_leaf_nodes=self.settings.leaves,
            min_samples_leaf=self.settings.fewest_in_leaf,
            l2_regularization=self.settings.ridge,
            early_stopping=False,
            random_state=self.seed,
        )
        with threadpool_limits(limits=THREADS, user_api="openmp"):
            regressor.fit(matrix, values[rows])
        return Trees.of(regressor)

    def _matrix(self, rows: Any, means: Mapping[str, Floats]) -> Floats:
        encoded = [means[name][self.places[name][rows]] for name in CATEGORIES]
        return np.column_stack([self.numbers[rows], *encoded])

    def _spread(self, residual: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
        """Folds × diagnoses: the spread of the others' residuals, those far out cut."""
        typical = 1.4826 * float(np.median(np.abs(residual[seen])))
        typical = max(typical, 1e-3)
        cut = np.clip(residual[seen], -WINSOR * typical, WINSOR * typical)
        diagnosis: Codes = self.places["diagnosis"][seen]
        sums = Sums.of(
            cut**2, diagnosis, self.fold[seen], self.count, len(self.known["diagnosis"]), self.chapter
        )
        least = (LEAST_SPREAD * typical) ** 2
        return np.sqrt(np.maximum(np.stack([sums.without([n]) for n in range(self.count)]), least))

    def _smear(self, residual: Floats, seen: npt.NDArray[np.bool_]) -> list[float]:
        """By fold the mean of the others' exponentials, the highest hundredth cut."""
        found = []
        for number in range(self.count):
            others = residual[seen & (self.fold != number)]
            found.append(float(np.mean(np.exp(np.minimum(others, np.quantile(others, 0.99))))))
        return found


def _with_tail(by_fold: tuple[Expected, ...], number: int, tail: Tail) -> tuple[Expected, ...]:
    one = by_fold[number]
    changed = Expected(one.trees, one.means, one.spread, tail, one.smear)
    return (*by_fold[:number], changed, *by_fold[number + 1 :])
