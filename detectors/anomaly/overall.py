"""The one list that an inspector works down: `overall`, one row a subject, out of what all models say of it as a whole.

Each model's score is turned back into the probability it stands for; where the middle of the baseline (the median and the
eightieth percentile, which a few frauds do not move) says that the model is too easily surprised, it is toned down, and never
up. The probabilities are combined as Cauchy variables: models
that look at the same cases may depend on each other in any way, and one model that is sure is enough. The list knows
nothing of size: evidence is already free of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import fdr, peers
from detectors.anomaly.model import SCORES, WHOLE, Features, ModelError, State, hash_of
from detectors.anomaly.shrinkage import Floats

NAME = "overall"

#: What a model's word counts for. Comparison with peers says most, and says it best.
WEIGHTS: Mapping[str, float] = {"peers": 3.0, "forest": 1.0, "rings": 1.0}

#: Models whose scores are graded evidence (`fdr.graded`); those of the others are shares of the baseline.
_GRADED = ("peers", "forest", "rings")

#: Models that speak only of those that stand out: the middle of what they say tells nothing of how easily they are surprised.
_SPARING = ("rings",)

#: The middle of the evidence: percentile, and what it would be of honest probabilities.
_MIDDLE = ((0.5, -np.log10(0.5)), (0.8, -np.log10(0.2)))

_COMPARED = ("institution", "practitioner")


@dataclass(frozen=True, eq=False)
class Overall:
    """A fitted model. `scales`: by subject type and model what its evidence is divided by; `lines`: by subject type."""

    meta: Mapping[str, Any]
    scales: Mapping[str, Mapping[str, float]]
    lines: Mapping[str, float]

    name = NAME
    units: tuple[str, ...] = ()
    subjects = _COMPARED

    @property
    def after(self) -> tuple[str, ...]:
        """The models that it rests on."""
        return tuple(sorted({name for one in self.scales.values() for name in one}))

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(NAME, self.state())

    def score(self, features: Features) -> pa.Table:
        """A row for every subject that a model scored as a whole."""
        return pa.concat_tables(
            [self._score(kind, features) for kind in sorted(self.scales)] or [SCORES.empty_table()]
        )

    def _score(self, kind: str, features: Features) -> pa.Table:
        names = list(self.scales[kind])
        wholes = {name: whole(features, name, kind) for name in names}
        subjects = np.unique(
            np.concatenate([np.array(one["subject"].to_pylist(), dtype=str) for one in wholes.values()])
        )
        p = np.full((len(subjects), len(names)), np.nan)
        rows = np.full((len(subjects), len(names)), -1)
        for column, name in enumerate(names):
            at = np.searchsorted(subjects, np.array(wholes[name]["subject"].to_pylist(), dtype=str))
            p[at, column] = 10.0 ** -(evidence_of(name, wholes[name]) / self.scales[kind][name])
            rows[at, column] = np.arange(wholes[name].num_rows)
        combined = fdr.cauchy(p, np.array([WEIGHTS[name] for name in names]))
        scores = peers.graded(fdr.evidence(combined), np.full(len(subjects), self.lines[kind]))
        scores = np.where(np.isnan(combined), np.nan, scores)
        # The surest model explains; where none has a score, the first that knows the subject says why.
        surest = np.where(
            np.isfinite(p).any(axis=1),
            np.nanargmin(np.where(np.isfinite(p), p, 2.0), axis=1),
            (rows >= 0).argmax(axis=1),
        )
        parts: list[pa.Table] = []
        place = np.empty(len(subjects), dtype=np.int64)
        for column, name in enumerate(names):
            mine = np.flatnonzero(surest == column)
            place[mine] = np.arange(len(mine)) + sum(one.num_rows for one in parts)
            parts.append(wholes[name].take(pa.array(rows[mine, column])))
        told = pa.concat_tables(parts).take(pa.array(place))
        return told.set_column(
            SCORES.get_field_index("model"), "model", pa.array([NAME] * len(subjects), pa.string())
        ).set_column(
            SCORES.get_field_index("score"), "score", pa.array(np.round(scores, 12), mask=np.isnan(scores))
        ).cast(SCORES)  # fmt: skip

    def state(self) -> State:
        """All that the model is."""
        return State(
            {
                **self.meta,
                "scales": {kind: dict(one) for kind, one in self.scales.items()},
                "lines": dict(self.lines),
                "weights": dict(WEIGHTS),
            }
        )


def whole(features: Features, model: str, kind: str) -> pa.Table:
    """What a model says of subjects of a type as a whole, by subject."""
    scores = features[f"model.{model}"]
    keep = pc.and_(pc.equal(scores["subject_type"], kind), pc.equal(scores["period"], WHOLE))
    return scores.filter(keep).sort_by("subject")


def evidence_of(model: str, scores: pa.Table) -> Floats:
    """The evidence behind a model's scores, up to a factor; NaN where there is none."""
    score = np.array(pc.fill_null(scores["score"], np.nan).to_numpy(), dtype=float)
    if model in _GRADED:
        return np.asarray(score / np.maximum(1 - score, 1e-12))
    return np.asarray(-np.log10(np.maximum(1 - score, 1e-12)))


def fit(
    features: Features, as_of: datetime, *, seed: int, lines: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Overall:
    """Learn how the evidence of each model is spread, from the scores `model.<name>` of the baseline.

    `lines`: of models that grade their evidence, by name: evidence at the line by subject type and period.
    """
    scales: dict[str, dict[str, float]] = {}
    for kind in _COMPARED:
        for model in WEIGHTS:
            if f"model.{model}" not in features:
                continue
            found = evidence_of(model, whole(features, model, kind))
            found = found[np.isfinite(found)]
            if len(found):
                wide = [
                    float(np.quantile(found, at)) / honest for at, honest in _MIDDLE if model not in _SPARING
                ]
                scales.setdefault(kind, {})[model] = round(max([*wide, _unit(lines.get(model, {}), kind)]), 9)
    if not scales:
        raise ModelError("No model has scored anybody as a whole; train the others first.")
    meta = {"as_of": as_of.isoformat(sep=" "), "seed": seed, "false_discoveries": peers.FALSE_DISCOVERIES}
    plain = Overall(meta, scales, dict.fromkeys(scales, 1.0))
    found_lines = {}
    for kind in scales:
        score = evidence_of("peers", plain._score(kind, features))
        e = score[np.isfinite(score)] * (1 - peers.AT_LINE) / peers.AT_LINE
        found_lines[kind] = round(
            float(fdr.evidence(np.array(fdr.cut_off(10.0**-e, peers.FALSE_DISCOVERIES)))), 9
        )
    return Overall(meta, scales, found_lines)


def _unit(lines: Mapping[str, Mapping[str, float]], kind: str) -> float:
    """What one of evidence is worth as `evidence_of` sees it."""
    if kind not in lines:
        return 1.0
    return peers.AT_LINE / (1 - peers.AT_LINE) / lines[kind][WHOLE]


def restore(state: State) -> Overall:
    """The model of a state."""
    meta = {key: value for key, value in state.meta.items() if key not in ("scales", "lines", "weights")}
    return Overall(meta, state.meta["scales"], state.meta["lines"])
