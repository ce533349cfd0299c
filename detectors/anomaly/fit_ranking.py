"""How model 5 is fitted: on the past, calibrated on what came after, measured on what came after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.anomaly.alertfeatures import FEATURES, Floats, Past, matrix, month, past
from detectors.anomaly.model import Features, ModelError
from detectors.anomaly.ranking import TABLE, Line, Ranking

#: The table of decisions beside that of alerts: `alertfeatures.DECISIONS`.
DECIDED = "decisions"

#: Of the rarer outcome, decisions for each feature: with fewer a logistic regression fits accidents
#: (Peduzzi et al. 1996, J Clin Epidemiol 49: 1373).
EVENTS_A_FEATURE = 10

#: Calendar months with decisions: two to fit on, one to calibrate on, one to measure on.
MONTHS = 4

#: Shares of the decisions to fit on and to calibrate on; the rest is measured on. Cuts fall between months.
FITTED, CALIBRATED = 0.55, 0.25

#: From so many calibrating decisions on isotonic regression; below it follows accidents, and a logistic curve (Platt
#: 1999) is laid instead. The figure is that of Niculescu-Mizil and Caruana 2005.
ISOTONIC_FROM = 1000

#: Weight of the penalty on the weights, as scikit-learn's C: mild.
_C = 1.0

#: Points of a logistic calibration, and how far out it reaches (log odds).
_POINTS, _REACH = 201, 12.0


@dataclass(frozen=True)
class _Rows:
    """Decided alerts in order of their decisions."""

    alerts: pa.Table
    confirmed: npt.NDArray[np.bool_]
    days: Sequence[date]

    def part(self, begin: int, end: int) -> _Rows:
        return _Rows(self.alerts.slice(begin, end - begin), self.confirmed[begin:end], self.days[begin:end])

    def known(self) -> Past:
        return past(
            self.alerts["rule"].to_pylist(), self.alerts["institution"].to_pylist(), self.confirmed.tolist()
        )

    def features(self, before: _Rows | None = None) -> Floats:
        """Each row with what was decided on earlier days: among these rows, and `before` them all."""
        rules, institutions = self.alerts["rule"].to_pylist(), self.alerts["institution"].to_pylist()
        earlier = [] if before is None else [*zip(before.alerts["rule"].to_pylist(), before.alerts["institution"].to_pylist(), before.confirmed.tolist(), strict=True)]  # fmt: skip
        rows: list[Floats] = []
        begin = 0
        while begin < len(self.days):
            end = begin
            while end < len(self.days) and self.days[end] == self.days[begin]:
                end += 1
            known = past(*map(list, zip(*earlier, strict=True))) if earlier else Past(0, 0, {}, {})
            rows.append(matrix(self.alerts.slice(begin, end - begin), known))
            earlier += zip(
                rules[begin:end], institutions[begin:end], self.confirmed[begin:end].tolist(), strict=True
            )
            begin = end
        return np.vstack(rows) if rows else np.empty((0, len(FEATURES)))


class RankingFitting:
    """Fits a ranking. Reads the feature tables `alerts` and `decisions`."""

    def fit(self, features: Features, as_of: datetime, *, seed: int) -> Ranking:  # noqa: ARG002 nothing is drawn
        """Raises `ModelError` with a sentence where the decisions do not suffice."""
        rows = _decided(features[TABLE], features[DECIDED], as_of.date())
        fit_end, calibrate_end = _cuts(rows)
        told, _ = self._measured(rows, fit_end, calibrate_end)
        # What is used learns from all: fitted up to the measured months, calibrated on them.
        weights, intercept, means, spreads, line = _learn(
            rows.part(0, calibrate_end), rows.part(calibrate_end, len(rows.days))
        )
        meta = {
            "as_of": as_of.isoformat(sep=" "),
            "decisions_from": rows.days[0].isoformat(),
            "decisions_until": rows.days[-1].isoformat(),
            "calibration": "isotonic" if len(rows.days) - calibrate_end >= ISOTONIC_FROM else "platt",
            "measured": told,
            "weights": {
                name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)
            },
        }
        return Ranking(weights, intercept, means, spreads, line, rows.known(), meta)

    def _measured(self, rows: _Rows, fit_end: int, calibrate_end: int) -> tuple[dict[str, Any], Floats]:
        """How good the same procedure was on the months after the cut."""
        later = rows.part(calibrate_end, len(rows.days))
        earlier = rows.part(0, calibrate_end)
        weights, intercept, means, spreads, line = _learn(
            rows.part(0, fit_end), rows.part(fit_end, calibrate_end)
        )
        there = later.features(earlier)
        chance = line((there - means) / spreads @ weights + intercept)
        severity, amount = there[:, 0], there[:, 1]
        return {
            "from": later.days[0].isoformat(),
            "until": later.days[-1].isoformat(),
            "decisions": len(later.days),
            "confirmed": int(later.confirmed.sum()),
            "auc": _auc(chance, later.confirmed),
            "auc_by_severity_and_amount": _auc(severity * 1000 + amount, later.confirmed),
            "brier": round(float(((chance - later.confirmed) ** 2).mean()), 4),
            "brier_of_the_share_alone": round(
                float(((earlier.confirmed.mean() - later.confirmed) ** 2).mean()), 4
            ),
            "calibration": _bins(chance, later.confirmed),
        }, chance


def _decided(alerts: pa.Table, decisions: pa.Table, until: date) -> _Rows:
    """Alerts that were decided by a day, in order of decision; the last decision of an alert holds."""
    last: dict[str, tuple[date, bool]] = {}
    for one in sorted(decisions.to_pylist(), key=lambda row: (row["day"], row["jr_id"], row["confirmed"])):
        if one["day"] <= until:
            last[one["jr_id"]] = (one["day"], one["confirmed"])
    place = {jr_id: number for number, jr_id in enumerate(alerts["jr_id"].to_pylist())}
    order = sorted((day, jr_id) for jr_id, (day, _) in last.items() if jr_id in place)
    chosen = alerts.take(pa.array([place[jr_id] for _, jr_id in order], pa.int64()))
    return _Rows(
        chosen, np.array([last[jr_id][1] for _, jr_id in order], dtype=bool), [day for day, _ in order]
    )


def _cuts(rows: _Rows) -> tuple[int, int]:
    """Where fitting ends and where calibrating ends, between months. Raises `ModelError` where there are too few decisions."""
    months = [month(day) for day in rows.days]
    confirmed = int(rows.confirmed.sum())
    rejected = len(months) - confirmed
    needed = EVENTS_A_FEATURE * len(FEATURES)
    distinct = sorted(set(months))
    have = f"{confirmed:,} confirmed and {rejected:,} rejected in {len(distinct)} months"
    if min(confirmed, rejected) < needed or len(distinct) < MONTHS:
        raise ModelError(
            f"Too few decisions to rank by: {have}; it takes at least {needed} of each, {EVENTS_A_FEATURE} for each of the "
            f"{len(FEATURES)} features (with fewer a regression fits accidents), in at least {MONTHS} months, so that it can be measured on "
            "later months than it learned from."
        )
    ends = [max(n for n, one in enumerate(months) if one == name) + 1 for name in distinct]
    fit_end = min(ends[:-2], key=lambda end: abs(end - FITTED * len(months)))
    calibrate_end = min(
        (end for end in ends[:-1] if end > fit_end),
        key=lambda end: abs(end - (FITTED + CALIBRATED) * len(months)),
    )
    for begin, end, what in (
        (0, fit_end, "fit"),
        (fit_end, calibrate_end, "calibrate"),
        (calibrate_end, len(months), "measure"),
    ):
        part = rows.confirmed[begin:end]
        if part.all() or not part.any():
            raise ModelError(
                f"The decisions cannot be ranked by ({have}): the months to {what} on hold only one outcome. Wait for another month."
            )
    return fit_end, calibrate_end


def _learn(rows: _Rows, later: _Rows) -> tuple[Floats, float, Floats, Floats, Line]:
    """Weights from rows, calibration from later rows."""
    from sklearn.linear_model import LogisticRegression

    features = rows.features()
    means, spreads = features.mean(axis=0), features.std(axis=0)
    spreads = np.where(spreads > 1e-9, spreads, 1.0)
    fitted = LogisticRegression(C=_C, max_iter=1000, tol=1e-8).fit(
        (features - means) / spreads, rows.confirmed
    )
    weights, intercept = fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0])
    odds = (later.features(rows) - means) / spreads @ weights + intercept
    return weights, intercept, means, spreads, _calibrated(odds, later.confirmed)


def _calibrated(odds: Floats, confirmed: npt.NDArray[np.bool_]) -> Line:
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    if len(odds) >= ISOTONIC_FROM:
        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
            odds, confirmed.astype(float)
        )
        return Line(steps.X_thresholds_.astype(np.float64), steps.y_thresholds_.astype(np.float64))
    # Platt's targets: never quite 0 and 1, so that few decisions do not make certain.
    yes, no = int(confirmed.sum()), int((~confirmed).sum())
    high, low = (yes + 1) / (yes + 2), 1 / (no + 2)
    x = np.concatenate([odds, odds])[:, None]
    y = np.concatenate([np.ones(len(odds)), np.zeros(len(odds))])
    target = np.where(confirmed, high, low)
    curve = LogisticRegression(C=1e6, max_iter=1000, tol=1e-8).fit(
        x, y, sample_weight=np.concatenate([target, 1 - target])
    )
    slope, level = (
        max(0.0, float(curve.coef_[0, 0])),
        float(curve.intercept_[0]),
    )  # never turns the order round
    grid = np.linspace(-_REACH, _REACH, _POINTS)
    return Line(grid, 1 / (1 + np.exp(-(slope * grid + level))))


def _auc(scores: Floats, confirmed: npt.NDArray[np.bool_]) -> float:
    """Chance that a confirmed one stands above a rejected one (ties: half)."""
    above = (scores[confirmed][:, None] > scores[~confirmed][None, :]).mean()
    tied = (scores[confirmed][:, None] == scores[~confirmed][None, :]).mean()
    return round(float(above + tied / 2), 4)


def _bins(chance: Floats, confirmed: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """What was said and what came of it, by fifths of what was said."""
    order = np.argsort(chance, kind="stable")
    return [
        {
            "decisions": len(part),
            "said": round(float(chance[part].mean()), 3),
            "confirmed": round(float(confirmed[part].mean()), 3),
        }
        for part in np.array_split(order, 5)
        if len(part)
    ]


def described(ranking: Ranking) -> Mapping[str, Any]:
    """The figures on later months, for the terminal and the card."""
    measured: Mapping[str, Any] = ranking.meta["measured"]
    return measured
