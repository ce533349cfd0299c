"""A tiny language for logs: messages as one-liners, and the ledger that they amount to.

A message is a kind, a time and the rows it fills. What a row leaves out is the person P1 at hospital H1 on visit M1.
Times are hours since 2026-01-01 00:00, so that a test reads as a sequence of hours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

import duckdb

from detectors import ledger
from detectors.facts import FACTS_SQL, fact_schemas
from rules.schema import ledger_columns

Row = dict[str, Any]

START = datetime.fromisoformat("2026-01-01")

#: Which fact table the rows of a kind fill.
TABLES = {
    "2201": "registration", "2203": "outpatient", "2401": "admission", "2402": "discharge", "2403": "admission_change",
    "2102": "settlement", "2207": "settlement", "2304": "settlement", "2204": "fee_line", "2301": "fee_line",
    "2103": "cancellation", "2202": "cancellation", "2205": "cancellation", "2208": "cancellation",
    "2302": "cancellation", "2305": "cancellation", "2404": "cancellation", "2405": "cancellation", "2601": "cancellation",
    "4101": "settlement_list", "4402A": "medical_order", "4501": "report", "4502": "report", "4602": "vital_sign",
    "9601": "presence", "9604": "presence", "3505A": "stock_move", "3506A": "stock_move", "2501": "referral",
    "2503": "chronic_registration", "1101": "person_insurance",
}  # fmt: skip


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@dataclass(frozen=True)
class Message:
    kind: str
    msgid: str
    hour: float
    rows: tuple[tuple[str, Row], ...]
    #: Tells two contents under one msgid apart.
    content: int = 0
    bad_rows: int = 0
    envelope: Row = field(default_factory=dict)

    @property
    def mdtrt_id(self) -> str | None:
        return next((row["mdtrt_id"] for _, row in self.rows if row.get("mdtrt_id")), None)


def say(
    kind: str,
    msgid: str,
    hour: float,
    *rows: Row,
    content: int = 0,
    bad_rows: int = 0,
    sent_by: str | None = None,
    **one: Any,
) -> Message:
    """A message of this kind: its rows, or one row of the keywords. A row's `into` names another fact table.

    `sent_by` is the envelope's opter_type.
    """
    table = TABLES.get(kind, kind)
    filled = []
    for number, row in enumerate(rows or (one,), start=1):
        into = row.get("into", table)
        filled.append(
            (into, _complete(into, kind, number, hour, {k: v for k, v in row.items() if k != "into"}))
        )
    return Message(kind, msgid, hour, tuple(filled), content, bad_rows, {"opter_type": sent_by})


_DEFAULTS: dict[str, Row] = {
    "fee_line": {"cnt": 1, "det_item_fee_sumamt": 10, "inscp_scp_amt": 10, "med_list_codg": "A"},
    "settlement": {"fund_pay_sumamt": 100, "medfee_sumamt": 150},
}


def _complete(table: str, kind: str, number: int, hour: float, row: Row) -> Row:
    columns = set(fact_schemas()[table].names)
    if unknown := set(row) - columns:
        raise KeyError(f"{table} has no column {sorted(unknown)}")
    defaults: Row = {"psn_no": "P1", "fixmedins_code": "H1", "mdtrt_id": "M1", "kind": kind, "row_no": number}
    if table in ("institution", "practitioner", "catalogue"):
        defaults = {}
    times = {
        "fee_line": "fee_ocur_time", "settlement": "setl_time", "admission": "begntime", "registration": "begntime",
        "outpatient": "begntime", "discharge": "endtime", "presence": "checked_at", "vital_sign": "rcd_time",
    }  # fmt: skip
    if table in times:
        defaults[times[table]] = at(hour)
    if table == "stock_move":
        defaults["move"] = "sale" if kind == "3505A" else "sale_return"
    if table == "diagnosis":
        defaults["role"] = {"2203": "outpatient", "2402": "discharge", "4101": "list"}.get(kind, "admission")
    defaults |= _DEFAULTS.get(table, {})
    return {k: v for k, v in defaults.items() if k in columns} | row


class Ledger:
    """The ledger of a log. One database serves many: what is asked is built in it, read, and rolled back for the next.

    Unless `tables` says more, only the tables that are read are built, with what they depend on.
    """

    _in_use: ClassVar[dict[int, Ledger]] = {}

    def __init__(
        self,
        log: Iterable[Message],
        tables: Collection[str],
        threads: int,
        unique: bool,
        slices: int,
        views: Collection[str],
    ) -> None:
        self._rows = _by_table(log)
        self._tables, self._threads, self._unique, self._slices = set(tables), threads, unique, slices
        self._views = views

    def con(self, *tables: str) -> duckdb.DuckDBPyConnection:
        """The database with these tables of this ledger in it, until another ledger is read."""
        con = _database(self._threads)
        if self._in_use.get(self._threads) is not self or not self._tables.issuperset(tables):
            self._tables.update(tables)
            if self._threads in self._in_use:
                con.execute("rollback")
            con.execute("begin")
            for table, rows in self._rows.items():
                _insert(con, table, rows)
            ledger.fill(con, tables=self._tables, unique=self._unique, slices=self._slices, views=self._views)
            self._in_use[self._threads] = self
        return con

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """A table sorted, with the columns asked for."""
        con = self.con(*({table} & ledger_columns().keys()))
        return con.execute(f"select {', '.join(columns) or '*'} from {table} order by all").fetchall()

    def values(self, table: str, column: str) -> list[Any]:
        return [value for (value,) in self.rows(table, column)]

    def one(self, table: str, *columns: str) -> Any:
        (row,) = self.rows(table, *columns)
        return row[0] if len(columns) == 1 else row


def build(
    log: Iterable[Message],
    *,
    tables: Collection[str] = (),
    threads: int = 1,
    unique: bool = False,
    slices: int = 1,
    views: Collection[str] = ledger.OF_MANY,
) -> Ledger:
    """The ledger of a log that arrives in this order."""
    return Ledger(log, tables, threads, unique, slices, views)


@cache
def _database(threads: int) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    ledger.create(con)
    return con


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    names = sorted({name for row in rows for name in row})
    marks = ", ".join("(" + ", ".join("?" for _ in names) + ")" for _ in rows)
    values = [row.get(name) for row in rows for name in names]
    con.execute(f"insert into fact.{table} ({', '.join(names)}) values {marks}", values)


def _by_table(log: Iterable[Message]) -> dict[str, list[Row]]:
    fill: dict[str, list[Row]] = {}
    for seq, message in enumerate(log, start=1):
        head = {"seq": seq, "msgid": message.msgid, "inf_time": at(message.hour)}
        first = message.rows[0][1] if message.rows else {}
        sender = {k: first[k] for k in ("psn_no", "fixmedins_code", "mdtrt_id") if k in first}
        registry = not message.kind[0].isdigit()
        fill.setdefault("message", []).append(
            head
            | {"kind": message.kind, "content": message.content, "bad_rows": message.bad_rows}
            | message.envelope
            | ({} if registry else sender)
        )
        for table, row in message.rows:
            fill.setdefault(table, []).append(head | row)
    return fill
