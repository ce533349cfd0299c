"""Which persons must be judged on everything that is known of them, not on the history alone.

A fact is late when its time or its visit's begin lies before a border, or when it refers to something that the
history does not know. The border is the watermark less a time for corrections. A registry's row holds for all times, so it
is late whenever it says something new; so is a look-up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors.facts import fact_schemas
from streams.live.news import LOOKED_UP, TIMELESS, news

#: Where a visit begins, so that what refers to it is known. Of settlements only a purchase (2102) is a visit.
_VISITS = ("registration", "outpatient", "admission", "settlement")

#: What of the history says that something is known.
_VISIT = ("psn_no", "mdtrt_id", "begntime", "inf_time", "msgid")
_KNOWN_BY = {
    "message": ("psn_no", "mdtrt_id", "msgid"),
    **dict.fromkeys(_VISITS, _VISIT),
    "settlement": (*_VISIT, "setl_id", "kind"),
}

#: Times that say nothing of when care happened.
_NOT_BUSINESS = frozenset({"inf_time", "brdy", "cert_brdy", "birctrl_matn_date"})


@dataclass(frozen=True)
class Late:
    """Persons whom something late concerns: their `care`, or a `word` of a registry or a look-up that holds for all times."""

    care: set[str] = field(default_factory=set)
    word: set[str] = field(default_factory=set)


def late_persons(
    new: Mapping[str, pa.Table],
    held: Mapping[str, pa.Table],
    candidates: Collection[str],
    border: datetime,
) -> Late:
    """Of the candidates those whom a late fact among `new` concerns. `held`: what the history knows of them."""
    late = Late()
    if not candidates:
        return late
    wanted = pa.array(sorted(candidates), pa.string())
    mine = {name: _of(table, wanted) for name, table in new.items() if "psn_no" in table.schema.names}
    theirs = {name: _of(held[name].select(of), wanted) for name, of in _KNOWN_BY.items() if name in held}
    known = _Known(theirs, mine)
    for name, table in mine.items():
        if name == "message":
            continue
        if name in TIMELESS or name in LOOKED_UP:
            late.word.update(row["psn_no"] for row in news(name, table, held.get(name)))
            continue
        late.care.update(_early(name, table, border))
        late.care.update(
            person
            for person, visit, settlement, message in _named(table)
            if known.is_late(visit, settlement, message, border)
        )
    return late


def _early(name: str, table: pa.Table, border: datetime) -> set[str]:
    """The persons of whom a row tells what happened before the border."""
    found: set[str] = set()
    for column in business_times(name):
        before = pc.less(table[column].cast(pa.timestamp("us")), pa.scalar(border, pa.timestamp("us")))
        found.update(table["psn_no"].filter(before).to_pylist())
    return found


def _named(table: pa.Table) -> set[tuple[Any, ...]]:
    """Persons, and the visit, settlement and message that rows of theirs refer to: each once, for a visit has many lines."""
    none = [None] * table.num_rows
    columns = [
        table[name].to_pylist() if name in table.schema.names else none
        for name in ("psn_no", "mdtrt_id", "setl_id", "omsgid")
    ]
    return set(zip(*columns, strict=True))


class _Known:
    """The visits that the history and the batch tell of, when they begin, and which settlement or message is of which."""

    def __init__(self, held: Mapping[str, pa.Table], new: Mapping[str, pa.Table]) -> None:
        self.begins: dict[str, datetime] = {}
        self.settlements: dict[str, str | None] = {}
        self.messages: dict[str, str | None] = {}
        for tables in (held, new):
            for name in _VISITS:
                if name in tables:
                    self._visits(tables[name], purchases=name == "settlement")
            if "settlement" in tables:
                self.settlements |= visit_by(tables["settlement"], "setl_id")
            for name in ("message", "admission", "settlement"):
                if name in tables:
                    self.messages |= visit_by(tables[name], "msgid")

    def is_late(
        self, visit: str | None, settlement: str | None, message: str | None, border: datetime
    ) -> bool:
        """Whether what a fact refers to is not known, or its visit begins before the border."""
        if settlement is not None:
            if settlement not in self.settlements:
                return True
            visit = visit or self.settlements[settlement]
        if message is not None:
            if message not in self.messages:
                return True
            visit = visit or self.messages[message]
        return visit is not None and (visit not in self.begins or self.begins[visit] < border)

    def _visits(self, table: pa.Table, *, purchases: bool) -> None:
        if purchases:
            table = table.filter(pc.equal(table["kind"], "2102"))
        for visit, begin, seen in zip(
            table["mdtrt_id"].to_pylist(),
            table["begntime"].to_pylist(),
            table["inf_time"].to_pylist(),
            strict=True,
        ):
            when = begin or seen
            if visit is not None and (visit not in self.begins or when < self.begins[visit]):
                self.begins[visit] = when


def visit_by(table: pa.Table, key: str) -> dict[str, str | None]:
    """The visits of rows, by something else that they name."""
    return dict(zip(table[key].to_pylist(), table["mdtrt_id"].to_pylist(), strict=True))


def _of(table: pa.Table, persons: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["psn_no"], persons))


@cache
def business_times(name: str) -> tuple[str, ...]:
    """The columns of a fact table that say when something happened."""
    return tuple(
        field.name
        for field in fact_schemas()[name]
        if (pa.types.is_timestamp(field.type) or pa.types.is_date(field.type))
        and field.name not in _NOT_BUSINESS
    )
