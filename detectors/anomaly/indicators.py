"""Indicators: what the feature files' headers say can be compared, and the numbers of every subject and period.

A panel has a row for every subject and month, one for each quarter, and one for the subject's whole time. Rows add up: the
numerators and denominators of a whole are the sums of its months', so that no row needs any other subject's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import featurefile
from detectors.anomaly.model import WHOLE, Features
from detectors.anomaly.shrinkage import Floats, Kind

if TYPE_CHECKING:
    from detectors.anomaly.mix import CaseMix

#: The feature tables of each subject type: its own, by the key column that names the subject.
OWN = {
    "institution": ("institution_month", "fixmedins_code"),
    "practitioner": ("practitioner_month", "dr_code"),
}

#: Standardised by what a baseline expects of the same cases.
STANDARDISED = "case_mix"

#: Which column of `case_mix` names the subject.
IN_MIX = {"institution": "fixmedins_code", "practitioner": "dr_code"}


@dataclass(frozen=True)
class Indicator:
    """Something to compare. `denominator` counts its cases; without a numerator the column itself is a mean over them.

    `direction`: 1 where much is suspicious, -1 where little is, 0 both. `logarithmic`: the numbers are logarithms.
    """

    name: str
    kind: Kind
    denominator: str
    numerator: str | None
    direction: int
    few: int
    meaning: str
    english: str
    unit: str
    standardised: bool

    @property
    def logarithmic(self) -> bool:
        return self.unit.startswith("ln ")

    @property
    def is_share(self) -> bool:
        """Read as a percentage."""
        return self.unit in ("ratio", "share", "mean ratio", "per bed-day")


def of_unit(unit: str) -> tuple[Indicator, ...]:
    """The indicators of a feature file: its rates, and its values that name what they are a mean over."""
    return tuple(
        Indicator(
            name=column.name,
            kind=_kind(column),
            denominator=str(column.denominator),
            numerator=column.numerator,
            direction={"high": 1, "low": -1}.get(column.suspicious, 0),
            few=column.few or 1,
            meaning=column.meaning,
            english=column.english or column.name.replace("_", " "),
            unit=column.unit,
            standardised=unit == STANDARDISED,
        )
        for column in featurefile.load()[unit].columns.values()
        if column.suspicious and column.denominator
    )


def _kind(column: featurefile.Column) -> Kind:
    if column.role != "rate":
        return "mean"
    return "rate" if column.unit == "ratio" else "count"


def of_subjects(kind: str, *, outcomes: bool = False) -> tuple[Indicator, ...]:
    """All indicators of a subject type, the standardised ones first; with `outcomes` also those that rest on model 1."""
    from detectors.anomaly import outcome

    return (*of_unit(STANDARDISED), *of_unit(OWN[kind][0]), *(outcome.INDICATORS if outcomes else ()))


@dataclass(frozen=True)
class Panel:
    """Rows: (subject, period). `cases` by row; by indicator name the observed sum, its cases and the sum expected of them
    (NaN: nothing is expected beyond the group's own level)."""

    subject: np.ndarray
    period: np.ndarray
    cases: np.ndarray
    observed: Mapping[str, Floats]
    n: Mapping[str, Floats]
    expected: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.subject)

    def rows(self, keep: np.ndarray) -> Panel:
        """Some of the rows."""
        return Panel(
            self.subject[keep],
            self.period[keep],
            self.cases[keep],
            {name: one[keep] for name, one in self.observed.items()},
            {name: one[keep] for name, one in self.n.items()},
            {name: one[keep] for name, one in self.expected.items()},
        )


def panel(kind: str, features: Features, mix: CaseMix | None, *, outcomes: bool = False) -> Panel:
    """The panel of a subject type, sorted by subject and period; months by their names, then the whole."""
    from detectors.anomaly import outcome

    unit, key = OWN[kind]
    own = features[unit]
    subject, month = texts(own[key]), months(own["month"])
    cases_of = featurefile.load()[unit].cases
    parts: dict[str, Floats] = {"cases": numbers(own[str(cases_of)])}
    for one in of_unit(unit):
        n = numbers(own[one.denominator])
        if one.numerator:
            parts[f"x {one.name}"] = numbers(own[one.numerator])
        else:
            value = numbers(own[one.name], missing=np.nan)
            n = np.where(np.isnan(value), 0.0, n)
            parts[f"x {one.name}"] = np.where(np.isnan(value), 0.0, value) * n
        parts[f"n {one.name}"] = n
    if mix is not None and STANDARDISED in features:
        table = features[STANDARDISED]
        who = texts(table[IN_MIX[kind]])
        named = np.flatnonzero(who != "")
        more = {name: array[named] for name, array in mix.observed_and_expected(table).items()}
        subject, month, parts = _joined(
            (subject, month, parts), _summed(who[named], months(table["month"])[named], more)
        )
    if outcomes and outcome.there(features):
        subject, month, parts = _joined((subject, month, parts), _summed(*outcome.parts(kind, features)))
    return _panel(subject, month, parts, of_subjects(kind, outcomes=outcomes))


def _summed(
    subject: np.ndarray, month: np.ndarray, parts: Mapping[str, Floats]
) -> tuple[np.ndarray, np.ndarray, dict[str, Floats]]:
    """One row a subject and month: there are many cells and stays, and all that follows holds every column of them."""
    order, first = _runs(subject, month)
    return (
        subject[order][first],
        month[order][first],
        {name: _sums(one[order], first) for name, one in parts.items()},
    )


def _runs(subject: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order in which rows of one subject and period stand together, and where each of these runs begins in it."""
    order = np.lexsort((period, subject))
    subject, period = subject[order], period[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (subject[1:] != subject[:-1]) | (period[1:] != period[:-1])
    return order, np.flatnonzero(begins)


def _sums(array: Floats, first: np.ndarray) -> Floats:
    """The sums of the runs that begin there."""
    return np.asarray(np.add.reduceat(array, first) if len(first) else np.zeros(0))


def _joined(
    own: tuple[np.ndarray, np.ndarray, dict[str, Floats]],
    mix: tuple[np.ndarray, np.ndarray, dict[str, Floats]],
) -> tuple[np.ndarray, np.ndarray, dict[str, Floats]]:
    """Rows of both tables, zero where a table says nothing; they are summed by subject and month afterwards."""
    sizes = len(own[0]), len(mix[0])
    parts = {name: np.concatenate([array, np.zeros(sizes[1])]) for name, array in own[2].items()}
    parts |= {name: np.concatenate([np.zeros(sizes[0]), array]) for name, array in mix[2].items()}
    return np.concatenate([own[0], mix[0]]), np.concatenate([own[1], mix[1]]), parts


def _panel(
    subject: np.ndarray, month: np.ndarray, parts: Mapping[str, Floats], indicators: Sequence[Indicator]
) -> Panel:
    subject = np.concatenate([subject] * 3)
    period = np.concatenate([month, quarters(month), np.full(len(month), WHOLE)])
    order, first = _runs(subject, period)
    sums = {name: _sums(np.concatenate([array] * 3)[order], first) for name, array in parts.items()}
    empty = np.zeros(len(first))
    return Panel(
        subject[order][first],
        period[order][first],
        sums["cases"].astype(np.int64),
        {one.name: sums.get(f"x {one.name}", empty) for one in indicators},
        {one.name: sums.get(f"n {one.name}", empty) for one in indicators},
        {one.name: sums[f"e {one.name}"] for one in indicators if f"e {one.name}" in sums},
    )


def texts(column: pa.ChunkedArray) -> np.ndarray:
    """A text column as fixed-width texts, missing ones empty."""
    plain = pc.fill_null(column.cast(pa.string()), "").to_numpy()
    return plain.astype(str) if len(plain) else np.zeros(0, dtype="<U1")


def months(column: pa.ChunkedArray) -> np.ndarray:
    """First days of months as `2026-03`."""
    return texts(pc.strftime(column.cast(pa.timestamp("s")), format="%Y-%m"))


def quarters(month: np.ndarray) -> np.ndarray:
    """The quarters of months, as `2026-Q1`."""
    names, at = np.unique(month, return_inverse=True)
    named = [f"{one[:4]}-Q{(int(one[5:]) + 2) // 3}" for one in names.tolist()]
    return np.array(named, dtype=str)[at] if named else month


def monthly(period: np.ndarray) -> np.ndarray:
    """Which periods are months."""
    names, at = np.unique(period, return_inverse=True)
    return np.array([len(one) == 7 and one[5] != "Q" for one in names.tolist()], dtype=bool)[at]


def numbers(column: pa.ChunkedArray, missing: float = 0.0) -> Floats:
    """A numeric column as floats."""
    return np.asarray(pc.fill_null(column.cast(pa.float64()), missing).to_numpy(), dtype=float)


def closed_months(column: pa.ChunkedArray, last: date) -> np.ndarray:
    """Which rows are of months that are over by `last`."""
    return np.asarray(pc.less_equal(column, pa.scalar(last, pa.date32())).to_numpy(), dtype=bool)
