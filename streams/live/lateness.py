"""Which persons must be judged on everything that is known of them, not on the history alone.

A fact is late when its time or its visit's begin lies before a border, or when it refers to something that the
history does not know. The border is the watermark less a time for corrections. A registry's row holds for all times, so it
is late whenever it says something new; so is a look-up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors.facts import fact_schemas
from streams.live.news import LOOKED_UP, TIMELESS, news

#: Where a visit begins, so that what refers to it is known.
_VISITS = ("registration", "outpatient", "admission", "settlement")

#: Times that say nothing of when care happened.
_NOT_BUSINESS = frozenset({"inf_time", "brdy", "cert_brdy", "birctrl_matn_date"})


def late_persons(
    new: Mapping[str, pa.Table],
    held: Mapping[str, pa.Table],
    candidates: Collection[str],
    border: datetime,
) -> set[str]:
    """Of the candidates those whom a late fact among `new` concerns. `held`: what the history knows of them."""
    if not candidates:
        return set()
    wanted = pa.array(sorted(candidates), pa.string())
    mine = {name: _of(table, wanted) for name, table in new.items() if "psn_no" in table.schema.names}
    known = _Known({name: _of(table, wanted) for name, table in held.items()}, mine)
    late: set[str] = set()
    for name, table in mine.items():
        if name == "message":
            continue
        if name in TIMELESS or name in LOOKED_UP:
            late.update(row["psn_no"] for row in news(name, table, held.get(name)))
            continue
        for row in table.to_pylist():
            person = row["psn_no"]
            if person not in late and _is_late(name, row, known, border):
                late.add(person)
    return late


def _is_late(name: str, row: Mapping[str, Any], known: _Known, border: datetime) -> bool:
    if any(row[column] is not None and _moment(row[column]) < border for column in _times(name)):
        return True
    visit, settlement, message = (row.get(column) for column in ("mdtrt_id", "setl_id", "omsgid"))
    if visit is not None and known.begins.get(visit, border) < border:
        return True
    return (
        (visit is not None and visit not in known.begins)
        or (settlement is not None and settlement not in known.settlements)
        or (message is not None and message not in known.messages)
    )


class _Known:
    """The visits, settlements and messages that the history and the batch tell of."""

    def __init__(self, held: Mapping[str, pa.Table], new: Mapping[str, pa.Table]) -> None:
        self.begins: dict[str, datetime] = {}
        self.settlements: set[str] = set()
        self.messages: set[str] = set()
        for tables in (held, new):
            for name in _VISITS:
                if name in tables:
                    self._visits(tables[name])
            if "settlement" in tables:
                self.settlements.update(tables["settlement"]["setl_id"].to_pylist())
            if "message" in tables:
                self.messages.update(tables["message"]["msgid"].to_pylist())

    def _visits(self, table: pa.Table) -> None:
        for visit, begin, seen in zip(
            table["mdtrt_id"].to_pylist(),
            table["begntime"].to_pylist(),
            table["inf_time"].to_pylist(),
            strict=True,
        ):
            when = begin or seen
            if visit is not None and (visit not in self.begins or when < self.begins[visit]):
                self.begins[visit] = when


def _of(table: pa.Table, persons: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["psn_no"], persons))


def _moment(value: date | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


@cache
def _times(name: str) -> tuple[str, ...]:
    return tuple(_business_times(name))


def _business_times(name: str) -> Iterator[str]:
    for field in fact_schemas()[name]:
        if (
            pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)
        ) and field.name not in _NOT_BUSINESS:
            yield field.name
