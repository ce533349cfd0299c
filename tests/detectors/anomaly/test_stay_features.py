"""The features of a stay, from small ledgers; and as of a time only what was known by then."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from detectors.facts import Facts
from tests.detectors.anomaly.small import features_of, rows_of
from tests.promises.kernel import facts_of, knowledge, message, world_lines

VISIT = {
    "mdtrt_id": "M1", "psn_no": "P1", "fixmedins_code": "H1", "begntime": datetime.fromisoformat("2026-01-30 08:00"),
    "dscg_time": datetime.fromisoformat("2026-02-03 10:00"), "dscg_diag_code": "j18.900", "adm_diag_code": "R50.9",
}  # fmt: skip
SETTLED = {"setl_id": "S1", "mdtrt_id": "M1", "setl_time": datetime.fromisoformat("2026-02-03 11:00")}
LINE = {"mdtrt_id": "M1", "fee_ocur_time": datetime.fromisoformat("2026-02-01 08:00")}


def features(**tables: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows_of(
        "stay", **({"visit": [VISIT], "settlement": [{**SETTLED, "medfee_sumamt": 500}]} | tables)
    )
    return dict(row)


@pytest.mark.parametrize(
    ("tables", "wanted"),
    [
        ({}, {"cost": 500.0, "days": 4, "items": None, "settled": True, "diagnosis": "J18", "month": date(2026, 2, 1)}),
        ({"settlement": []}, {"cost": None, "settled": False}),
        (
            {"settlement": [{**SETTLED, "medfee_sumamt": 300}, {**SETTLED, "setl_id": "S2", "medfee_sumamt": 200.5}]},
            {"cost": 500.5},
        ),
        (
            {"settlement": [{**SETTLED, "fund_pay_sumamt": 900, "act_pay_dedc": 100}]},
            {"cost": 1000.0},
        ),
        ({"visit": [{**VISIT, "dscg_diag_code": None}]}, {"diagnosis": "R50"}),
        ({"visit": [{**VISIT, "dscg_time": None}]}, {"days": None, "ended_on": None, "month": None}),
        ({"visit": [{**VISIT, "dscg_time": VISIT["begntime"]}]}, {"days": 1}),
        (
            {"visit": [{**VISIT, "dscg_time": datetime.fromisoformat("2027-06-03 10:00")}]},
            {"too_long": True, "days": None, "ended_on": None, "diagnosis": "R50"},
        ),
        (
            {"fee_line": [{**LINE, "feedetl_sn": "1"}, {**LINE, "feedetl_sn": "2"}, {**LINE, "feedetl_sn": "3", "cnt": 0}]},
            {"items": 2},
        ),
        (
            {"fee_line": [{**LINE, "feedetl_sn": "1", "fee_ocur_time": datetime.fromisoformat("2029-01-01")}]},
            {"items": None},
        ),
        (
            {"insured": [{"psn_no": "P1", "gend": "2", "brdy": date(1950, 1, 31)}]},
            {"sex": "2", "age": 75},
        ),
        (
            {"operation": [
                {"setl_id": "S1", "mdtrt_id": "M1", "row_no": 2, "oprn_oprt_code": "47.0100"},
                {"setl_id": "S1", "mdtrt_id": "M1", "row_no": 1, "oprn_oprt_code": "51.2300"},
            ]},
            {"operation": "51", "operations": 2},
        ),
        (
            {"institution": [
                {"fixmedins_code": "H1", "begndate": date(2020, 1, 1), "hosp_lv": "5", "fixmedins_type": "1"},
                {"fixmedins_code": "H1", "begndate": date(2026, 1, 1), "hosp_lv": "3", "fixmedins_type": "1"},
                {"fixmedins_code": "H1", "begndate": date(2026, 2, 1), "hosp_lv": "1", "fixmedins_type": "1"},
            ]},
            {"level": "3", "kind": "1"},
        ),
        (
            {"referral": [{"psn_no": "P1", "reflin_medins_no": "H1", "begndate": date(2026, 1, 29)}]},
            {"referred": True},
        ),
        (
            {"referral": [{"psn_no": "P1", "reflin_medins_no": "H2", "begndate": date(2026, 1, 29)}]},
            {"referred": False},
        ),
    ],
)  # fmt: skip
def test_features(tables: dict[str, list[dict[str, Any]]], wanted: dict[str, Any]) -> None:
    found = features(**tables)
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize("day", ["2026-02-10", "2026-03-05", "2026-04-01"])
def test_features_as_of_a_time_are_those_of_what_was_known_by_then(day: str) -> None:
    """The world's log is late in places: a message seen later, of whatever time it speaks, changes nothing."""
    then = datetime.fromisoformat(day)
    lines = list(world_lines())
    facts = facts_of(lines)
    known = [
        line
        for line in lines
        if (read := message(line)) is None or str(read.get("inf_time", "")) <= f"{then:%Y-%m-%d %H:%M:%S}"
    ]
    assert len(known) < len(lines)
    as_of = features_of(Facts(facts.sources, facts.unique, then), knowledge())
    by_then = features_of(facts_of(known), knowledge())
    assert as_of.keys() == by_then.keys()
    for unit, table in as_of.items():
        assert table.num_rows
        assert table.equals(by_then[unit]), unit
    assert not as_of["stay"].equals(features_of(facts, knowledge())["stay"])
