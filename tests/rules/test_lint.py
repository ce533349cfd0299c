"""Every kind of issue is found in a rule that has it, with its file and line, and not in one that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import knowledge
from rules.lint import Issue, lint
from tests.rules.good_rule import CASES, write_rule

SUM = "sum(l.det_item_fee_sumamt) as gross"

#: Kind of issue → what to change in the good rule, and the line of the file that the issue names.
FAULTS: dict[str, list[tuple[list[tuple[str, str]], int]]] = {
    "Unreadable": [([("version: 1", "version: one")], 10)],
    "Unparsable": [
        ([("with\n", "delete from visit; with\n")], 29),
        ([("from late l", "from from late l")], 29),
        ([("with\n-- 出院后的明细", "insert into visit with\n-- 出院后的明细")], 29),
    ],
    "InvalidSql": [([("l.fee_ocur_time > v.dscg_time", "l.fee_ocur_time > v.dscg")], 29)],
    "VolatileFunction": [
        ([(SUM, "now() as gross")], 40),
        ([(SUM, "current_date as gross")], 40),
        ([(SUM, "random() as gross")], 40),
        ([(SUM, "uuid() as gross")], 40),
    ],
    "ForbiddenFunction": [
        ([(SUM, "any_value(l.det_item_fee_sumamt) as gross")], 40),
        ([(SUM, "first(l.det_item_fee_sumamt) as gross")], 40),
        ([(SUM, "stddev(l.det_item_fee_sumamt) as gross")], 40),
        ([("join fee_line l using (mdtrt_id)", "join read_csv('x.csv') l using (mdtrt_id)")], 34),
        ([("join fee_line l using (mdtrt_id)", "join 'x.parquet' l using (mdtrt_id)")], 34),
    ],
    "TimeZoneUsed": [
        ([("v.dscg_time + $grace", "v.dscg_time::timestamptz + $grace")], 36),
        ([("v.dscg_time + $grace", "v.dscg_time at time zone 'UTC' + $grace")], 36),
    ],
    "UnorderedAggregate": [
        ([(SUM, "list(l.fee_ocur_time) as gross")], 40),
        ([(SUM, "string_agg(l.msgid, '、') as gross")], 40),
        ([(SUM, "list(l.msgid order by l.fee_ocur_time) as gross")], 40),
        ([(SUM, "max_by(l.det_item_fee_sumamt, l.fee_ocur_time) as gross")], 40),
    ],
    "UnorderedWindow": [
        ([("l.msgid, l.det", "row_number() over (order by l.fee_ocur_time) as n, l.msgid, l.det")], 32),
        ([("l.msgid, l.det", "lag(l.msgid) over (order by l.fee_ocur_time) as n, l.msgid, l.det")], 32),
        (
            [
                (
                    "l.msgid, l.det",
                    "sum(1) over (order by l.fee_ocur_time rows 1 preceding) as n, l.msgid, l.det",
                )
            ],
            32,
        ),
    ],
    "UnorderedLimit": [
        ([("group by l.mdtrt_id\n", "group by l.mdtrt_id limit 1\n")], 43),
        ([("    select l.mdtrt_id, l.fee", "    select distinct on (l.psn_no) l.mdtrt_id, l.fee")], 32),
    ],
    "FloatSum": [([(SUM, "sum(l.det_item_fee_sumamt::double) as gross")], 40)],
    "StarInResult": [([("select l.mdtrt_id, 1 as severity", "select l.*, l.mdtrt_id, 1 as severity")], 39)],
    "ParamUndeclared": [([("v.dscg_time + $grace", "v.dscg_time + $pace + $grace")], 36)],
    "ParamUnused": [([("v.dscg_time + $grace", "v.dscg_time")], 24)],
    "TableUnknown": [([("join fee_line l", "join fee_lines l")], 34)],
    "TableForbidden": [
        ([("join fee_line l", "join message l")], 34),
        ([("join fee_line l", "join fact.fee_line l")], 34),
        ([("join fee_line l", "join fee_line_all l"), ("fee_line]", "fee_line_all]")], 34),
    ],
    "TableUndeclared": [
        ([("[visit.begntime, visit.dscg_time, fee_line]", "[visit.begntime, visit.dscg_time]")], 34)
    ],
    "NeedUnknown": [([("visit.dscg_time, fee_line]", "visit.dscg_tim, fee_line]")], 17)],
    "NeedUnused": [
        ([("fee_line]", "fee_line, death]")], 17),
        ([("fee_line]", "fee_line, fee_line.etip_flag]")], 17),
    ],
    "ReadsAllUnused": [([("version: 1", "version: 1\nreads_all: true")], 11)],
    "LookbackMissing": [([("120 d", "none"), ("near(v.begntime, l.fee_ocur_time, $lookback)", "true")], 16)],
    "LookbackUnused": [([("near(v.begntime, l.fee_ocur_time, $lookback)", "true")], 16)],
    "LookbackUndeclared": [([("120 d", "none"), ("key: visit", "key: bill")], 16)],
    "StepUnexplained": [([("-- 出院后的明细\n", "")], 30)],
    "PopulationUnread": [([("judged v", "visit v")], 29)],
    "LawUnknown": [([("条例38(一)", "条例380")], 12)],
    "LawTooLong": [([("case_cause", f"basis: {'长' * 500}\ncase_cause")], 12)],
    "OfficialUnknown": [
        ([("GZ10000201008000", "GZ10000201008001")], 11),
        ([("计费日期与住院时间不符", "计费日期不符")], 11),
    ],
    "FamilyWrong": [([("GB-90", "FP-90")], 2)],
    "ExemptionUnapplied": [([(" -- exempt: discharge_drugs", "")], 26)],
    "ExemptionUndeclared": [
        (
            [
                (
                    "l.fee_ocur_time > v.dscg_time + $grace",
                    "l.fee_ocur_time > v.dscg_time + $grace -- exempt: late",
                )
            ],
            36,
        ),
        ([("  exempt: discharge_drugs", "  exempt: late")], 10),
    ],
    "ExemptionUnproved": [([("  exempt: discharge_drugs\n", "")], 26)],
    "CasesMissing": [([(CASES[CASES.index("- name: 宽限内") : CASES.index("- name: 出院带药")], "")], 1)],
    "SeverityUnproved": [([("severity: [1]", "severity: [1, 3]")], 8)],
    "SeverityUndeclared": [([("severity: 1, lines: 1", "severity: 2, lines: 1")], 1)],
    "ColumnMissing": [([("min(v.begntime) as occurred_at", "min(v.begntime) as at")], 39)],
    "ColumnMistyped": [
        ([("1 as severity", "'1' as severity")], 39),
        ([(SUM, "[l.mdtrt_id] as items")], 39),
    ],
    "PlaceholderUnknown": [([("{lines}", "{rows}")], 27)],
}

KNOWN = knowledge.load()

FLAT = [(name, changes, line) for name, faults in FAULTS.items() for changes, line in faults]


def test_the_good_rule_has_no_issue(tmp_path: Path) -> None:
    write_rule(tmp_path)
    assert [str(issue) for issue in lint(tmp_path, KNOWN)] == []


@pytest.mark.parametrize(
    ("name", "changes", "line"), FLAT, ids=[f"{name}-{changes[-1][1]}"[:60] for name, changes, _ in FLAT]
)
def test_a_fault_is_found_at_its_line(
    tmp_path: Path, name: str, changes: list[tuple[str, str]], line: int
) -> None:
    write_rule(tmp_path, *changes)
    issues = lint(tmp_path, KNOWN)
    assert (name, line) in {(issue.name, issue.line) for issue in issues}, "\n".join(map(str, issues))


def test_two_rules_of_one_code_or_name_are_found(tmp_path: Path) -> None:
    write_rule(tmp_path)
    write_rule(tmp_path, name="ghost_bed/other")
    assert {issue.name for issue in lint(tmp_path, KNOWN)} == {"IdentityTaken"}


def test_every_kind_of_issue_has_a_rule_that_shows_it() -> None:
    assert {kind.__name__ for kind in Issue.__subclasses__()} == {*FAULTS, "IdentityTaken"}


SOUND = {
    "a window ordered by a key": (
        "l.msgid, l.det", "row_number() over (partition by l.mdtrt_id order by l.fee_ocur_time, l.msgid) as n, l.msgid, l.det"
    ),
    "ranks, which do not tell equal rows apart": (
        "l.msgid, l.det", "rank() over (order by l.fee_ocur_time) as n, l.msgid, l.det"
    ),
    "a list ordered by its own value": (SUM, "list(distinct l.fee_ocur_time order by l.fee_ocur_time) as gross"),
    "an order whose author says why it is total": (
        SUM, "list(l.det_item_fee_sumamt order by l.fee_ocur_time) as gross -- total order: 每次只有一项\n"
    ),
    "a maximum by a key": (SUM, "max_by(l.det_item_fee_sumamt, (l.fee_ocur_time, l.msgid)) as gross"),
    "a forbidden word in a text or comment": (SUM, "'now()' as gross -- now()\n"),
    "an average of decimals": (SUM, "avg(l.det_item_fee_sumamt) as gross"),
}  # fmt: skip


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND)
def test_nothing_is_found_in(tmp_path: Path, change: tuple[str, str]) -> None:
    old, new = change
    write_rule(tmp_path, (f"{old},", f"{new},".replace("\n,", "\n, "))) if old == SUM else write_rule(
        tmp_path, change
    )
    assert [str(issue) for issue in lint(tmp_path, KNOWN)] == []
