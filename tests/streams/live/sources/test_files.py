"""A watched folder: every whole line once, whatever becomes of the files."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from streams.live.journal import Mark
from streams.live.sources.files import SETTLED, Folder, Portion
from streams.operation.events import Event
from streams.wire.reject import LONGEST_MESSAGE

MANY = 1_000_000


class Watched:
    """A folder, what was read of it, and what was said of it. `restart` goes on with a new reader, as after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.said: list[tuple[Event, str]] = []
        self.marks: dict[str, Mark] = {}
        self.restart()

    def restart(self) -> None:
        self._reader = Folder(
            self.folder, self.marks, lambda *told: self.said.append(told), clock=lambda: self.now
        )

    def read(self, most: int = MANY) -> Portion:
        portion = self._reader.read(most)
        for name in portion.gone:
            del self.marks[name]
        self.marks.update(portion.marks)
        return portion

    def lines(self, most: int = MANY) -> list[str]:
        return [line.decode() for piece in self.read(most).pieces for line in piece.lines]

    def settle(self) -> None:
        self.now = max(path.stat().st_mtime for path in self.folder.rglob("*")) + SETTLED

    @property
    def is_at_end(self) -> bool:
        return self._reader.is_at_end

    def add(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a", newline="") as file:
            file.write(text)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_log_is_read_as_it_grows(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2\n")
    assert watched.lines() == ["1", "2"]
    assert watched.lines() == []
    watched.add("a.jsonl", "3\n")
    assert watched.lines() == ["3"]
    assert watched.is_at_end


def test_half_a_line_waits(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2")
    assert watched.lines() == ["1"]
    watched.add("a.jsonl", "2")
    assert watched.lines() == []
    watched.add("a.jsonl", "2\n3")
    assert watched.lines() == ["222"]


def test_places_are_those_of_the_file(watched: Watched) -> None:
    watched.add("a.jsonl", "one\ntwo\n\nfour\n")
    watched.read(2)
    watched.restart()
    (piece,) = watched.read().pieces
    assert (piece.source, piece.line, piece.byte_offset, piece.body) == ("a.jsonl", 3, 8, b"\nfour")


def test_it_goes_on_after_a_restart_exactly_where_it_stood(watched: Watched) -> None:
    expected = [str(number) for number in range(50)]
    found: list[str] = []
    for at in range(0, 50, 5):
        watched.add("a.jsonl", "".join(f"{one}\n" for one in expected[at : at + 5]))
        found += watched.lines(3)
        watched.restart()
    while some := watched.lines(3):
        found += some
        watched.restart()
    assert found == expected


@pytest.mark.parametrize("renamed", ["a-1.jsonl", "old/a.jsonl", "a.jsonl.1"])
def test_a_rotated_log_is_read_to_its_end_under_its_new_name(watched: Watched, renamed: str) -> None:
    watched.add("a.jsonl", "1\n2\n3\n")
    assert watched.lines(2) == ["1", "2"]
    (watched.folder / "old").mkdir()
    (watched.folder / "a.jsonl").rename(watched.folder / renamed)
    watched.add("a.jsonl", "4\n")
    assert sorted(watched.lines()) == ["3", "4"]
    watched.add(renamed, "5\n")
    watched.restart()
    assert watched.lines() == ["5"]
    assert watched.said == []


def test_a_truncated_log_is_read_from_its_beginning_and_that_is_said(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2\n3\n")
    watched.read()
    (watched.folder / "a.jsonl").write_text("4\n")
    assert watched.lines() == ["4"]
    assert watched.said == [(Event.FILE_ANEW, "a.jsonl")]
    watched.add("a.jsonl", "5\n")
    watched.restart()
    assert watched.lines() == ["5"]
    assert len(watched.said) == 1


def test_a_log_that_was_truncated_and_grew_beyond_is_known_to_be_another(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2\n")
    watched.read()
    (watched.folder / "a.jsonl").write_text("3\n4\n5\n")
    assert watched.lines() == ["3", "4", "5"]
    assert watched.said == [(Event.FILE_ANEW, "a.jsonl")]


def test_a_log_that_was_emptied_is_said_to_be_once(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n")
    watched.read()
    (watched.folder / "a.jsonl").write_text("")
    assert watched.lines() == []
    watched.add("a.jsonl", "2\n")
    assert watched.lines() == ["2"]
    assert watched.said == [(Event.FILE_ANEW, "a.jsonl")]


def test_a_replaced_log_is_read_from_its_beginning(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2\n")
    watched.read()
    watched.add("b", "1\n2\n3\n")
    (watched.folder / "b").replace(watched.folder / "a.jsonl")
    assert watched.lines() == ["1", "2", "3"]
    assert watched.said == [(Event.FILE_ANEW, "a.jsonl")]


def test_another_file_with_the_inode_of_one_that_is_gone_is_read_whole(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n2\n")
    watched.read()
    (watched.folder / "a.jsonl").rename(watched.folder / "b.jsonl")
    (watched.folder / "b.jsonl").write_text("3\n4\n5\n")
    assert watched.lines() == ["3", "4", "5"]


def packed_gz(path: Path, text: bytes) -> None:
    path.write_bytes(gzip.compress(text))


def packed_zst(path: Path, text: bytes) -> None:
    path.write_bytes(zstandard.compress(text))


@pytest.mark.parametrize(("suffix", "write"), [(".jsonl.gz", packed_gz), (".jsonl.zst", packed_zst)])
def test_a_packed_log_is_read_once_it_stays_as_it_is(
    watched: Watched, suffix: str, write: Callable[[Path, bytes], None]
) -> None:
    expected = [f"{number:060}" for number in range(200_000)]
    write(watched.folder / f"a{suffix}", "\n".join(expected).encode())
    assert watched.lines() == []
    assert not watched.is_at_end
    watched.settle()
    found: list[str] = []
    while some := watched.lines(70_000):
        found += some
        watched.restart()
    assert found == expected
    assert watched.is_at_end
    assert watched.said == []


def test_a_packed_log_that_is_written_to_waits_longer(watched: Watched) -> None:
    path = watched.folder / "a.jsonl.gz"
    packed_gz(path, b"1\n")
    watched.now = path.stat().st_mtime
    watched.read()
    os.utime(path, (watched.now + SETTLED, watched.now + SETTLED))
    watched.now += SETTLED
    assert watched.lines() == []
    watched.now += SETTLED
    assert watched.lines() == ["1"]


def test_a_packed_log_that_breaks_off_is_rejected_once(watched: Watched) -> None:
    whole = gzip.compress(b"".join(b"%d\n" % number for number in range(100_000)))
    (watched.folder / "a.jsonl.gz").write_bytes(whole[:-50_000])
    watched.settle()
    rejects = []
    while pieces := watched.read(30_000).pieces:
        rejects += [piece.reject for piece in pieces if piece.reject]
        watched.restart()
    assert [reject.reason_code for reject in rejects] == ["truncated_input"]
    assert "gzip" in rejects[0].sentence


def test_a_packed_log_that_came_whole_after_all_is_read_again(watched: Watched) -> None:
    whole = gzip.compress(b"1\n2\n")
    (watched.folder / "a.jsonl.gz").write_bytes(whole[:-3])
    watched.settle()
    watched.read()
    (watched.folder / "a.jsonl.gz").write_bytes(whole)
    watched.settle()
    assert watched.lines() == ["1", "2"]


def test_a_line_longer_than_a_message_is_rejected_with_its_beginning(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n" + "x" * (2 * LONGEST_MESSAGE))
    assert watched.lines() == ["1"]
    assert watched.lines() == []
    watched.add("a.jsonl", "x" * 10)
    assert watched.lines() == []
    watched.add("a.jsonl", "x\n2\n")
    giant, after = watched.read().pieces
    assert giant.reject is not None
    assert (giant.reject.reason_code, giant.reject.length) == ("too_long", 2 * LONGEST_MESSAGE + 11)
    assert (after.line, after.byte_offset, after.body) == (3, 2 * LONGEST_MESSAGE + 14, b"2")


def test_a_long_log_does_not_keep_others_waiting(watched: Watched) -> None:
    watched.add("a.jsonl", "a\n" * 10)
    watched.add("b.jsonl", "b\n")
    found = watched.lines(5)
    watched.add("a.jsonl", "a\n" * 10)
    found += watched.lines(5)
    found += watched.lines(5)
    assert found == ["a"] * 10 + ["b"] + ["a"] * 4


def test_hidden_files_and_others_are_left_alone(watched: Watched) -> None:
    watched.add(".a.jsonl", "1\n")
    watched.add("a.csv", "2\n")
    watched.add("deep/b.jsonl", "3\n")
    assert watched.lines() == ["3"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said_to_be_once(watched: Watched) -> None:
    watched.add("a.jsonl", "1\n")
    (watched.folder / "a.jsonl").chmod(0)
    watched.add("b.jsonl", "2\n")
    assert watched.lines() == ["2"]
    watched.add("b.jsonl", "3\n")
    watched.lines()
    assert watched.said == [(Event.FILE_UNREADABLE, "a.jsonl")]
