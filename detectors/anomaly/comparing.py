"""Everybody against their peers, indicator by indicator: the baseline that is fitted from closed months, and the comparison.

The baseline knows, for every peer group and indicator, where the group stands and how far its members honestly differ, for
single months and for whole histories. Comparing only looks up: a subject's numbers depend on nobody who is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from detectors.anomaly import groups, indicators, outcome, shrinkage
from detectors.anomaly.groups import LADDER, SMALLEST, Groups
from detectors.anomaly.indicators import Indicator, Panel
from detectors.anomaly.mix import CaseMix
from detectors.anomaly.model import WHOLE, Features, State
from detectors.anomaly.shrinkage import Floats

#: What is kept of a group for an indicator: its location and over-dispersion, and how many members that rests on.
_PARTS = ("location", "between", "size")

#: Odd cases from which on a rate speaks against anybody: four in a week may be one family.
LEAST_ODD = 5


@dataclass(frozen=True)
class Comparison:
    """Rows as the panel's, columns as the indicators. NaN where there are too few cases or peers.

    `p`: probability that an honest peer lies as far on the suspicious side; `z` the same as a normal deviate; `observed`,
    `expected`, `low`, `high` (nineteen of twenty peers with as many cases) and `shrunk` per case; `cases` behind each.
    """

    panel: Panel
    indicators: tuple[Indicator, ...]
    p: Floats
    z: Floats
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats
    shrunk: Floats
    cases: Floats
    peers: Floats
    rung: np.ndarray


@dataclass(frozen=True)
class Baseline:
    """What the members of every peer group of a subject type are like.

    `fitted`: by grain (`month`; `all`, for quarters too) and part an array of groups times indicators; `by_month`: locations of single
    months. Groups and months in the order of `names` and `months`; `within`: variance of a single case by indicator;
    `stretch`: what deviates are divided by, since tails may be longer than the model's (`shrinkage.stretch`); `outcomes`:
    whether it compares what model 1 says of stays.
    """

    kind: str
    groups: Groups
    names: np.ndarray
    months: np.ndarray
    within: Mapping[str, Mapping[str, float]]
    fitted: Mapping[str, Floats]
    by_month: Floats
    stretch: Mapping[str, Floats]
    outcomes: bool = False

    @cached_property
    def indicators(self) -> tuple[Indicator, ...]:
        """In the order of the columns."""
        return indicators.of_subjects(self.kind, outcomes=self.outcomes)

    def compare(self, features: Features, case_mix: CaseMix) -> Comparison:
        """Every subject and period of the features against the baseline; a rate of fewer than `LEAST_ODD` odd cases is as usual."""
        return _sparing(self._compared(features, case_mix))

    def _compared(self, features: Features, case_mix: CaseMix) -> Comparison:
        panel = indicators.panel(self.kind, features, case_mix, outcomes=self.outcomes)
        subjects, at = np.unique(panel.subject, return_inverse=True)
        names, strangeness = self.groups.of(self.kind, features, subjects)
        shape = (len(panel), len(self.indicators))
        out = {
            name: np.full(shape, np.nan)
            for name in ("p", "z", "observed", "expected", "low", "high", "shrunk", "cases", "peers")
        }
        rungs = np.full(shape, -1)
        monthly = indicators.monthly(panel.period)
        for number, one in enumerate(self.indicators):
            for grain in ("month", "all"):
                rows = np.flatnonzero(
                    (monthly if grain == "month" else ~monthly) & (panel.n[one.name] >= one.few)
                )
                if len(rows):
                    self._compare(
                        one, number, grain, panel, rows, names[at[rows]], strangeness[at[rows]], out, rungs
                    )
        return Comparison(panel, self.indicators, rung=rungs, **out)

    def _compare(
        self, one: Indicator, number: int, grain: str, panel: Panel, rows: np.ndarray,
        names: np.ndarray, strangeness: np.ndarray, out: Mapping[str, Floats], rungs: np.ndarray,
    ) -> None:  # fmt: skip
        """Fill one column for rows of one grain."""
        size = self.fitted[f"{grain}.size"][:, number]
        place = np.minimum(np.searchsorted(self.names, names), len(self.names) - 1)
        usable = (self.names[place] == names) & (size[place] >= SMALLEST)
        found = usable.any(axis=1)
        rung = usable.argmax(axis=1)[found]
        rows, place, strangeness = rows[found], place[found], strangeness[found]
        if not len(rows):
            return
        each = np.arange(len(rows))
        group, strange = place[each, rung], strangeness[each, rung]
        location = self.fitted[f"{grain}.location"][group, number]
        if grain == "month" and len(self.months):
            month = np.minimum(np.searchsorted(self.months, panel.period[rows]), len(self.months) - 1)
            own = np.where(
                self.months[month] == panel.period[rows], self.by_month[month, group, number], np.nan
            )
            location = np.where(np.isnan(own), location, own)
        between = self.fitted[f"{grain}.between"][group, number]
        within = self.within[grain].get(one.name, 1.0)
        y, n, e = level(one, panel, rows)
        mu = shrinkage.centre(one.kind, e, location)
        var = shrinkage.variance(one.kind, mu, n, within, between) + shrinkage.leeway(
            one.kind, mu, one.logarithmic
        )
        var = var * strange**4
        sampling = shrinkage.variance(one.kind, mu, n, within, 0.0)
        above = shrinkage.upper_tail(one.kind, y, mu, n, var)
        below = 1 - above if one.kind != "mean" else special.ndtr((y - mu) / np.sqrt(var))
        sides = {1: above, -1: below, 0: np.minimum(2 * np.minimum(above, below), 1.0)}
        p = sides[one.direction]
        z = shrinkage.deviate(one.kind, p, n, sampling, var, size[group]) / self.stretch[grain][number]
        spread = 1.959964 * np.sqrt(var)
        shown = np.exp if one.logarithmic else np.asarray
        out["p"][rows, number] = np.clip(special.ndtr(-z), 1e-300, 1.0)
        out["z"][rows, number] = z
        out["observed"][rows, number] = shown(y)
        out["expected"][rows, number] = shown(mu)
        out["low"][rows, number] = _within_reason(one, shown(mu - spread))
        out["high"][rows, number] = _within_reason(one, shown(mu + spread))
        out["shrunk"][rows, number] = shown(shrinkage.shrunk(y, mu, sampling, var))
        out["cases"][rows, number] = n
        out["peers"][rows, number] = size[group]
        rungs[rows, number] = rung

    def state(self, prefix: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Meta and arrays, the arrays under `prefix`."""
        arrays = {f"{prefix}group.{name}": array for name, array in self.groups.state().items()}
        arrays |= {f"{prefix}{name}": array for name, array in self.fitted.items()}
        arrays |= {
            f"{prefix}names": self.names,
            f"{prefix}months": self.months,
            f"{prefix}by_month": self.by_month,
        }
        arrays |= {f"{prefix}{grain}.stretch": array for grain, array in self.stretch.items()}
        return {
            "within": {grain: dict(one) for grain, one in self.within.items()},
            "outcomes": self.outcomes,
        }, arrays


def _sparing(compared: Comparison) -> Comparison:
    p, z = compared.p.copy(), compared.z.copy()
    for number, one in enumerate(compared.indicators):
        if one.kind == "rate" and one.direction == 1:
            odd = compared.observed[:, number] * compared.cases[:, number]
            few = (np.rint(odd) < LEAST_ODD) & (z[:, number] > 0)
            p[few, number], z[few, number] = 0.5, 0.0
    return replace(compared, p=p, z=z)


def level(one: Indicator, panel: Panel, rows: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Per case: what was observed, of how many cases, and what is expected before the group is looked at."""
    n = panel.n[one.name][rows]
    y = panel.observed[one.name][rows] / n
    if one.name in panel.expected:
        e = panel.expected[one.name][rows] / n
        return y, n, np.clip(e, 1e-4, 1 - 1e-4) if one.kind == "rate" else e
    # Nothing is expected beyond the group's own level: its location is that level.
    return y, n, np.zeros_like(y) if one.kind == "mean" else np.ones_like(y)


def _within_reason(one: Indicator, value: Floats) -> Floats:
    if one.kind == "rate" or one.unit in ("share", "mean ratio"):
        return np.asarray(np.clip(value, 0.0, 1.0))
    return value if one.logarithmic else np.asarray(np.maximum(value, 0.0))


def restore(kind: str, state: State, prefix: str) -> Baseline:
    """What `Baseline.state` said."""
    arrays = state.arrays
    return Baseline(
        kind=kind,
        groups=groups.restore(state, f"{prefix}group."),
        names=arrays[f"{prefix}names"],
        months=arrays[f"{prefix}months"],
        within=state.meta[kind]["within"],
        fitted={
            f"{grain}.{part}": arrays[f"{prefix}{grain}.{part}"]
            for grain in ("month", "all")
            for part in _PARTS
        },
        by_month=arrays[f"{prefix}by_month"],
        stretch={grain: arrays[f"{prefix}{grain}.stretch"] for grain in ("month", "all")},
        outcomes=state.meta[kind]["outcomes"],
    )


def fit(
    kind: str, features: Features, case_mix: CaseMix, *, seed: int, institutions: Groups | None = None
) -> Baseline:
    """The baseline of a subject type, from the features of closed months. `institutions`: where practitioners work."""
    outcomes = outcome.there(features)
    panel = indicators.panel(kind, features, case_mix, outcomes=outcomes)
    subjects, at = np.unique(panel.subject, return_inverse=True)
    peer_groups = groups.fit(kind, features, subjects, seed=seed, institutions=institutions)
    members = peer_groups.names[at]
    names = np.unique(members) if len(members) else np.array([f"{LADDER[-1]}:"])
    of_grains = {"month": indicators.monthly(panel.period), "all": panel.period == WHOLE}
    months = np.unique(panel.period[of_grains["month"]])
    every = indicators.of_subjects(kind, outcomes=outcomes)
    shape = (len(names), len(every))
    fitted = {f"{grain}.{part}": np.full(shape, np.nan) for grain in ("month", "all") for part in _PARTS}
    by_month = np.full((len(months), *shape), np.nan)
    within: dict[str, dict[str, float]] = {"month": {}, "all": {}}
    # Rows by group, on whichever rung: each row belongs to one group a rung.
    rows_of = [np.flatnonzero((members == name).any(axis=1)) for name in names]
    for number, one in enumerate(every):
        enough = panel.n[one.name] >= one.few
        for grain in ("month", "all"):
            of_grain = enough & of_grains[grain]
            parts = [rows[of_grain[rows]] for rows in rows_of]
            within[grain][one.name] = single = case_mix.within.get(one.name) or _single(
                one, panel, parts, names
            )
            for number_of_group, rows in enumerate(parts):
                _fit_group(one, number, number_of_group, grain, panel, rows, single, fitted)
                if grain == "month" and len(rows):
                    _fit_months(one, number, number_of_group, panel, rows, single, months, fitted, by_month)
    plain = {grain: np.ones(len(every)) for grain in ("month", "all")}
    baseline = Baseline(kind, peer_groups, names, months, within, fitted, by_month, plain, outcomes)
    z = baseline._compared(features, case_mix).z
    wide = {
        grain: np.array([shrinkage.stretch(column) for column in z[rows].T])
        for grain, rows in of_grains.items()
    }
    return replace(baseline, stretch=wide)


def _single(one: Indicator, panel: Panel, parts: list[np.ndarray], names: np.ndarray) -> float:
    """The variance of a single case, from everybody about the middle of their type and level."""
    y_all, mu_all, n_all = [], [], []
    for name, rows in zip(names, parts, strict=True):
        if not str(name).startswith("mix:") or len(rows) < 2:
            continue
        y, n, e = level(one, panel, rows)
        start = shrinkage.fit_location(one.kind, y, e, n, float(np.var(y)) + 1e-9, 0.0)
        y_all.append(y)
        n_all.append(n)
        mu_all.append(shrinkage.centre(one.kind, e, start))
    if not y_all:
        return 1.0
    return shrinkage.fit_within(
        one.kind, np.concatenate(y_all), np.concatenate(mu_all), np.concatenate(n_all)
    )


def _fit_group(
    one: Indicator, number: int, group: int, grain: str, panel: Panel, rows: np.ndarray, single: float,
    fitted: Mapping[str, Floats],
) -> None:  # fmt: skip
    members = len(np.unique(panel.subject[rows]))
    fitted[f"{grain}.size"][group, number] = members
    if members < SMALLEST:
        return
    y, n, e = level(one, panel, rows)
    found = shrinkage.fit_group(one.kind, y, e, n, single)
    fitted[f"{grain}.location"][group, number] = found.location
    fitted[f"{grain}.between"][group, number] = found.between


def _fit_months(
    one: Indicator, number: int, group: int, panel: Panel, rows: np.ndarray, single: float, months: np.ndarray,
    fitted: Mapping[str, Floats], by_month: Floats,
) -> None:  # fmt: skip
    """The group's location in each month that has members enough: a flu wave moves everybody."""
    between = fitted["month.between"][group, number]
    if np.isnan(between):
        return
    for number_of_month, month in enumerate(months):
        then = rows[panel.period[rows] == month]
        if len(then) >= SMALLEST:
            y, n, e = level(one, panel, then)
            by_month[number_of_month, group, number] = shrinkage.fit_location(
                one.kind, y, e, n, single, between
            )


def fit_all(features: Features, case_mix: CaseMix, *, seed: int) -> dict[str, Baseline]:
    """The baselines of all subject types that the features speak of."""
    found: dict[str, Baseline] = {}
    for kind, (unit, _) in indicators.OWN.items():
        if unit in features:
            institutions = found["institution"].groups if kind == "practitioner" else None
            found[kind] = fit(kind, features, case_mix, seed=seed, institutions=institutions)
    return found
