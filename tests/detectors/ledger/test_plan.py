"""The steps as data: what fills what, and that building less builds the same."""

import duckdb
import pytest

from detectors import ledger
from detectors.facts import FACTS_SQL
from detectors.ledger.plan import left_out, plan, statements
from rules.schema import ledger_columns
from tests.detectors.ledger.log import build
from tests.detectors.ledger.test_cancellation import whole_stay


def test_every_ledger_table_is_filled_by_some_step() -> None:
    assert {f"main.{name}" for name in ledger_columns()} <= {s.target for s in statements()}


def test_no_step_reads_a_table_that_a_later_step_fills() -> None:
    last = {statement.target: place for place, statement in enumerate(statements())}
    own = {
        "main.insured",
        "main.visit",
        "step.gone_message",
    }  # filled in parts, the later parts look at the earlier
    for place, statement in enumerate(statements()):
        for table in statement.reads - own - {"main.fact_dropped"}:
            assert table.startswith("fact.") or last[table] < place, (
                f"{statement.file}: {statement.target} reads {table}"
            )


def test_a_gate_names_only_tables_that_the_step_reads_or_rests_on() -> None:
    names = {s.target for s in statements()} | {f"fact.{name}" for name in ledger.fact_tables()}
    assert all(set(s.only_with) <= names for s in statements())


@pytest.mark.parametrize("table", sorted(ledger_columns()))
def test_a_table_built_alone_equals_the_table_built_with_all_others(table: str) -> None:
    log = whole_stay()
    assert build(log).rows(table) == build(log, tables=ledger_columns()).rows(table)


def test_views_have_the_columns_and_types_of_the_ledger() -> None:
    con = build([]).con()
    for table, columns in ledger_columns().items():
        found = con.execute(f"select column_name, column_type from (describe {table})").fetchall()
        assert dict(found) == dict(columns), table
        assert [name for name, _ in found] == list(columns), table


def test_wide_tables_may_be_built_with_the_columns_that_rules_name() -> None:
    columns = ledger.used_columns(["select l.bilg_dr_codg, x.foo from fee_line l"])
    assert {"bilg_dr_codg", "mdtrt_id", "cnt"} <= columns["fee_line"] <= ledger_columns()["fee_line"].keys()
    assert {"mdtrt_id", "begntime"} <= columns["visit"] < ledger_columns()["visit"].keys()
    con = duckdb.connect()
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    con.execute(
        "insert into fact.fee_line (msgid, mdtrt_id, feedetl_sn, bilg_dr_codg) values ('l', 'M1', '1', 'D1')"
    )
    ledger.build(con, columns=columns)
    assert con.execute("select mdtrt_id, bilg_dr_codg from fee_line").fetchall() == [("M1", "D1")]
    for table, chosen in columns.items():
        assert {name for name, *_ in con.execute(f"describe {table}").fetchall()} == chosen
    assert con.execute("select feedetl_sn from fee_line_all").fetchall() == [("1",)]
    assert con.execute("select mdtrt_id, psn_no from visit").fetchall() == [("M1", None)]


def test_what_only_feeds_columns_that_nobody_wants_is_left_out() -> None:
    def filled(*texts: str) -> set[str]:
        columns = ledger.used_columns(texts, {"visit", "fee_line"})
        return {s.target for s in plan(frozenset({"visit", "fee_line"}), left_out(columns))}

    feeds = {"step.last_seen", "main.report", "main.medical_order", "main.vital_sign"}
    assert feeds <= filled("select heard from visit")
    assert feeds.isdisjoint(filled("select begntime from visit"))
    assert filled("select heard, setl_id, adm_upload_time from visit") == {
        s.target for s in plan(frozenset({"visit", "fee_line"}))
    }
    every = {f"{table}.{name}" for table in ("visit", "fee_line") for name in ledger_columns()[table]}
    assert {name for s in statements() for name in s.feeds} <= every


def test_lines_as_a_view_have_the_columns_that_are_wanted() -> None:
    con = duckdb.connect()
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    con.execute("insert into fact.fee_line (msgid, mdtrt_id, feedetl_sn, cnt) values ('l', 'M1', '1', 2)")
    columns = ledger.used_columns(["select cnt from fee_line"], {"fee_line"})
    assert columns["fee_line"] == {"mdtrt_id", "cnt"}
    ledger.build(con, tables={"fee_line"}, columns=columns, views=ledger.OF_FEW_QUERIES)
    assert {name for name, *_ in con.execute("describe fee_line").fetchall()} == columns["fee_line"]
    con.execute("insert into fact.fee_line (msgid, mdtrt_id, feedetl_sn, cnt) values ('k', 'M2', '1', 3)")
    assert con.execute("select cnt from fee_line order by all").fetchall() == [(2,), (3,)]


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="not a ledger table: visits"):
        plan(frozenset({"visits"}))


def test_the_facts_that_a_table_rests_on_are_known() -> None:
    assert ledger.fact_tables(["manual_reimbursement"]) == {"manual_reimbursement", "message"}
    assert {"fee_line", "settlement", "cancellation", "admission"} <= ledger.fact_tables(["fee_line"])
