"""Orders, reports, vital signs, presence, settlement lists, and what an institution sent."""

import pytest

from tests.detectors.ledger.log import Message, at, build, say


def test_the_last_word_on_an_order_holds() -> None:
    log = [
        say("4402A", "o2", 2, medcas_drord_detl_id="1", drord_type="2"),
        say(
            "4402A",
            "o1",
            1,
            {"medcas_drord_detl_id": "1", "drord_type": "1"},
            {"medcas_drord_detl_id": "2", "drord_type": "1"},
        ),
    ]
    assert build(log).rows("medical_order", "medcas_drord_detl_id", "drord_type", "msgid") == [
        ("1", "2", "o2"),
        ("2", "1", "o1"),
    ]


def test_an_order_is_withdrawn_by_vali_flag_0_and_may_be_given_again() -> None:
    given, withdrawn, again = (
        say("4402A", f"o{n}", n, medcas_drord_detl_id="1", vali_flag=flag)
        for n, flag in ((1, "1"), (2, "0"), (3, "1"))
    )
    assert build([given, withdrawn]).rows("medical_order") == []
    assert build([again, withdrawn, given]).values("medical_order", "msgid") == ["o3"]


class TestReport:
    def report(self, msgid: str, hour: float, *items: str, kind: str = "4501", **more: str) -> Message:
        name = "examination" if kind == "4501" else "laboratory"
        return say(
            kind,
            msgid,
            hour,
            *({"rpotc_no": "R1", "report": name, "exam_item_code": i} | more for i in items),
        )

    def test_the_last_message_of_a_number_holds_as_a_whole(self) -> None:
        found = build([self.report("r1", 1, "A", "B"), self.report("r2", 2, "C")])
        assert found.rows("report", "exam_item_code", "msgid") == [("C", "r2")]

    def test_its_items_stand_together(self) -> None:
        assert build([self.report("r1", 1, "A", "B")]).values("report", "exam_item_code") == ["A", "B"]

    def test_another_institution_numbers_for_itself(self) -> None:
        found = build([self.report("r1", 1, "A"), self.report("r2", 2, "C", fixmedins_code="H2")])
        assert len(found.rows("report")) == 2

    def test_the_laboratory_numbers_for_itself(self) -> None:
        assert (
            len(build([self.report("r1", 1, "A"), self.report("r2", 2, "C", kind="4502")]).rows("report"))
            == 2
        )

    def test_vali_flag_0_withdraws_it(self) -> None:
        assert (
            build([self.report("r1", 1, "A", "B"), self.report("r2", 2, "A", vali_flag="0")]).rows("report")
            == []
        )


def test_vital_signs_are_withdrawn_by_vali_flag_0_for_the_same_moment() -> None:
    log = [say("4602", "v1", 1), say("4602", "v2", 2), say("4602", "v3", 3, rcd_time=at(1), vali_flag="0")]
    assert build(log).values("vital_sign", "msgid") == ["v2"]


class TestPresence:
    def test_checks_and_begins_are_presence(self) -> None:
        log = [
            say("2401", "a", 0),
            say("9601", "p", 1, recog_biz="10"),
            say("9604", "q", 2, checked_at=at(1.5)),
            say("2201", "r", 3, mdtrt_id="M2"),
            say("2203", "o", 4, mdtrt_id="M2"),
        ]
        assert build(log).rows("presence", "kind", "seen_at", "msgid", "online") == [
            ("2201", at(3), "r", False),
            ("2203", at(4), "o", False),
            ("2401", at(0), "a", False),
            ("9601", at(1), "p", False),
            ("9604", at(1.5), "q", False),
        ]

    def test_a_2203_that_only_repeats_the_time_of_its_registration_is_no_second_sighting(self) -> None:
        log = [say("2201", "r", 3), say("2203", "o", 4, begntime=at(3))]
        assert build(log).values("presence", "kind") == ["2201"]

    @pytest.mark.parametrize(
        "message",
        [
            say("2201", "m", 1, opter_type="3"),
            say("2203", "m", 1, opter_type="3"),
            say("9601", "m", 1, sent_by="3"),
        ],
    )
    def test_what_is_done_on_the_own_phone_is_online(self, message: Message) -> None:
        assert build([message]).one("presence", "online") is True


class TestSettlementList:
    def test_the_last_of_a_settlement_holds(self) -> None:
        log = [
            say("2304", "s", 1, setl_id="S1"),
            say("4101", "f2", 3, setl_id="S1", bill_no="2"),
            say("4101", "f1", 2, setl_id="S1"),
        ]
        assert build(log).rows("settlement_list", "msgid", "bill_no", "upload_time") == [("f2", "2", at(3))]

    def test_what_it_leaves_out_of_its_identity_the_settlement_says(self) -> None:
        listed = say("4101", "f", 3, setl_id="S1", mdtrt_id=None, psn_no=None, fixmedins_code=None)
        assert build([say("2304", "s", 1, setl_id="S1"), listed]).rows(
            "settlement_list", "mdtrt_id", "psn_no", "fixmedins_code"
        ) == [("M1", "P1", "H1")]

    def test_of_an_unknown_settlement_is_none(self) -> None:
        assert build([say("4101", "f", 3, setl_id="S9")]).rows("settlement_list") == []


class TestQuietSpell:
    def test_lies_between_messages_of_one_institution_twelve_hours_apart(self) -> None:
        log = [
            say("2401", "a", 0.1),
            say("2301", "l", 12, feedetl_sn="1"),
            say("2301", "k", 24, feedetl_sn="2"),
            say("2301", "n", 35.9, feedetl_sn="3"),
            say("2402", "d", 77.5),
            say("2401", "b", 30, mdtrt_id="M2", fixmedins_code="H2"),
        ]
        assert build(log).rows("quiet_spell", "fixmedins_code", "from_time", "until_time") == [
            ("H1", at(12), at(24)),
            ("H1", at(35.9), at(77.5)),
            ("H1", at(77.5), None),
            ("H2", at(30), None),
        ]

    @pytest.mark.parametrize(
        "pair",
        [
            [say("2402", "d", 1), say("2405", "x", 2)],
            [say("2304", "s", 1, setl_id="S1"), say("2305", "x", 2, setl_id="S1")],
            [say("2304", "s", 1, setl_id="S1"), say("2601", "x", 2, omsgid="s", oinfno="2304")],
            [say("2401", "b", 1, mdtrt_id="M2"), say("2404", "x", 2, mdtrt_id="M2")],
        ],
    )
    def test_a_cancellation_and_its_target_both_leave_no_trace(self, pair: list[Message]) -> None:
        base = [say("2401", "a", 0)]
        assert build(base + pair).rows("quiet_spell") == build(base).rows("quiet_spell")

    def test_registries_are_not_sent_by_institutions(self) -> None:
        assert build([say("institution", "i", 0, fixmedins_code="H1")]).rows("quiet_spell") == []


def test_every_message_that_is_a_fact_is_on_record() -> None:
    log = [say("2401", "a", 0), say("2404", "x", 1), say("institution", "i", 2, fixmedins_code="H1")]
    assert build(log).rows("message", "msgid", "inf_time", "kind") == [
        ("a", at(0), "2401"),
        ("i", at(2), "institution"),
        ("x", at(1), "2404"),
    ]
