"""A shard's state on disk: one SQLite file, so that facts, what was said, what is to be sent and how far the source
was read change together or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from streams.errors import Refused
from streams.live.moments import micros, moment

#: Version of the tables below; another is refused.
FORMAT = 2

_TABLES = """
create table meta (key text primary key, value) without rowid;
create table institution_clock (fixmedins_code text primary key, latest integer not null) without rowid;
-- Rows of fact tables by person, packed (streams.live.columns); n counts the appends.
create table fact_rows (
    psn_no text not null, name text not null, n integer not null,
    layout integer not null, cells blob not null, texts blob not null,
    primary key (psn_no, name, n)
) without rowid;
create table shared_rows (
    name text not null, n integer not null,
    layout integer not null, cells blob not null, texts blob not null,
    primary key (name, n)
) without rowid;
-- held: how much of the person fact_rows has (streams.live.persons.Held). due: when to look again, microseconds.
-- again: to be looked at once more, with all that the lake has. oldest: when the first of it was seen, microseconds.
create table person (
    psn_no text primary key, held integer not null, due integer, oldest integer, again integer not null default 0
) without rowid;
create index person_due on person (due) where due is not null;
create index person_again on person (again) where again > 0;
create index person_oldest on person (oldest);
-- What was said last of each alert, and the changes that are still to be sent.
create table said (
    jr_id text primary key, owner text not null, seq integer not null, open integer not null,
    rule_code text not null, occurred_at text not null, alert blob
) without rowid;
create index said_owner on said (owner) where open = 1;
create table outbox (n integer primary key autoincrement, rule_code text not null, kind text not null, change blob not null);
"""


#: Pages of what is written ahead from which on a step moves it into the file itself, where nobody else does; 64 MB.
_MOST_AHEAD = 16_384


def open_state(path: Path, *, flushed: bool = True) -> sqlite3.Connection:
    """Open a state file, a new one if there is none. Raises `Refused` for one of another format.

    What is stored outlives the process in any case. `flushed`: the machine, too; without, the file may be as it was some
    steps earlier when the machine stops, but whole, and what is written ahead is left to `checkpoint`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    con.execute("pragma journal_mode = wal")
    con.execute(f"pragma synchronous = {'full' if flushed else 'normal'}")
    if not flushed:
        con.execute(f"pragma wal_autocheckpoint = {_MOST_AHEAD}")
    con.execute("pragma cache_size = -65536")
    con.execute("pragma temp_store = memory")
    (found,) = con.execute("pragma user_version").fetchone()
    if found == 0:
        con.executescript(f"begin;{_TABLES}pragma user_version = {FORMAT};commit;")
    elif found != FORMAT:
        con.close()
        raise Refused(
            f"{path.name} has state format {found}; this fundwatch has {FORMAT}. Move the file away: the state is "
            "built again from the packets and the lake."
        )
    path.chmod(0o640)
    return con


def checkpoint(path: Path) -> None:
    """Move what was written ahead into a state file that is open elsewhere; steps may be stored meanwhile, and wait for nothing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        con.execute("pragma wal_checkpoint(passive)").fetchone()


@contextmanager
def stored(con: sqlite3.Connection) -> Iterator[None]:
    """All that is written within the block is stored, or nothing of it."""
    con.execute("begin immediate")
    try:
        yield
    except BaseException:
        if con.in_transaction:  # a full disk has ended it already
            con.execute("rollback")
        raise
    con.execute("commit")


def get_meta(con: sqlite3.Connection, key: str) -> int | None:
    """A number of the state; None: it was never set."""
    row = con.execute("select value from meta where key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


def set_meta(con: sqlite3.Connection, key: str, value: int) -> None:
    """Set a number of the state."""
    con.execute("insert or replace into meta values (?, ?)", (key, value))


def load_clock(con: sqlite3.Connection) -> dict[str, datetime]:
    """The latest time of each institution."""
    rows = con.execute("select fixmedins_code, latest from institution_clock")
    return {code: moment(time) for code, time in rows}


def store_clock(con: sqlite3.Connection, moved: Mapping[str, datetime]) -> None:
    """Keep the latest times of the institutions that moved."""
    con.executemany(
        "insert or replace into institution_clock values (?, ?)",
        [(code, micros(time)) for code, time in moved.items()],
    )
