"""A history keeps rows by person and gives them back, over any number of appends and openings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from streams.live.history import History, parted, read
from streams.live.state import open_state, stored
from streams.live.tables import (
    beyond,
    first_heard,
    joined,
    of_persons,
    persons_of,
    row_count,
    united,
    without,
)
from tests.streams.live import town
from tests.streams.live.site import tables_of
from tests.streams.live.test_packets import rows

LINES = [
    town.admitted("M1", 1),
    town.charged("M1", ("1", 2, 10), ("2", 3, 20)),
    town.registered("O2", 2, psn="P2"),
    town.beds_checked(3, ["P1", "P2"], msgid="both"),
    town.insured(0, psn="P2"),
    town.priced(0, 50),
]


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    con = open_state(tmp_path / "state.db")
    yield con
    con.close()


def kept(con: sqlite3.Connection, *batches: list[bytes]) -> History:
    history = History(con)
    for batch in batches:
        with stored(con):
            history.add(history.numbered(tables_of(batch)))
    return history


def same(some: dict[str, pa.Table], others: dict[str, pa.Table]) -> bool:
    """Whether two sets of tables have the same rows, numbers aside; empty tables do not count."""
    told = [{name: rows(t, "seq") for name, t in each.items() if t.num_rows} for each in (some, others)]
    return told[0] == told[1]


def total(tables: dict[str, pa.Table]) -> int:
    return sum(table.num_rows for table in tables.values())


def test_what_is_added_of_a_person_is_loaded(con: sqlite3.Connection) -> None:
    tables = tables_of(LINES)
    for history in (kept(con, LINES[:2], LINES[2:]), History(con)):
        for persons in (["P1"], ["P2"], ["P1", "P2"], ["P1", "P3"]):
            assert same(history.load(persons), of_persons(tables, persons))
        assert history.load(["P3"]) == {}


def test_several_histories_are_parted_and_read_together_as_apart(
    con: sqlite3.Connection, tmp_path: Path
) -> None:
    """Also where one has nothing, and where the same person stands in both."""
    cons = [con, *(open_state(tmp_path / f"{name}.db") for name in ("other", "empty"))]
    histories = [History(one, number) for number, one in enumerate(cons)]
    sets = [
        history.numbered(tables_of(lines))
        for history, lines in zip(histories, (LINES, LINES[1:], []), strict=True)
    ]
    for one, history, tables, by_person in zip(cons, histories, sets, parted(sets), strict=True):
        with stored(one):
            history.add(tables, by_person)
    together = read([history.kept(["P1", "P2"]) for history in histories])
    for tables, history, lines in zip(together, histories, (LINES, LINES[1:], []), strict=True):
        assert same(tables, of_persons(tables_of(lines), ["P1", "P2"]))
        assert same(tables, history.load(["P1", "P2"]))
    for one in cons[1:]:
        one.close()


def test_a_message_of_several_persons_is_loaded_once_and_ties_their_rows(con: sqlite3.Connection) -> None:
    history = kept(con, LINES)
    both = history.load(["P1", "P2"])
    (number,) = both["message"]["seq"].filter(pc.equal(both["message"]["msgid"], "both")).to_pylist()
    assert set(both["presence"]["seq"].to_pylist()) == {number}
    assert history.load(["P1"])["message"]["msgid"].to_pylist().count("both") == 1


def test_registries_of_what_all_share_are_in_memory_and_come_back(con: sqlite3.Connection) -> None:
    doctor = town.tell("practitioner", 1, dr_codg="D1", psn_no="P1")
    for history in (kept(con, [*LINES, doctor], [town.priced(5, 40)]), History(con)):
        assert history.shared["catalogue"].num_rows == 2
        assert history.shared["practitioner"].num_rows == 1
        assert "practitioner" not in history.load(["P1"])


def test_numbers_are_never_given_twice_not_even_after_a_restart(con: sqlite3.Connection) -> None:
    kept(con, LINES[:2])
    kept(con, LINES[2:], [town.checked(9)])
    everything = History(con).load(["P1", "P2"])["message"]["seq"].to_pylist()
    assert len(everything) == len(set(everything)) == 6


def test_numbers_tie_rows_to_messages_whose_own_row_is_not_there(con: sqlite3.Connection) -> None:
    tables = tables_of(LINES)
    del tables["message"]
    numbered = History(con).numbered(tables)
    for name, table in tables.items():
        old, new = table["seq"].to_pylist(), numbered[name]["seq"].to_pylist()
        assert [b - a for a, b in zip(old, new, strict=True)] == [new[0] - old[0]] * len(old)


def test_replacing_keeps_just_these_rows(con: sqlite3.Connection) -> None:
    history = kept(con, LINES)
    held = history.load(["P1"])
    less = without(held, held["admission"]["seq"].combine_chunks())
    with stored(con):
        history.replace(["P1"], less)
    assert same(History(con).load(["P1"]), less)
    assert same(history.load(["P2"]), of_persons(tables_of(LINES), ["P2"]))


def test_tidying_changes_nothing_but_the_number_of_appends(con: sqlite3.Connection) -> None:
    batches = [[town.checked(number)] for number in range(30)]
    history = kept(con, *batches)
    before = history.load(["P1"])
    with stored(con):
        history.tidy(["P1"])
        history.tidy(["P1", "P2"])
    assert same(history.load(["P1"]), before)
    assert con.execute("select max(c) from (select count(*) c from fact_rows group by name)").fetchone() == (
        1,
    )
    history = kept(con, [town.checked(31)])
    assert history.load(["P1"])["presence"].num_rows == 31


def test_a_withdrawn_message_goes_and_another_of_its_msgid_stays(con: sqlite3.Connection) -> None:
    lines = [town.checked(1, msgid="one"), town.checked(2, msgid="one"), town.checked(3, msgid="two")]
    history = kept(con, lines)
    message = tables_of(lines)["message"].to_pylist()
    with stored(con):
        history.withdraw([("P1", "one", message[1]["content"]), ("P3", "one", 7)])
    assert [time.day for time in history.load(["P1"])["presence"]["checked_at"].to_pylist()] == [2, 4]


def test_copies_are_told_by_msgid_time_and_content() -> None:
    one = town.checked(1, msgid="one")
    held = tables_of([one])
    assert total(beyond(tables_of([one]), held)) == 0
    assert total(beyond(tables_of([one, one]))) == 2
    assert total(beyond(tables_of([town.checked(2, msgid="one")]), held)) == 2
    assert total(beyond(tables_of([town.checked(1, msgid="two")]), held)) == 2
    assert beyond({}, held) == {}


def test_a_copy_is_news_for_who_did_not_have_it_and_nobody_else() -> None:
    told = tables_of([town.beds_checked(3, ["P1", "P2", "P3"], msgid="both")])
    left = beyond(told, of_persons(told, ["P2"]), of_persons(told, ["P9"]))
    assert sorted(left["presence"]["psn_no"].to_pylist()) == ["P1", "P3"]
    assert left["message"].num_rows == 1
    assert total(beyond(told, told)) == 0


def test_copies_that_tell_of_different_persons_become_one_message() -> None:
    line = town.beds_checked(3, ["P1", "P2"], msgid="both")
    first, second = (
        of_persons(tables_of([line]), ["P1"]),
        of_persons(tables_of([town.checked(9), line]), ["P2"]),
    )
    whole = united(first, second)
    assert whole["message"].num_rows == 1
    assert set(whole["presence"]["seq"].to_pylist()) == set(whole["message"]["seq"].to_pylist())
    assert sorted(whole["presence"]["psn_no"].to_pylist()) == ["P1", "P2"]


def test_a_registry_that_is_there_is_not_told_again() -> None:
    price = tables_of([town.priced(1, 50, msgid="price")])
    assert total(beyond(price, price)) == 0
    assert total(beyond(price, {})) == 2


def test_a_set_of_tables_says_whom_it_is_of() -> None:
    tables = tables_of(LINES)
    assert persons_of(tables) == {"P1", "P2"}
    assert first_heard(tables).keys() == {"P1", "P2"}
    mine, theirs = of_persons(tables, ["P1"]), of_persons(tables, ["P2"])
    assert mine["message"].num_rows == theirs["message"].num_rows == 3
    assert same(joined(mine, {}), mine)
    assert row_count(tables) == {"P1": 7, "P2": 5}
