"""Model 3, `forest`: many small oddities at once.

The deviates of model 2 (size and case mix taken out, standardised within the peer group), of which only the suspicious side
counts, in an isolation forest. How odd a row is, is held against rows that an honest world would make: normal deviates,
bound to each other as those of the baseline are, of as many indicators as the row has (who has more cases can be compared on
more, and must not be odder for that). The explanation names the indicators that, set back to the group's centre,
move the row back most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.anomaly import comparing, explain, fdr, indicators, mix, outcome, peers, scoring
from detectors.anomaly.calibration import Tail
from detectors.anomaly.comparing import Baseline, Comparison
from detectors.anomaly.isolation import Isolation
from detectors.anomaly.mix import CaseMix
from detectors.anomaly.model import Features, ModelError, State, hash_of
from detectors.anomaly.shrinkage import Floats

NAME = "forest"

#: Trees, and rows that each is grown on.
_TREES, _SAMPLE = 200, 256

#: Deviates beyond this are as odd as this.
_MOST = 6.0

#: Fewer indicators than that are no picture.
FEW_INDICATORS = 3

#: Rows of the honest world that oddity is held against, for each number of indicators.
_HONEST = 4_000

#: Correlations are drawn towards none by this much.
_SHRINK = 0.1

#: Rows that are at least so odd (as evidence: one in ten) are explained by setting indicators back.
_EXPLAINED = 1.0


@dataclass(frozen=True)
class Honest:
    """How odd honest rows are: a tail for each number of indicators, from `counts`, which are in order."""

    counts: np.ndarray
    tails: tuple[Tail, ...]

    def evidence(self, oddity: Floats, indicators: np.ndarray) -> Floats:
        """Evidence by row; a number that the baseline has not is as the next smaller one, else the smallest."""
        at = np.maximum(np.searchsorted(self.counts, indicators, side="right") - 1, 0)
        found = np.zeros(len(oddity))
        for number, tail in enumerate(self.tails):
            some = at == number
            found[some] = tail.evidence(oddity[some]) / np.log(10)
        return found


@dataclass(frozen=True, eq=False)
class Forest:
    """A fitted model, by subject type: baseline, trees, the oddity of the honest by number of indicators, the lines."""

    meta: Mapping[str, Any]
    case_mix: CaseMix
    baselines: Mapping[str, Baseline]
    trees: Mapping[str, Isolation]
    honest: Mapping[str, Honest]
    lines: Mapping[str, Mapping[str, float]]

    name = NAME

    @property
    def units(self) -> tuple[str, ...]:
        """The feature tables that it reads."""
        return (*peers.UNITS, outcome.UNIT) if self.after else peers.UNITS

    @property
    def after(self) -> tuple[str, ...]:
        """Model 1, where it compares what that says of stays."""
        return peers.after(self.baselines)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subject types that there was enough of to grow a forest."""
        return tuple(self.trees)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(NAME, self.state())

    def score(self, features: Features) -> pa.Table:
        """A row for every institution and practitioner, by month, by quarter and for the whole."""
        tables = []
        for kind, trees in self.trees.items():
            compared = self.baselines[kind].compare(features, self.case_mix)
            evidence = self._evidence(kind, compared)
            scores = peers.graded(evidence, peers.line(self.lines[kind], compared))
            order = _telling(compared, trees, evidence)
            tables.append(scoring.table(kind, NAME, compared, scores, order, features, explain.SMALL))
        return scoring.together(tables)

    def _evidence(self, kind: str, compared: Comparison) -> Floats:
        return evidence_of(compared, self.trees[kind], self.honest[kind])

    def state(self) -> State:
        """All that the model is."""
        about, arrays = self.case_mix.state()
        meta: dict[str, Any] = {
            **self.meta,
            "mix": about,
            "lines": {k: dict(v) for k, v in self.lines.items()},
        }
        for kind, trees in self.trees.items():
            meta[kind], more = self.baselines[kind].state(f"{kind}.")
            arrays |= more | trees.arrays(f"{kind}.trees.")
            arrays[f"{kind}.honest.counts"] = self.honest[kind].counts
            arrays[f"{kind}.honest.grid"] = np.stack([tail.grid for tail in self.honest[kind].tails])
            arrays[f"{kind}.honest.scale"] = np.array([tail.scale for tail in self.honest[kind].tails])
        return State(meta, arrays)


def evidence_of(compared: Comparison, trees: Isolation, honest: Honest) -> Floats:
    """Evidence by row; NaN where too few indicators could be compared."""
    count = np.isfinite(compared.z).sum(axis=1)
    found = honest.evidence(trees.oddity(suspicious(compared.z)), count)
    return np.where(count >= FEW_INDICATORS, found, np.nan)


def suspicious(z: Floats) -> Floats:
    """Deviates on the suspicious side; what is missing, or lies on the other, is as the group's centre."""
    return np.asarray(np.clip(np.nan_to_num(z, nan=0.0), 0.0, _MOST))


def _telling(compared: Comparison, trees: Isolation, evidence: Floats) -> np.ndarray:
    """Indicators by row, that first which moves an odd row back most; of the others the largest deviate first."""
    order = peers.most_telling(compared)
    odd = np.flatnonzero(np.nan_to_num(evidence) >= _EXPLAINED)
    if not len(odd):
        return order
    rows = suspicious(compared.z[odd])
    before = trees.oddity(rows)
    gain = np.full(rows.shape, -np.inf)
    for column in range(rows.shape[1]):
        there = np.flatnonzero(rows[:, column] > 0)
        if len(there):
            back = rows[there].copy()
            back[:, column] = 0.0
            gain[there, column] = before[there] - trees.oddity(back)
    largest = np.nan_to_num(compared.z[odd], nan=-np.inf)
    order = order.copy()
    order[odd] = np.lexsort((-largest, -gain), axis=1)
    return order


def fit(features: Features, as_of: datetime, *, seed: int, beside: peers.Peers | None = None) -> Forest:
    """Grow the forests on closed months. `beside`: the model 2 of the same features, so that it is not fitted twice."""
    kept = peers.baseline_features(features, as_of)
    case_mix = beside.case_mix if beside else mix.fit(kept["case_mix"])
    baselines: dict[str, Baseline] = {}
    trees: dict[str, Isolation] = {}
    honest: dict[str, Honest] = {}
    lines: dict[str, dict[str, float]] = {}
    every = beside.baselines if beside else comparing.fit_all(kept, case_mix, seed=seed)
    for kind, baseline in every.items():
        compared = baseline.compare(kept, case_mix)
        enough = np.isfinite(compared.z).sum(axis=1) >= FEW_INDICATORS
        if enough.sum() < 2:
            continue
        baselines[kind] = baseline
        trees[kind] = _grow(compared.z[enough], seed)
        honest[kind] = _honest(compared.z[enough], trees[kind], seed)
        evidence = evidence_of(compared, trees[kind], honest[kind])
        lines[kind] = _lines(compared, evidence)
    if not trees:
        raise ModelError("Too few institutions with cases enough for a forest; train on a longer history.")
    meta = {"as_of": as_of.isoformat(sep=" "), "seed": seed, "trees": _TREES, "kinds": list(trees)}
    return Forest(meta, case_mix, baselines, trees, honest, lines)


def _grow(z: Floats, seed: int) -> Isolation:
    """Trees on the baseline, gaps filled with honest deviates: to have inpatients at all is not odd."""
    from sklearn.ensemble import IsolationForest

    filled = np.where(np.isfinite(z), z, np.random.default_rng(seed).standard_normal(z.shape))
    forest = IsolationForest(n_estimators=_TREES, max_samples=min(_SAMPLE, len(z)), random_state=seed)
    return Isolation.of(forest.fit(suspicious(filled)))


def _honest(z: Floats, trees: Isolation, seed: int) -> Honest:
    """The oddity of rows that normal deviates make, with the baseline's correlations and the gaps of its rows."""
    dice = np.random.default_rng(seed)
    there = np.isfinite(z)
    bounded = np.clip(np.where(there, z, 0.0), -2.5, 2.5)
    pairs = np.maximum(there.T.astype(float) @ there, 1.0)
    spread = np.sqrt(np.maximum((bounded**2).sum(axis=0) / np.maximum(there.sum(axis=0), 1), 1e-9))
    bound = (bounded.T @ bounded) / pairs / np.outer(spread, spread)
    bound = np.round(np.clip(bound, -0.95, 0.95) * (1 - _SHRINK), 6)
    np.fill_diagonal(bound, 1.0)
    values, vectors = np.linalg.eigh(bound)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    counts = there.sum(axis=1)
    tails = []
    for count in np.unique(counts):
        drawn = dice.standard_normal((_HONEST, len(bound))) @ root.T
        gaps = ~there[dice.choice(np.flatnonzero(counts == count), _HONEST)]
        tails.append(Tail.of(np.round(trees.oddity(suspicious(np.where(gaps, np.nan, drawn))), 9)))
    return Honest(np.unique(counts), tuple(tails))


def _lines(compared: Comparison, evidence: Floats) -> dict[str, float]:
    p = np.where(np.isnan(evidence), np.nan, 10.0 ** -np.nan_to_num(evidence))
    found = {}
    for period in np.unique(compared.panel.period):
        of_period = p[compared.panel.period == period]
        if np.isfinite(of_period).any():
            at = fdr.cut_off(of_period, peers.FALSE_DISCOVERIES)
            found[str(period)] = round(float(fdr.evidence(np.array(at))), 9)
    return found


def restore(state: State) -> Forest:
    """The model of a state."""
    arrays, kinds = state.arrays, state.meta["kinds"]
    return Forest(
        meta={
            key: value for key, value in state.meta.items() if key not in ("mix", "lines", *indicators.OWN)
        },
        case_mix=mix.restore(state),
        baselines={kind: comparing.restore(kind, state, f"{kind}.") for kind in kinds},
        trees={kind: Isolation.from_arrays(arrays, f"{kind}.trees.") for kind in kinds},
        honest={
            kind: Honest(
                arrays[f"{kind}.honest.counts"],
                tuple(
                    Tail(grid, float(scale))
                    for grid, scale in zip(
                        arrays[f"{kind}.honest.grid"], arrays[f"{kind}.honest.scale"], strict=True
                    )
                ),
            )
            for kind in kinds
        },
        lines=state.meta["lines"],
    )
