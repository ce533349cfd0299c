"""How model 1 is made: encodings, trees, spreads and tails, each fold's without the institutions of that fold.

The only module of it that knows scikit-learn. The same data and seed give the same model; the threads of the trees are
fixed, because they add floats up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import design, folds
from detectors.anomaly.calibration import Tail
from detectors.anomaly.design import CATEGORIES
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

#: Threads of the trees. Two sums in either order are one; with more threads the order would decide the last digit.
THREADS = 2

#: With fewer rows than that two threads wait for each other longer than they work.
_FOR_TWO = 100_000


@dataclass(frozen=True)
class Settings:
    """Size of the trees: what a million stays can be learned with in under ten minutes on two cores."""

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
    known = np.asarray(pc.fill_null(closed, False).combine_chunks()).astype(bool)
    return stays.filter(pa.array((design.unfit(stays) == 0) & known))


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


@dataclass(frozen=True)
class _Learned:
    """What was learned of a target; `z`: how far each stay lies from what is expected, out of fold, in spreads;
    `explained`: share of the variance, on the scale of logarithms."""

    by_fold: tuple[Expected, ...]
    z: Floats
    explained: float


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
        learned = {name: self._target(values) for name, values in self.targets.items()}
        diagnosis = Sums.of(
            np.ones(len(self.fold)),
            self.places["diagnosis"],
            self.fold,
            self.count,
            len(self.known["diagnosis"]),
        )
        return Expectation(
            meta={**meta, "explained": {name: one.explained for name, one in learned.items()}},
            vocabularies=self.known,
            institutions=self.institutions,
            cases=np.stack([diagnosis.cases_without(number) for number in range(self.count)]),
            by_fold={name: one.by_fold for name, one in learned.items()},
            overall=tuple(self._overall(number, learned.values()) for number in range(self.count)),
        )

    def _overall(self, fold: int, learned: Iterable[_Learned]) -> Tail:
        """How the largest evidence of the other folds' stays is distributed, each weighed as this fold's are."""
        evidence = np.full(len(self.fold), -np.inf)
        for one in learned:
            seen = ~np.isnan(one.z)
            odd = one.by_fold[fold].tail.evidence(np.where(seen, one.z, 0.0))
            evidence = np.maximum(evidence, np.where(seen, odd, -np.inf))
        return Tail.of(evidence[(self.fold != fold) & np.isfinite(evidence)])

    def _target(self, values: Floats) -> _Learned:
        """What is learned of one target."""
        seen = ~np.isnan(values)
        sums = {
            name: Sums.of(
                values[seen], self.places[name][seen], self.fold[seen], self.count, len(self.known[name]),
                self.chapter if name == "diagnosis" else None,
            )
            for name in CATEGORIES
        }  # fmt: skip
        trees = [self._trees(values, seen, sums, number) for number in range(self.count)]
        means = [{name: one.without([number]) for name, one in sums.items()} for number in range(self.count)]
        mean = np.full(len(values), np.nan)
        for number in range(self.count):
            mine = self.fold == number
            mean[mine] = trees[number].predict(self._matrix(mine, means[number]))
        residual = values - mean
        centred = self._centred(residual, seen)
        spread, smear = self._spread(centred, seen), self._smear(centred, seen)
        z = centred / spread[self.fold, self.places["diagnosis"]]
        others = [seen & (self.fold != number) for number in range(self.count)]
        by_fold = tuple(
            Expected(trees[n], means[n], spread[n], Tail.of(z[others[n]]), smear[n])
            for n in range(self.count)
        )
        total = float(np.var(values[seen]))
        explained = 1 - float(np.var(residual[seen])) / total if total > 0 else 0.0
        return _Learned(by_fold, z, round(explained, 4))

    def _trees(
        self, values: Floats, seen: npt.NDArray[np.bool_], sums: Mapping[str, Sums], fold: int
    ) -> Trees:
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
        # of what nobody has nothing is learned; scikit-learn has no bins for it
        matrix[:, np.isnan(matrix).all(axis=0)] = 0.0
        regressor = HistGradientBoostingRegressor(
            max_iter=self.settings.trees,
            learning_rate=self.settings.learning_rate,
            max_leaf_nodes=self.settings.leaves,
            min_samples_leaf=self.settings.fewest_in_leaf,
            l2_regularization=self.settings.ridge,
            early_stopping=False,
            random_state=self.seed,
        )
        with threadpool_limits(limits=THREADS if len(rows) >= _FOR_TWO else 1, user_api="openmp"):
            regressor.fit(matrix, values[rows])
        return Trees.of(regressor)

    def _matrix(self, rows: Any, means: Mapping[str, Floats]) -> Floats:
        encoded = [means[name][self.places[name][rows]] for name in CATEGORIES]
        return np.column_stack([self.numbers[rows], *encoded])

    def _centred(self, residual: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
        """The residuals less the median of their fold. What others' models learned of a fold whose prices are out of the
        way lowers the residuals of those others, and must not come back to it as a range and a mean of theirs."""
        found = residual.copy()
        for number in range(self.count):
            mine = seen & (self.fold == number)
            if mine.any():
                found[mine] -= np.median(residual[mine])
        return found

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
