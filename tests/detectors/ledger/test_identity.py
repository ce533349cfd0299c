"""Which copy of a message is the fact."""

from itertools import permutations

import duckdb
import pytest

from detectors import ledger as steps
from detectors.facts import FACTS_SQL
from tests.detectors.ledger.log import Message, build, say

EARLY = say("2401", "m", 1, content=9, adm_bed="early")
LATE = say("2401", "m", 2, content=1, adm_bed="late")
SAME_TIME_SMALLER = say("2401", "m", 1, content=3, adm_bed="smaller")


@pytest.mark.parametrize("log", list(permutations([EARLY, LATE, SAME_TIME_SMALLER])))
def test_of_one_msgid_the_smallest_time_and_content_is_the_fact_however_it_arrives(
    log: tuple[Message, ...],
) -> None:
    assert build(log).values("visit", "bed") == ["smaller"]


def test_exact_duplicates_collapse() -> None:
    line = say("2301", "l", 3, feedetl_sn="1", cnt=4)
    assert build([EARLY, line, line, EARLY, line]).rows("fee_line", "feedetl_sn", "cnt") == [("1", 4)]


def test_every_row_of_a_losing_copy_vanishes() -> None:
    kept = say("2301", "l", 3, {"feedetl_sn": "1"}, content=1)
    lost = say("2301", "l", 3, {"feedetl_sn": "1"}, {"feedetl_sn": "2"}, content=2)
    found = build([lost, kept])
    assert found.values("fee_line", "feedetl_sn") == ["1"]
    assert found.values("fee_line_all", "feedetl_sn") == ["1"]
    assert found.values("message", "msgid") == ["l"]


def test_a_losing_copy_of_a_cancellation_cancels_nothing() -> None:
    log = [
        say("2304", "s", 5, setl_id="S1"),
        say("2305", "x", 6, setl_id="other", content=1),
        say("2305", "x", 6, setl_id="S1", content=2),
    ]
    assert build(log).values("settlement", "setl_id") == ["S1"]


def test_dropped_copies_are_named_with_a_reason() -> None:
    found = build([LATE, EARLY, EARLY, say("2402", "d", 9)])
    assert found.rows("fact_dropped", "seq", "msgid", "reason") == [
        (1, "m", "conflict"),
        (3, "m", "duplicate"),
    ]


def test_identity_can_be_asked_alone() -> None:
    con = duckdb.connect()
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    con.execute(
        "insert into fact.message (seq, msgid, inf_time, content) values (1, 'm', '2026-01-02', 5), (2, 'm', '2026-01-01', 9)"
    )
    steps.identity(con)
    assert con.execute("select seq, msgid, reason from fact_dropped").fetchall() == [(1, "m", "conflict")]


def test_where_msgids_are_known_to_be_unique_no_copy_is_looked_for() -> None:
    assert build([EARLY, say("2402", "d", 9)], unique=True).rows("fact_dropped") == []
