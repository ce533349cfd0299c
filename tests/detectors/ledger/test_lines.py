"""Fee lines: repeats, withdrawals, coverage and refunds."""

from decimal import Decimal
from typing import Any

import pytest

from tests.detectors.ledger.log import Message, at, build, say


def line(msgid: str, hour: float, sn: str = "1", **more: Any) -> Message:
    return say("2301", msgid, hour, feedetl_sn=sn, **more)


def batch(msgid: str, hour: float, sn: str, chrg_bchno: str, **more: Any) -> Message:
    return say("2204", msgid, hour, feedetl_sn=sn, chrg_bchno=chrg_bchno, **more)


def test_a_repeated_number_of_a_visit_is_the_later_line() -> None:
    found = build([line("l2", 2, cnt=7), line("l1", 1, cnt=3)])
    assert found.rows("fee_line", "msgid", "cnt") == [("l2", 7)]
    assert found.rows("fee_line_all", "msgid", "ended_by", "ended_time") == [
        ("l1", "l2", at(2)),
        ("l2", None, None),
    ]


def test_a_number_repeated_inside_one_message_is_its_last_row() -> None:
    found = build([say("2301", "l", 1, {"feedetl_sn": "1", "cnt": 1}, {"feedetl_sn": "1", "cnt": 2})])
    assert found.values("fee_line", "cnt") == [2]


def test_the_same_number_of_another_visit_is_another_line() -> None:
    assert len(build([line("l1", 1), line("l2", 2, mdtrt_id="M2")]).rows("fee_line")) == 2


class TestWithdrawal:
    def test_by_number_removes_the_line_before_it(self) -> None:
        found = build([line("l1", 1), line("l2", 1, "2"), say("2302", "w", 2, feedetl_sn="1")])
        assert found.values("fee_line", "feedetl_sn") == ["2"]
        assert ("1", "w", at(2)) in found.rows("fee_line_all", "feedetl_sn", "ended_by", "ended_time")

    def test_a_corrected_line_uploaded_afterwards_stands(self) -> None:
        found = build([line("l1", 1, cnt=3), say("2302", "w", 2, feedetl_sn="1"), line("l2", 3, cnt=2)])
        assert found.rows("fee_line", "msgid", "cnt") == [("l2", 2)]
        assert found.rows("fee_line_all", "msgid", "ended_by") == [("l1", "w"), ("l2", None)]

    def test_one_message_may_withdraw_several_lines(self) -> None:
        found = build(
            [line("l1", 1), line("l2", 1, "2"), say("2302", "w", 2, {"feedetl_sn": "1"}, {"feedetl_sn": "2"})]
        )
        assert found.rows("fee_line") == []

    def test_by_batch_removes_the_batch(self) -> None:
        found = build(
            [batch("l1", 1, "1", "A"), batch("l2", 1, "2", "B"), say("2205", "w", 2, chrg_bchno="A")]
        )
        assert found.values("fee_line", "feedetl_sn") == ["2"]

    @pytest.mark.parametrize("stranger", [{"psn_no": "P2"}, {"fixmedins_code": "H2"}, {"mdtrt_id": "M2"}])
    def test_one_that_does_not_agree_with_the_line_is_unmatched(self, stranger: dict[str, str]) -> None:
        found = build([line("l1", 1), say("2302", "w", 2, feedetl_sn="1", **stranger)])
        assert found.values("fee_line", "feedetl_sn") == ["1"]
        assert found.one("cancellation", "matched") is False

    def test_one_before_the_line_is_unmatched(self) -> None:
        found = build([line("l1", 3), say("2302", "w", 2, feedetl_sn="1")])
        assert found.values("fee_line", "feedetl_sn") == ["1"]
        assert found.one("cancellation", "matched") is False


class TestWithdrawalOfEverything:
    WIPE = say("2302", "w", 8, feedetl_sn="0000")

    def test_removes_all_unsettled_lines_before_it_and_none_after(self) -> None:
        found = build([line("l1", 1), line("l2", 2, "2"), self.WIPE, line("l3", 9, "3")])
        assert found.values("fee_line", "feedetl_sn") == ["3"]

    def test_spares_what_an_active_settlement_covers(self) -> None:
        found = build([line("l1", 1), say("2304", "s", 3, setl_id="S1"), line("l2", 5, "2"), self.WIPE])
        assert found.rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1")]

    def test_takes_what_a_settlement_covered_that_was_cancelled_before(self) -> None:
        log = [line("l1", 1), say("2304", "s", 3, setl_id="S1"), say("2305", "x", 6, setl_id="S1"), self.WIPE]
        assert build(log).rows("fee_line") == []

    def test_spares_what_a_settlement_covered_that_was_cancelled_afterwards(self) -> None:
        log = [line("l1", 1), say("2304", "s", 3, setl_id="S1"), say("2305", "x", 9, setl_id="S1"), self.WIPE]
        assert build(log).rows("fee_line", "feedetl_sn", "setl_id") == [("1", None)]

    def test_a_reversed_settlement_never_covered_anything(self) -> None:
        log = [
            line("l1", 1),
            say("2304", "s", 3, setl_id="S1"),
            say("2601", "x", 9, omsgid="s", oinfno="2304"),
            self.WIPE,
        ]
        assert build(log).rows("fee_line") == []

    def test_a_settlement_after_it_covers_nothing_yet(self) -> None:
        assert build([line("l1", 1), self.WIPE, say("2304", "s", 9, setl_id="S1")]).rows("fee_line") == []

    def test_of_an_outpatient_visit_spares_the_settled_batches(self) -> None:
        log = [
            batch("l1", 1, "1", "A"),
            batch("l2", 1, "2", "B"),
            say("2207", "s", 3, setl_id="S1", chrg_bchno="A"),
            say("2205", "w", 8, chrg_bchno="0000"),
        ]
        assert build(log).rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1")]

    def test_is_matched_even_where_every_line_is_spared(self) -> None:
        found = build([line("l1", 1), say("2304", "s", 3, setl_id="S1"), self.WIPE])
        assert found.one("cancellation", "matched") is True

    @pytest.mark.parametrize("hour", [7, 9])
    def test_a_named_withdrawal_beside_it_takes_even_a_settled_line(self, hour: float) -> None:
        log = [
            line("l1", 1),
            say("2304", "s", 3, setl_id="S1"),
            self.WIPE,
            say("2302", "n", hour, feedetl_sn="1"),
        ]
        assert build(log).rows("fee_line") == []


class TestCoverage:
    def test_a_stay_settlement_covers_earlier_lines_only(self) -> None:
        found = build([line("l1", 1), say("2304", "s", 3, setl_id="S1"), line("l2", 5, "2")])
        assert found.rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1"), ("2", None)]

    def test_of_several_settlements_the_first_after_the_line_covers_it(self) -> None:
        log = [
            line("l1", 1),
            say("2304", "s1", 3, setl_id="S1", mid_setl_flag="1"),
            line("l2", 5, "2"),
            say("2304", "s2", 7, setl_id="S2"),
            line("l3", 8, "3"),
        ]
        found = build(log)
        assert found.rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1"), ("2", "S2"), ("3", None)]
        assert found.rows("visit", "settled", "mid_settled") == [(True, True)]

    def test_when_the_first_is_cancelled_the_next_covers_its_lines(self) -> None:
        log = [line("l1", 1), say("2304", "s1", 3, setl_id="S1"), say("2304", "s2", 7, setl_id="S2")]
        assert build([*log, say("2305", "x", 9, setl_id="S1")]).values("fee_line", "setl_id") == ["S2"]

    def test_an_outpatient_settlement_covers_its_batch(self) -> None:
        log = [
            batch("l1", 1, "1", "A"),
            batch("l2", 1, "2", "B"),
            batch("l3", 1, "3", "C"),
            say("2207", "s1", 3, setl_id="S1", chrg_bchno="A"),
            say("2207", "s2", 4, setl_id="S2", chrg_bchno="B"),
        ]
        assert build(log).rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1"), ("2", "S2"), ("3", None)]

    def test_a_single_outpatient_settlement_covers_only_its_batch(self) -> None:
        log = [
            batch("l1", 1, "1", "A"),
            batch("l2", 1, "2", "B"),
            say("2207", "s1", 3, setl_id="S1", chrg_bchno="A"),
        ]
        assert build(log).rows("fee_line", "feedetl_sn", "setl_id") == [("1", "S1"), ("2", None)]

    def test_plain_and_special_visits_are_covered_alike(self) -> None:
        plain = [line("l1", 1), say("2304", "s", 3, setl_id="S1"), line("l2", 5, "2")]
        special = [*plain, line("z", 6, "9"), say("2302", "w", 7, feedetl_sn="9")]
        columns = ("feedetl_sn", "setl_id", "cnt", "det_item_fee_sumamt", "refunded", "upload_time")
        assert build(plain).rows("fee_line", *columns) == build(special).rows("fee_line", *columns)


def refund(msgid: str, hour: float, sn: str, cnt: int, amount: float, **more: Any) -> Message:
    return line(msgid, hour, sn, cnt=cnt, det_item_fee_sumamt=amount, inscp_scp_amt=amount, **more)


class TestRefund:
    NET = ("feedetl_sn", "cnt", "det_item_fee_sumamt", "inscp_scp_amt", "refunded", "refund_msgids")

    def test_reduces_the_line_it_names(self) -> None:
        log = [
            refund("l1", 1, "1", 3, 30),
            refund("l2", 1, "2", 3, 30),
            refund("r", 2, "9", -1, -10, init_feedetl_sn="2"),
        ]
        found = build(log)
        assert found.rows("fee_line", *self.NET) == [
            ("1", 3, 30, 30, False, None),
            ("2", 2, 20, 20, True, ["r"]),
        ]

    def test_is_no_line_itself_but_stays_on_record(self) -> None:
        found = build([refund("l1", 1, "1", 3, 30), refund("r", 2, "9", -1, -10, init_feedetl_sn="1")])
        assert found.values("fee_line", "feedetl_sn") == ["1"]
        assert found.rows("fee_line_all", "feedetl_sn", "cnt", "init_feedetl_sn") == [
            ("1", 3, None),
            ("9", -1, "1"),
        ]

    def test_of_everything_leaves_no_line(self) -> None:
        assert (
            build([refund("l1", 1, "1", 3, 30), refund("r", 2, "9", -3, -30, init_feedetl_sn="1")]).rows(
                "fee_line"
            )
            == []
        )

    def test_of_a_line_that_does_not_stand_reduces_no_other(self) -> None:
        log = [
            refund("l1", 1, "1", 3, 30),
            refund("l2", 1, "2", 3, 30),
            refund("r", 2, "9", -1, -10, init_feedetl_sn="2"),
        ]
        found = build([*log, say("2302", "w", 3, feedetl_sn="2")])
        assert found.rows("fee_line", *self.NET) == [("1", 3, 30, 30, False, None)]

    def test_without_a_name_takes_from_lines_of_the_same_code_and_day_in_order(self) -> None:
        log = [
            refund("l3", 3, "3", 5, 50),
            refund("l2", 2, "2", 2, 20),
            refund("l1", 1, "1", 2, 20),
            refund("r", 4, "9", -3, -30),
        ]
        assert build(log).rows("fee_line", *self.NET) == [
            ("2", 1, 10, 10, True, ["r"]),
            ("3", 5, 50, 50, False, None),
        ]

    def test_several_refunds_take_one_after_the_other(self) -> None:
        log = [
            refund("l1", 1, "1", 2, 20),
            refund("l2", 2, "2", 3, 30),
            refund("r2", 5, "8", -1, -10),
            refund("r1", 4, "9", -3, -30),
        ]
        assert build(log).rows("fee_line", *self.NET) == [("2", 1, 10, 10, True, ["r1", "r2"])]

    def test_named_refunds_come_before_those_without_a_name(self) -> None:
        log = [
            refund("l1", 1, "1", 2, 20),
            refund("l2", 2, "2", 2, 20),
            refund("r1", 3, "8", -1, -10),
            refund("r2", 4, "9", -2, -20, init_feedetl_sn="1"),
        ]
        assert build(log).rows("fee_line", *self.NET) == [("2", 1, 10, 10, True, ["r1"])]

    @pytest.mark.parametrize("other", [{"med_list_codg": "B"}, {"fee_ocur_time": at(25)}, {"mdtrt_id": "M2"}])
    def test_without_a_name_another_code_day_or_visit_is_left_alone(self, other: dict[str, Any]) -> None:
        found = build([refund("l1", 1, "1", 2, 20), refund("r", 2, "9", -1, -10, **other)])
        assert found.rows("fee_line", *self.NET) == [("1", 2, 20, 20, False, None)]

    def test_cents_split_between_lines_add_up(self) -> None:
        log = [
            *(refund(f"l{n}", n, str(n), 2, 10) for n in (1, 2, 3)),
            refund("r", 5, "9", -3, -10),
        ]
        found = build(log)
        assert found.rows("fee_line", "feedetl_sn", "cnt", "det_item_fee_sumamt") == [
            ("2", 1, Decimal("6.66")),  # two thirds of ten went with the first line, the rest is taken here
            ("3", 2, 10),
        ]

    def test_a_missing_amount_stays_missing(self) -> None:
        log = [
            line("l1", 1, "1", cnt=2, det_item_fee_sumamt=20, inscp_scp_amt=None),
            refund("r", 2, "9", -1, -10, init_feedetl_sn="1"),
        ]
        assert build(log).rows("fee_line", "det_item_fee_sumamt", "inscp_scp_amt") == [(10, None)]

    def test_a_withdrawn_refund_takes_nothing(self) -> None:
        log = [refund("l1", 1, "1", 3, 30), refund("r", 2, "9", -1, -10, init_feedetl_sn="1")]
        assert build([*log, say("2302", "w", 3, feedetl_sn="9")]).rows("fee_line", *self.NET) == [
            ("1", 3, 30, 30, False, None)
        ]
