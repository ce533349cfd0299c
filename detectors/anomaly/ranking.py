"""Model 5, `ranking`: in which order open alerts are worth a look, by what reviewers decided of their like.

A logistic regression over what an alert says of itself and over the shares of its rule and institution that were confirmed
before, calibrated on later decisions than it was fitted on. It reorders and never hides: every alert comes out. The score is the
chance that a reviewer confirms, not that there is fraud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.anomaly.alertfeatures import FEATURES, Floats, Past, matrix
from detectors.anomaly.model import SCORES, WHOLE, Features, State, hash_of

NAME = "ranking"

#: The feature table that it reads: `alertfeatures.alert_table`.
TABLE = "alerts"

#: What it scores.
SUBJECT = "alert"


@dataclass(frozen=True)
class Line:
    """A calibration: raw log odds → the chance that is seen at such log odds. Straight between its points, level beyond."""

    odds: Floats
    chance: Floats

    def __call__(self, odds: Floats) -> Floats:
        found: Floats = np.interp(odds, self.odds, self.chance)
        return found


@dataclass(frozen=True, eq=False)
class Ranking:
    """A fitted ranking. `meta` tells how it was made and how good it was on later months."""

    weights: Floats  # of the standardised features
    intercept: float
    means: Floats
    spreads: Floats
    line: Line
    known: Past
    meta: Mapping[str, Any]

    name = NAME
    units: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    subjects: tuple[str, ...] = (SUBJECT,)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(self.name, self.state())

    def odds(self, alerts: pa.Table) -> Floats:
        """Raw log odds: what the order follows where calibrated chances are equal."""
        found: Floats = self._parts(alerts).sum(axis=1) + self.intercept
        return found

    def score(self, features: Features) -> pa.Table:
        """A score for each alert of the table `alerts`; none where there is no such table."""
        alerts = features.get(TABLE)
        if alerts is None or not alerts.num_rows:
            return SCORES.empty_table()
        parts = self._parts(alerts)
        chance = self.line(parts.sum(axis=1) + self.intercept)
        rows = []
        for number, one in enumerate(alerts.select(["jr_id", "rule", "institution"]).to_pylist()):
            decided = self.known.rules.get(one["rule"], (0, 0))[0]
            reason, reason_en = self._sentences(parts[number], chance[number], decided)
            rows.append(
                {
                    "subject_type": SUBJECT, "subject": one["jr_id"], "period": WHOLE, "model": NAME,
                    "score": float(chance[number]), "cases": decided, "observed": self.known.institution_share(one["institution"]),
                    "expected": self.known.share, "reason": reason, "reason_en": reason_en,
                    "drivers": [], "shown": [],
                }
            )  # fmt: skip
        rows.sort(key=lambda row: row["subject"])
        return pa.Table.from_pylist(rows, SCORES)

    def _parts(self, alerts: pa.Table) -> Floats:
        """What each feature adds to the log odds, against an average alert."""
        found: Floats = (matrix(alerts, self.known) - self.means) / self.spreads * self.weights
        return found

    def _sentences(self, parts: Floats, chance: float, decided: int) -> tuple[str, str]:
        order = np.argsort(-np.abs(parts), kind="stable")[:3]
        told = [
            (FEATURES[name], parts[n]) for n in order for name in (list(FEATURES)[n],) if abs(parts[n]) > 0.05
        ]
        zh = (
            "、".join(f"{words[0]}（{'偏高' if part > 0 else '偏低'}）" for words, part in told)
            or "与一般疑点无异"
        )
        en = (
            ", ".join(f"{words[1]} ({'more' if part > 0 else 'less'} likely)" for words, part in told)
            or "nothing sets it apart"
        )
        return (
            f"按以往复核结论，此类疑点约{chance:.0%}获确认（同规则已有{decided:,}件结论）；主要依据：{zh}。",
            f"By past decisions about {chance:.0%} of such alerts are confirmed ({decided:,} decisions on its rule); mainly by {en}.",
        )

    def state(self) -> State:
        """All that decides a score, and how it was made."""
        names = {
            "rules": sorted(self.known.rules.items()),
            "institutions": sorted(self.known.institutions.items()),
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "weights": self.weights, "means": self.means, "spreads": self.spreads, "odds": self.line.odds, "chance": self.line.chance,
        }  # fmt: skip
        for key, counted in names.items():
            arrays[key] = np.array([name for name, _ in counted], dtype=np.str_)
            arrays[f"{key}_counts"] = np.array([counts for _, counts in counted], dtype=np.int64).reshape(
                -1, 2
            )
        meta = {
            **self.meta,
            "intercept": self.intercept,
            "decided": self.known.decided,
            "confirmed": self.known.confirmed,
            "features": list(FEATURES),
        }
        return State(meta, arrays)


def restore(state: State) -> Ranking:
    """The ranking that this is the state of."""
    arrays = state.arrays
    counts = {
        key: {
            str(name): (int(decided), int(confirmed))
            for name, (decided, confirmed) in zip(arrays[key], arrays[f"{key}_counts"], strict=True)
        }
        for key in ("rules", "institutions")
    }
    told = {
        key: value
        for key, value in state.meta.items()
        if key not in ("intercept", "decided", "confirmed", "features")
    }
    return Ranking(
        weights=arrays["weights"], intercept=float(state.meta["intercept"]), means=arrays["means"], spreads=arrays["spreads"],
        line=Line(arrays["odds"], arrays["chance"]),
        known=Past(int(state.meta["decided"]), int(state.meta["confirmed"]), counts["rules"], counts["institutions"]),
        meta=told,
    )  # fmt: skip
