"""What was said last, and what waits to be sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors.alert import Alert
from detectors.diff import Changes, diff
from streams.changes import CHANGED, OPENED, RETRACTED, Change
from streams.live.said import Said
from streams.live.state import open_state
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    con = open_state(tmp_path / "state.db")
    yield con
    con.close()


@pytest.fixture
def said(con: sqlite3.Connection) -> Said:
    return Said(con, speaker="worker", rulebook="r1")


def owner(change: Change) -> str:
    return change.alert.patn_id or ""


def say(said: Said, *after: Alert) -> list[Change]:
    """Note what differs from what is held of all."""
    changes = said.changes(
        diff(said.open_of(), after, Changes()), {one.jr_id: [a_fact("m")] for one in after}
    )
    said.note(changes, {change.jr_id: owner(change) for change in changes})
    return changes


def test_changes_are_numbered_through_opening_changing_retracting_and_opening_again(said: Said) -> None:
    one, other = an_alert(1), reworded(an_alert(1), sev_deg="3")
    told = [*say(said, one), *say(said, other), *say(said), *say(said, one)]
    assert [(change.seq, change.kind) for change in told] == [
        (1, OPENED),
        (2, CHANGED),
        (3, RETRACTED),
        (4, OPENED),
    ]
    assert [change.alert.revision for change in told] == [
        one.revision,
        other.revision,
        other.revision,
        one.revision,
    ]
    assert [len(change.facts) for change in told] == [1, 1, 0, 1]
    assert {(change.speaker, change.rulebook) for change in told} == {("worker", "r1")}
    assert say(said, one) == []


def test_numbers_are_not_used_again_after_a_restart(con: sqlite3.Connection, said: Said) -> None:
    say(said, an_alert(1))
    say(said)
    said.sent(said.waiting()[0])
    (change,) = say(Said(con, speaker="worker", rulebook="r2"), an_alert(1))
    assert (change.seq, change.rulebook) == (3, "r2")


def test_the_open_alerts_of_some_owners_are_theirs_alone(said: Said) -> None:
    say(said, an_alert(1), an_alert(2), an_alert(3))
    assert [alert.patn_id for alert in said.open_of(["P2"])] == ["P2"]
    assert said.open_of(["P9"]) == []
    assert len(said.open_of()) == 3
    assert said.counts() == [("GB-07", 3)]


def test_what_waits_comes_in_order_until_it_was_sent(said: Said) -> None:
    told = [*say(said, an_alert(1)), *say(said, an_alert(1), an_alert(2)), *say(said)]
    assert said.depth == 4
    assert said.waiting_by_rule() == {"GB-07": {OPENED: 2, RETRACTED: 2}}
    number, first = said.waiting(1)
    assert first == told[:1]
    said.sent(number)
    number, rest = said.waiting()
    assert rest == told[1:]
    said.sent(number)
    assert (said.depth, said.waiting(), said.waiting_by_rule()) == (0, (0, []), {})


def test_what_waits_and_comes_after_what_was_sent_is_not_forgotten_with_it(said: Said) -> None:
    say(said, an_alert(1))
    number, _ = said.waiting()
    say(said, an_alert(1), an_alert(2))
    said.sent(number)
    assert [change.alert.patn_id for change in said.waiting()[1]] == ["P2"]


def test_who_succeeds_holds_what_was_said_and_says_nothing_of_its_own(said: Said) -> None:
    say(said, an_alert(1), an_alert(2))
    theirs = {an_alert(1).jr_id: a_change(1, an_alert(1)), an_alert(3).jr_id: a_change(5, an_alert(3))}
    assert said.succeed(theirs, owner) == {"P2", "P3"}
    assert said.depth == 0
    assert {alert.patn_id for alert in said.open_of()} == {"P1", "P3"}
    changes = {change.alert.patn_id: change for change in say(said, an_alert(2))}
    assert {name: (change.seq, change.kind) for name, change in changes.items()} == {
        "P1": (2, RETRACTED),
        "P2": (1, OPENED),
        "P3": (6, RETRACTED),
    }


@pytest.mark.parametrize(
    "last",
    [
        a_change(2, an_alert(1)),
        a_retraction(2, an_alert(1)),
        a_retraction(1, an_alert(1)),
        a_change(1, reworded(an_alert(1), sev_deg="3"), OPENED),
    ],
    ids=["another number", "a later retraction", "a retraction", "another content under the same number"],
)
def test_who_thought_otherwise_of_an_alert_is_told_of(said: Said, last: Change) -> None:
    say(said, an_alert(1), an_alert(2))
    theirs = {an_alert(1).jr_id: last, an_alert(2).jr_id: a_change(1, an_alert(2))}
    assert said.succeed(theirs, owner) == {"P1"}
    assert said.succeed(theirs, owner) == set()
    (change,) = [
        change for change in say(said, an_alert(1), an_alert(2)) if change.alert.patn_id == "P1"
    ] or [last]
    assert change.seq == last.seq + (change is not last)


def test_a_retraction_that_both_hold_is_agreed(said: Said) -> None:
    say(said, an_alert(1))
    (gone,) = say(said)
    assert said.succeed({gone.jr_id: gone}, owner) == set()
    (again,) = say(said, an_alert(1))
    assert again.seq == 3
