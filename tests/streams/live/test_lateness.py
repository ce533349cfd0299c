"""Which facts send their person to the lake, each case as a sentence."""

from __future__ import annotations

import pytest

from streams.live.lateness import late_persons
from tests.streams.live import town
from tests.streams.live.site import tables_of

BORDER = 30

HELD = [
    town.insured(0),
    town.looked_up(1),
    town.admitted("OLD", 20, msgid="old"),
    town.settled("OLD", "S-OLD", 25, 10, msgid="settled-old"),
    town.admitted("M1", 40, msgid="in"),
    town.charged("M1", ("1", 41, 10)),
    town.settled("M1", "S1", 45, 10, msgid="settled"),
]

LATE = {
    "a death, however recent": [town.died(60, seen=61)],
    "a period of insurance that says something new": [town.insured(60, gend="2")],
    "a family tie": [town.tell("family", 60, psn_no="P1", member_psn_no="P2")],
    "a claim paid by hand": [
        town.tell("manual_reimbursement", 60, psn_no="P1", reim_id="R", medfee_sumamt="1")
    ],
    "a look-up that says something new": [town.looked_up(60, place="990102")],
    "a line of long ago": [town.charged("M1", ("2", 29, 10), seen=60)],
    "a line of now of a visit that begins long ago": [town.charged("OLD", ("1", 60, 10))],
    "a face check of long ago": [town.beds_checked(29.5, ["P1"])],
    "a visit that begins long ago": [town.admitted("M2", 29, seen=60)],
    "a line of a visit that nobody knows": [town.charged("M9", ("1", 60, 10))],
    "a discharge of a visit that nobody knows": [town.discharged("M9", 60)],
    "a settlement of a visit that nobody knows": [town.settled("M9", "S9", 60, 10)],
    "a settlement of a visit that nobody knows, and its cancellation": [
        town.settled("M9", "S9", 60, 10),
        town.taken_back("2305", 61, setl_id="S9", mdtrt_id="M9"),
    ],
    "a cancellation of a settlement that nobody knows": [
        town.taken_back("2305", 60, setl_id="S9", mdtrt_id="M1")
    ],
    "a settlement list of a settlement that nobody knows": [town.listed("M1", "S9", 60)],
    "a cancellation of a settlement of a visit that begins long ago": [
        town.taken_back("2305", 60, setl_id="S-OLD", mdtrt_id="OLD")
    ],
    "the same, which does not say the visit": [town.taken_back("2305", 60, setl_id="S-OLD")],
    "a reversal of a settlement of a visit that begins long ago": [
        town.taken_back("2601", 60, omsgid="settled-old", oinfno="2304")
    ],
    "a reversal of an admission of long ago": [town.taken_back("2601", 60, omsgid="old", oinfno="2401")],
    "a reversal of a message that nobody knows": [town.taken_back("2601", 60, omsgid="x", oinfno="2304")],
}

ON_TIME = {
    "a period of insurance that repeats itself": [town.insured(60)],
    "a look-up with another balance": [town.looked_up(60)],
    "a line of a known visit": [town.charged("M1", ("2", 46, 10), seen=60)],
    "a line on the border": [town.charged("M1", ("2", 30, 10), seen=60)],
    "a new visit and its line in one batch": [town.charged("M2", ("1", 50, 10)), town.admitted("M2", 50)],
    "a visit that is only a purchase": [town.sold("M2", "S2", 60, 10)],
    "a known settlement's list": [town.listed("M1", "S1", 60)],
    "a known settlement's cancellation": [town.taken_back("2305", 60, setl_id="S1", mdtrt_id="M1")],
    "a known admission's reversal": [town.taken_back("2601", 60, omsgid="in", oinfno="2401")],
    "a known message's reversal": [town.taken_back("2601", 60, omsgid="settled", oinfno="2304")],
    "a reversal of a message in the same batch": [
        town.settled("M1", "S2", 60, 10, msgid="again"),
        town.taken_back("2601", 60, omsgid="again", oinfno="2304"),
    ],
    "a face check without a visit": [town.checked(60)],
    "what comes late and is about now": [town.checked(60)],
}


def late(new: list[bytes], held: list[bytes], *candidates: str) -> set[str]:
    """Of the candidates those whom something late concerns, be it care or a word."""
    found = late_persons(tables_of(new), tables_of(held), candidates, town.at(BORDER))
    return found.care | found.word


@pytest.mark.parametrize("new", LATE.values(), ids=LATE)
def test_late_is(new: list[bytes]) -> None:
    assert late(new, HELD, "P1") == {"P1"}


@pytest.mark.parametrize("new", ON_TIME.values(), ids=ON_TIME)
def test_not_late_is(new: list[bytes]) -> None:
    assert late(new, HELD, "P1") == set()


def test_only_those_are_late_of_whom_something_may_be_missing() -> None:
    new = [town.died(60, seen=61, psn=psn) for psn in ("P1", "P2", "P3")]
    assert late(new, [], "P2", "P3", "P4") == {"P2", "P3"}
    assert late(new, []) == set()


def test_nobody_is_late_for_what_is_told_of_somebody_else() -> None:
    held = [town.admitted("M1", 40, psn="P2")]
    assert late([town.charged("M1", ("1", 60, 10))], held, "P1") == {"P1"}


def test_late_care_hurries_more_than_a_word_that_holds_for_all_times() -> None:
    new = tables_of([town.died(60, seen=61, psn="P1"), town.admitted("M9", 10, psn="P2")])
    found = late_persons(new, {}, {"P1", "P2"}, town.at(BORDER))
    assert (found.care, found.word) == ({"P2"}, {"P1"})
