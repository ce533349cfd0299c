"""The sums of ordinary settlements are right to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streams.simulate import Log
from streams.simulate.money import Sums, settle

#: Rules whose plants are settlements with wrong sums.
_WRONG = {"BA-01", "FR-02"}


def _money(node: dict[str, Any], *names: str) -> Decimal:
    return sum((Decimal(str(node[name] or 0)) for name in names), Decimal(0))


def test_every_identity_of_the_interface_holds(log: Log, messages: list[dict[str, Any]]) -> None:
    wrong = {plant.psn_no for plant in log.truth if plant.rule_code in _WRONG}
    checked = 0
    for message in messages:
        if message.get("infno") not in ("2102", "2207", "2304") or message["response"]["infcode"] != 0:
            continue
        output = message["response"]["output"]
        bill = output["setlinfo"]
        if bill["psn_no"] in wrong:
            continue
        total = _money(bill, "medfee_sumamt")
        assert total == _money(bill, "fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")
        assert _money(bill, "psn_part_amt") == _money(bill, "acct_pay", "psn_cash_pay")
        assert _money(bill, "acct_mulaid_pay") <= _money(bill, "acct_pay")
        assert _money(bill, "fund_pay_sumamt") == _money(
            bill, "hifp_pay", "hifmi_pay", "hifob_pay", "hifes_pay", "cvlserv_pay", "maf_pay", "oth_pay"
        )
        assert total == _money(
            bill, "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"
        )
        assert sum(_money(row, "fund_payamt") for row in output["setldetail"]) == _money(
            bill, "fund_pay_sumamt"
        )
        if message["infno"] == "2102":
            assert total == sum(_money(row, "det_item_fee_sumamt") for row in message["input"]["drugdetail"])
        checked += 1
    assert checked > 1000


def test_a_line_is_count_times_price_and_its_parts(messages: list[dict[str, Any]]) -> None:
    rows = [
        row
        for message in messages
        if message.get("infno") in ("2204", "2301")
        for row in message["response"]["output"]["result"]
    ]
    assert len(rows) > 5000
    for row in rows:
        total = _money(row, "det_item_fee_sumamt")
        assert total == Decimal(str(row["cnt"])) * Decimal(str(row["pric"]))
        assert total == _money(row, "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")


def test_deductible_ratio_and_cap_are_applied() -> None:
    bill = settle(
        Sums(total=200000, own=10000, over=0, first=5000, scope=185000),
        insutype="310",
        mode="stay",
        tier=2,
        spent=0,
        paid_deductible=False,
        assisted=False,
        servant=False,
        account=0,
        shared=False,
    )
    assert (bill.dedc, bill.hifp, bill.psn) == (50000, 118800, 81200)
