"""The summary: each yuan counts once, however many alerts name it."""

from __future__ import annotations

import io
from collections import Counter
from decimal import Decimal

import pytest
from rich.console import Console

from detectors.alert import ACCOUNT_MONEY, FUND_MONEY, Alert, Item
from streams.summary import add_up, summary
from tests.detectors.test_diff import an_alert


def line(sn: str, amount: str, setl_id: str | None = "S1", **stated: bool) -> Item:
    return Item(
        mdtrt_id="M1", setl_id=setl_id, feedetl_sn=sn, amount=amount, violating=stated.get("violating", True)
    )


def whole(amount: str, setl_id: str | None = "S1", **stated: bool) -> Item:
    return Item(mdtrt_id="M1", setl_id=setl_id, amount=amount, violating=stated.get("violating", True))


def said(
    number: int, *items: Item, method: str = FUND_MONEY, severity: str = "1", code: str = "GB-03"
) -> Alert:
    return an_alert(
        f"a{number}", items=list(items), amount_method=f"{method}：", sev_deg=severity, rule_code=code
    )


@pytest.mark.parametrize(
    ("alerts", "fund"),
    [
        pytest.param([], "0", id="no alert"),
        pytest.param([[line("1", "10.00"), line("2", "5.00")]], "15.00", id="lines of an alert"),
        pytest.param([[line("1", "10.00")], [line("1", "10.00")]], "10.00", id="two alerts on one line"),
        pytest.param(
            [[line("1", "4.00")], [line("1", "10.00")]], "10.00", id="a part of a line and all of it"
        ),
        pytest.param(
            [[line("1", "10.00")], [line("1", "10.00", "S2")]], "20.00", id="one number in two settlements"
        ),
        pytest.param([[whole("90.00")], [line("1", "10.00")]], "90.00", id="a settlement and its line"),
        pytest.param([[whole("90.00")], [whole("90.00")]], "90.00", id="two alerts on one settlement"),
        pytest.param([[whole("90.00")], [whole("80.00", "S2")]], "170.00", id="two settlements"),
        pytest.param(
            [[whole("40.00")], [line("1", "30.00"), line("2", "25.00")]],
            "55.00",
            id="half of it, and more by lines",
        ),
        pytest.param([[line("1", "10.00", violating=False)]], "0", id="only involved"),
        pytest.param([[whole("0.00", None)], [line("1", "0.00", None)]], "0", id="not settled"),
        pytest.param(
            [[Item(reim_id="R1", amount="61.00", violating=True)]] * 2, "61.00", id="one claim paid by hand"
        ),
    ],
)
def test_each_line_and_settlement_counts_once(alerts: list[list[Item]], fund: str) -> None:
    total = add_up(said(n, *items) for n, items in enumerate(alerts))
    assert (total.alerts, total.fund, total.account) == (len(alerts), Decimal(fund), Decimal(0))


def test_fund_and_account_money_are_told_apart() -> None:
    total = add_up([said(1, whole("90.00")), said(2, whole("30.00"), method=ACCOUNT_MONEY)])
    assert (total.fund, total.account) == (Decimal("90.00"), Decimal("30.00"))


def test_alerts_are_counted_by_severity() -> None:
    total = add_up([said(1), said(2, severity="3"), said(3, severity="3")])
    assert total.by_severity == Counter({"3": 2, "1": 1})


def test_the_table_sums_each_rule_each_family_and_all_without_counting_twice() -> None:
    alerts = [
        said(1, whole("90.00")),
        said(2, whole("90.00"), code="GB-07"),
        said(3, whole("90.00"), code="FP-01"),
    ]
    text = io.StringIO()
    Console(file=text, width=160).print(summary(alerts))
    rows = [
        [cell.strip() for cell in row.split("│")[1:-1]]
        for row in text.getvalue().splitlines()
        if row.startswith("│")
    ]
    assert [(row[0], row[2], row[6]) for row in rows] == [
        ("GB", "2", "90.00"), ("GB-03", "1", "90.00"), ("GB-07", "1", "90.00"),
        ("FP", "1", "90.00"), ("FP-01", "1", "90.00"),
        ("合计", "3", "90.00"),
    ]  # fmt: skip


def test_a_narrow_terminal_shows_every_figure_whole() -> None:
    text = io.StringIO()
    Console(file=text, width=80).print(
        summary([said(1, whole("12345678.90")), said(2, whole("9999.00", "S2"))])
    )
    assert "12,355,677.90" in text.getvalue()
    assert "…" not in text.getvalue()
