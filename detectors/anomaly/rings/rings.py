"""The model: rings of closed months, the rates of chance and the lines, and what is scored against them.

A ring's evidence is that of the links that hold it together (`communities.tree`), each in lines of the false discovery rate; its score is nine
tenths where that is the evidence of the smallest ring at the line, and rises without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import indicators
from detectors.anomaly.model import SCORES, WHOLE, Features, ModelError, State, closed_before, hash_of
from detectors.anomaly.rings import chance, communities, meetings, pairs, scoring
from detectors.anomaly.rings.chance import Rates
from detectors.anomaly.rings.communities import Ring
from detectors.anomaly.rings.meetings import Arrivals
from detectors.anomaly.rings.pairs import Line

NAME = "rings"

UNITS = ("encounter", "kin")


#: What the line is worth as evidence of an institution: of the rings there the stated share is false.
AT_LINE = MappingProxyType(
    {"institution": MappingProxyType({WHOLE: float(-np.log10(pairs.FALSE_DISCOVERIES))})}
)


@dataclass(frozen=True, eq=False)
class Rings:
    """A fitted model. `lines`: by quarter of the baseline, and for the whole."""

    meta: Mapping[str, Any]
    rings: tuple[Ring, ...]
    rates: Rates
    lines: Mapping[str, Line]

    name = NAME
    units = UNITS
    after: tuple[str, ...] = ()
    subjects = ("institution", "ring")

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score."""
        return hash_of(NAME, self.state())

    def score(self, features: Features) -> pa.Table:
        """A row for every ring of the baseline of which anybody is there, by quarter and for the whole; and for an institution with a
        ring at the line, what is said of its surest."""
        rows = [
            row
            for ring, mine in self._present(features["encounter"])
            for row in self._rows(ring, mine, features)
        ]
        rows += scoring.hosts(rows)
        rows.sort(key=lambda row: (row["subject_type"], row["subject"], row["period"]))
        return pa.Table.from_pylist(rows, schema=SCORES)

    def _present(self, encounters: pa.Table) -> list[tuple[Ring, pa.Table]]:
        """The rings of which anybody is there, each with its own members' encounters at its institution."""
        if not self.rings or not encounters.num_rows:
            return []
        everybody = pa.array(sorted({one for ring in self.rings for one in ring.members}), pa.string())
        known = encounters.filter(pc.fill_null(pc.is_in(encounters["psn_no"], everybody), False))
        found = []
        for ring in self.rings:
            here = pc.and_(
                pc.is_in(known["psn_no"], pa.array(ring.members, pa.string())), pc.equal(known["fixmedins_code"], ring.institution)
            )  # fmt: skip
            mine = known.filter(pc.fill_null(here, False))
            if mine.num_rows:
                found.append((ring, mine))
        return found

    def _rows(self, ring: Ring, mine: pa.Table, features: Features) -> list[dict[str, Any]]:
        kin, living = meetings.kin_of(features), meetings.living_of(mine)
        arrived = meetings.arrivals(mine)
        quarter = quarters_of(arrived)
        found = []
        for period in (*np.unique(quarter).tolist(), WHOLE):
            some = arrived if period == WHOLE else arrived.where(quarter == period)
            rates = self.rates.during(days_of(period, self.meta["span"][0], some))
            found.append(scoring.row(ring, period, some, rates, self.line(period), kin, living))
        return found

    def line(self, period: str) -> Line:
        """The line of a period; of a quarter that the baseline has not, the middle of those it has."""
        if period in self.lines:
            return self.lines[period]
        others = [one for name, one in self.lines.items() if name != WHOLE] or [self.lines[WHOLE]]
        return Line(
            float(np.median([one.frequency for one in others])),
            float(np.median([one.time for one in others])),
        )

    def state(self) -> State:
        """All that the model is. The members of rings are in it, by `psn_no`: keep it as the ledger is kept."""
        about, arrays = self.rates.state()
        meta = {
            **self.meta,
            **about,
            "lines": {period: [one.frequency, one.time] for period, one in self.lines.items()},
        }
        return State(meta, {**arrays, "rings": np.array([ring.text for ring in self.rings], dtype=str)})


def quarters_of(of: Arrivals) -> np.ndarray:
    """The quarter of each arrival: 2026-Q1."""
    months = of.day.astype("datetime64[D]").astype("datetime64[M]").astype(str)
    return indicators.quarters(months) if len(months) else np.zeros(0, dtype="<U7")


def days_of(period: str, first: str, of: Arrivals) -> int:
    """How many days a period has from the first of the baseline on; the whole of the time, up to the last of some arrivals."""
    begin = np.datetime64(first, "D")
    if period == WHOLE:
        last = of.day.max() if len(of) else begin.astype(np.int64)
        return max(1, int(last - begin.astype(np.int64)) + 1)
    start = np.datetime64(f"{period[:4]}-{int(period[-1]) * 3 - 2:02d}", "M")
    end = (start + 3).astype("datetime64[D]")
    return max(1, int((end - max(begin, start.astype("datetime64[D]"))).astype(np.int64)))


def fit(features: Features, as_of: datetime, *, seed: int) -> Rings:
    """Find the rings of the months that are closed by then. Raises `ModelError` where there are none such months."""
    if "encounter" not in features:
        raise ModelError("Rings need to know who came where and when; the source does not say.")
    end = pa.scalar(closed_before(as_of), pa.date32())
    kept = features["encounter"].filter(pc.fill_null(pc.less(features["encounter"]["month"], end), False))
    if not kept.num_rows:
        raise ModelError("No month with encounters is closed; train on a longer history, or later.")
    arrived = meetings.arrivals(kept)
    rates = chance.fit(arrived)
    quarter = quarters_of(arrived)
    days = (arrived.day.min(), arrived.day.max()) if len(arrived) else (0, 0)
    first, last = (str(np.datetime64(int(day), "D")) for day in days)
    lines = {}
    for period in np.unique(quarter).tolist():
        some = arrived.where(quarter == period)
        lines[period] = pairs.line(pairs.pairs(some, rates.during(days_of(period, first, some))))
    found = pairs.pairs(arrived, rates)
    lines[WHOLE] = pairs.line(found)
    kin, living = meetings.kin_of(features), meetings.living_of(kept)
    people = arrived.people
    strange = np.array(
        [
            not meetings.explained(str(people[one]), str(people[other]), kin, living)
            for one, other in zip(found.first.tolist(), found.second.tolist(), strict=True)
        ],
        dtype=bool,
    )
    found = found.where(strange)
    linked = communities.best(found, arrived, lines[WHOLE].reached(found))
    meta = {
        "as_of": as_of.isoformat(sep=" "),
        "seed": seed,
        "months": [first[:7], last[:7]],
        "span": [first, last],
        "false_discoveries": pairs.FALSE_DISCOVERIES,
        "together_minutes": meetings.TOGETHER,
    }
    return Rings(meta, communities.rings(arrived, linked), rates, lines)


def restore(state: State) -> Rings:
    """The model of a state."""
    own = ("as_of", "seed", "months", "span", "false_discoveries", "together_minutes")
    return Rings(
        {key: state.meta[key] for key in own},
        tuple(Ring.of(str(one)) for one in state.arrays["rings"]),
        chance.restore(state.meta, state.arrays),
        pairs.lines(state.meta["lines"]),
    )
