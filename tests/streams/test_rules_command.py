"""`fundwatch rules` and `fundwatch knowledge` at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detectors import engine
from rules.schema import LEDGER_SQL, ledger_names
from streams.cli import cli
from streams.errors import Refused
from streams.ledger_files import write_ledger
from tests.rules.good_rule import write_rule


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_list_shows_every_rule() -> None:
    shown = _run("rules", "list")
    assert shown.exit_code == 0
    assert "GB-07" in shown.output


def test_lint_counts_issues_and_fails_on_them(tmp_path: Path) -> None:
    write_rule(tmp_path)
    assert _run("rules", "lint", "--rules", str(tmp_path)).output == "0 issues\n"
    path = write_rule(tmp_path, ("count(*) as lines", "random() as lines"))
    shown = _run("rules", "lint", "--rules", str(tmp_path))
    assert shown.exit_code == 1
    assert f"{path}:40: VolatileFunction: random" in shown.output


def test_test_runs_cases_and_fails_where_one_does_not_hold(tmp_path: Path) -> None:
    write_rule(tmp_path)
    shown = _run("rules", "test", "GB-90", "--rules", str(tmp_path))
    assert shown.exit_code == 0
    assert "3 cases of 1 rules, 0 failed" in shown.output
    write_rule(tmp_path, ("lines: 1", "lines: 2"))
    shown = _run("rules", "test", "--rules", str(tmp_path))
    assert shown.exit_code == 1
    assert "lines: expected 2, found 1" in shown.output


def test_a_rule_without_cases_fails(tmp_path: Path) -> None:
    write_rule(tmp_path, cases=None)
    shown = _run("rules", "test", "--rules", str(tmp_path))
    assert shown.exit_code == 1
    assert "GB-90 has no cases" in shown.output


def test_explain_without_a_subject_shows_the_card() -> None:
    shown = _run("rules", "explain", "GB-07")
    assert shown.exit_code == 0
    for part in ("依据", "参数", "除外情形", "判断步骤", "grace"):
        assert part in shown.output


def test_explain_shows_why_a_rule_fired_with_persons_masked(tmp_path: Path) -> None:
    con = engine.connect(threads=1)
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute(
        "insert into visit (mdtrt_id, psn_no, fixmedins_code, begntime, dscg_time, adm_msgid) values "
        "('M1', 'P-secret', 'H1', '2026-01-01 08:00', '2026-01-05 10:00', 'A1')"
    )
    con.execute(
        "insert into fee_line (mdtrt_id, feedetl_sn, psn_no, med_chrgitm_type, fee_ocur_time, msgid) values "
        "('M1', '1', 'P-secret', '07', '2026-01-07 08:00', 'F1')"
    )
    write_ledger(con, tmp_path, provided=ledger_names())
    asked = ("rules", "explain", "GB-07", "--subject", "M1", "--ledger", str(tmp_path))
    shown = _run(*asked)
    assert shown.exit_code == 0, shown.output
    assert "命中" in shown.output
    assert "P-secret" not in shown.output
    stopped = _run(*asked, "--param", "GB-07.grace=72")
    assert "未命中" in stopped.output
    assert "72 h" in stopped.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rules", "test", "GB-0"), "no rule 'GB-0'; did you mean"),
        (("rules", "explain", "GB-07", "--subject", "M1"), "give both --subject and --ledger"),
        (("rules", "lint", "--rules", "/nowhere"), "no such folder"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    result = _run(*arguments)
    assert isinstance(result.exception, Refused)
    assert message in str(result.exception)


def test_knowledge_import_says_what_it_could_not_use(tmp_path: Path) -> None:
    points = [
        {"kp_id": f"KP-{n}", "rule_class": "药品区分性别使用", "gz_code": "GZ10000301004000", "item_name": "甲片",
         "med_codes": ["XA1"], "constraint": text, "batch": 1}
        for n, text in enumerate(("用于妇女", "月经不调"))
    ]  # fmt: skip
    source = tmp_path / "points.json"
    source.write_text(json.dumps(points), encoding="utf-8")
    shown = _run("knowledge", "import", str(source), "--out", str(tmp_path / "out"))
    assert shown.exit_code == 0
    assert "2 points read, 1 usable, 1 not" in shown.output
    assert (tmp_path / "out" / "sex_item.csv").exists()
