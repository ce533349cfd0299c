"""Evaluation: what holds of what a rule returns, what a rule may not do, and who cannot be judged."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from detectors import engine
from detectors.alert import Alert, encode
from detectors.errors import RuleError
from detectors.evaluate import evaluate, judge, needed_tables, violations
from detectors.facts import Facts
from rules import knowledge as knowledge_module
from rules import rulebook as rulebook_module
from rules.rulebook import Rulebook, RulebookError
from streams.wire import decode
from tests.detectors.bench import EVERY_VISIT, KNOWLEDGE, a_message, a_rule, a_visit, day, ledger
from tests.streams import small_world


def select(*rows: str, **columns: str) -> str:
    """A query that returns these rows of `mdtrt_id`, `severity`, and the columns stated, whatever the ledger holds."""
    stated = {"occurred_at": "timestamp '2026-01-01'", "evidence": "['m']", **columns}
    listed = ", ".join(f"{value} as {name}" for name, value in stated.items() if value)
    return " union all ".join(f"select {row}, {listed}" for row in rows)


@cache
def nothing() -> duckdb.DuckDBPyConnection:
    """A ledger without rows, which no test changes."""
    return ledger()


def found(sql: str, folder: Path, watermark: datetime | None = None, **header: Any) -> list[dict[str, Any]]:
    return violations(nothing(), a_rule(folder, sql, **{"severity": [1, 2, 3], **header}), None, watermark)


def due(*days: float | None) -> str:
    """A query that returns a row of M1 for each due time, its severity counted from 3 down."""
    return " union all ".join(
        select(
            f"'M1' as mdtrt_id, {3 - n} as severity",
            due_at="null::timestamp" if one is None else f"timestamp '{day(one)}'",
        )
        for n, one in enumerate(days)
    )


@pytest.mark.parametrize(
    ("rows", "watermark", "severities"),
    [
        pytest.param([5], day(4.999), [], id="not yet due"),
        pytest.param([5], day(5), [3], id="due at the watermark"),
        pytest.param([5], day(9), [3], id="due before the watermark"),
        pytest.param([5], None, [3], id="no watermark opens all"),
        pytest.param([None], day(0), [3], id="a row without due time always holds"),
        pytest.param([5, 7], day(6), [3], id="the latest due row is not yet due"),
        pytest.param([5, 7], day(7), [2], id="the latest due row holds"),
        pytest.param([7, 5], day(7), [3], id="in whatever order"),
        pytest.param([5, 7, 6], None, [2], id="of three"),
    ],
)
def test_rows_of_absence_hold_once_they_are_due(
    rows: list[float | None], watermark: datetime | None, severities: list[int], tmp_path: Path
) -> None:
    assert [row["severity"] for row in found(due(*rows), tmp_path, watermark)] == severities


M1_TWICE = "'M1' as mdtrt_id, 1 as severity", "'M1' as mdtrt_id, 2 as severity"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        pytest.param(select(*M1_TWICE), r"two rows for the anchor \('M1',\)", id="two rows of an anchor"),
        pytest.param(due(5, 5), "one row an anchor and due time", id="two of one due time"),
        pytest.param(due(5, None), "one row an anchor and due time", id="one due and one not of absence"),
        pytest.param(due(None, 5), "one row an anchor and due time", id="one not of absence and one due"),
        pytest.param(
            select("'M1' as mdtrt_id, 4 as severity"), "severity 4 is not among", id="severity not declared"
        ),
        pytest.param(select("'M1' as mdtrt_id, null as severity"), "severity None", id="no severity"),
        pytest.param(select("'M1' as mdtrt_id"), "the result lacks severity", id="no column severity"),
        pytest.param(
            select("'M1' as mdtrt_id, 1 as severity", evidence="", occurred_at="1"),
            "the result lacks evidence",
            id="no column evidence",
        ),
        pytest.param(select("1 as severity"), "the result lacks mdtrt_id", id="no column of the anchor"),
        pytest.param("select nothing from judged", 'column "nothing"', id="SQL that does not bind"),
        pytest.param("selec 1", "syntax error", id="SQL that is none"),
        pytest.param(
            select("'M1' as mdtrt_id, 1 as severity", amount="'x'::integer"),
            "Could not convert",
            id="SQL that fails",
        ),
    ],
)
def test_a_rule_that_breaks_its_contract_is_named_with_its_file(
    sql: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RuleError, match=message) as raised:
        found(sql, tmp_path)
    assert str(tmp_path / "ghost_bed" / "a_rule.sql") in str(raised.value)


@pytest.mark.parametrize(
    ("columns", "header", "message"),
    [
        pytest.param({"evidence": "[]::varchar[]"}, {}, "without evidence", id="empty evidence"),
        pytest.param({"evidence": "null::varchar[]"}, {}, "without evidence", id="null evidence"),
        pytest.param({"evidence": "[null, '']"}, {}, "without evidence", id="evidence of nothing"),
        pytest.param({"occurred_at": "null::timestamp"}, {}, "without occurred_at", id="no time"),
        pytest.param(
            {"psn_no": "null::varchar"}, {"subject": ["person", "psn_no"]}, "without psn_no", id="no subject"
        ),
        pytest.param(
            {}, {"sentence": "共{gross}元。"}, r"speaks of \{gross\}", id="a sentence without its number"
        ),
        pytest.param({}, {"law": ["条例99"]}, "no law '条例99'", id="a law that is not there"),
    ],
)
def test_a_row_that_cannot_be_worded_is_named_with_its_file(
    columns: dict[str, str], header: dict[str, Any], message: str, tmp_path: Path
) -> None:
    rule = a_rule(tmp_path, select("'M1' as mdtrt_id, 1 as severity", **columns), **header)
    with pytest.raises(RuleError, match=message) as raised:
        judge(nothing(), Rulebook((rule,)), KNOWLEDGE)
    assert str(rule.path) in str(raised.value)


@pytest.mark.parametrize("condition", ["no_such_column is null", "dscg_way::integer > 1"])
def test_a_population_that_fails_is_named_with_its_file(condition: str, tmp_path: Path) -> None:
    rule = a_rule(tmp_path, judges={"from": "visit", "missing": {"出院登记": condition}})
    with pytest.raises(RuleError, match=re.escape(str(rule.path))):
        judge(ledger(visit=[a_visit(dscg_way="x")]), Rulebook((rule,)), KNOWLEDGE)


class TestLocked:
    """The database is closed to the outside world before a rule runs."""

    @pytest.mark.parametrize(
        "sql",
        [
            "select * from read_csv('{file}')",
            "select * from read_text('{file}')",
            "select * from read_parquet('{file}')",
            "select * from '{file}'",
            "select * from glob('{folder}/*')",
            "copy (select 1) to '{folder}/out.csv'",
            "attach '{folder}/other.duckdb'",
            "export database '{folder}/all'",
            "install httpfs",
            "load httpfs",
            "set threads = 1",
            "set enable_external_access = true",
            "set lock_configuration = false",
            "reset memory_limit",
            "pragma memory_limit='1GB'",
        ],
    )
    def test_a_rule_cannot(self, sql: str, tmp_path: Path) -> None:
        file = tmp_path / "secret.csv"
        file.write_text("mdtrt_id\nM1\n", encoding="utf-8")
        with pytest.raises(duckdb.Error, match=r"disabled|locked|not allowed|Permission"):
            nothing().execute(sql.format(file=file, folder=tmp_path))

    def test_a_rule_that_tries_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match=r"a_rule\.sql: Permission Error"):
            found("select * from read_text('/etc/hostname')", tmp_path)

    def test_a_database_on_disk_is_locked_too_and_still_spills(self, tmp_path: Path) -> None:
        con = engine.connect(workspace=tmp_path, memory_limit="60MB", threads=1)
        engine.lock(con)
        con.execute("create table big as select range as n, repeat('x', 40) as t from range(600000)")
        assert con.execute(
            "select count(*), max(t) from (select n, t from big order by t || n::varchar)"
        ).fetchone()
        with pytest.raises(duckdb.Error, match="disabled"):
            con.execute("select * from read_text('/etc/hostname')")


class TestNotEnoughData:
    def test_a_rule_whose_columns_the_source_lacks_does_not_run_and_coverage_says_so(
        self, tmp_path: Path
    ) -> None:
        blind = a_rule(
            tmp_path,
            "select nothing",
            stem="blind",
            code="GB-98",
            needs=["visit.dscg_time", "visit", "fee_line"],
        )
        rule = a_rule(tmp_path)
        con = ledger(lacking=["fee_line", "visit.dscg_time"], visit=[a_visit()], message=[a_message("in-M1")])
        result = judge(con, Rulebook((blind, rule)), KNOWLEDGE)
        assert [alert.rule_code for alert in result.alerts] == ["GB-99"]
        assert [(one.rule_code, one.fixmedins_code, one.judged, one.missing) for one in result.coverage] == [
            ("GB-98", None, 0, {"fee_line": 0, "visit.dscg_time": 0}),
            ("GB-99", "H1", 1, {}),
        ]

    def test_what_a_rule_may_use_need_not_be_there(self, tmp_path: Path) -> None:
        rule = a_rule(tmp_path, may_use=["settlement_list.adm_way"])
        con = ledger(lacking=["settlement_list", "settlement_list.adm_way"], visit=[a_visit()])
        assert len(violations(con, rule)) == 1


class TestWording:
    def test_shadow_rules_say_so(self, tmp_path: Path) -> None:
        modes = {}
        for status in ("draft", "shadow", "live"):
            rule = a_rule(tmp_path, status=status)
            con = ledger(visit=[a_visit()], message=[a_message("in-M1")])
            modes[status] = judge(con, Rulebook((rule,)), KNOWLEDGE).alerts[0].mode
        assert modes == {"draft": "live", "shadow": "shadow", "live": "live"}

    @pytest.mark.parametrize(
        ("due_at", "seen", "expected"),
        [
            pytest.param(None, [1, 3], "2026-01-04 00:00:00", id="the last of the evidence"),
            pytest.param(5, [1, 3], "2026-01-06 00:00:00", id="the due time"),
            pytest.param(
                2, [1, 3], "2026-01-04 00:00:00", id="the evidence, where it comes after the due time"
            ),
            pytest.param(None, [], "2026-01-01 00:00:00", id="evidence of unknown time"),
        ],
    )
    def test_an_alert_is_detected_when_its_evidence_was_complete(
        self, due_at: float | None, seen: list[float], expected: str, tmp_path: Path
    ) -> None:
        due_column = "null::timestamp" if due_at is None else f"timestamp '{day(due_at)}'"
        rule = a_rule(
            tmp_path,
            select("'M1' as mdtrt_id, 1 as severity", evidence="['m0', 'm1', 'm2']", due_at=due_column),
        )
        con = ledger(message=[a_message(f"m{n}", day(when)) for n, when in enumerate(seen)])
        assert judge(con, Rulebook((rule,)), KNOWLEDGE).alerts[0].detected_at == expected

    @pytest.mark.parametrize(
        ("items", "settled", "money", "expected"),
        [
            ("[]", True, "fund", ("0.00", "0", "基金支付：本条不计金额")),
            ("[visit_item('M1')]", True, "fund", ("80.00", "1", "基金支付：所涉结算的全额")),
            ("[visit_item('M1')]", False, "fund", ("0.00", "0", "基金支付：尚未结算，涉及费用60.00元")),
            (
                "[line_item('M1', '1')]",
                True,
                "fund",
                ("80.00", "1", "基金支付：按明细占政策范围内金额的比例分摊"),
            ),
            ("[line_item('M1', '1')]", False, "fund", ("0.00", "0", "基金支付：尚未结算，涉及费用60.00元")),
            (
                "[settlement_item('M1', 'S1')]",
                True,
                "account",
                ("30.00", "1", "个人账户支付：所涉结算的全额"),
            ),
        ],
    )
    def test_an_alert_says_how_its_money_was_reckoned(
        self, items: str, settled: bool, money: str, expected: tuple[str, str, str], tmp_path: Path
    ) -> None:
        rule = a_rule(tmp_path, select("'M1' as mdtrt_id, 1 as severity", items=items), money=money)
        setl_id = "S1" if settled else None
        settlement = {
            "setl_id": "S1",
            "mdtrt_id": "M1",
            "setl_time": day(3),
            "fund_pay_sumamt": 80,
            "acct_pay": 30,
        }
        line = {
            "mdtrt_id": "M1",
            "feedetl_sn": "1",
            "setl_id": setl_id,
            "det_item_fee_sumamt": 60,
            "fee_ocur_time": day(1),
        }
        con = ledger(visit=[a_visit()], fee_line=[line], settlement=[settlement] if settled else [])
        (alert,) = judge(con, Rulebook((rule,)), KNOWLEDGE).alerts
        assert (alert.vola_amt, alert.vola_amt_stas, alert.amount_method) == expected

    def test_parameters_are_stated_with_their_units_and_bind_the_query(self, tmp_path: Path) -> None:
        params = {
            "least": {"default": 2, "min": 1, "max": 9, "unit": "days", "source": "engineering default"}
        }
        rule = a_rule(tmp_path, EVERY_VISIT + "where day(begntime) >= $least", params=params)
        con = ledger(visit=[a_visit()], message=[a_message("in-M1")])
        assert judge(con, Rulebook((rule,)), KNOWLEDGE).alerts == []
        (alert,) = judge(con, Rulebook((rule,)), KNOWLEDGE, params={"GB-99": {"least": "1"}}).alerts
        assert alert.params == {"least": "1 days"}
        with pytest.raises(RulebookError, match="outside 1 days to 9 days"):
            judge(con, Rulebook((rule,)), KNOWLEDGE, params={"GB-99": {"least": "10"}})


def test_the_steps_are_told(tmp_path: Path) -> None:
    steps: list[str] = []
    judge(ledger(), Rulebook((a_rule(tmp_path),)), KNOWLEDGE, on_step=steps.append)
    assert steps == ["rule GB-99", "alerts"]


def test_the_tables_of_the_rules_and_of_settling_are_needed(tmp_path: Path) -> None:
    rule = a_rule(tmp_path, needs=["visit.dscg_time"], may_use=["settlement_list.adm_way"])
    settling = {"message", "settlement", "fee_line", "manual_reimbursement"}
    assert needed_tables(Rulebook((rule,))) == settling | {"visit", "settlement_list"}


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Those of a small log."""
    return Facts.of(
        decode(small_world.lines(), source="log", first_line=1, first_seq=0, key=b"k" * 16).tables
    )


def judged(
    facts: Facts, subjects: list[str] | None = None, *, codes: tuple[str, ...] = small_world.RULES
) -> list[Alert]:
    rules = rulebook_module.load().select(codes)
    return evaluate(facts, rules, knowledge_module.load(), None, day(99), subjects).alerts


@pytest.fixture(scope="module")
def whole(facts: Facts) -> list[Alert]:
    return judged(facts)


def test_a_second_evaluation_says_the_same(facts: Facts, whole: list[Alert]) -> None:
    assert list(map(encode, judged(facts))) == list(map(encode, whole))
    assert [alert.jr_id for alert in whole] == sorted(alert.jr_id for alert in whole)


def test_subjects_give_what_the_whole_gives_for_these_persons(facts: Facts, whole: list[Alert]) -> None:
    codes = ("FP-01", "GB-03", "GB-07")
    persons = sorted({alert.patn_id for alert in whole if alert.rule_code in codes and alert.patn_id})
    assert len(persons) > 10
    chosen = persons[::2]
    wanted = [encode(alert) for alert in whole if alert.patn_id in chosen and alert.rule_code in codes]
    assert list(map(encode, judged(facts, chosen, codes=codes))) == wanted


def test_money_at_risk_is_never_more_than_the_settlements_paid(facts: Facts, whole: list[Alert]) -> None:
    paid = {
        row["setl_id"]: row["fund_pay_sumamt"]
        for source in facts.sources["settlement"]
        if isinstance(source, pa.Table)
        for row in source.to_pylist()
    }
    items = [item for alert in whole for item in alert.items if item.setl_id]
    assert items
    assert all(Decimal(item.amount) <= paid[item.setl_id] for item in items)
