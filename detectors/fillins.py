"""What a case need not say: the rows of a case made whole, as the ledger's own steps would have made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from rules.knowledge.table import OPEN_ENDED
from rules.schema import ledger_columns

#: Table → rows, a row a mapping of the columns that are stated.
Tables = dict[str, list[dict[str, Any]]]

#: The person and the institution of rows that state none.
PERSON, INSTITUTION = "P1", "H1"

#: Columns of persons that stay empty unless stated: a doctor need not be insured, a purchase has no patient.
_LEFT_EMPTY = frozenset({("practitioner", "psn_no"), ("stock_move", "psn_no")})

#: "Was in a bed at that time" of a stay without discharge, days after admission.
OPEN_STAY = timedelta(days=90)

#: Kind of visit → kinds of its fee lines and its settlements.
_KINDS = {"inpatient": ("2301", "2304"), "outpatient": ("2204", "2207"), "pharmacy": ("2102", "2102")}


def complete(given: Mapping[str, Iterable[Mapping[str, Any]]]) -> Tables:
    """All rows of a case with what they leave out. What a row states, null included, is never changed.

    Visits: person P1, institution H1, `inpatient`, `bed_until`, `seen_until`, `heard`, `adm_upload_time` (the begin),
    `settled`, `mid_settled`, `list_uploaded`, the messages. Rows that name a visit or settlement: its person, institution and kind.
    A line: the visit's settlement where it has exactly one, `inscp_scp_amt` as its amount. A settlement:
    `setl_time` as the discharge, else the begin. Every row: `msgid` (`msgids`) as `<table>-<n>`, counted
    from 1. Standing lines and settlements also stand in `fee_line_all` and `settlement_all`. Knowledge rows:
    open dates.
    """
    tables: Tables = {name: [_moments(name, dict(row)) for row in rows] for name, rows in given.items()}
    visits = {row.get("mdtrt_id"): row for row in tables.get("visit", [])}
    for row in visits.values():
        _default(row, psn_no=PERSON, fixmedins_code=INSTITUTION)
        _default(row, kind="inpatient" if row.get("inpatient", True) else "outpatient")
        _default(row, inpatient=row["kind"] == "inpatient")
    _settlements(tables, visits)
    for name, rows in tables.items():
        if name.startswith("knowledge."):
            for row in rows:
                _default(row, **OPEN_ENDED)
        else:
            _common(name, rows, visits, tables)
    for row in visits.values():
        _derive(row, tables)
    _mirror(tables, "fee_line", ("mdtrt_id", "feedetl_sn"))
    _mirror(tables, "settlement", ("setl_id",))
    return tables


def _moments(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A date where a time is wanted is its midnight."""
    columns = ledger_columns().get(table, {})
    for name, value in row.items():
        if columns.get(name) == "TIMESTAMP" and value is not None and not isinstance(value, datetime | str):
            row[name] = datetime.combine(value, time())
    return row


def _settlements(tables: Tables, visits: Mapping[Any, dict[str, Any]]) -> None:
    """What settlements take from their visit, and lines from their visit's one settlement."""
    of_visit: dict[Any, list[Any]] = {}
    for row in tables.get("settlement", []):
        of_visit.setdefault(row.get("mdtrt_id"), []).append(row.get("setl_id"))
    for name in ("settlement", "settlement_all"):
        for row in tables.get(name, []):
            visit = visits.get(row.get("mdtrt_id"), {})
            _default(row, kind=_KINDS[visit.get("kind", "inpatient")][1])
            _default(row, setl_time=visit.get("dscg_time") or visit.get("begntime"))
            _default(row, inf_time=row["setl_time"])
    for name in ("fee_line", "fee_line_all"):
        for row in tables.get(name, []):
            visit = visits.get(row.get("mdtrt_id"), {})
            settled = of_visit.get(row.get("mdtrt_id"), [])
            _default(row, kind=_KINDS[visit.get("kind", "inpatient")][0])
            _default(row, setl_id=settled[0] if len(settled) == 1 and not row.get("ended_by") else None)
            _default(row, inscp_scp_amt=row.get("det_item_fee_sumamt"))


def _common(
    name: str, rows: list[dict[str, Any]], visits: Mapping[Any, dict[str, Any]], tables: Tables
) -> None:
    """Visit, person, institution and messages of the rows of one ledger table."""
    columns = ledger_columns().get(name, {})
    visit_of_settlement = {row.get("setl_id"): row.get("mdtrt_id") for row in tables.get("settlement", [])}
    for number, row in enumerate(rows, start=1):
        if "mdtrt_id" in columns and row.get("setl_id") in visit_of_settlement:
            _default(row, mdtrt_id=visit_of_settlement[row["setl_id"]])
        visit = visits.get(row.get("mdtrt_id", visit_of_settlement.get(row.get("setl_id"))), {})
        for column, fallback in (("psn_no", PERSON), ("fixmedins_code", INSTITUTION)):
            if column in columns:
                left_empty = (name, column) in _LEFT_EMPTY
                _default(row, **{column: visit.get(column, None if left_empty else fallback)})
        if "msgid" in columns:
            _default(row, msgid=f"{name}-{number}")
        if "msgids" in columns:
            _default(row, msgids=[f"{name}-{number}"])


def _derive(row: dict[str, Any], tables: Tables) -> None:
    """The derived columns of a visit."""
    own = {
        name: [one for one in rows if one.get("mdtrt_id") == row.get("mdtrt_id")]
        for name, rows in tables.items()
        if name != "visit" and not name.startswith("knowledge.")
    }
    begin, end = row.get("begntime"), row.get("dscg_time")
    seen = [begin, *(one.get("fee_ocur_time") for one in own.get("fee_line", []))]
    seen += [one.get("seen_at") for one in own.get("presence", [])]
    seen += [one.get("rcd_time") for one in own.get("vital_sign", [])]
    seen += [one.get("drord_isu_time") for one in own.get("medical_order", [])]
    known = [moment for moment in seen if isinstance(moment, datetime)]
    settlements = own.get("settlement", [])
    _default(row, bed_until=end or (begin + OPEN_STAY if isinstance(begin, datetime) else None))
    _default(row, seen_until=end or max(known, default=None))
    told = [row["seen_until"]] if end is None and isinstance(row["seen_until"], datetime) else []
    _default(row, heard=sorted({*known, *told}), adm_upload_time=begin)
    _default(row, settled=bool(settlements))
    _default(row, mid_settled=any(one.get("mid_setl_flag") == "1" for one in settlements))
    _default(row, list_uploaded=bool(own.get("settlement_list")))
    _default(row, adm_msgid=row["msgids"][0] if row["msgids"] else None)
    _default(row, dscg_msgid=row["msgids"][-1] if end is not None and row["msgids"] else None)


def _mirror(tables: Tables, name: str, key: tuple[str, ...]) -> None:
    """What stands is also among all."""
    columns = ledger_columns()[f"{name}_all"]
    everything = tables.setdefault(f"{name}_all", [])
    there = {tuple(row.get(part) for part in key) for row in everything}
    for row in tables.get(name, []):
        if tuple(row.get(part) for part in key) not in there:
            everything.append({column: value for column, value in row.items() if column in columns})


def _default(row: dict[str, Any], **values: Any) -> None:
    for column, value in values.items():
        row.setdefault(column, value)
