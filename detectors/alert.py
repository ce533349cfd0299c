"""Alerts: their shape on the wire, their identity, their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


class Item(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line, settlement, visit or hand-paid claim that an alert is about; ids that it has none of are left out.

    `amount`: fund (or account) money at risk in it, CNY, as a string with two places; `violating` false where it
    is only involved.
    """

    mdtrt_id: str | None = None
    setl_id: str | None = None
    feedetl_sn: str | None = None
    reim_id: str | None = None
    code: str | None = None
    amount: str
    violating: bool


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What fundwatch says: field names as results of transactions 3101/3102 where they exist."""

    jr_id: str
    revision: str
    status: str = "open"
    mode: str
    rule_id: str
    rule_code: str
    rule_version: int
    rule_hash: str
    knowledge_batch: str
    params: dict[str, str]
    official_gz_code: str | None
    official_rule_name: str | None
    rule_name: str
    vola_cont: str
    vola_evid: str
    case_cause_no: list[int]
    sev_deg: str
    vola_bhvr_type: str
    vola_amt: str
    vola_amt_stas: str
    amount_method: str
    route: str
    stage: str
    subject_type: str
    subject: str
    anchor: dict[str, str | int | None]
    patn_id: str | None
    fixmedins_code: str | None
    mdtrt_ids: list[str]
    setl_ids: list[str]
    dr_codes: list[str]
    opter: str | None
    items: list[Item]
    evidence: list[str]
    occurred_at: str
    detected_at: str
    score: float | None = None
    explanation: str | None = None


_encoder = msgspec.json.Encoder()

#: Whose money an alert counts: how `amount_method` begins, and what tells account money from the fund's.
FUND_MONEY = "基金支付"
ACCOUNT_MONEY = "个人账户支付"

#: Longest vola_cont and vola_evid, characters (platform interface, transaction 3101).
TEXT_LIMIT = 500


def identity(rule_id: str, subject: str, anchor: Mapping[str, Any]) -> str:
    """`jr_id`: the hash of rule, subject and anchor, 32 hexadecimal digits."""
    text = _encoder.encode(
        [rule_id, subject, [[name, plain(value)] for name, value in sorted(anchor.items())]]
    )
    return hashlib.sha256(text).hexdigest()[:32]


def with_revision(alert: Alert) -> Alert:
    """The alert with `revision` set: the hash of everything it says but its identity and status."""
    content = msgspec.structs.replace(alert, jr_id="", revision="", status="")
    return msgspec.structs.replace(alert, revision=hashlib.sha256(_encoder.encode(content)).hexdigest()[:16])


def encode(alert: Alert) -> bytes:
    """One line of `alerts.jsonl`, without the line's end."""
    return _encoder.encode(alert)


def plain(value: Any) -> str | int | None:
    """A key's value as it stands in an anchor: text, whole number, or time as text."""
    if value is None or isinstance(value, str | int):
        return value
    return spoken(value)


def spoken(value: Any) -> str:
    """A value as a sentence shows it: minutes for times, days for dates, plain digits for amounts."""
    match value:
        case None:
            return "（未知）"
        case bool():
            return "是" if value else "否"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case Decimal():
            text = f"{value.normalize():f}"
            return f"{value:f}" if "." in text and value.as_tuple().exponent == -2 else text
        case float():
            return f"{value:.1f}"
        case list() | tuple():
            return "、".join(spoken(one) for one in value)
        case _:
            return str(value)


def told(row: Mapping[str, Any], name: str) -> str:
    """A column of a rule's row as its sentence shows it; a time of which `<name>_is_date` says so, as the day alone."""
    value = row[name]
    if isinstance(value, datetime) and row.get(f"{name}_is_date"):
        return spoken(value.date())
    return spoken(value)


def clipped(text: str) -> str:
    """The text, cut to what the platform's field holds."""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def moment(value: datetime) -> str:
    """A time as it stands in an alert: `yyyy-MM-dd HH:mm:ss`, Asia/Shanghai."""
    return value.strftime("%Y-%m-%d %H:%M:%S")


def distinct(values: Sequence[str | None]) -> list[str]:
    """Sorted, each once, none missing."""
    return sorted({value for value in values if value})
