"""Whole visits are let go of, beyond the horizon, and nothing that lies nowhere else."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pytest

from streams.live.eviction import evicted, oldest
from streams.live.moments import micros
from tests.streams.live import town
from tests.streams.live.site import tables_of

STAY = [
    town.admitted("M1", 1, msgid="in"),
    town.charged("M1", ("1", 2, 10), msgid="line"),
    town.discharged("M1", 5, msgid="out"),
    town.settled("M1", "S1", 6, 10, msgid="settled"),
]


def left(lines: list[bytes], horizon: float, *, unsafe: Collection[str] = ()) -> set[str]:
    """The messages that are left of these, and none of whose rows are gone."""
    held = tables_of(lines)
    kept = evicted(held, lambda messages: _but(messages, unsafe), town.at(horizon))
    stay = set(kept["message"]["msgid"].to_pylist())
    for name, table in held.items():
        whole = [msgid for msgid in table["msgid"].to_pylist() if msgid in stay]
        assert sorted(kept[name]["msgid"].to_pylist()) == sorted(whole), name
    return stay


def _but(messages: pa.Table, unsafe: Collection[str]) -> pa.Array:
    return pa.array(sorted(set(messages["msgid"].to_pylist()) - set(unsafe)), pa.string())


def test_it_is_asked_only_for_what_could_go_whether_it_lies_elsewhere() -> None:
    asked: list[str] = []

    def archived(messages: pa.Table) -> pa.Array:
        asked.extend(messages["msgid"].to_pylist())
        return messages["msgid"].combine_chunks()

    evicted(tables_of([*STAY, town.insured(1, msgid="insured")]), archived, town.at(5.5))
    assert sorted(asked) == ["in", "line", "out"]


def test_a_visit_is_gone_when_nothing_newer_than_the_horizon_was_heard_of_it() -> None:
    assert left(STAY, 6.1) == set()


def test_a_visit_stays_whole_while_anything_of_it_is_newer() -> None:
    assert left(STAY, 5.5) == {"in", "line", "out", "settled"}


def test_a_visit_of_which_one_message_lies_nowhere_else_stays_whole() -> None:
    assert left(STAY, 90, unsafe=["line"]) == {"in", "line", "out", "settled"}


@pytest.mark.parametrize(
    "late",
    [
        town.listed("M1", "S1", 50, msgid="late"),
        town.taken_back("2305", 50, setl_id="S1", mdtrt_id="M1"),
        town.taken_back("2305", 50, setl_id="S1"),
        town.taken_back("2601", 50, omsgid="settled", oinfno="2304"),
        town.taken_back("2601", 50, omsgid="in", oinfno="2401"),
        town.withdrawn("M1", "1", seen=50),
    ],
)
def test_what_names_a_visit_a_settlement_or_a_message_of_it_belongs_to_it(late: bytes) -> None:
    assert left([*STAY, late], 40) == {"in", "line", "out", "settled", town.msgid_of(late)}
    early = late.replace(b"2026-02-20", b"2026-01-08")
    assert left([town.charged("M1", ("2", 50, 10), msgid="new"), *STAY, early], 40) == {
        "in", "line", "out", "settled", "new", town.msgid_of(late),
    }  # fmt: skip


def test_a_message_of_several_visits_goes_with_the_last_of_them() -> None:
    two = town.withdrawn("M1", "1", seen=7, msgid="two").replace(
        b'"data": [', b'"data": [{"feedetl_sn": "1", "mdtrt_id": "M2", "psn_no": "P1"}, '
    )
    assert left([*STAY, two], 40) == set()
    assert left([*STAY, two, town.admitted("M2", 50, msgid="new")], 40) == {"two", "new"}


def test_a_visit_with_times_ahead_of_its_messages_stays_until_they_are_past() -> None:
    ahead = town.charged("M1", ("2", 50, 10), seen=6, msgid="ahead")
    assert "ahead" in left([*STAY, ahead], 40)
    assert left([*STAY, ahead], 51) == set()


def test_what_names_no_visit_stands_for_itself() -> None:
    checks = [town.checked(1, msgid="old"), town.checked(50, msgid="new")]
    assert left(checks, 40) == {"new"}


def test_registries_and_look_ups_stay() -> None:
    kept = [
        town.insured(1, msgid="insured"),
        town.died(1, seen=2, msgid="death"),
        town.looked_up(3, msgid="looked-up"),
        town.tell("family", 1, psn_no="P1", member_psn_no="P2", msgid="family"),
        town.tell("manual_reimbursement", 1, psn_no="P1", reim_id="R", medfee_sumamt="1.00", msgid="manual"),
    ]
    assert left([*STAY, *kept], 90) == {"insured", "death", "looked-up", "family", "manual"}


def test_the_oldest_is_the_visit_that_has_to_go_first() -> None:
    assert oldest({}) == {}
    assert oldest(tables_of([town.insured(1), town.looked_up(2)])) == {}
    assert oldest(tables_of(STAY)) == {"P1": micros(town.at(6))}
    both = [*STAY, town.beds_checked(3, ["P1", "P2"]), town.insured(1), town.checked(4, psn="P2")]
    assert oldest(tables_of(both)) == {"P1": micros(town.at(3)), "P2": micros(town.at(3))}


def test_of_nothing_nothing_is_left() -> None:
    assert evicted({}, lambda messages: messages["msgid"].combine_chunks(), town.at(9)) == {}


def test_an_answer_about_a_person_goes_when_those_around_it_say_the_same() -> None:
    """Told in another order, what is left says what all said."""
    answers = [
        town.looked_up(day, place=place, msgid=f"{day}")
        for day, place in [
            (1, "A"),
            (2, "A"),
            (3, "A"),
            (4, "B"),
            (5, "A"),
            (6, "A"),
            (7, "A"),
            (20, "A"),
            (21, "A"),
        ]
    ]
    assert left(answers, 10) == {"1", "3", "4", "5", "20", "21"}
    assert left(answers[::-1], 10) == {"1", "3", "4", "5", "20", "21"}
    assert left(answers, 10, unsafe=["2"]) == {"1", "2", "3", "4", "5", "20", "21"}
    assert left(answers[:3], 10) == {"1", "3"}
