"""What came in and is not yet judged and in the lake: one SQLite file, numbered message by message.

Messages and how far their sources were read are stored together, so a source is read exactly once whatever happens. Judge and
archiver each read on from their own position; what both have passed is forgotten.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from streams.errors import Refused
from streams.wire import Reject

#: Version of the tables below; another is refused.
FORMAT = 1

#: Seconds that one thread waits for another's transaction: a disk that is slow today must not fail a request.
_PATIENCE = 60.0

_TABLES = """
create table meta (key text primary key, value integer not null) without rowid;
-- Lines of one source, packed, by the number of the first; reject: it is one that was rejected while it was read.
create table entry (
    first integer primary key, messages integer not null, bytes integer not null, arrived real not null,
    source text not null, line integer not null, byte_offset integer not null, reject integer not null, body blob not null
);
-- How far a source was read: the next byte (unpacked) and line. print: hash of what was read, to know the file again.
create table source (
    name text primary key, device integer not null, inode integer not null, size integer not null,
    byte_offset integer not null, line integer not null, done integer not null, print blob not null
) without rowid;
"""


@dataclass(frozen=True)
class Piece:
    """Whole lines of a source, without the last line feed; or one line that was rejected while it was read.

    `line` counts from 1, `byte_offset` is where the first line begins in the (unpacked) source.
    """

    source: str
    line: int
    byte_offset: int
    body: bytes = b""
    reject: Reject | None = None

    @property
    def lines(self) -> list[bytes]:
        """The messages, blank lines among them; one that stands for nothing where the piece is a reject."""
        return self.body.split(b"\n")


@dataclass(frozen=True)
class Entry:
    """A piece as it is kept: its messages are numbered `first`, `first` + 1, … `arrived`: seconds since 1970."""

    first: int
    messages: int
    arrived: float
    piece: Piece

    @property
    def end(self) -> int:
        """The number after its last message."""
        return self.first + self.messages


@dataclass(frozen=True)
class Mark:
    """How far a source was read. `done`: it will not grow."""

    name: str
    device: int = 0
    inode: int = 0
    size: int = 0
    byte_offset: int = 0
    line: int = 1
    done: bool = False
    print: bytes = b""


class Journal:
    """The file. Every method is one transaction; any thread may call."""

    def __init__(self, path: Path) -> None:
        self._con = _open(path)
        self._lock = threading.Lock()
        self._end = self._get("end")
        self.came = threading.Event()
        """Set when something came in; whoever waits for it clears it."""

    @property
    def end(self) -> int:
        """The number that the next message gets."""
        return self._end

    @property
    def first(self) -> int:
        """The lowest number that is kept, or `end`."""
        with self._lock:
            (first,) = self._con.execute("select min(first) from entry").fetchone()
        return self._end if first is None else int(first)

    def begin_at(self, number: int) -> None:
        """Use no number below this one again: others have passed it already."""
        with self._stored():
            if number > self._end:
                self._set({"end": number})
                self._end = number

    def add(self, pieces: Sequence[Piece], marks: Iterable[Mark] = (), gone: Iterable[str] = ()) -> int:
        """Keep pieces, and with them how far their sources were read. `gone`: names under which no source is known any
        more. When this returns it is on the disk. Returns the new `end`."""
        now = time.time()
        rows = [_packed(piece) for piece in pieces]
        with self._stored():
            end = self._end
            for messages, size, *row in rows:
                self._con.execute(
                    "insert into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?)", (end, messages, size, now, *row)
                )
                end += messages
            self._con.executemany("delete from source where name = ?", [(name,) for name in gone])
            self._con.executemany(
                "insert or replace into source values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.name,
                        one.device,
                        one.inode,
                        one.size,
                        one.byte_offset,
                        one.line,
                        one.done,
                        one.print,
                    )
                    for one in marks
                ],
            )
            self._set({"end": end})
        self._end = end
        if rows:
            self.came.set()
        return end

    def entries(self, start: int, most: int, most_bytes: int) -> list[Entry]:
        """What is kept from a number on, oldest first: so many messages and bytes at most, but one entry at least."""
        chosen: list[tuple[int, ...]] = []
        with self._lock:
            rows = self._con.execute(
                "select first, messages, bytes from entry where first >= ? order by first", (start,)
            )
            messages = size = 0
            for row in rows:
                messages, size = messages + row[1], size + row[2]
                if chosen and (messages > most or size > most_bytes):
                    break
                chosen.append(row)
            if not chosen:
                return []
            found = self._con.execute(
                "select first, messages, arrived, source, line, byte_offset, reject, body from entry "
                "where first between ? and ? order by first",
                (chosen[0][0], chosen[-1][0]),
            ).fetchall()
        return [_entry(row) for row in found]

    def place(self, number: int) -> Entry | None:
        """The entry that holds a message, if it is kept."""
        with self._lock:
            row = self._con.execute(
                "select first, messages, arrived, source, line, byte_offset, reject, body from entry "
                "where first <= ? order by first desc limit 1",
                (number,),
            ).fetchone()
        if row is None or row[0] + row[1] <= number:
            return None
        return _entry(row)

    def waiting(self, start: int) -> tuple[int, int, float]:
        """From a number on: messages, their bytes, and when the oldest arrived (seconds since 1970; 0 where none is)."""
        with self._lock:
            messages, size, arrived = self._con.execute(
                "select coalesce(sum(messages), 0), coalesce(sum(bytes), 0), coalesce(min(arrived), 0) "
                "from entry where first >= ?",
                (start,),
            ).fetchone()
        return int(messages), int(size), float(arrived)

    def forget(self, before: int) -> None:
        """Forget what lies wholly before a number."""
        with self._stored():
            self._con.execute("delete from entry where first < ?1 and first + messages <= ?1", (before,))
        with self._lock:
            self._con.execute("pragma incremental_vacuum(2000)").fetchall()

    def marks(self) -> dict[str, Mark]:
        """How far every source was read, by its name."""
        with self._lock:
            rows = self._con.execute("select * from source").fetchall()
        return {row[0]: _mark(row) for row in rows}

    def noted(self, key: str) -> int:
        """A number that somebody noted; 0 where nobody did."""
        with self._lock:
            return self._get(key)

    def note(self, numbers: Mapping[str, int]) -> None:
        """Note numbers, all or none."""
        with self._stored():
            self._set(numbers)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._con.close()

    def _get(self, key: str) -> int:
        row = self._con.execute("select value from meta where key = ?", (key,)).fetchone()
        return 0 if row is None else int(row[0])

    def _set(self, numbers: Mapping[str, int]) -> None:
        self._con.executemany("insert or replace into meta values (?, ?)", list(numbers.items()))

    @contextmanager
    def _stored(self) -> Iterator[None]:
        with self._lock:
            self._con.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._con.execute("rollback")
                raise
            self._con.execute("commit")


def _packed(piece: Piece) -> tuple[int, int, str, int, int, bool, bytes]:
    """Messages, bytes, and the columns from `source` on."""
    is_reject = piece.reject is not None
    body = msgspec.msgpack.encode(piece.reject) if is_reject else piece.body
    messages = 1 if is_reject else body.count(b"\n") + 1
    packed = zstandard.ZstdCompressor(level=1).compress(body)
    return messages, len(body), piece.source, piece.line, piece.byte_offset, is_reject, packed


def _entry(row: tuple[Any, ...]) -> Entry:
    first, messages, arrived, *rest = row
    return Entry(first, messages, arrived, _unpacked(*rest))


def _mark(row: tuple[Any, ...]) -> Mark:
    name, device, inode, size, byte_offset, line, done, read = row
    return Mark(name, device, inode, size, byte_offset, line, bool(done), read)


def _unpacked(source: str, line: int, byte_offset: int, is_reject: int, packed: bytes) -> Piece:
    body = zstandard.ZstdDecompressor().decompress(packed)
    if is_reject:
        return Piece(source, line, byte_offset, reject=msgspec.msgpack.decode(body, type=Reject))
    return Piece(source, line, byte_offset, body)


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, a new one if there is none. Raises `Refused` for one of another format."""
    con = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
    con.execute("pragma auto_vacuum = incremental")
    con.execute("pragma journal_mode = wal")
    # Whoever was told that a message came in may have thrown it away.
    con.execute("pragma synchronous = full")
    (found,) = con.execute("pragma user_version").fetchone()
    if found == 0:
        con.executescript(f"begin;{_TABLES}pragma user_version = {FORMAT};commit;")
    elif found != FORMAT:
        con.close()
        raise Refused(
            f"{path} has journal format {found}; this fundwatch has {FORMAT}. Let the fundwatch that wrote it end its "
            "work with --once, then move the file away."
        )
    path.chmod(0o640)
    return con
