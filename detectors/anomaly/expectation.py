"""Model 1, `expectation`: what a stay should have cost and lasted, and how far outside of that it lies.

Cost, days and fee lines of a stay are expected from diagnosis, age, sex, operation, level and type of the institution,
insurance, referral and emergency, on the scale of logarithms, by trees that never saw the stay's institution. The
distance is measured in spreads of the diagnosis (drawn towards its chapter where cases are few), each distance is held
against those of the baseline, and the largest of the three, held against the baseline once more, is the score.
Where one of the three is missing the score can only come out lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import design, folds
from detectors.anomaly.calibration import Tail, score
from detectors.anomaly.design import CATEGORIES, FEW, FEW_CASES, NOTHING_KNOWN, REASONS, TARGETS
from detectors.anomaly.encoding import Codes, Floats
from detectors.anomaly.model import DRIVER, SCORES, WHOLE, Features, State, hash_of
from detectors.anomaly.sentences import stay_sentences
from detectors.anomaly.trees import Trees

NAME = "expectation"

#: The shares of comparable stays that lie below the range that is shown, and below its upper end.
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Expected:
    """One target as seen from one fold: all that was learned of it without that fold's institutions.

    `means`: by category its encoding; `spread`: by diagnosis, logarithms; `smear`: what the mean of the values is more
    than the exponential of the mean logarithm (Duan 1983).
    """

    trees: Trees
    means: Mapping[str, Floats]
    spread: Floats
    tail: Tail
    smear: float

    def matrix(self, numbers: Floats, places: Mapping[str, Codes]) -> Floats:
        """The design matrix: numbers, then encoded categories, NaN where a category was never seen."""
        encoded = [np.where(places[name] >= 0, self.means[name][places[name]], np.nan) for name in CATEGORIES]
        return np.column_stack([numbers, *encoded])


@dataclass(frozen=True)
class Found:
    """What was found of each stay, by target (columns; NaN: none): on the scale of logarithms, but `expected`."""

    evidence: Floats  # stays
    z: Floats
    expected: Floats
    low: Floats
    high: Floats
    cases: npt.NDArray[np.int64]  # stays: comparable cases elsewhere


@dataclass(frozen=True, eq=False)
class Expectation:
    """A fitted model. `by_fold`: target → what was learned of it without each fold."""

    meta: Mapping[str, Any]
    vocabularies: Mapping[str, npt.NDArray[np.str_]]
    institutions: Mapping[str, int]
    cases: Floats  # folds × diagnoses: cases elsewhere
    by_fold: Mapping[str, tuple[Expected, ...]]
    overall: tuple[Tail, ...]

    name = NAME
    units = ("stay",)
    after: tuple[str, ...] = ()
    subjects = ("stay",)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(NAME, self.state())

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that there was something to learn of."""
        return tuple(self.by_fold)

    def score(self, features: Features) -> pa.Table:
        """A row for each stay, by mdtrt_id."""
        stays = features["stay"].sort_by("mdtrt_id")
        places = design.places(stays, self.vocabularies)
        fold = folds.of(stays["fixmedins_code"], self.institutions, len(self.overall))
        reason = design.unfit(stays)
        diagnosis = places["diagnosis"]
        cases = np.where(diagnosis >= 0, self.cases[fold, diagnosis], 0).astype(np.int64)
        reason[(reason == 0) & (cases < FEW)] = REASONS.index(FEW_CASES)
        seen = design.targets(stays)
        known = np.any([~np.isnan(seen[target]) for target in self.targets], axis=0)
        reason[(reason == 0) & ~known] = REASONS.index(NOTHING_KNOWN)
        fit = reason == 0
        found = self._find(design.numbers(stays), seen, places, fold, fit, cases)
        return self._scores(stays, found, reason, fit)

    def _find(
        self,
        numbers: Floats,
        seen: Mapping[str, Floats],
        places: Mapping[str, Codes],
        fold: Codes,
        fit: npt.NDArray[np.bool_],
        cases: Any,
    ) -> Found:
        rows, count = len(numbers), len(self.targets)
        evidence = np.full(rows, -np.inf)
        z, expected, low, high = (np.full((rows, count), np.nan) for _ in range(4))
        for number, tail in enumerate(self.overall):
            some = np.flatnonzero(fit & (fold == number))
            if not len(some):
                continue
            at = {name: codes[some] for name, codes in places.items()}
            for column, (target, by_fold) in enumerate(self.by_fold.items()):
                one = by_fold[number]
                mean = one.trees.predict(one.matrix(numbers[some], at))
                spread = one.spread[at["diagnosis"]]
                distance = (seen[target][some] - mean) / spread
                known = ~np.isnan(distance)
                odd = np.where(known, one.tail.evidence(np.where(known, distance, 0.0)), -np.inf)
                evidence[some] = np.maximum(evidence[some], odd)
                z[some, column] = distance
                expected[some, column] = np.exp(mean) * one.smear
                low[some, column] = np.exp(mean + spread * one.tail.quantile(LOW))
                high[some, column] = np.exp(mean + spread * one.tail.quantile(HIGH))
            evidence[some] = tail.evidence(evidence[some])
        return Found(evidence, z, expected, low, high, cases)

    def _scores(self, stays: pa.Table, found: Found, reason: Codes, fit: npt.NDArray[np.bool_]) -> pa.Table:
        rows = stays.num_rows
        observed = np.column_stack([design.floats(stays[name]) for name in self.targets])
        scores = np.where(fit, score(np.where(fit, found.evidence, 0.0)), np.nan)
        known = ~np.isnan(found.z)
        order = np.argsort(np.where(known, -found.z, np.inf), axis=1, kind="stable")
        told, told_en = stay_sentences(
            self.targets,
            stays["diagnosis"].to_pylist(),
            scores,
            observed,
            found.expected,
            known,
            order,
            found.cases,
        )

        def main(values: Floats) -> pa.Array:
            """The first target of which something is known: cost before days before lines."""
            first = np.argmax(known, axis=1)
            chosen = values[np.arange(rows), first]
            return pa.array(np.round(chosen, 2), mask=~(known.any(axis=1) & fit) | np.isnan(chosen))

        ids = stays["mdtrt_id"].combine_chunks()
        ended = stays["ended_on"].cast(pa.string())
        return pa.table(
            {
                "subject_type": pa.array(["stay"]).take(pa.array(np.zeros(rows, dtype=np.int64))),
                "subject": ids,
                "period": pc.fill_null(ended, WHOLE),
                "model": pa.array([NAME]).take(pa.array(np.zeros(rows, dtype=np.int64))),
                "score": pa.array(scores, mask=~fit),
                "cases": pa.array(np.ones(rows, dtype=np.int64)),
                "observed": main(observed),
                "expected": main(found.expected),
                "low": main(found.low),
                "high": main(found.high),
                "reason": pa.array(told, pa.string()),
                "reason_en": pa.array(told_en, pa.string()),
                "not_enough": pa.array([None, *REASONS[1:]]).take(pa.array(reason)),
                "drivers": self._drivers(found, observed, known, order),
                "shown": pa.ListArray.from_arrays(pa.array(np.arange(rows + 1), pa.int32()), ids),
            },
            schema=SCORES,
        )

    def _drivers(
        self, found: Found, observed: Floats, known: npt.NDArray[np.bool_], order: npt.NDArray[np.int64]
    ) -> pa.ListArray:
        """Of each stay the targets that are known, the most telling first."""
        kept = np.take_along_axis(known, order, axis=1)
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])

        def flat(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.asarray(np.take_along_axis(values, order, axis=1)[kept])

        names = pa.array(list(self.targets), pa.string())
        columns = {
            "indicator": names.take(pa.array(order[kept])) if len(names) else names,
            "observed": pa.array(flat(observed)),
            "expected": pa.array(np.round(flat(found.expected), 2)),
            "low": pa.array(np.round(flat(found.low), 2)),
            "high": pa.array(np.round(flat(found.high), 2)),
            "cases": pa.array(flat(np.repeat(found.cases[:, None], order.shape[1], axis=1))),
            "z": pa.array(np.round(flat(found.z), 3)),
        }
        structs = pa.StructArray.from_arrays([columns[one.name] for one in DRIVER], fields=list(DRIVER))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)

    def state(self) -> State:
        """All that the model is."""
        codes = sorted(self.institutions)
        arrays: dict[str, np.ndarray] = {
            "institutions": np.array(codes, dtype=np.str_),
            "institution_folds": np.array([self.institutions[code] for code in codes], dtype=np.int64),
            "cases": self.cases,
            "overall.grid": np.stack([tail.grid for tail in self.overall]),
            "overall.scale": np.array([tail.scale for tail in self.overall]),
        }
        arrays |= {f"categories.{name}": known for name, known in self.vocabularies.items()}
        for target, by_fold in self.by_fold.items():
            arrays[f"{target}.spread"] = np.stack([one.spread for one in by_fold])
            arrays[f"{target}.smear"] = np.array([one.smear for one in by_fold])
            arrays[f"{target}.grid"] = np.stack([one.tail.grid for one in by_fold])
            arrays[f"{target}.scale"] = np.array([one.tail.scale for one in by_fold])
            for name in CATEGORIES:
                arrays[f"{target}.mean.{name}"] = np.stack([one.means[name] for one in by_fold])
            for number, one in enumerate(by_fold):
                arrays |= one.trees.arrays(f"{target}.{number}")
        return State({**self.meta, "targets": list(self.by_fold)}, arrays)


def restore(state: State) -> Expectation:
    """The model of a state."""
    arrays = state.arrays
    count = len(arrays["overall.scale"])

    def tail(name: str, number: int) -> Tail:
        return Tail(arrays[f"{name}.grid"][number], float(arrays[f"{name}.scale"][number]))

    def expected(target: str, number: int) -> Expected:
        means = {name: arrays[f"{target}.mean.{name}"][number] for name in CATEGORIES}
        return Expected(
            Trees.from_arrays(arrays, f"{target}.{number}"),
            means,
            arrays[f"{target}.spread"][number],
            tail(target, number),
            float(arrays[f"{target}.smear"][number]),
        )

    wanted = [name for name in TARGETS if name in state.meta["targets"]]
    return Expectation(
        meta={key: value for key, value in state.meta.items() if key != "targets"},
        vocabularies={name: arrays[f"categories.{name}"] for name in CATEGORIES},
        institutions=dict(
            zip(arrays["institutions"].tolist(), arrays["institution_folds"].tolist(), strict=True)
        ),
        cases=arrays["cases"],
        by_fold={name: tuple(expected(name, number) for number in range(count)) for name in wanted},
        overall=tuple(tail("overall", number) for number in range(count)),
    )
