"""Registries: of one key the latest word holds for all times, and a repetition is not evidence."""

from datetime import date, datetime
from itertools import permutations
from typing import Any

import pytest

from tests.detectors.ledger.log import Message, at, build, say

B = date(2020, 1, 1)
EVER, NEVER = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("9999-12-31")

#: registry → (key, two different contents, a column of the content)
REGISTRIES: dict[str, tuple[dict[str, Any], str, Any, Any]] = {
    "institution": ({"fixmedins_code": "H1", "begndate": B}, "appr_bed_cnt", 10, 20),
    "practitioner": ({"dr_codg": "D1", "begndate": B}, "status", "active", "suspended"),
    "family": ({"psn_no": "P1", "member_psn_no": "P2", "begndate": B}, "relation", "child", "spouse"),
    "insured": ({"psn_no": "P1", "insutype": "310", "begndate": B}, "enddate", None, date(2026, 1, 1)),
    "death": ({"psn_no": "P1", "source": "civil"}, "die_date", date(2026, 1, 1), date(2026, 1, 2)),
    "manual_reimbursement": ({"reim_id": "R1"}, "bill_no", "1", "2"),
    "chronic_registration": (
        {"psn_no": "P1", "opsp_dise_code": "M1", "begndate": B},
        "ide_fixmedins_no",
        "H1",
        "H2",
    ),
}
WITHDRAWABLE = sorted(set(REGISTRIES) - {"chronic_registration"})


def entry(registry: str, msgid: str, hour: float, second: bool = False, **more: Any) -> Message:
    key, column, one, two = REGISTRIES[registry]
    return say(registry, msgid, hour, **(key | {column: two if second else one} | more))


@pytest.mark.parametrize("registry", sorted(REGISTRIES))
def test_of_the_same_key_the_latest_word_holds_however_it_arrives(registry: str) -> None:
    column = REGISTRIES[registry][1]
    for log in permutations([entry(registry, "r1", 1), entry(registry, "r2", 2, second=True)]):
        assert build(log).rows(registry, "msgid", column) == [("r2", REGISTRIES[registry][3])]


@pytest.mark.parametrize("registry", sorted(REGISTRIES))
def test_a_row_that_repeats_its_predecessor_is_not_evidence(registry: str) -> None:
    log = [
        entry(registry, "r0", 0, second=True),
        entry(registry, "r1", 1),
        entry(registry, "r2", 2),
        entry(registry, "r3", 3),
    ]
    assert build(log).values(registry, "msgid") == ["r1"]


@pytest.mark.parametrize("registry", sorted(REGISTRIES))
def test_what_is_said_again_after_something_else_is_new(registry: str) -> None:
    log = [entry(registry, "r1", 1), entry(registry, "r2", 2, second=True), entry(registry, "r3", 3)]
    assert build(log).values(registry, "msgid") == ["r3"]


@pytest.mark.parametrize("registry", WITHDRAWABLE)
def test_vali_flag_0_withdraws_the_row(registry: str) -> None:
    assert build([entry(registry, "r1", 1), entry(registry, "r2", 2, vali_flag="0")]).rows(registry) == []
    assert len(build([entry(registry, "r1", 3), entry(registry, "r2", 2, vali_flag="0")]).rows(registry)) == 1


@pytest.mark.parametrize(
    "registry", sorted(name for name, (key, *_) in REGISTRIES.items() if "begndate" in key)
)
def test_another_begin_is_another_row(registry: str) -> None:
    log = [entry(registry, "r1", 1), entry(registry, "r2", 2, begndate=date(2021, 1, 1))]
    assert build(log).values(registry, "begndate") == [B, date(2021, 1, 1)]


def test_a_row_without_begin_holds_from_ever() -> None:
    assert build([entry("institution", "r", 1, begndate=None)]).values("institution", "begndate") == [
        date(1900, 1, 1)
    ]


class TestCatalogue:
    VERSION = ("name", "valid_from", "valid_until", "msgid")

    def item(self, msgid: str, hour: float, name: str, **more: Any) -> Message:
        return say("catalogue", msgid, hour, med_list_codg="A", name=name, **more)

    def test_each_version_holds_until_the_next_and_the_first_before_itself_too(self) -> None:
        found = build([self.item("c2", 5, "new"), self.item("c1", 1, "old")])
        assert found.rows("catalogue", *self.VERSION) == [
            ("new", at(5), NEVER, "c2"),
            ("old", EVER, at(5), "c1"),
        ]

    def test_a_repetition_is_no_version(self) -> None:
        found = build([self.item("c1", 1, "old"), self.item("c2", 5, "old")])
        assert found.rows("catalogue", *self.VERSION) == [("old", EVER, NEVER, "c1")]

    def test_a_withdrawal_ends_the_version_before_it(self) -> None:
        found = build([self.item("c1", 1, "old"), self.item("c2", 5, "old", vali_flag="0")])
        assert found.rows("catalogue", *self.VERSION) == [("old", EVER, at(5), "c1")]


class TestDeath:
    def test_each_source_speaks_for_itself(self) -> None:
        log = [entry("death", "r1", 1), entry("death", "r2", 2, source="police")]
        assert build(log).rows("death", "source", "msgid") == [("civil", "r1"), ("police", "r2")]

    @pytest.mark.parametrize(
        ("die_date", "expected"), [(date(2026, 1, 2), date(2026, 1, 2)), (None, date(2026, 1, 3))]
    )
    def test_a_discharge_as_dead_is_a_source(self, die_date: date | None, expected: date) -> None:
        found = build([say("2401", "a", 0), say("2402", "d", 50, dscg_way="5", die_date=die_date)])
        assert found.rows("death", "psn_no", "die_date", "source", "msgid") == [
            ("P1", expected, "discharge", "d")
        ]

    def test_a_discharge_as_dead_that_was_taken_back_is_none(self) -> None:
        assert (
            build([say("2401", "a", 0), say("2402", "d", 50, dscg_way="5"), say("2405", "x", 51)]).rows(
                "death"
            )
            == []
        )


class TestInsured:
    def asked(self, msgid: str, hour: float, psn_no: str = "P1", **more: Any) -> Message:
        period = {"psn_no": psn_no, "insutype": "310", "psn_insu_date": B, "psn_insu_stas": "1"} | more
        person = {"into": "person", "psn_no": psn_no, "gend": "1", "brdy": date(1950, 1, 1)}
        identity = {"into": "person_identity", "psn_no": psn_no, "psn_idet_type": "2301"}
        return say("1101", msgid, hour, period, person, identity)

    def test_who_is_not_in_the_registry_is_insured_as_1101_says(self) -> None:
        found = build([self.asked("q", 1, paus_insu_date=date(2025, 1, 1))])
        assert found.rows(
            "insured", "begndate", "enddate", "gend", "brdy", "psn_idet_type", "registry", "msgid"
        ) == [(B, date(2025, 1, 1), "1", date(1950, 1, 1), "2301", False, "q")]

    def test_the_last_answer_about_a_period_holds_and_repetitions_are_not_evidence(self) -> None:
        log = [
            self.asked("q1", 1),
            self.asked("q2", 2),
            self.asked("q3", 3, paus_insu_date=date(2025, 1, 1)),
            self.asked("q4", 4, paus_insu_date=date(2025, 1, 1)),
        ]
        assert build(log).rows("insured", "enddate", "msgid") == [(date(2025, 1, 1), "q3")]

    def test_the_balance_of_the_account_is_not_part_of_the_period(self) -> None:
        assert build([self.asked("q1", 1, balc=10), self.asked("q2", 2, balc=5)]).values(
            "insured", "msgid"
        ) == ["q1"]

    def test_the_registry_beats_1101_whichever_came_later(self) -> None:
        log = [entry("insured", "r", 1), self.asked("q", 9, insutype="390"), self.asked("z", 9, psn_no="P2")]
        assert build(log).rows("insured", "psn_no", "insutype", "registry") == [
            ("P1", "310", True),
            ("P2", "310", False),
        ]
