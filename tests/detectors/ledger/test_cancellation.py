"""A cancellation means the log without its target, wherever it stands."""

from typing import Any

import pytest

from tests.detectors.ledger.log import Ledger, Message, at, build, say

SETTLED: dict[str, tuple[Message, str]] = {
    "2103": (say("2102", "s", 5, {"into": "settlement", "setl_id": "S1", "begntime": at(5)}), "2102"),
    "2208": (say("2207", "s", 5, setl_id="S1", chrg_bchno="B1"), "2207"),
    "2305": (say("2304", "s", 5, setl_id="S1"), "2304"),
}


@pytest.mark.parametrize("hour", [1, 9])
@pytest.mark.parametrize("kind", SETTLED)
def test_a_cancelled_settlement_is_gone_whether_the_cancellation_stands_before_or_after_it(
    kind: str, hour: float
) -> None:
    found = build([SETTLED[kind][0], say(kind, "x", hour, setl_id="S1")])
    assert found.rows("settlement") == []
    assert found.rows("settlement_all", "setl_id", "ended_by", "ended_time") == [("S1", "x", at(hour))]
    assert found.one("cancellation", "matched") is True


@pytest.mark.parametrize("stranger", [{"psn_no": "P2"}, {"fixmedins_code": "H2"}, {"setl_id": "S2"}])
@pytest.mark.parametrize("kind", SETTLED)
def test_a_cancellation_that_does_not_agree_with_its_target_is_unmatched_and_changes_nothing(
    kind: str, stranger: dict[str, str]
) -> None:
    found = build([SETTLED[kind][0], say(kind, "x", 9, **({"setl_id": "S1"} | stranger))])
    assert found.values("settlement", "setl_id") == ["S1"]
    assert found.one("cancellation", "matched") is False


@pytest.mark.parametrize(("kind", "target"), [("2103", "2305"), ("2208", "2103"), ("2305", "2208")])
def test_a_cancellation_reaches_only_settlements_of_its_own_kind(kind: str, target: str) -> None:
    found = build([SETTLED[target][0], say(kind, "x", 9, setl_id="S1")])
    assert found.values("settlement", "setl_id") == ["S1"]
    assert found.one("cancellation", "matched") is False


def test_lines_of_a_cancelled_stay_settlement_stand_again_as_unsettled() -> None:
    found = build(
        [say("2301", "l", 1, feedetl_sn="1"), SETTLED["2305"][0], say("2305", "x", 9, setl_id="S1")]
    )
    assert found.rows("fee_line", "feedetl_sn", "setl_id") == [("1", None)]


def test_what_a_settlement_carried_goes_with_it() -> None:
    settled = say(
        "2304", "s", 5, {"setl_id": "S1"}, {"into": "fund_item", "setl_id": "S1", "fund_payamt": 100}
    )
    listed = say(
        "4101",
        "f",
        7,
        {"setl_id": "S1", "adm_way": "1"},
        {"into": "operation", "setl_id": "S1"},
        {"into": "icu_stay", "setl_id": "S1"},
        {"into": "diagnosis", "setl_id": "S1", "diag_code": "K29"},
    )
    tables = ("fund_item", "settlement_list", "operation", "icu_stay", "diagnosis")
    standing = build([settled, listed], tables=tables)
    cancelled = build([settled, listed, say("2305", "x", 9, setl_id="S1")], tables=tables)
    assert [len(standing.rows(table)) for table in tables] == [1, 1, 1, 1, 1]
    assert [len(cancelled.rows(table)) for table in tables] == [0, 0, 0, 0, 0]


SALE = say(
    "2102",
    "s",
    5,
    {"setl_id": "S1", "begntime": at(5)},
    {"into": "fee_line", "setl_id": "S1", "feedetl_sn": "1"},
    {"into": "trace_scan", "setl_id": "S1", "feedetl_sn": "1", "drug_trac_codg": "C1", "move": "sale"},
)


def test_a_pharmacy_sale_has_a_visit_lines_and_codes() -> None:
    found = build([SALE])
    assert found.rows("visit", "mdtrt_id", "kind", "begntime", "adm_msgid") == [
        ("M1", "pharmacy", at(5), "s")
    ]
    assert found.rows("fee_line", "setl_id", "kind") == [("S1", "2102")]
    assert found.values("trace_scan", "drug_trac_codg") == ["C1"]


@pytest.mark.parametrize(
    "cancellation",
    [say("2103", "x", 9, setl_id="S1"), say("2601", "x", 9, omsgid="s", oinfno="2102", mdtrt_id=None)],
)
def test_cancelling_a_pharmacy_sale_takes_lines_codes_and_visit_with_it(cancellation: Message) -> None:
    tables = ("visit", "fee_line", "trace_scan", "settlement", "fee_line_all")
    found = build([SALE, cancellation], tables=tables)
    assert [found.rows(table) for table in tables[:4]] == [[], [], [], []]
    assert found.rows("fee_line_all", "feedetl_sn", "ended_by") == [("1", "x")]


def test_a_sale_reported_to_stock_goes_with_the_settlement_it_names_and_no_other() -> None:
    def stock(msgid: str, setl_id: str | None) -> Message:
        scan = {
            "into": "trace_scan",
            "setl_id": setl_id,
            "drug_trac_codg": f"C-{msgid}",
            "move": "sale",
            "mdtrt_id": None,
        }
        return say("3505A", msgid, 6, {"setl_id": setl_id}, scan)

    log = [
        SALE,
        stock("named", "S1"),
        stock("other", "S9"),
        stock("none", None),
        say("2103", "x", 9, setl_id="S1"),
    ]
    found = build(log)
    assert found.values("stock_move", "msgid") == ["none", "other"]
    assert found.values("trace_scan", "drug_trac_codg") == ["C-none", "C-other"]


def test_a_sale_reported_without_a_settlement_goes_with_the_purchase_whose_visit_it_names() -> None:
    def stock(msgid: str, visit: str) -> Message:
        scan = {
            "into": "trace_scan",
            "setl_id": None,
            "drug_trac_codg": f"C-{msgid}",
            "move": "sale",
            "mdtrt_id": visit,
        }
        return say("3505A", msgid, 6, {"setl_id": None, "mdtrt_sn": visit}, scan)

    log = [SALE, stock("same", "M1"), stock("own", "17")]
    assert build(log).values("trace_scan", "drug_trac_codg") == ["C-own", "C-same", "C1"]
    cancelled = build([*log, say("2103", "x", 9, setl_id="S1")])
    assert cancelled.values("stock_move", "msgid") == ["own"]
    assert cancelled.values("trace_scan", "drug_trac_codg") == ["C-own"]


def whole_stay() -> list[Message]:
    return [
        say("2401", "a", 0, {"adm_bed": "1"}, {"into": "diagnosis", "diag_srt_no": 1, "diag_code": "K29"}),
        say("2403", "c", 1, adm_bed="2"),
        say("2301", "l", 2, feedetl_sn="1"),
        say("4402A", "o", 3, medcas_drord_detl_id="O1"),
        say("4501", "r", 3, rpotc_no="R1", report="examination"),
        say("4602", "v", 3),
        say("9601", "p", 3),
        say("2304", "s", 5, {"setl_id": "S1"}, {"into": "fund_item", "setl_id": "S1"}),
        say("2402", "d", 6, dscg_way="5"),
        say("4101", "f", 7, setl_id="S1"),
    ]


STAY_TABLES = (
    "visit", "bed_stay", "diagnosis", "fee_line", "settlement", "fund_item", "settlement_list", "medical_order", "report",
    "vital_sign", "presence", "death", "quiet_spell",
)  # fmt: skip


@pytest.mark.parametrize("hour", [-1, 9])
@pytest.mark.parametrize("kind", ["2404", "2601"])
def test_a_cancelled_admission_removes_the_visit_altogether(kind: str, hour: float) -> None:
    back = (
        say("2404", "x", hour)
        if kind == "2404"
        else say("2601", "x", hour, omsgid="a", oinfno="2401", mdtrt_id=None)
    )
    standing = build(whole_stay(), tables=STAY_TABLES)
    cancelled = build([*whole_stay(), back], tables=[*STAY_TABLES, "settlement_all", "fee_line_all"])
    assert all(standing.rows(table) for table in STAY_TABLES)
    assert {table: cancelled.rows(table) for table in STAY_TABLES} == {table: [] for table in STAY_TABLES}
    assert cancelled.rows("settlement_all", "ended_by") == [("x",)]
    assert cancelled.rows("fee_line_all", "ended_by") == [("x",)]


def test_a_cancelled_registration_removes_the_visit_altogether() -> None:
    log = [
        say("2201", "r", 0),
        say("2203", "o", 1, {"med_type": "11"}, {"into": "diagnosis", "diag_srt_no": 1}),
        say("2204", "l", 2, feedetl_sn="1", chrg_bchno="B"),
        say("2207", "s", 3, setl_id="S1", chrg_bchno="B"),
        say("2202", "x", 4),
    ]
    tables = ("visit", "fee_line", "settlement", "diagnosis", "presence")
    found = build(log, tables=tables)
    assert [found.rows(table) for table in tables] == [[], [], [], [], []]


def test_an_admission_is_not_cancelled_by_another_hospital() -> None:
    found = build([say("2401", "a", 0), say("2404", "x", 1, fixmedins_code="H2")])
    assert found.values("visit", "mdtrt_id") == ["M1"]
    assert found.one("cancellation", "matched") is False


class TestDischarge:
    def stay(self, *then: Message) -> Ledger:
        return build([say("2401", "a", 0), *then])

    def test_the_last_discharge_holds(self) -> None:
        found = self.stay(say("2402", "d2", 9, endtime=at(8)), say("2402", "d1", 5))
        assert found.rows("visit", "dscg_time", "dscg_msgid") == [(at(8), "d2")]

    def test_a_discharge_taken_back_makes_the_stay_open(self) -> None:
        found = self.stay(say("2402", "d", 5), say("2405", "x", 6))
        assert found.rows("visit", "dscg_time", "dscg_msgid", "msgids") == [(None, None, ["a"])]
        assert found.values("bed_stay", "open") == [True]

    def test_taking_back_removes_every_discharge_before_it(self) -> None:
        found = self.stay(say("2402", "d1", 5), say("2402", "d2", 5.5), say("2405", "x", 6))
        assert found.one("visit", "dscg_time") is None

    def test_a_discharge_after_it_stands(self) -> None:
        found = self.stay(say("2402", "d1", 5), say("2405", "x", 6), say("2402", "d2", 7))
        assert found.one("visit", "dscg_msgid") == "d2"

    @pytest.mark.parametrize(("discharge", "stands"), [("d", False), ("z", True)])
    def test_at_the_same_moment_the_msgid_decides(self, discharge: str, stands: bool) -> None:
        found = self.stay(say("2402", discharge, 6), say("2405", "x", 6))
        assert (found.one("visit", "dscg_msgid") is not None) is stands

    def test_one_that_names_no_earlier_discharge_is_unmatched(self) -> None:
        found = self.stay(say("2405", "x", 6), say("2402", "d", 7))
        assert found.one("cancellation", "matched") is False
        assert found.one("visit", "dscg_msgid") == "d"


class TestReversal:
    def reversed(self, **named: Any) -> Ledger:
        log = [
            say("2304", "s", 5, setl_id="S1"),
            say("2402", "d", 6),
            say("2601", "y", 7, omsgid="s", oinfno="2304"),
        ]
        return build([*log, say("2601", "x", 8, **({"mdtrt_id": None} | named))] if named else log)

    def test_a_reversed_settlement_is_gone(self) -> None:
        found = self.reversed()
        assert found.rows("settlement") == []
        assert found.rows("settlement_all", "ended_by") == [("y",)]

    def test_a_reversal_of_a_reversal_is_ignored_and_unmatched(self) -> None:
        found = self.reversed(omsgid="y", oinfno="2601")
        assert found.rows("settlement") == []
        assert found.rows("cancellation", "msgid", "matched") == [("x", False), ("y", True)]

    def test_only_four_kinds_can_be_reversed(self) -> None:
        found = self.reversed(omsgid="d", oinfno="2402")
        assert found.one("visit", "dscg_msgid") == "d"
        assert ("x", False) in found.rows("cancellation", "msgid", "matched")

    @pytest.mark.parametrize(
        "wrong", [{"oinfno": "2207"}, {"omsgid": "t"}, {"psn_no": "P2"}, {"fixmedins_code": "H2"}]
    )
    def test_a_reversal_must_name_kind_msgid_person_and_institution_rightly(
        self, wrong: dict[str, str]
    ) -> None:
        log = [
            say("2304", "s", 5, setl_id="S1"),
            say("2601", "x", 8, **({"omsgid": "s", "oinfno": "2304"} | wrong)),
        ]
        found = build(log)
        assert found.values("settlement", "setl_id") == ["S1"]
        assert found.one("cancellation", "matched") is False


def test_a_settlement_said_again_replaces_the_earlier_one() -> None:
    found = build([say("2304", "s2", 6, setl_id="S1", fund_pay_sumamt=7), say("2304", "s1", 5, setl_id="S1")])
    assert found.rows("settlement", "msgid", "fund_pay_sumamt") == [("s2", 7)]
    assert found.rows("settlement_all", "msgid", "ended_by") == [("s1", "s2"), ("s2", None)]


def test_a_reversed_repetition_leaves_the_earlier_settlement_standing() -> None:
    log = [say("2304", "s1", 5, setl_id="S1"), say("2304", "s2", 6, setl_id="S1")]
    found = build([*log, say("2601", "x", 7, omsgid="s2", oinfno="2304")])
    assert found.rows("settlement", "msgid") == [("s1",)]


def test_of_two_cancellations_the_earlier_one_ended_it() -> None:
    found = build(
        [SETTLED["2305"][0], say("2305", "x2", 9, setl_id="S1"), say("2305", "x1", 8, setl_id="S1")]
    )
    assert found.rows("settlement_all", "ended_by", "ended_time") == [("x1", at(8))]
