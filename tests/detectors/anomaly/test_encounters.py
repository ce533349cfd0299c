"""Encounters and kin, from small ledgers: what is excused, who lives under one roof, who is of one household."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from tests.detectors.anomaly.small import rows_of

STAY = {
    "mdtrt_id": "M1", "psn_no": "P1", "fixmedins_code": "H1", "begntime": datetime.fromisoformat("2026-01-30 08:05"),
    "dscg_time": datetime.fromisoformat("2026-02-03 10:00"), "dscg_diag_code": "J18.900",
}  # fmt: skip
SEEN = {
    "mdtrt_id": "M1", "psn_no": "P1", "fixmedins_code": "H1", "kind": "outpatient", "inpatient": False,
    "begntime": datetime.fromisoformat("2026-01-30 08:05"),
}  # fmt: skip
SETTLED = {
    "setl_id": "S1",
    "mdtrt_id": "M1",
    "kind": "2304",
    "setl_time": datetime.fromisoformat("2026-02-03 11:00"),
}


def test_a_stay_is_admitted_and_settled() -> None:
    admitted, settled = rows_of("encounter", visit=[STAY], settlement=[SETTLED])
    assert (admitted["act"], admitted["day"], admitted["minute"]) == ("admitted", date(2026, 1, 30), 485)
    assert (settled["act"], settled["day"], settled["minute"]) == ("settled", date(2026, 2, 3), 660)
    assert (admitted["month"], settled["month"]) == (date(2026, 1, 1), date(2026, 2, 1))
    assert admitted["excused"] is None


def test_a_visit_is_one_encounter_and_a_date_has_no_minute() -> None:
    (seen,) = rows_of(
        "encounter", visit=[SEEN | {"begntime_is_date": True}], settlement=[SETTLED | {"kind": "2207"}]
    )
    assert (seen["act"], seen["minute"]) == ("visited", None)
    (bought,) = rows_of("encounter", visit=[SEEN | {"kind": "pharmacy"}])
    assert bought["act"] == "bought"


@pytest.mark.parametrize(
    ("tables", "excused"),
    [
        ({"visit": [STAY | {"dscg_diag_code": "N18.500"}]}, "dialysis"),
        ({"visit": [SEEN], "diagnosis": [{"mdtrt_id": "M1", "diag_code": "Z49.100"}]}, "dialysis"),
        ({"visit": [SEEN], "fee_line": [{"mdtrt_id": "M1", "med_list_codg": "003110000070000"}]}, "dialysis"),
        ({"visit": [STAY | {"dscg_diag_code": "Z51.102"}]}, "cycle"),
        ({"visit": [STAY | {"days_rinp_flag_31": "2"}]}, "cycle"),
        ({"visit": [STAY | {"med_type": "71"}]}, "home"),
        ({"visit": [SEEN], "diagnosis": [{"mdtrt_id": "M1", "diag_code": "Z02.000", "maindiag_flag": "1"}]}, "check_up"),
        ({"visit": [SEEN | {"med_type": "1103"}]}, "check_up"),
        ({"visit": [SEEN], "diagnosis": [{"mdtrt_id": "M1", "diag_code": "Z51.500", "maindiag_flag": "1"}]}, None),
        ({"visit": [SEEN], "fee_line": [{"mdtrt_id": "M1", "med_list_codg": "003101000010000"}]}, None),
    ],
)  # fmt: skip
def test_dialysis_cycles_home_visits_and_check_ups_are_excused(
    tables: dict[str, list[dict[str, Any]]], excused: str | None
) -> None:
    assert rows_of("encounter", **tables)[0]["excused"] == excused


@pytest.mark.parametrize(
    ("person", "living"),
    [
        ({"emp_name": "测试县第二小学"}, "测试县第二小学"),
        ({"addr": "测试县敬老院3号楼"}, "测试县敬老院3号楼"),
        ({"emp_name": "测试单位001", "addr": "测试县第4村"}, None),
    ],
)
def test_who_is_registered_at_a_nursing_home_or_a_school_lives_there(
    person: dict[str, str], living: str | None
) -> None:
    (seen,) = rows_of(
        "encounter", visit=[SEEN], insured=[{"psn_no": "P1", "begndate": date(2024, 1, 1), **person}]
    )
    assert seen["living"] == living


def test_a_household_reaches_over_one_relative() -> None:
    visits = [SEEN | {"mdtrt_id": f"M{n}", "psn_no": f"P{n}"} for n in (1, 2, 3, 4)]
    stated = [
        {"psn_no": "P1", "member_psn_no": "P9"},
        {"psn_no": "P2", "member_psn_no": "P9"},
        {"psn_no": "P3", "member_psn_no": "P2"},
    ]
    found = rows_of("kin", visit=visits, family=stated)
    assert [(row["psn_no"], row["member_psn_no"]) for row in found] == [("P1", "P2"), ("P2", "P3")]
