"""Cases: what they need not say is filled in, and what does not hold is said so that it can be mended."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from detectors.cases import Bench, Outcome
from detectors.fillins import complete
from rules.casefile import read_cases
from rules.yamltext import SourceError
from tests.rules.good_rule import CASES, good_rule

STAY = {
    "mdtrt_id": "M1",
    "begntime": datetime.fromisoformat("2026-01-01T08:00"),
    "dscg_time": datetime.fromisoformat("2026-01-05T10:00"),
}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def _run(bench: Bench, folder: Path, *changes: tuple[str, str]) -> list[Outcome]:
    return bench.run_all(good_rule(folder, *changes))


def test_the_good_rules_cases_hold(bench: Bench, tmp_path: Path) -> None:
    assert [outcome.differences for outcome in _run(bench, tmp_path)] == [(), (), ()]


def test_a_case_leaves_the_ledger_empty(bench: Bench, tmp_path: Path) -> None:
    _run(bench, tmp_path)
    assert bench.con.execute("select count(*) from visit").fetchone() == (0,)
    assert bench.con.execute("select count(*) from message").fetchone() == (0,)


FILLED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (
        {"visit": [STAY]},
        "visit",
        {
            "psn_no": "P1", "fixmedins_code": "H1", "kind": "inpatient", "inpatient": True, "settled": False,
            "bed_until": STAY["dscg_time"], "seen_until": STAY["dscg_time"],
            "msgids": ["visit-1"], "adm_msgid": "visit-1", "dscg_msgid": "visit-1",
        },
    ),
    (
        {"visit": [{"mdtrt_id": "M1", "begntime": datetime.fromisoformat("2026-01-01")}],
         "fee_line": [{"mdtrt_id": "M1", "feedetl_sn": "1", "fee_ocur_time": datetime.fromisoformat("2026-01-09")}]},
        "visit",
        {"bed_until": datetime.fromisoformat("2026-04-01"), "seen_until": datetime.fromisoformat("2026-01-09"), "dscg_msgid": None},
    ),
    ({"visit": [{"mdtrt_id": "M1", "kind": "pharmacy"}]}, "visit", {"inpatient": False}),
    ({"visit": [{"mdtrt_id": "M1", "inpatient": False}]}, "visit", {"kind": "outpatient"}),
    (
        {"visit": [{**STAY, "psn_no": "P7", "fixmedins_code": "H7"}],
         "settlement": [{"setl_id": "S1", "mdtrt_id": "M1"}],
         "fee_line": [{"mdtrt_id": "M1", "feedetl_sn": "1", "det_item_fee_sumamt": 20}]},
        "fee_line",
        {"psn_no": "P7", "fixmedins_code": "H7", "kind": "2301", "setl_id": "S1", "inscp_scp_amt": 20,
         "msgid": "fee_line-1"},
    ),
    (
        {"visit": [{**STAY, "kind": "outpatient"}], "settlement": [{"setl_id": "S1", "mdtrt_id": "M1"}]},
        "settlement",
        {"kind": "2207", "setl_time": STAY["dscg_time"], "inf_time": STAY["dscg_time"]},
    ),
    (
        {"visit": [{**STAY, "psn_no": "P7"}], "settlement": [{"setl_id": "S1", "mdtrt_id": "M1"}],
         "operation": [{"setl_id": "S1", "row_no": 1}]},
        "operation",
        {"mdtrt_id": "M1", "psn_no": "P7", "msgid": "operation-1"},
    ),
    ({"visit": [{**STAY, "psn_no": None}]}, "visit", {"psn_no": None}),
    ({"practitioner": [{"dr_codg": "D1"}]}, "practitioner", {"psn_no": None, "fixmedins_code": "H1"}),
    ({"fee_line": [{"mdtrt_id": "M1", "feedetl_sn": "1"}]}, "fee_line_all", {"feedetl_sn": "1", "msgid": "fee_line-1"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "table", "expected"), FILLED)
def test_what_a_row_does_not_say_is_filled_in(
    given: dict[str, Any], table: str, expected: dict[str, Any]
) -> None:
    row = complete(given)[table][0]
    assert {name: row.get(name) for name in expected} == expected


def test_lines_of_a_visit_with_two_settlements_are_of_none() -> None:
    given = {
        "settlement": [{"setl_id": "S1", "mdtrt_id": "M1"}, {"setl_id": "S2", "mdtrt_id": "M1"}],
        "fee_line": [{"mdtrt_id": "M1", "feedetl_sn": "1"}],
    }
    assert complete(given)["fee_line"][0]["setl_id"] is None


DIFFERENCES = {
    "a number that is another": (
        ("lines: 1", "lines: 2"),
        ["{mdtrt_id: M1}: lines: expected 2, found 1"],
    ),
    "a column that is none": (("lines: 1", "rows: 1"), ["{mdtrt_id: M1}: rows: no such column"]),
    "a violation too many": (
        ("expect: [{mdtrt_id: M1, severity: 1, lines: 1}]", "expect: []"),
        ["found, not expected: {mdtrt_id: M1, severity: 1}"],
    ),
    "a violation too few": (
        ("lines: 1}]", "lines: 1}, {mdtrt_id: M2, severity: 1}]"),
        ["expected, not found: {mdtrt_id: M2, severity: 1}"],
    ),
    "money that is another": (
        ("lines: 1}]", "amount: 5.00}]"),
        ["{mdtrt_id: M1}: amount: expected 5.00, found 0.00"],
    ),
    "evidence that is no message of the case": (
        ("list(l.msgid order by l.msgid)", "['made up']"),
        ["evidence names made up, which is no message of the case"],
    ),
    "no evidence": (("list(l.msgid order by l.msgid)", "[]::varchar[]"), ["a row without evidence"]),
    "a parameter out of bounds": (("grace: 72", "grace: 99"), ["GB-90: grace = 99 h is outside 0 h to 72 h"]),
}


@pytest.mark.parametrize(("change", "differences"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_what_does_not_hold_is_said(
    bench: Bench, tmp_path: Path, change: tuple[str, str], differences: list[str]
) -> None:
    outcomes = _run(bench, tmp_path, change)
    assert [one for outcome in outcomes for one in outcome.differences] == differences


REFUSED = {
    "a table that is none": (("fee_line: [{mdtrt_id: M1, feedetl_sn: \"1\", fee", "fee_lines: [{mdtrt_id: M1, feedetl_sn: \"1\", fee"), "charged_late.cases.yaml:4: no table 'fee_lines'"),
    "a column that is none": (("dscg_time: 2026-01-05 10:00:00}]\n    fee_line: [{mdtrt_id: M1, feedetl_sn: \"1\", fee", "dscg: 2026-01-05 10:00:00}]\n    fee_line: [{mdtrt_id: M1, feedetl_sn: \"1\", fee"), "charged_late.cases.yaml:3: visit has no column 'dscg'"),
    "a code without quotes": (("feedetl_sn: \"1\", fee", "feedetl_sn: 1, fee"), "charged_late.cases.yaml:4: fee_line.feedetl_sn is a text; quote it"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_rows_that_the_ledger_cannot_hold_are_refused_with_their_line(
    bench: Bench, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (difference,) = _run(bench, tmp_path, change)[0].differences
    assert message in difference


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("severity: 1, lines: 1", "lines: 1"), "cases.yaml:5: 'expect' must be a list of violations"),
        (("- name: 出院带药\n", "- nome: 出院带药\n"), "cases.yaml:10: a case needs name, given and expect"),
        (("params: {grace: 72}", "parms: {grace: 72}"), "cases.yaml:8: unknown field 'parms'"),
    ],
)
def test_a_file_of_cases_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(SourceError) as error:
        read_cases(good_rule(tmp_path, change))
    assert message in str(error.value)


def test_knowledge_of_a_case_replaces_the_table(bench: Bench, tmp_path: Path) -> None:
    outcomes = _run(
        bench,
        tmp_path,
        ("where near(", "join knowledge.official_rules k on k.name = l.med_list_codg\n    where near("),
        ('feedetl_sn: "1", fee', 'feedetl_sn: "1", med_list_codg: X, fee'),
        ("    visit: [{mdtrt_id: M1", "    knowledge.official_rules: [{name: X}]\n    visit: [{mdtrt_id: M1"),
    )
    assert [outcome.differences for outcome in outcomes] == [(), (), ()]
    assert "official_rules" not in CASES
    assert bench.con.execute("select count(*) from knowledge.official_rules").fetchone() == (88,)
