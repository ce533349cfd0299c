"""The journal and the rejects: what came in is there once, whoever reads on from wherever."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.live.journal import Journal, Mark, Piece
from streams.live.rejects import RejectsFile
from streams.wire import Reject

ALL = 1 << 30


def piece(text: str, line: int = 1) -> Piece:
    return Piece("a.jsonl", line, 0, text.encode())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db")
    yield made
    made.close()


def test_messages_are_numbered_one_by_one(journal: Journal) -> None:
    journal.add([piece("1\n2"), piece("3")])
    journal.add([piece("")])
    assert [(one.first, one.end, one.piece.lines) for one in journal.entries(0, ALL, ALL)] == [
        (0, 2, [b"1", b"2"]),
        (2, 3, [b"3"]),
        (3, 4, [b""]),
    ]
    assert journal.waiting(2)[:2] == (2, 1)


def test_a_batch_is_bounded_but_never_empty(journal: Journal) -> None:
    journal.add([piece("1\n2\n3"), piece("4"), piece("5")])
    assert [one.end for one in journal.entries(0, 2, ALL)] == [3]
    assert [one.end for one in journal.entries(0, 4, ALL)] == [3, 4]
    assert [one.end for one in journal.entries(0, ALL, 1)] == [3]
    assert journal.entries(5, ALL, ALL) == []


def test_what_was_rejected_while_it_was_read_comes_back_as_it_was(journal: Journal) -> None:
    reject = Reject.of(b"\xff", source="a.jsonl", line=1, reason_code="too_long", sentence="Long.").at(0)
    journal.add([Piece("a.jsonl", 1, 0, reject=reject)])
    (entry,) = journal.entries(0, ALL, ALL)
    assert (entry.messages, entry.piece.reject) == (1, reject)


def test_messages_and_how_far_their_source_was_read_are_stored_together(journal: Journal) -> None:
    one, other = Mark("a.jsonl", 1, 2, 3, 4, 5, True, b"x"), Mark("b.jsonl")
    journal.add([piece("1")], [one, other])
    journal.add([piece("2")], [Mark("c.jsonl")], ["b.jsonl"])
    assert journal.marks() == {"a.jsonl": one, "c.jsonl": Mark("c.jsonl")}
    with pytest.raises(sqlite3.IntegrityError):
        journal.add([piece("3")], [Mark(None)])  # type: ignore[arg-type]
    assert journal.end == 2


def test_what_both_have_passed_is_forgotten_and_its_numbers_are_not_used_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.add([piece("1\n2"), piece("3")])
    journal.forget(1)
    assert journal.first == 0
    journal.forget(3)
    assert (journal.first, journal.end) == (3, 3)
    journal.close()
    journal = Journal(tmp_path / "journal.db")
    assert journal.add([piece("4")]) == 4
    journal.begin_at(10)
    journal.begin_at(7)
    assert journal.add([piece("5")]) == 11
    assert journal.place(3) is not None
    assert journal.place(4) is None
    journal.close()


def test_threads_do_not_get_each_others_numbers(journal: Journal) -> None:
    def add() -> None:
        for _ in range(50):
            journal.add([piece("1\n2")])

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    entries = journal.entries(0, ALL, ALL)
    assert [entry.first for entry in entries] == list(range(0, 400, 2))
    assert journal.end == 400


def test_a_journal_of_another_format_is_refused(tmp_path: Path) -> None:
    con = sqlite3.connect(tmp_path / "journal.db")
    con.execute("pragma user_version = 99")
    con.close()
    with pytest.raises(Refused, match="format 99"):
        Journal(tmp_path / "journal.db")


def written(path: Path) -> list[int]:
    return [json.loads(line)["n"] for line in path.read_bytes().splitlines()]


def test_a_reject_that_was_written_and_not_noted_is_written_once(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "rejects.jsonl"
    RejectsFile(path, journal).add([{"n": 1}], {"upto": 1})
    with path.open("ab") as file:
        file.write(b'{"n": 2}\n{"n"')
    again = RejectsFile(path, journal)
    again.add([{"n": 2}], {"upto": 2})
    assert written(path) == [1, 2]
    assert journal.noted("upto") == 2


def test_rejects_that_were_moved_away_begin_anew(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "rejects.jsonl"
    rejects = RejectsFile(path, journal)
    rejects.add([{"n": 1}, {"n": 2}], {})
    path.rename(tmp_path / "old")
    rejects.add([{"n": 3}], {})
    assert written(path) == [3]
    path.rename(tmp_path / "older")
    RejectsFile(path, journal).add([{"n": 4}], {})
    assert written(path) == [4]
