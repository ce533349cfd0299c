"""Alerts: identity, revision, wording and the line on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from detectors.alert import (
    TEXT_LIMIT,
    Alert,
    Item,
    clipped,
    distinct,
    encode,
    identity,
    moment,
    spoken,
    told,
    with_revision,
)
from detectors.evaluate import judge
from rules.knowledge import Knowledge
from rules.rulebook import Rule, Rulebook
from tests.detectors.bench import KNOWLEDGE, Row, a_message, a_rule, a_visit, day, ledger

#: A stay of two nights that was charged for three days; half of the line is held to be wrong.
SQL = """
select v.mdtrt_id, v.psn_no, v.fixmedins_code, 1 as severity, v.begntime as occurred_at, v.begntime, v.dscg_time,
    list(line_part(v.mdtrt_id, l.feedetl_sn, 0.5) order by l.feedetl_sn) as items,
    sum(l.cnt)::integer as beds, sum(l.det_item_fee_sumamt) as gross, v.opter_type as opter,
    ['in-M1', 'l-1', 'l-1', null] as evidence
from judged v
join fee_line l using (mdtrt_id)
where date_diff('day', v.begntime, v.dscg_time) + $tolerance < 3
group by all
"""

HEADER: dict[str, Any] = {
    "code": "GB-01",
    "name": "按日收费超过住院天数",
    "official": "GZ10000201008000 计费日期与住院时间不符",
    "basis": "算入不算出。",
    "case_cause": [11, 13],
    "behaviour": "item",
    "params": {
        "tolerance": {"default": 0, "min": 0, "max": 9, "unit": "days", "source": "engineering default"}
    },
    "needs": ["visit", "fee_line"],
    "sentence": "患者于{begntime}入院、{dscg_time}出院，收床位费{beds}日共{gross}元。",
}

TABLES: dict[str, list[Row]] = {
    "visit": [a_visit(dscg_time=day(2.5), opter_type="1")],
    "fee_line": [
        {
            "mdtrt_id": "M1", "feedetl_sn": "1", "setl_id": "S1", "fee_ocur_time": day(1), "med_list_codg": "bed",
            "cnt": 3, "det_item_fee_sumamt": "120.00", "inscp_scp_amt": "90.00", "bilg_dr_codg": "D1", "msgid": "l-1",
        }
    ],
    "settlement": [
        {"setl_id": "S1", "mdtrt_id": "M1", "setl_time": day(3), "fund_pay_sumamt": "61.00", "medfee_sumamt": "120.00"}
    ],
    "message": [a_message("in-M1"), a_message("l-1", day(1.25))],
}  # fmt: skip

GOLDEN = """
{"jr_id": "JR-ID", "revision": "REVISION", "status": "open", "mode": "live",
 "rule_id": "ghost_bed.a_rule", "rule_code": "GB-01", "rule_version": 1, "rule_hash": "HASH",
 "knowledge_batch": "batch-1", "params": {"tolerance": "0 days"},
 "official_gz_code": "GZ10000201008000", "official_rule_name": "计费日期与住院时间不符",
 "rule_name": "按日收费超过住院天数",
 "vola_cont": "患者于2026-01-01 00:00入院、2026-01-03 12:00出院，收床位费3日共120元。",
 "vola_evid": "《条例》第三十八条；算入不算出。", "case_cause_no": [11, 13],
 "sev_deg": "1", "vola_bhvr_type": "2", "vola_amt": "30.50", "vola_amt_stas": "1",
 "amount_method": "基金支付：按明细占政策范围内金额的比例分摊", "route": "supervision", "stage": "post",
 "subject_type": "visit", "subject": "M1", "anchor": {"mdtrt_id": "M1"},
 "patn_id": "P1", "fixmedins_code": "H1", "mdtrt_ids": ["M1"], "setl_ids": ["S1"], "dr_codes": ["D1"], "opter": "1",
 "items": [{"mdtrt_id": "M1", "setl_id": "S1", "feedetl_sn": "1", "code": "bed", "amount": "30.50", "violating": true}],
 "evidence": ["in-M1", "l-1"],
 "occurred_at": "2026-01-01 00:00:00", "detected_at": "2026-01-02 06:00:00", "score": null, "explanation": null}
"""


def said(
    rule: Rule, knowledge: Knowledge = KNOWLEDGE, params: dict[str, Any] | None = None, **tables: list[Row]
) -> Alert:
    """The one alert of a rule on the ledger above, with some of its tables replaced."""
    con = ledger(lacking=(), knowledge=knowledge, **{**TABLES, **tables})
    (alert,) = judge(con, Rulebook((rule,)), knowledge, params={rule.code: params or {}}).alerts
    return alert


def test_a_line_of_the_wire_is_this(tmp_path: Path) -> None:
    rule = a_rule(tmp_path, SQL, **HEADER)
    line = encode(said(rule))
    golden = json.loads(GOLDEN)
    found = json.loads(line)
    assert list(found) == list(golden), "fields and their order"
    jr_id = identity("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1"})
    assert found == golden | {"rule_hash": rule.logic_hash, "revision": found["revision"], "jr_id": jr_id}
    assert b"\n" not in line


def test_a_line_of_the_wire_reads_back_as_the_alert(tmp_path: Path) -> None:
    alert = said(a_rule(tmp_path, SQL, **HEADER))
    assert msgspec.json.decode(encode(alert), type=Alert) == alert


class TestIdentity:
    def test_is_this_hash(self) -> None:
        assert identity("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1"}) == "b63d5ee17018206463d7f9ffd0ff4105"

    @pytest.mark.parametrize(
        ("rule_id", "subject", "anchor"),
        [
            ("ghost_bed.other", "M1", {"mdtrt_id": "M1", "year": 2026}),
            ("ghost_bed.a_rule", "M2", {"mdtrt_id": "M1", "year": 2026}),
            ("ghost_bed.a_rule", "M1", {"mdtrt_id": "M2", "year": 2026}),
            ("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1", "year": 2027}),
            ("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1", "year": "2026"}),
            ("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1", "year": None}),
            ("ghost_bed.a_rule", "M1", {"setl_id": "M1", "year": 2026}),
            ("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1"}),
        ],
    )
    def test_is_another_for_another_rule_subject_or_anchor(
        self, rule_id: str, subject: str, anchor: dict[str, Any]
    ) -> None:
        known = identity("ghost_bed.a_rule", "M1", {"mdtrt_id": "M1", "year": 2026})
        assert identity(rule_id, subject, anchor) != known

    def test_does_not_depend_on_the_order_of_the_anchor(self) -> None:
        assert identity("r", "s", {"a": 1, "b": 2}) == identity("r", "s", {"b": 2, "a": 1})

    def test_is_kept_when_version_wording_parameters_evidence_or_money_change(self, tmp_path: Path) -> None:
        alert = said(a_rule(tmp_path, SQL, **HEADER))
        other = [
            said(a_rule(tmp_path, SQL, **{**HEADER, "version": 2})),
            said(a_rule(tmp_path, SQL, **{**HEADER, "sentence": "住院{beds}日。"})),
            said(a_rule(tmp_path, SQL, **{**HEADER, "status": "shadow"})),
            said(
                a_rule(tmp_path, SQL, **HEADER), params={"tolerance": 0.0}, message=[*TABLES["message"][:1]]
            ),
            said(a_rule(tmp_path, SQL.replace("'l-1', null", "'l-2'"), **HEADER)),
            said(a_rule(tmp_path, SQL.replace("0.5", "1"), **HEADER)),
            said(a_rule(tmp_path, SQL, **HEADER), replace(KNOWLEDGE, batch="batch-2")),
            said(a_rule(tmp_path, SQL, **HEADER), settlement=[]),
        ]
        assert {one.jr_id for one in other} == {alert.jr_id}
        assert alert.revision not in {one.revision for one in other}
        assert len({one.revision for one in other}) == len(other)


def test_the_revision_leaves_out_identity_and_status_alone(tmp_path: Path) -> None:
    alert = said(a_rule(tmp_path, SQL, **HEADER))
    for field in msgspec.structs.fields(Alert):
        value = getattr(alert, field.name)
        other = {str: f"{value}x", int: 99, list: [], dict: {}}.get(type(value), "new")
        changed = with_revision(msgspec.structs.replace(alert, **{field.name: other}))
        same = field.name in ("jr_id", "revision", "status")
        assert (changed.revision == alert.revision) is same, field.name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "（未知）"),
        (True, "是"),
        (False, "否"),
        (3, "3"),
        (10_000, "10000"),
        ("A-1", "A-1"),
        (day(1) + timedelta(hours=3, minutes=4, seconds=59), "2026-01-02 03:04"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("12.50"), "12.50"),
        (Decimal("12.05"), "12.05"),
        (Decimal("12.00"), "12"),
        (Decimal("1200.00"), "1200"),
        (Decimal("0.00"), "0"),
        (Decimal("0.5000"), "0.5"),
        (Decimal("2.0000"), "2"),
        (Decimal("-3.10"), "-3.10"),
        (1.25, "1.2"),
        (7.0, "7.0"),
        (["a", "b"], "a、b"),
        ((Decimal("1.50"), None), "1.50、（未知）"),
        ([], ""),
    ],
)
def test_values_as_a_sentence_shows_them(value: Any, text: str) -> None:
    assert spoken(value) == text


@pytest.mark.parametrize(
    ("is_date", "text"), [(True, "2026-01-02"), (False, "2026-01-02 00:00"), (None, "2026-01-02 00:00")]
)
def test_a_time_of_which_only_the_day_is_known_is_told_as_a_day(is_date: bool | None, text: str) -> None:
    row = {"begntime": day(1), "begntime_is_date": is_date, "dscg_time": day(1)}
    assert told(row, "begntime") == text
    assert told(row, "dscg_time") == "2026-01-02 00:00"


@pytest.mark.parametrize(
    ("length", "shown"),
    [(0, 0), (TEXT_LIMIT - 1, TEXT_LIMIT - 1), (TEXT_LIMIT, TEXT_LIMIT), (TEXT_LIMIT + 1, TEXT_LIMIT)],
)
def test_texts_are_cut_to_what_the_field_of_the_platform_holds(length: int, shown: int) -> None:
    text = clipped("长" * length)
    assert len(text) == shown
    assert text.endswith("…") is (length > TEXT_LIMIT)


def test_a_long_sentence_and_a_long_law_are_cut(tmp_path: Path) -> None:
    law = Knowledge({}, MappingProxyType({"条例38": "法" * 600}), "b", {})
    alert = said(a_rule(tmp_path, SQL, **{**HEADER, "sentence": "患" * 600}), law)
    assert (len(alert.vola_cont), len(alert.vola_evid)) == (500, 500)


def test_times_ids_and_items_as_they_stand_in_an_alert() -> None:
    assert moment(day(1) + timedelta(hours=3, minutes=4, seconds=5.0006)) == "2026-01-02 03:04:05"
    assert distinct(["b", None, "a", "", "b"]) == ["a", "b"]
    assert msgspec.json.encode(Item(mdtrt_id="M1", amount="0.00", violating=True)) == (
        b'{"mdtrt_id":"M1","amount":"0.00","violating":true}'
    )
