"""Why a rule fired on a subject, or which condition, which exemption, which missing data stopped it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from detectors import engine
from detectors.evaluate import prepare, provide
from detectors.explain import Dropout, Explanation, Verdict, explain
from rules import knowledge
from rules.rulebook import load
from rules.schema import LEDGER_SQL, ledger_names
from tests.rules.good_rule import good_rule

OUT = "2026-01-05 10:00:00"
LATE: dict[str, Any] = {"dscg": OUT, "lines": [("1", "2026-01-07 08:00:00", None)]}


@pytest.fixture(scope="module")
def ledger() -> duckdb.DuckDBPyConnection:
    con = engine.connect(threads=1)
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, knowledge.load())
    return con


def _fill(
    con: duckdb.DuckDBPyConnection, dscg: str | None, lines: list[tuple[str, str, str | None]], **visit: Any
) -> None:
    """One stay M1 of P1 at H1, and its lines: number, time, flag of discharge drugs."""
    for table in ("visit", "fee_line"):
        con.execute(f"delete from {table}")
    columns = {"mdtrt_id": "M1", "psn_no": "P1", "fixmedins_code": "H1", "begntime": "2026-01-01 08:00:00",
               "dscg_time": dscg, **visit}  # fmt: skip
    con.execute(
        f"insert into visit ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
        [*columns.values()],
    )
    for number, time, flag in lines:
        con.execute(
            "insert into fee_line (mdtrt_id, feedetl_sn, psn_no, fixmedins_code, fee_ocur_time, dscg_tkdrug_flag, msgid) "
            "values ('M1', ?, 'P1', 'H1', ?, ?, 'F' || ?)",
            [number, time, flag, number],
        )


def _explained(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    facts: dict[str, Any],
    *changes: tuple[str, str],
    **more: Any,
) -> Explanation:
    _fill(con, **facts)
    return explain(con, good_rule(folder, *changes), more.pop("subject", "M1"), **more)


def test_a_finding_is_shown_with_its_numbers(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    told = _explained(ledger, tmp_path, LATE)
    assert told.verdict is Verdict.FIRED
    assert [finding["lines"] for finding in told.findings] == [1]
    assert [(one.step, one.comment, one.rows) for one in told.passed] == [("late", "出院后的明细", 1)]


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({**LATE, "inpatient": False}, Verdict.NOT_IN_POPULATION),
        ({**LATE, "dscg": None}, Verdict.NOT_ENOUGH_DATA),
        ({**LATE, "lines": []}, Verdict.DROPPED),
    ],
)
def test_what_became_of_the_subject(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path, facts: dict[str, Any], verdict: Verdict
) -> None:
    assert _explained(ledger, tmp_path, facts).verdict is verdict


def test_a_subject_that_is_not_there_is_unknown(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert _explained(ledger, tmp_path, LATE, subject="M2").verdict is Verdict.UNKNOWN_SUBJECT


def test_the_condition_of_the_population_is_named(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tested,) = _explained(ledger, tmp_path, {**LATE, "inpatient": False}).population
    assert (tested.text, tested.holds, dict(tested.values)) == ("inpatient", False, {"inpatient": False})


def test_what_is_missing_is_named(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    told = _explained(ledger, tmp_path, {**LATE, "dscg": None, "incomplete": True})
    assert told.missing == ("出院登记", "明细被拒收")


def _only(told: Explanation) -> Dropout:
    (dropout,) = told.dropouts
    return dropout


def test_the_condition_that_fails_is_shown_with_its_values(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    told = _explained(ledger, tmp_path, {**LATE, "lines": [("1", "2026-01-05 20:00:00", None)]})
    dropout = _only(told)
    assert (dropout.step, dropout.comment, dropout.joined) == ("late", "出院后的明细", None)
    failed = [one for one in dropout.tested if not one.holds]
    assert [one.text for one in failed] == ["l.fee_ocur_time > v.dscg_time + $grace"]
    assert dict(failed[0].values) == {
        "l.fee_ocur_time": datetime.fromisoformat("2026-01-05T20:00"),
        "v.dscg_time": datetime.fromisoformat("2026-01-05T10:00"),
        "$grace": "24 h",
    }
    assert (failed[0].met, failed[0].rows, failed[0].line) == (0, 1, 36)


def test_parameters_given_are_those_that_are_tried(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    told = _explained(ledger, tmp_path, LATE, params={"grace": 72})
    failed = [one for one in _only(told).tested if not one.holds]
    assert failed[0].values["$grace"] == "72 h"


def test_the_row_that_comes_nearest_is_the_one_shown(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lines = [
        ("1", "2026-01-04 08:00:00", "1"),
        ("2", "2026-01-07 08:00:00", "1"),
        ("3", "2026-01-04 08:00:00", "1"),
    ]
    dropout = _only(_explained(ledger, tmp_path, {**LATE, "lines": lines}))
    failed = [one for one in dropout.tested if not one.holds]
    assert [(one.exempt, one.met, one.rows) for one in failed] == [("discharge_drugs", 0, 3)]


def test_an_exemption_is_named(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    told = _explained(ledger, tmp_path, {**LATE, "lines": [("1", "2026-01-07 08:00:00", "1")]})
    assert [one.exempt for one in _only(told).tested if not one.holds] == ["discharge_drugs"]


def test_a_join_without_match_is_named(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    dropout = _only(_explained(ledger, tmp_path, {**LATE, "lines": []}))
    assert (dropout.step, dropout.joined) == ("late", "fee_line AS l")


def test_a_join_to_knowledge_shows_what_does_not_match(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    join = "join knowledge.icd_chapter k on k.chapter = 1 and l.feedetl_sn = k.code_from\n    where near("
    dropout = _only(_explained(ledger, tmp_path, LATE, ("where near(", join)))
    assert dropout.joined == "knowledge.icd_chapter AS k"
    failed = [one for one in dropout.tested if not one.holds]
    assert [one.text for one in failed] == ["l.feedetl_sn = k.code_from"]


def test_a_condition_on_groups_is_shown_with_its_sums(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    told = _explained(
        ledger, tmp_path, LATE, ("group by l.mdtrt_id\n", "group by l.mdtrt_id\nhaving count(*) > 1\n")
    )
    (tested,) = _only(told).tested
    assert (tested.text, dict(tested.values)) == ("count(*) > 1", {"COUNT(*)": 1})


def test_a_finding_that_is_not_due_says_so(ledger: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    change = ("count(*) as lines", "timestamp '2026-02-01' as due_at, count(*) as lines")
    for watermark, verdict in (
        (datetime.fromisoformat("2026-01-31"), Verdict.NOT_DUE),
        (datetime.fromisoformat("2026-02-01"), Verdict.FIRED),
    ):
        assert _explained(ledger, tmp_path, LATE, change, watermark=watermark).verdict is verdict


@pytest.mark.parametrize("rule", load().rules, ids=lambda rule: rule.code)
def test_every_rule_can_be_explained(ledger: duckdb.DuckDBPyConnection, rule: Any) -> None:
    _fill(ledger, **LATE)
    subject = {"visit": "M1", "person": "P1", "institution": "H1"}.get(rule.subject[0], "X1")
    assert explain(ledger, rule, subject).verdict in Verdict
