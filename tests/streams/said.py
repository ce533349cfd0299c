"""Alerts and their changes made by hand, for the tests of whatever stores or carries them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from detectors.alert import Alert, Item, identity, with_revision
from streams.changes import CHANGED, OPENED, RETRACTED, Change, Fact


def an_alert(number: int = 1, **more: Any) -> Alert:
    """An alert of a stay; its id follows from the number and `rule_id`, its revision from what it says."""
    rule_id = more.get("rule_id", "ghost_bed.charged_outside_stay")
    subject, anchor = f"M{number}", {"mdtrt_id": f"M{number}"}
    fields: dict[str, Any] = {
        "jr_id": identity(rule_id, subject, anchor),
        "revision": "",
        "mode": "live",
        "rule_id": rule_id,
        "rule_code": "GB-07",
        "rule_version": 1,
        "rule_hash": "5f0e",
        "knowledge_batch": "b17",
        "params": {"grace": "24 h"},
        "official_gz_code": "GZ10000201008000",
        "official_rule_name": "计费日期与住院时间不符",
        "rule_name": "住院时间以外计费",
        "vola_cont": f"患者于2026-03-30 10:00出院，出院后仍计费{number}项，共38.10元。",
        "vola_evid": "《医疗保障基金使用监督管理条例》第三十八条",
        "case_cause_no": [11],
        "sev_deg": "1",
        "vola_bhvr_type": "2",
        "vola_amt": "17.03",
        "vola_amt_stas": "1",
        "amount_method": "基金支付：按明细占政策范围内金额的比例分摊",
        "route": "supervision",
        "stage": "post",
        "subject_type": "visit",
        "subject": subject,
        "anchor": anchor,
        "patn_id": f"P{number}",
        "fixmedins_code": "H99010100001",
        "mdtrt_ids": [subject],
        "setl_ids": [f"S{number}"],
        "dr_codes": ["D1"],
        "opter": "YB001",
        "items": [Item(mdtrt_id=subject, feedetl_sn="1", code="X1", amount="17.03", violating=True)],
        "evidence": [f"in-{number}", f"out-{number}"],
        "occurred_at": "2026-03-24 09:00:00",
        "detected_at": "2026-04-01 14:00:00",
    }
    return with_revision(Alert(**{**fields, **more}))


def a_fact(msgid: str, table: str = "fee_line", row_no: int | None = 0, **data: Any) -> Fact:
    """A fact of a message; its data follows from the arguments."""
    row = {"msgid": msgid, "fee_ocur_time": "2026-04-01 14:00:00", "feedetl_sn": "1", **data}
    return Fact(msgid, table, row_no, "2026-04-01 14:00:05", json.dumps(row, ensure_ascii=False))


def a_change(seq: int = 1, alert: Alert | None = None, kind: str = "", **more: Any) -> Change:
    """A change by the worker: the first opens, later ones change, unless said otherwise."""
    alert = alert or an_alert()
    fields = {"speaker": "worker", "rulebook": "9d1c44aa02b7", **more}
    return Change(alert.jr_id, seq, kind or (OPENED if seq == 1 else CHANGED), alert, **fields)


def a_retraction(seq: int = 2, alert: Alert | None = None, **more: Any) -> Change:
    """What ended an alert: a cancellation, unless said otherwise."""
    return a_change(seq, alert, RETRACTED, **{"reason": "cancelled", "reason_msgid": "back-1", **more})


def reworded(alert: Alert, **more: Any) -> Alert:
    """Another revision of the same alert."""
    return with_revision(msgspec.structs.replace(alert, **more))
