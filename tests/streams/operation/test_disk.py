"""A full disk is recognised in whatever way it is said, and ends a process with one sentence and 75."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import click
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import Refused
from streams.operation import disk
from streams.operation.exits import MEANINGS, Exit
from tests.streams.cli.conftest import fundwatch

#: A device that is always full. Only ever through a link: some libraries delete a file that they could not write.
ALWAYS_FULL = Path("/dev/full")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    link = tmp_path / "full"
    link.symlink_to(ALWAYS_FULL)
    return link


def plain(full: Path) -> None:
    full.write_bytes(b"x")


def parquet(full: Path) -> None:
    pq.write_table(pa.table({"a": range(100_000)}), full)


def arrow(full: Path) -> None:
    with pa.OSFile(str(full), "wb") as file:
        file.write(b"x")


def duckdb_parquet(full: Path) -> None:
    duckdb.connect().execute(f"copy (select range r from range(300000)) to '{full}' (format parquet)")


def duckdb_csv(full: Path) -> None:
    duckdb.connect().execute(f"copy (select range r from range(300000)) to '{full}' (format csv)")


def sqlite(full: Path) -> None:
    con = sqlite3.connect(full.parent / "state.db")
    try:
        con.execute("pragma max_page_count = 5")
        con.execute("create table t (a)")
        con.executemany("insert into t values (?)", [("x" * 4000,)] * 100)
    finally:
        con.close()


@pytest.mark.parametrize("write", [plain, parquet, arrow, duckdb_parquet, duckdb_csv, sqlite])
def test_a_full_disk_is_recognised_as_each_library_says_it(full: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 whatever it is
        write(full)
    assert disk.is_full(caught.value)
    assert ALWAYS_FULL.is_char_device()


class Server(Exception):  # noqa: N818 as of PostgreSQL
    """An error with an SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("…")
        self.sqlstate = sqlstate


def test_it_is_recognised_through_what_was_raised_of_it() -> None:
    raised = RuntimeError("the file could not be closed")
    raised.__context__ = OSError(28, "No space left on device")
    assert disk.is_full(raised)
    assert disk.is_full(ExceptionGroup("two", [ValueError(), raised]))
    assert disk.is_full(OSError(122, "Disk quota exceeded"))
    assert disk.is_full(Server("53100"))


def test_a_folder_of_temporary_files_that_takes_no_more_is_a_full_disk() -> None:
    """As DuckDB 2.0 said it on a disk of 2 MB."""
    error = duckdb.OutOfMemoryException(
        "Out of Memory Error: failed to offload data block of size 256.0 KiB (1.5 MiB/1.7 MiB used).\n"
        "This limit was set by the 'max_temp_directory_size' setting."
    )
    assert disk.is_full(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(13, "Permission denied"),
        ValueError("No space left on device"),
        sqlite3.OperationalError("database is locked"),
        duckdb.OutOfMemoryException("failed to allocate data"),
        Server("53200"),
    ],
)
def test_what_is_no_full_disk_is_not_taken_for_one(error: Exception) -> None:
    assert not disk.is_full(error)
    with pytest.raises(type(error)), disk.told({}):
        raise error


def test_an_error_that_refers_to_itself_is_looked_at_once() -> None:
    error = ValueError()
    error.__cause__ = error
    assert not disk.is_full(error)


def test_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught, disk.told({"state": tmp_path / "not" / "there"}):
        raise OSError(28, "No space left on device")
    assert isinstance(caught.value, disk.DiskFull)
    assert disk.is_full(caught.value)
    sentence = str(caught.value)
    assert sentence == "a disk is full; make room or give another folder, and start again: nothing was lost."


def test_the_disk_with_next_to_no_room_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disk, "NO_ROOM_BYTES", 1 << 60)
    state = tmp_path / "state"
    assert re.fullmatch(
        rf"the disk of the (state folder, {state}|temporary folder, \S+), is full \([\d.]+ MB left\); "
        r"make room or give another folder, and start again: nothing was lost\.",
        disk.sentence({"state": state}),
    )


def test_a_command_whose_disk_is_full_ends_with_75(monkeypatch: pytest.MonkeyPatch, full: Path) -> None:
    @click.command()
    def command() -> None:
        parquet(full)

    import streams.cli.diff

    monkeypatch.setattr(streams.cli.diff, "command", command)
    answer = fundwatch("diff")
    assert answer.code == Exit.DISK_FULL == 75
    assert "is full" in answer.err
    assert answer.err.count("\n") == 1


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)
