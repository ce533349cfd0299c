"""Case mix: what a baseline expects of the same cases elsewhere (indirect standardisation).

A case lies in nested strata: kind of visit, chapter of the main diagnosis and operation, the diagnosis itself, and with it
the age band. The level expected of a stratum is the mean of all institutions but the case's own (nobody sets their own
standard), drawn towards the stratum around it as if that had `_PRIOR` cases: a stratum that nobody else treats is judged
by the wider one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.anomaly import featurefile, indicators
from detectors.anomaly.model import State

#: Cases that the wider stratum counts for.
_PRIOR = 10.0

#: How many parts of a stratum's name each level keeps.
_LEVELS = ("kind", "chapter", "diagnosis", "stratum")


@dataclass(frozen=True)
class _Level:
    """Totals of the baseline by stratum, and of each institution within it. `own`: institution * strata + stratum."""

    strata: np.ndarray
    totals: np.ndarray
    own: np.ndarray
    own_totals: np.ndarray


@dataclass(frozen=True)
class CaseMix:
    """A fitted baseline. `within`: variance of a single case about its stratum's mean, by indicator (means only)."""

    institutions: np.ndarray
    levels: tuple[_Level, ...]
    within: Mapping[str, float]

    def observed_and_expected(self, table: pa.Table) -> dict[str, np.ndarray]:
        """`x`, `n` and `e` of every standardised indicator, one entry a row of `case_mix`."""
        names = _indicators()
        stratum = indicators.texts(table["stratum"])
        institution = _find(self.institutions, indicators.texts(table["fixmedins_code"]))
        level: np.ndarray = np.full((table.num_rows, len(names)), np.nan)
        for depth, one in enumerate(self.levels):
            at = _find(one.strata, _cut(stratum, depth))
            totals = _rows(one.totals, at)
            mine = np.where((at >= 0) & (institution >= 0), institution * np.int64(len(one.strata)) + at, -1)
            totals = np.maximum(totals - _rows(one.own_totals, _find(one.own, mine)), 0)
            cases, sums = totals[:, : len(names)], totals[:, len(names) :]
            if depth == 0:
                level = np.where(cases > 0, sums / np.maximum(cases, 1), np.nan)
                continue
            level = np.where(np.isnan(level), np.nan, (sums + _PRIOR * level) / (cases + _PRIOR))
        found: dict[str, np.ndarray] = {}
        for number, (name, numerator, denominator) in enumerate(names):
            x, n = indicators.numbers(table[numerator]), indicators.numbers(table[denominator])
            known = ~np.isnan(level[:, number])
            found[f"x {name}"] = np.where(known, x, 0.0)
            found[f"n {name}"] = np.where(known, n, 0.0)
            found[f"e {name}"] = np.where(known, n * np.where(known, level[:, number], 0.0), 0.0)
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Meta and arrays."""
        arrays = {"mix.institutions": self.institutions}
        for depth, one in enumerate(self.levels):
            arrays |= {
                f"mix.{depth}.strata": one.strata,
                f"mix.{depth}.totals": one.totals,
                f"mix.{depth}.own": one.own,
                f"mix.{depth}.own_totals": one.own_totals,
            }
        return {"within": dict(self.within)}, arrays


def fit(table: pa.Table) -> CaseMix:
    """The baseline of a `case_mix` table."""
    names = _indicators()
    stratum = indicators.texts(table["stratum"])
    institutions, institution = np.unique(indicators.texts(table["fixmedins_code"]), return_inverse=True)
    columns = np.column_stack(
        [indicators.numbers(table[denominator]) for _, _, denominator in names]
        + [indicators.numbers(table[numerator]) for _, numerator, _ in names]
    )
    levels = []
    for depth in range(len(_LEVELS)):
        strata, at = np.unique(_cut(stratum, depth), return_inverse=True)
        own, where = np.unique(institution * np.int64(len(strata)) + at, return_inverse=True)
        levels.append(
            _Level(strata, _summed(columns, at, len(strata)), own, _summed(columns, where, len(own)))
        )
    return CaseMix(institutions, tuple(levels), _within(table, levels[-1]))


def restore(state: State) -> CaseMix:
    """What `CaseMix.state` said."""
    arrays = state.arrays
    levels = tuple(
        _Level(*(arrays[f"mix.{depth}.{part}"] for part in ("strata", "totals", "own", "own_totals")))
        for depth in range(len(_LEVELS))
    )
    return CaseMix(arrays["mix.institutions"], levels, state.meta["mix"]["within"])


def _indicators() -> list[tuple[str, str, str]]:
    """Name, numerator and denominator of every indicator that is standardised."""
    return [
        (one.name, str(one.numerator), one.denominator) for one in indicators.of_unit(indicators.STANDARDISED)
    ]


def _cut(stratum: np.ndarray, depth: int) -> np.ndarray:
    """The names of the strata at a level: `inpatient`, `inpatient|J|0`, `inpatient|J18|0`, `inpatient|J18|60|0`."""
    unique, at = np.unique(stratum, return_inverse=True)
    return np.array([_named(one, depth) for one in unique], dtype=str)[at] if len(unique) else unique


def _named(stratum: str, depth: int) -> str:
    kind, diagnosis, _, operation = stratum.split("|")
    if depth == 0:
        return kind
    if depth == 3:
        return stratum
    return f"{kind}|{chapter(diagnosis) if depth == 1 else diagnosis}|{operation}"


def chapter(diagnosis: str) -> str:
    """The chapter of a three-character category: its letter (ICD-10), its first two digits or signs (ICD-9)."""
    return diagnosis[:1] if diagnosis[:1].isalpha() and diagnosis[:1] not in "EV" else diagnosis[:2]


def _summed(columns: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    return np.column_stack([np.bincount(at, weights=column, minlength=size) for column in columns.T])


def _find(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted value stands among the sorted known ones; -1: nowhere."""
    if not len(known) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at, -1)


def _rows(totals: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The totals of each place, zeros where it is nowhere."""
    if not len(totals):
        return np.zeros((len(at), totals.shape[1]))
    return np.where(at[:, None] >= 0, totals[np.maximum(at, 0)], 0.0)


def _within(table: pa.Table, finest: _Level) -> dict[str, float]:
    """Of indicators whose squares the table sums too: the variance of a case about its stratum's mean."""
    names = _indicators()
    found: dict[str, float] = {}
    columns = featurefile.load()[indicators.STANDARDISED].columns
    for number, (name, numerator, _) in enumerate(names):
        if f"{numerator}_sq" not in columns:
            continue
        n, s = finest.totals[:, number], finest.totals[:, len(names) + number]
        total = float(indicators.numbers(table[f"{numerator}_sq"]).sum())
        explained = float((s**2 / np.maximum(n, 1)).sum())
        freedom = float(n.sum() - (n > 0).sum())
        if freedom > 0:
            found[name] = max((total - explained) / freedom, 1e-6)
    return found
