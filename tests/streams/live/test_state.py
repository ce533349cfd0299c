"""A state file is of one format, and what is written in one step is there whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.live.state import (
    FORMAT,
    checkpoint,
    get_meta,
    load_clock,
    open_state,
    set_meta,
    store_clock,
    stored,
)
from tests.streams.live import town


def test_a_new_file_has_the_format_and_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.db"
    with open_state(path) as con:
        assert con.execute("pragma user_version").fetchone() == (FORMAT,)
    con.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    open_state(path).close()


def test_another_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    con = sqlite3.connect(tmp_path / "state.db")
    con.execute(f"pragma user_version = {FORMAT + 1}")
    con.close()
    with pytest.raises(Refused, match=r"state\.db has state format 3.*Move the file away"):
        open_state(tmp_path / "state.db")


@pytest.mark.parametrize("flushed", [True, False])
def test_a_step_is_stored_whole_or_not_at_all(tmp_path: Path, *, flushed: bool) -> None:
    con = open_state(tmp_path / "state.db", flushed=flushed)
    with stored(con):
        set_meta(con, "position", 1)
    with pytest.raises(ZeroDivisionError), stored(con):
        set_meta(con, "position", 1 // 0)
    with pytest.raises(ValueError, match="never"), stored(con):
        store_clock(con, {"H1": town.at(1), "H2": "never"})  # type: ignore[dict-item]
    assert get_meta(con, "position") == 1
    assert get_meta(con, "nothing") is None
    assert load_clock(con) == {}
    con.close()


def test_what_is_written_ahead_is_moved_beside_the_next_step(tmp_path: Path) -> None:
    """And what a step has not stored yet is not: the file alone is what the steps before left."""
    path, alone = tmp_path / "state.db", tmp_path / "alone.db"
    con = open_state(path, flushed=False)
    with stored(con):
        set_meta(con, "position", 1)
    assert _position(path, alone) is None
    with stored(con):
        set_meta(con, "position", 2)
        checkpoint(path)
    assert _position(path, alone) == 1
    checkpoint(path)
    assert _position(path, alone) == 2
    con.close()


def test_where_nobody_moves_what_is_written_ahead_it_stays_bounded(tmp_path: Path) -> None:
    con = open_state(tmp_path / "state.db", flushed=False)
    for number in range(150):
        with stored(con):
            con.execute(
                "insert into shared_rows values ('institution', ?, 1, ?, '')", (number, bytes(1 << 20))
            )
    assert (tmp_path / "state.db-wal").stat().st_size < 80 << 20
    con.close()


def _position(path: Path, alone: Path) -> int | None:
    """What the file says without what is written ahead of it."""
    shutil.copyfile(path, alone)
    with closing(sqlite3.connect(alone)) as con:
        tables = con.execute("select name from sqlite_master where name = 'meta'").fetchall()
        return get_meta(con, "position") if tables else None


def test_clocks_come_back_to_the_microsecond(tmp_path: Path) -> None:
    con = open_state(tmp_path / "state.db")
    times = {"H1": town.at(3.123456), "H2": town.at(-9000)}
    with stored(con):
        store_clock(con, times)
        store_clock(con, {"H1": town.at(4)})
    assert load_clock(con) == {**times, "H1": town.at(4)}
    con.close()
