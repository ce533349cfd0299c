"""Model 2, `peers`: institutions and practitioners against others of their kind, indicator by indicator.

Evidence is the probability that an honest peer with as many such cases lies as far on the suspicious side on any indicator
(Simes); the score is nine tenths at the line at which the false discovery rate of a closed month is held, and
rises with the evidence without end. Over-dispersion, not size, decides what stands out: see `shrinkage`.
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

from detectors.anomaly import comparing, fdr, groups, indicators, mix, outcome, scoring
from detectors.anomaly.comparing import Baseline, Comparison
from detectors.anomaly.mix import CaseMix
from detectors.anomaly.model import WHOLE, Features, ModelError, State, closed_before, hash_of
from detectors.anomaly.shrinkage import Floats

NAME = "peers"

#: False discovery rate that the line holds, over all subjects and comparisons of a closed month.
FALSE_DISCOVERIES = 0.05

#: The score at that line.
AT_LINE = 0.9

#: The feature tables that comparisons rest on; `shown` only lists cases.
UNITS = ("case_mix", "institution_month", "practitioner_month", "shown")


@dataclass(frozen=True, eq=False)
class Peers:
    """A fitted model. `lines`: by subject type, evidence at the line by month and quarter of the baseline and for the whole."""

    meta: Mapping[str, Any]
    case_mix: CaseMix
    baselines: Mapping[str, Baseline]
    lines: Mapping[str, Mapping[str, float]]

    name = NAME
    subjects = tuple(indicators.OWN)

    @property
    def units(self) -> tuple[str, ...]:
        """The feature tables that it reads."""
        return (*UNITS, outcome.UNIT) if self.after else UNITS

    @property
    def after(self) -> tuple[str, ...]:
        """Model 1, where it compares what that says of stays."""
        return after(self.baselines)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(NAME, self.state())

    def score(self, features: Features) -> pa.Table:
        """A row for every institution and practitioner, by month, by quarter and for the whole."""
        tables = []
        for kind, baseline in self.baselines.items():
            compared = baseline.compare(features, self.case_mix)
            p = probability(compared)
            scores = graded(
                np.where(compared_any(compared), fdr.evidence(p), np.nan), line(self.lines[kind], compared)
            )
            tables.append(scoring.table(kind, NAME, compared, scores, most_telling(compared), features))
        return scoring.together(tables)

    def state(self) -> State:
        """All that the model is."""
        about, arrays = self.case_mix.state()
        meta: dict[str, Any] = {
            **self.meta,
            "mix": about,
            "lines": {k: dict(v) for k, v in self.lines.items()},
        }
        for kind, baseline in self.baselines.items():
            meta[kind], more = baseline.state(f"{kind}.")
            arrays |= more
        return State(meta, arrays)


def after(baselines: Mapping[str, Baseline]) -> tuple[str, ...]:
    """The models whose scores these baselines compare."""
    return ("expectation",) if any(one.outcomes for one in baselines.values()) else ()


def probability(compared: Comparison) -> Floats:
    """One probability for each row, out of those of its indicators."""
    return fdr.simes(compared.p)


def compared_any(compared: Comparison) -> np.ndarray:
    """Which rows could be compared on anything."""
    return np.asarray(np.isfinite(compared.p).any(axis=1))


def most_telling(compared: Comparison) -> np.ndarray:
    """Indicators by row, the largest deviate first."""
    return np.argsort(np.where(np.isfinite(compared.z), -compared.z, np.inf), axis=1, kind="stable")


def graded(evidence: Floats, at: Floats) -> Floats:
    """Evidence as a score that is `AT_LINE` at the line."""
    return np.asarray(evidence / (evidence + at * (1 - AT_LINE) / AT_LINE))


def line(lines: Mapping[str, float], compared: Comparison) -> Floats:
    """The line of each row's period; of a month or quarter that the baseline has not, the middle one of those it has."""
    names = np.array(list(lines))
    values = np.array(list(lines.values()))
    monthly = indicators.monthly(names)
    others = {
        True: float(np.median(values[monthly])) if monthly.any() else lines[WHOLE],
        False: float(np.median(values[~monthly])),
    }
    periods, at = np.unique(compared.panel.period, return_inverse=True)
    of_month = indicators.monthly(periods)
    found = [
        lines.get(one, others[bool(month)]) for one, month in zip(periods.tolist(), of_month, strict=True)
    ]
    return np.array(found)[at] if found else np.zeros(0)


def lines_of(compared: Comparison) -> dict[str, float]:
    """The evidence at the line of each period of a baseline."""
    p = np.where(compared_any(compared), probability(compared), np.nan)
    found = {}
    for period in np.unique(compared.panel.period):
        of_period = p[compared.panel.period == period]
        if np.isfinite(of_period).any():
            found[str(period)] = round(
                float(fdr.evidence(np.array(fdr.cut_off(of_period, FALSE_DISCOVERIES)))), 9
            )
    return found or {WHOLE: float(fdr.evidence(np.array(FALSE_DISCOVERIES)))}


def baseline_features(features: Features, as_of: datetime) -> dict[str, pa.Table]:
    """The features of months that are closed by then. Raises `ModelError` where there are none."""
    end = pa.scalar(closed_before(as_of), pa.date32())
    kept = {
        unit: features[unit].filter(pc.less(features[unit]["month"], end))
        for unit in UNITS
        if unit in features
    }
    if outcome.there(features):
        kept |= outcome.closed(features, end)
    if not kept["institution_month"].num_rows:
        raise ModelError("No month with cases is closed; train on a longer history, or later.")
    return kept


def fit(features: Features, as_of: datetime, *, seed: int) -> Peers:
    """Fit the baselines of institutions and practitioners on closed months."""
    kept = baseline_features(features, as_of)
    case_mix = mix.fit(kept["case_mix"])
    baselines = comparing.fit_all(kept, case_mix, seed=seed)
    lines = {kind: lines_of(one.compare(kept, case_mix)) for kind, one in baselines.items()}
    months = np.unique(indicators.months(kept["institution_month"]["month"]))
    meta = {
        "as_of": as_of.isoformat(sep=" "),
        "seed": seed,
        "months": [str(months[0]), str(months[-1])],
        "false_discoveries": FALSE_DISCOVERIES,
        "smallest_group": groups.SMALLEST,
        "kinds": list(baselines),
    }
    return Peers(meta, case_mix, baselines, lines)


def restore(state: State) -> Peers:
    """The model of a state."""
    kinds = state.meta["kinds"]
    return Peers(
        meta={
            key: value for key, value in state.meta.items() if key not in ("mix", "lines", *indicators.OWN)
        },
        case_mix=mix.restore(state),
        baselines={kind: comparing.restore(kind, state, f"{kind}.") for kind in kinds},
        lines=state.meta["lines"],
    )
