"""Money at risk: what the items of an alert are worth, to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.settle import Finding, Settled, settle
from rules.schema import MACROS_SQL
from tests.detectors.bench import Row, a_visit, day, insert, ledger
from tests.detectors.ledger.log import build, say


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    return ledger()


@pytest.fixture
def con(empty: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    empty.execute("begin")
    yield empty
    empty.execute("rollback")


def line(sn: str, gross: str, scope: str | None = None, **stated: Any) -> Row:
    """A line of visit M1 on day 1, covered by settlement S1; `scope`: in-scope amount, CNY."""
    return {
        "mdtrt_id": "M1",
        "feedetl_sn": sn,
        "setl_id": "S1",
        "fee_ocur_time": day(1),
        "med_list_codg": f"code-{sn}",
        "det_item_fee_sumamt": gross,
        "inscp_scp_amt": scope,
        **stated,
    }


def settlement(fund: str, setl_id: str = "S1", **stated: Any) -> Row:
    """A settlement of visit M1 on day 5."""
    return {
        "setl_id": setl_id,
        "mdtrt_id": "M1",
        "setl_time": day(5),
        "fund_pay_sumamt": fund,
        "medfee_sumamt": "500.00",
        **stated,
    }


def priced(
    con: duckdb.DuckDBPyConnection,
    *items: str,
    lookback: float | None = None,
    of_account: bool = False,
    visits: Sequence[str] = (),
) -> Settled:
    """What items, written as calls of the macros, are worth in an alert of day 1."""
    found = [con.execute(f"select {item}").fetchall()[0][0] for item in items]
    window = timedelta(days=lookback) if lookback is not None else None
    (one,) = settle(con, [Finding(found, (), visits, day(1), window, of_account)])
    return one


def amounts(settled: Settled) -> list[str]:
    return [item.amount for item in settled.items]


@pytest.mark.parametrize(
    ("lines", "fund", "expected"),
    [
        pytest.param([("100", "100"), ("300", "300")], "200.00", ["50.00", "150.00"], id="all in scope"),
        pytest.param(
            [("100", "100"), ("300", "100")], "80.00", ["40.00", "40.00"], id="by scope, not by gross"
        ),
        pytest.param(
            [("100", "0"), ("300", "300")], "80.00", ["0.00", "80.00"], id="out of scope gets nothing"
        ),
        pytest.param(
            [("100", "0"), ("300", "0")], "80.00", ["20.00", "60.00"], id="nothing in scope: by gross"
        ),
        pytest.param(
            [("100", None), ("300", None)], "80.00", ["20.00", "60.00"], id="scope unknown: by gross"
        ),
        pytest.param([("0", "0"), ("0", "0")], "80.00", ["0.00", "0.00"], id="nothing to share by"),
        pytest.param(
            [("10", "10")] * 3, "10.00", ["3.34", "3.33", "3.33"], id="a cent left: the first line's"
        ),
        pytest.param([("10", "10")] * 3, "0.02", ["0.01", "0.01", "0.00"], id="fewer cents than lines"),
        pytest.param([("10", "1"), ("10", "2")], "0.01", ["0.00", "0.01"], id="the largest remainder's cent"),
        pytest.param(
            [("10", "10"), ("-4", "-4")], "9.00", ["9.00", "0.00"], id="a line below zero gets nothing"
        ),
    ],
)
def test_lines_share_the_fund_payment(
    con: duckdb.DuckDBPyConnection, lines: list[tuple[str, str | None]], fund: str, expected: list[str]
) -> None:
    insert(con, fee_line=[line(str(n), *one) for n, one in enumerate(lines)], settlement=[settlement(fund)])
    found = priced(con, *(f"line_item('M1', '{n}')" for n in range(len(lines))))
    assert amounts(found) == expected
    assert found.amount == sum(map(Decimal, expected))
    assert (found.priced, found.by_line) == (True, True)
    assert [item.setl_id for item in found.items] == ["S1"] * len(lines)
    assert [item.code for item in found.items] == [f"code-{n}" for n in range(len(lines))]


def test_a_line_is_worth_the_same_whichever_others_are_asked_for(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, fee_line=[line(str(n), "10", "10") for n in range(3)], settlement=[settlement("10.00")])
    assert amounts(priced(con, "line_item('M1', '0')")) == ["3.34"]
    assert amounts(priced(con, "line_item('M1', '2')")) == ["3.33"]


CENTS = st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(CENTS, st.none() | CENTS), min_size=1, max_size=12), CENTS)
def test_shares_add_up_to_the_payment_and_none_is_larger_than_fair(
    empty: duckdb.DuckDBPyConnection, lines: list[tuple[Decimal, Decimal | None]], fund: Decimal
) -> None:
    rows = [
        line(f"{n:02}", str(gross), None if scope is None else str(scope))
        for n, (gross, scope) in enumerate(lines)
    ]
    empty.execute("begin")
    try:
        insert(empty, fee_line=rows, settlement=[settlement(str(fund))])
        found = priced(empty, *(f"line_item('M1', '{n:02}')" for n in range(len(lines))))
    finally:
        empty.execute("rollback")
    shares = [Decimal(item.amount) for item in found.items]
    weights = [scope or Decimal(0) for _, scope in lines]
    weights = weights if sum(weights) else [gross for gross, _ in lines]
    if sum(weights):
        assert sum(shares) == fund
        assert all(
            abs(share - fund * one / sum(weights)) < Decimal("0.01")
            for share, one in zip(shares, weights, strict=True)
        )
    assert all(0 <= share <= fund for share in shares)
    assert found.amount == sum(shares)


@pytest.mark.parametrize(
    ("part", "amount", "gross"),
    [
        ("1", "50.00", "60.00"),
        ("0.5", "25.00", "30.00"),
        ("0.333333", "16.67", "20.00"),
        ("0", "0.00", "0.00"),
    ],
)
def test_a_part_of_a_line_is_worth_that_part(
    con: duckdb.DuckDBPyConnection, part: str, amount: str, gross: str
) -> None:
    insert(con, fee_line=[line("1", "60", "60")], settlement=[settlement("50.00")])
    found = priced(con, f"line_part('M1', '1', {part})")
    assert (amounts(found), found.gross) == ([amount], Decimal(gross))


@pytest.mark.parametrize(
    ("fund", "part", "amount"), [("0.05", "0.5", "0.03"), ("12.45", "0.1", "1.25"), ("1.15", "0.1", "0.12")]
)
def test_half_a_cent_is_rounded_up_and_not_as_a_binary_float_would(
    con: duckdb.DuckDBPyConnection, fund: str, part: str, amount: str
) -> None:
    insert(con, fee_line=[line("1", "60", "60")], settlement=[settlement(fund)])
    assert amounts(priced(con, f"line_part('M1', '1', {part})")) == [amount]


def test_a_settlement_is_worth_its_whole_fund_payment_and_half_of_it_half(
    con: duckdb.DuckDBPyConnection,
) -> None:
    insert(con, settlement=[settlement("320.00"), settlement("80.00", "S2")])
    found = priced(con, "settlement_item('M1', 'S1')", "settlement_part('M1', 'S2', 0.5)")
    assert amounts(found) == ["320.00", "40.00"]
    assert (found.gross, found.priced, found.by_line) == (Decimal("750.00"), True, False)


def test_a_visit_is_worth_all_its_settlements(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, visit=[a_visit()], settlement=[settlement("320.00"), settlement("80.00", "S2")])
    found = priced(con, "visit_item('M1')")
    assert [(item.setl_id, item.amount) for item in found.items] == [("S1", "320.00"), ("S2", "80.00")]
    assert found.amount == Decimal("400.00")


def test_an_unsettled_visit_is_worth_nothing_yet_and_tells_what_was_charged(
    con: duckdb.DuckDBPyConnection,
) -> None:
    insert(con, visit=[a_visit()], fee_line=[line("1", "60", setl_id=None), line("2", "40.5", setl_id=None)])
    found = priced(con, "visit_item('M1')")
    assert [(item.mdtrt_id, item.setl_id, item.amount) for item in found.items] == [("M1", None, "0.00")]
    assert (found.amount, found.gross, found.priced, found.all_settled) == (
        0,
        Decimal("100.50"),
        False,
        False,
    )


def test_an_unsettled_line_is_worth_nothing_yet_and_tells_what_was_charged(
    con: duckdb.DuckDBPyConnection,
) -> None:
    insert(con, fee_line=[line("1", "60", "60", setl_id=None)])
    found = priced(con, "line_item('M1', '1')")
    assert (amounts(found), found.gross, found.priced) == (["0.00"], Decimal("60.00"), False)


def test_a_claim_paid_by_hand_is_worth_what_was_paid(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, manual_reimbursement=[{"reim_id": "R1", "medfee_sumamt": "900", "fund_pay_sumamt": "610.40"}])
    found = priced(con, "manual_item('R1')")
    assert [(item.reim_id, item.amount) for item in found.items] == [("R1", "610.40")]
    assert (found.gross, found.priced) == (Decimal("900.00"), True)


@pytest.mark.parametrize(
    ("paid", "amount"),
    [
        pytest.param({"acct_pay": "30.00"}, "30.00", id="the patient's own account"),
        pytest.param({"acct_pay": "0", "acct_mulaid_pay": "25.00"}, "25.00", id="somebody else's account"),
        pytest.param({}, "0.00", id="no account"),
    ],
)
@pytest.mark.parametrize("item", ["settlement_item('M1', 'S1')", "visit_item('M1')", "line_item('M1', '1')"])
def test_account_rules_count_account_money(
    con: duckdb.DuckDBPyConnection, paid: dict[str, str], amount: str, item: str
) -> None:
    insert(
        con, visit=[a_visit()], fee_line=[line("1", "60", "60")], settlement=[settlement("320.00", **paid)]
    )
    assert amounts(priced(con, item, of_account=True)) == [amount]


def test_what_is_only_involved_is_listed_and_not_counted(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con,
        visit=[a_visit()],
        fee_line=[line("1", "60", "60", bilg_dr_codg="D1")],
        settlement=[settlement("40.00")],
    )
    found = priced(con, "involved_line('M1', '1')", "involved_visit('M1')", "involved_settlement('M1', 'S1')")
    assert [(item.violating, item.amount) for item in found.items] == [(False, "40.00")] * 3
    assert (found.amount, found.gross, found.priced, found.doctors) == (0, 0, False, set())


def test_the_doctors_of_violating_lines_are_known(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        line("1", "6", bilg_dr_codg="D2"),
        line("2", "6", bilg_dr_codg="D1"),
        line("3", "6", bilg_dr_codg=None),
    ]
    insert(con, fee_line=rows, settlement=[settlement("40.00")])
    assert priced(con, *(f"line_item('M1', '{n}')" for n in (1, 2, 3))).doctors == {"D1", "D2"}


class TestWindow:
    """A rule with a lookback of ten days about day 1 sees days -9 to 11."""

    def test_settlements_outside_it_do_not_count(self, con: duckdb.DuckDBPyConnection) -> None:
        insert(
            con,
            visit=[a_visit()],
            settlement=[settlement("320.00"), settlement("80.00", "S2", setl_time=day(11.5))],
        )
        assert amounts(priced(con, "visit_item('M1')", lookback=10)) == ["320.00"]
        assert amounts(priced(con, "visit_item('M1')", lookback=10.5)) == ["320.00", "80.00"]
        assert amounts(priced(con, "visit_item('M1')")) == ["320.00", "80.00"]

    def test_a_visit_settled_outside_it_is_not_settled(self, con: duckdb.DuckDBPyConnection) -> None:
        lines = [line("1", "60"), line("2", "40", fee_ocur_time=day(20))]
        insert(con, visit=[a_visit()], fee_line=lines, settlement=[settlement("320.00", setl_time=day(20))])
        found = priced(con, "visit_item('M1')", lookback=10)
        assert (amounts(found), found.gross, found.priced, found.all_settled) == (
            ["0.00"],
            Decimal(60),
            False,
            False,
        )

    def test_a_line_settled_outside_it_is_not_settled(self, con: duckdb.DuckDBPyConnection) -> None:
        insert(con, fee_line=[line("1", "60", "60")], settlement=[settlement("320.00", setl_time=day(20))])
        found = priced(con, "line_item('M1', '1')", lookback=10)
        assert [(item.setl_id, item.amount) for item in found.items] == [(None, "0.00")]
        assert (found.gross, found.priced, found.all_settled) == (Decimal(60), False, False)

    def test_lines_outside_it_take_no_share(self, con: duckdb.DuckDBPyConnection) -> None:
        lines = [line("1", "60", "60"), line("2", "60", "60", fee_ocur_time=day(20))]
        insert(con, fee_line=lines, settlement=[settlement("100.00")])
        assert amounts(priced(con, "line_item('M1', '1')", lookback=10)) == ["100.00"]
        assert amounts(priced(con, "line_item('M1', '1')", lookback=20)) == ["50.00"]


def test_what_was_refunded_takes_no_share() -> None:
    log = [
        say("2301", "l", 1, {"feedetl_sn": "1", "cnt": 2, "det_item_fee_sumamt": 80, "inscp_scp_amt": 80},
            {"feedetl_sn": "2", "cnt": 1, "det_item_fee_sumamt": 40, "inscp_scp_amt": 40, "med_list_codg": "B"}),
        say("2301", "r", 2, feedetl_sn="3", init_feedetl_sn="1", cnt=-1, det_item_fee_sumamt=-40, inscp_scp_amt=-40),
        say("2304", "s", 9, setl_id="S1", fund_pay_sumamt=60),
    ]  # fmt: skip
    con = build(log).con("fee_line", "settlement", "manual_reimbursement", "message")
    con.execute(MACROS_SQL.read_text(encoding="utf-8"))
    found = priced(con, "line_item('M1', '1')", "line_item('M1', '2')")
    assert (amounts(found), found.gross) == (["30.00", "30.00"], Decimal(80))


def test_many_findings_are_priced_apart_and_in_their_order(con: duckdb.DuckDBPyConnection) -> None:
    insert(
        con,
        fee_line=[line("1", "60", "60"), line("2", "40", "40")],
        settlement=[settlement("100.00", acct_pay="50.00")],
    )
    one, two = (con.execute(f"select line_item('M1', '{sn}')").fetchall()[0][0] for sn in "12")
    found = settle(
        con,
        [
            Finding([two], (), (), day(1), None, False),
            Finding([], (), (), day(1), None, False),
            Finding([one, two], (), (), day(1), timedelta(days=30), False),
            Finding([one], (), (), day(1), None, True),
        ],
    )
    assert [amounts(each) for each in found] == [["40.00"], [], ["60.00", "40.00"], ["30.00"]]


def test_nothing_found_is_nothing_settled(con: duckdb.DuckDBPyConnection) -> None:
    assert settle(con, []) == []


class TestStage:
    """Whether every visit concerned is settled."""

    @pytest.mark.parametrize(
        ("settled", "visits", "items", "expected"),
        [
            pytest.param(["M1"], ["M1"], [], True, id="the visit is settled"),
            pytest.param([], ["M1"], [], False, id="the visit is not settled"),
            pytest.param(["M1"], ["M1", "M2"], [], False, id="one of two visits is settled"),
            pytest.param(["M1", "M2"], ["M1", "M2"], [], True, id="both are settled"),
            pytest.param(["M1"], [], ["visit_item('M1')"], True, id="the visit of an item is settled"),
            pytest.param(["M1"], ["M1"], ["involved_visit('M2')"], False, id="the visit of an item is not"),
            pytest.param(
                ["M1"], [], ["manual_item('R1')"], True, id="no visit: what was paid by hand is settled"
            ),
            pytest.param(["M1"], [], [], False, id="neither visit nor item"),
        ],
    )
    def test_table(
        self,
        con: duckdb.DuckDBPyConnection,
        settled: list[str],
        visits: list[str],
        items: list[str],
        expected: bool,
    ) -> None:
        insert(
            con,
            visit=[a_visit("M1"), a_visit("M2")],
            settlement=[settlement("10.00", f"S-{mdtrt_id}", mdtrt_id=mdtrt_id) for mdtrt_id in settled],
            manual_reimbursement=[{"reim_id": "R1", "fund_pay_sumamt": "5", "medfee_sumamt": "9"}],
        )
        assert priced(con, *items, visits=visits).all_settled is expected


def test_a_line_named_twice_counts_once_and_the_heavier_word_holds(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, visit=[a_visit()], settlement=[settlement("60.00")], fee_line=[line("1", "100.00", "100.00")])
    twice = priced(con, "involved_line('M1', '1')", "line_item('M1', '1')", "line_part('M1', '1', 0.5)")
    assert [(item.feedetl_sn, item.violating, item.amount) for item in twice.items] == [("1", True, "60.00")]
    assert twice.amount == Decimal("60.00")


def test_a_sale_outside_insurance_is_named_and_counts_nothing(con: duckdb.DuckDBPyConnection) -> None:
    found = priced(con, "involved_sale('P1/L1')", "involved_sale('P1/L2')")
    assert [(item.feedetl_sn, item.amount, item.violating) for item in found.items] == [
        ("P1/L1", "0.00", False),
        ("P1/L2", "0.00", False),
    ]
    assert (found.amount, found.priced) == (Decimal("0.00"), False)
