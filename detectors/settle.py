"""From what the rules found to what is said: money at risk, times, stage, doctors, for all alerts of a run at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from detectors import engine
from detectors.alert import Item

MONEY = (Path(__file__).parent / "money.sql").read_text(encoding="utf-8")

_LAST_SEEN = "select alert, max(inf_time) from rests_on join message using (msgid) group by alert"

_SETTLED_VISITS = """
select c.alert, count(distinct c.mdtrt_id)
from concerned c
join settlement s using (mdtrt_id)
where c.from_time is null or s.setl_time between c.from_time and c.until_time
group by c.alert
"""

#: The queries of `settle`.
QUERIES = (MONEY, _LAST_SEEN, _SETTLED_VISITS)

_ITEMS = pa.schema(
    [
        ("alert", pa.int64()),
        ("item", pa.int64()),
        ("mdtrt_id", pa.string()),
        ("setl_id", pa.string()),
        ("feedetl_sn", pa.string()),
        ("reim_id", pa.string()),
        ("part", pa.decimal128(9, 6)),
        ("violating", pa.bool_()),
        ("of_account", pa.bool_()),
        ("from_time", pa.timestamp("us")),
        ("until_time", pa.timestamp("us")),
    ]
)
_EVIDENCE = pa.schema([("alert", pa.int64()), ("msgid", pa.string())])
_VISITS = pa.schema(
    [
        ("alert", pa.int64()),
        ("mdtrt_id", pa.string()),
        ("from_time", pa.timestamp("us")),
        ("until_time", pa.timestamp("us")),
    ]
)

#: What they are given, by name.
GIVEN = {"found_item": _ITEMS, "rests_on": _EVIDENCE, "concerned": _VISITS}


@dataclass(frozen=True)
class Finding:
    """What settling needs to know of one violation; `lookback` bounds the settlements and lines it may count."""

    items: Sequence[dict[str, Any]]
    evidence: Sequence[str]
    mdtrt_ids: Sequence[str]
    occurred_at: datetime
    lookback: timedelta | None
    of_account: bool


@dataclass
class Settled:
    """What settling found out of one violation."""

    items: list[Item] = field(default_factory=list)
    #: Money at risk and gross amount of the violating items, CNY.
    amount: Decimal = Decimal("0.00")
    gross: Decimal = Decimal("0.00")
    #: Whether a settlement stands behind any violating item.
    priced: bool = False
    by_line: bool = False
    doctors: set[str] = field(default_factory=set)
    #: Latest `inf_time` among the evidence.
    last_seen: datetime | None = None
    #: Whether every visit concerned is settled.
    all_settled: bool = False


def settle(con: duckdb.DuckDBPyConnection, findings: Sequence[Finding]) -> list[Settled]:
    """Price, date and place each finding, by the ledger in `con`. Same length and order as `findings`."""
    settled = [Settled() for _ in findings]
    if not findings:
        return settled
    _price(con, findings, settled)
    _date(con, findings, settled)
    _stage(con, findings, settled)
    return settled


def _price(con: duckdb.DuckDBPyConnection, findings: Sequence[Finding], settled: list[Settled]) -> None:
    rows: list[dict[str, Any]] = []
    for number, finding in enumerate(findings):
        window = finding.lookback
        for position, item in enumerate(_each_once(finding.items)):
            rows.append(
                {
                    **item,
                    "alert": number,
                    "item": position,
                    "of_account": finding.of_account,
                    "from_time": finding.occurred_at - window if window is not None else None,
                    "until_time": finding.occurred_at + window if window is not None else None,
                }
            )
    with engine.given(con, "found_item", pa.Table.from_pylist(rows, schema=_ITEMS)):
        priced = engine.execute(con, MONEY).fetchall()
    for (
        alert,
        mdtrt_id,
        setl_id,
        feedetl_sn,
        reim_id,
        code,
        violating,
        amount,
        gross,
        is_settled,
        doctor,
    ) in priced:
        one = settled[alert]
        one.items.append(
            Item(
                mdtrt_id=mdtrt_id,
                setl_id=setl_id,
                feedetl_sn=feedetl_sn,
                reim_id=reim_id,
                code=code,
                amount=f"{amount:.2f}",
                violating=violating,
            )
        )
        if violating:
            one.amount += amount
            one.gross += gross
            one.priced |= is_settled
            one.by_line |= feedetl_sn is not None
            if doctor:
                one.doctors.add(doctor)


def _each_once(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """No yuan counts twice: of the same line (or settlement, or claim) named again the heavier word holds."""
    heaviest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in items:
        line = item["feedetl_sn"]
        key = (item["mdtrt_id"], line) if line else (item["mdtrt_id"], item["setl_id"], item["reim_id"])
        held = heaviest.get(key)
        if held is None or (item["violating"], item["part"]) > (held["violating"], held["part"]):
            heaviest[key] = item
    return list(heaviest.values())


def _date(con: duckdb.DuckDBPyConnection, findings: Sequence[Finding], settled: list[Settled]) -> None:
    lengths = [len(finding.evidence) for finding in findings]
    numbers = [number for number, length in enumerate(lengths) for _ in range(length)]
    msgids = [msgid for finding in findings for msgid in finding.evidence]
    table = pa.table([numbers, msgids], schema=_EVIDENCE)
    with engine.given(con, "rests_on", table):
        found = engine.execute(con, _LAST_SEEN).fetchall()
    for alert, last_seen in found:
        settled[alert].last_seen = last_seen


def _stage(con: duckdb.DuckDBPyConnection, findings: Sequence[Finding], settled: list[Settled]) -> None:
    visits: defaultdict[int, set[str]] = defaultdict(set)
    for number, finding in enumerate(findings):
        visits[number].update(finding.mdtrt_ids)
        visits[number].update(item.mdtrt_id for item in settled[number].items if item.mdtrt_id)
    rows = [
        (number, mdtrt_id, findings[number].occurred_at, findings[number].lookback)
        for number, ids in visits.items()
        for mdtrt_id in ids
    ]
    table = pa.table(
        [
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] - row[3] if row[3] else None for row in rows],
            [row[2] + row[3] if row[3] else None for row in rows],
        ],
        schema=_VISITS,
    )
    with engine.given(con, "concerned", table):
        found = engine.execute(con, _SETTLED_VISITS).fetchall()
    counts = dict(found)
    for number, one in enumerate(settled):
        wanted = len(visits[number])
        one.all_settled = counts.get(number, 0) == wanted if wanted else one.priced
