"""A stay, a bed charge, its settlement, and a purchase of the same day: the joins that are easy to get wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streams.wire import decode
from tests.streams.wire.samples import KEY, PERSON, at, event, lines


def _sent(
    infno: str, given: Any, output: Any, inf_time: str, institution: str = "H99010100001"
) -> dict[str, Any]:
    return event(infno, given, output, msgid=f"{infno}-1", inf_time=inf_time, fixmedins_code=institution)


def _line(number: str, **more: Any) -> dict[str, Any]:
    return {
        "feedetl_sn": number,
        "mdtrt_id": "M0001",
        "psn_no": PERSON,
        "fee_ocur_time": "2026-11-01 23:00:00",
        "det_item_fee_sumamt": "40.00",
        "cnt": "1",
        "pric": "40.000000",
        **more,
    }


def _answer(number: str, category: str) -> dict[str, Any]:
    return {"feedetl_sn": number, "med_chrgitm_type": category, "inscp_scp_amt": "40.00"}


ADMISSION = _sent(
    "2401",
    {
        "mdtrtinfo": {"psn_no": PERSON, "begntime": "2026-11-01 08:20:00", "adm_bed": "12"},
        "diseinfo": [{"diag_type": "1", "maindiag_flag": "1", "diag_srt_no": "1", "diag_code": "K29.500"}],
    },
    {"result": {"mdtrt_id": "M0001"}},
    "2026-11-01 08:30:00",
)
LINES = _sent("2301", {"feedetail": [_line("1")]}, {"result": [_answer("1", "01")]}, "2026-11-02 07:00:00")
SETTLEMENT = _sent(
    "2304",
    {"data": {"psn_no": PERSON, "mdtrt_id": "M0001", "medfee_sumamt": "2000.00", "mid_setl_flag": "0"}},
    {
        "setlinfo": {
            "mdtrt_id": "M0001",
            "setl_id": "S0001",
            "psn_no": PERSON,
            "setl_time": "2026-11-05 10:00:01",
            "medfee_sumamt": "2000.00",
            "hifp_pay": "1160.00",
            "fund_pay_sumamt": "1160.00",
        },
        "setldetail": [{"fund_pay_type": "310100", "fund_payamt": "1160.00"}],
    },
    "2026-11-05 10:00:00",
)
PURCHASE = _sent(
    "2102",
    {
        "druginfo": {
            "psn_no": PERSON,
            "begntime": "2026-11-03 12:00:00",
            "medfee_sumamt": "60.00",
            "acct_used_flag": "2",
        },
        "drugdetail": [
            {
                "feedetl_sn": "1",
                "fee_ocur_time": "2026-11-03 12:00:00",
                "det_item_fee_sumamt": "60.00",
                "cnt": "2",
                "pric": "30.000000",
                "durg_trac_info": [
                    {"feedetl_sn": "1", "drug_trac_codg": "81000010000000000001", "trdn_flag": "0"},
                    {"feedetl_sn": "1", "drug_trac_codg": "81000010000000000002", "trdn_flag": "0"},
                ],
            }
        ],
    },
    {
        "setlinfo": {
            "setl_id": "S0002",
            "mdtrt_id": "M0002",
            "medfee_sumamt": "60.00",
            "fund_pay_sumamt": "0",
            "acct_pay": "60.00",
            "acct_mulaid_pay": "60.00",
            "psn_cash_pay": "0",
        }
    },
    "2026-11-03 12:00:00",
    "P99010100002",
)


def _tables(*messages: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    result = decode(lines(*messages), source="log", first_line=1, first_seq=0, key=KEY)
    assert result.rejects == []
    return {name: table.to_pylist() for name, table in result.tables.items()}


def test_the_visit_of_a_stay_is_named_by_the_answer_to_the_admission() -> None:
    tables = _tables(ADMISSION)
    assert tables["admission"][0]["mdtrt_id"] == "M0001"
    assert tables["diagnosis"][0]["mdtrt_id"] == "M0001"


def test_the_category_of_a_charge_stands_only_in_the_answer() -> None:
    assert _tables(LINES)["fee_line"][0]["med_chrgitm_type"] == "01"


def test_charges_and_answers_are_joined_by_number_not_by_place() -> None:
    message = _sent(
        "2301",
        {"feedetail": [_line("1"), _line("2"), _line("3")]},
        {"result": [_answer("3", "03"), _answer("1", "01")]},
        "2026-11-02 07:00:00",
    )
    found = {row["feedetl_sn"]: row["med_chrgitm_type"] for row in _tables(LINES, message)["fee_line"][1:]}
    assert found == {"1": "01", "2": None, "3": "03"}


def test_a_number_in_the_charge_and_a_text_in_the_answer_are_the_same_number() -> None:
    message = _sent(
        "2204",
        {"feedetail": [_line(7)]},
        {"result": [_answer("7", "09")]},
        "2026-11-02 07:00:00",
    )
    assert _tables(message)["fee_line"][0]["med_chrgitm_type"] == "09"


def test_a_refund_is_a_line_with_negative_count_that_names_what_it_refunds() -> None:
    refund = _line("2", cnt="-1", det_item_fee_sumamt="-40.00", init_feedetl_sn="1")
    row = _tables(_sent("2301", {"feedetail": [refund]}, {"result": []}, "2026-11-02 08:00:00"))["fee_line"][
        0
    ]
    assert (row["cnt"], row["det_item_fee_sumamt"], row["init_feedetl_sn"]) == (
        Decimal(-1),
        Decimal("-40.00"),
        "1",
    )


def test_a_purchase_takes_its_visit_and_settlement_from_the_answer_and_its_person_from_the_question() -> None:
    tables = _tables(PURCHASE)
    line = tables["fee_line"][0]
    assert (line["mdtrt_id"], line["setl_id"], line["psn_no"]) == ("M0002", "S0002", PERSON)
    assert [row["drug_trac_codg"][-1] for row in tables["trace_scan"]] == ["1", "2"]
    assert tables["settlement"][0]["begntime"] == at("2026-11-03 12:00")


def test_a_settlement_without_time_was_settled_when_the_platform_saw_it() -> None:
    row = _tables(PURCHASE)["settlement"][0]
    assert (row["setl_time"], row["setl_time_is_date"]) == (at("2026-11-03 12:00"), False)


def test_an_amount_left_out_is_nothing_where_its_neighbours_are_stated_and_unknown_where_none_is() -> None:
    stay, purchase = (_tables(message)["settlement"][0] for message in (SETTLEMENT, PURCHASE))
    assert (stay["hifp_pay"], stay["maf_pay"], stay["hifdm_pay"]) == (
        Decimal("1160.00"),
        Decimal(0),
        Decimal(0),
    )
    assert (stay["inscp_scp_amt"], stay["acct_pay"]) == (None, None)
    assert (purchase["hifp_pay"], purchase["maf_pay"]) == (None, None)
    assert (purchase["acct_pay"], purchase["psn_cash_pay"]) == (Decimal("60.00"), Decimal(0))


def test_the_amounts_of_a_settlement_are_not_those_of_its_lines_or_funds() -> None:
    line = _tables(PURCHASE)["fee_line"][0]
    assert (line["inscp_scp_amt"], line["med_chrgitm_type"]) == (None, None)
    assert _tables(SETTLEMENT)["fund_item"][0]["inscp_scp_amt"] is None
