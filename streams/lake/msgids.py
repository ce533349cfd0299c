"""Which msgids a lake has: an index beside it, so that a small batch is compared with years in milliseconds.

A SQLite file with a row a message, under the first 8 bytes of the MD5 of its msgid. It holds nothing that the lake
does not: where it is missing, behind or ahead, it is filled from the lake. Two msgids of one hash are told apart by
reading the lake; the second one stands in a table of its own.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from detectors import engine
from streams.errors import Refused
from streams.lake.layout import MSGIDS, of_months
from streams.lake.manifest import Manifest
from streams.lake.parts import files_in_sql

#: Version of the tables; another is filled anew.
_FORMAT = 1

_CACHE_KB = 65_536

_ROWS_AT_ONCE = 50_000

_TABLES = """
create table seen (hash integer primary key, content integer, inf_time integer, seq integer);
create table other (msgid text primary key, content integer, inf_time integer, seq integer) without rowid;
create table state (format integer, version integer);
"""


class Known(NamedTuple):
    """A message of the lake. `content` as in `fact.message`, signed; `inf_time` in microseconds since 1970."""

    msgid: str
    content: int
    inf_time: int
    seq: int


class _BehindError(Exception):
    """The index cannot be brought up to the lake by adding to it."""


@dataclass(frozen=True)
class Found:
    """What the lake has of some msgids: `known`; and of their hashes, whosever: `seq` by hash."""

    known: list[Known]
    taken: Mapping[int, int]


class Msgids:
    """The index of a lake at the version of a manifest."""

    def __init__(self, lake: Path, manifest: Manifest) -> None:
        self._lake = lake
        self._path = lake / MSGIDS
        try:
            self._con = self._opened()
            self._catch_up(manifest)
        except (_BehindError, sqlite3.DatabaseError):
            if hasattr(self, "_con"):
                self._con.close()
            self._rebuild(manifest)
            self._con = self._opened()

    def close(self) -> None:
        """Close the file."""
        self._con.close()

    def find(self, fresh: Collection[Known], manifest: Manifest) -> Found:
        """The messages of the lake that have the msgids of these."""
        hashes = [_hash(one.msgid) for one in fresh]
        self._con.execute("create temp table if not exists asked (hash integer primary key)")
        self._con.execute("delete from asked")
        self._con.executemany("insert into asked values (?)", ((each,) for each in sorted(set(hashes))))
        rows = self._con.execute("select seen.* from asked join seen using (hash)").fetchall()
        taken = {hash_: seq for hash_, *_, seq in rows}
        contents: dict[int, set[tuple[int, int]]] = {}
        msgids: dict[int, set[str]] = {}
        for hash_, one in zip(hashes, fresh, strict=True):
            if hash_ in taken:
                contents.setdefault(hash_, set()).add((one.content, one.inf_time))
                msgids.setdefault(hash_, set()).add(one.msgid)
        # The content says the msgid too: where it is the same, nothing else needs to be looked at.
        sure = [row for row in rows if contents[row[0]] == {(row[1], row[2])}]
        doubtful = [row for row in rows if contents[row[0]] != {(row[1], row[2])}]
        known = [Known(min(msgids[hash_]), *rest) for hash_, *rest in sure]
        names = self._msgids([(seq, inf_time) for *_, inf_time, seq in doubtful], manifest)
        for hash_, content, inf_time, seq in doubtful:
            name = names[seq]
            if name in msgids[hash_]:
                known.append(Known(name, content, inf_time, seq))
            for other in sorted(msgids[hash_] - {name}):
                query = "select * from other where msgid = ?"
                known += (Known(*row) for row in self._con.execute(query, (other,)))
        return Found(known, taken)

    def take(self, facts: Iterable[Known], found: Found, manifest: Manifest) -> None:
        """Note new facts, at the version of the manifest. `found`: what was said of their msgids."""
        before = {one.msgid: one.seq for one in found.known}
        seen: dict[int, Known] = {}
        others: list[Known] = []
        for one in facts:
            hash_ = _hash(one.msgid)
            is_taken = hash_ in found.taken and before.get(one.msgid) != found.taken[hash_]
            if is_taken or hash_ in seen:
                others.append(one)
            else:
                seen[hash_] = one
        with self._transaction():
            self._con.executemany(
                "insert or replace into seen values (?, ?, ?, ?)",
                ((hash_, *seen[hash_][1:]) for hash_ in sorted(seen)),
            )
            self._con.executemany("insert or replace into other values (?, ?, ?, ?)", others)
            self._con.execute("update state set version = ?", (manifest.version,))

    def keep(self, manifest: Manifest) -> None:
        """Note that the lake came to this version without new facts."""
        with self._transaction():
            self._con.execute("update state set version = ?", (manifest.version,))

    def _opened(self) -> sqlite3.Connection:
        if not self._path.exists():
            raise _BehindError
        con = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        con.execute("pragma journal_mode = wal")
        con.execute("pragma synchronous = normal")
        con.execute("pragma temp_store = memory")
        con.execute(f"pragma cache_size = -{_CACHE_KB}")
        return con

    def _catch_up(self, manifest: Manifest) -> None:
        """Add what the lake has and the index has not. Raises `_BehindError` where more differs than rows that lack."""
        format_, version = self._con.execute("select format, version from state").fetchone()
        if format_ != _FORMAT or version > manifest.version:
            raise _BehindError
        if version == manifest.version:
            return
        parts = [part for part in manifest.parts.get("message", ()) if part.version > version]
        with self._transaction():
            for rows in _messages(self._lake, [part.path for part in parts], ""):
                for hash_, _, content, inf_time, seq in rows:
                    row = (content, inf_time, seq)
                    there = self._con.execute(
                        "select content, inf_time, seq from seen where hash = ?", (hash_,)
                    ).fetchone()
                    if there is None:
                        self._con.execute("insert into seen values (?, ?, ?, ?)", (hash_, *row))
                    elif there != row:
                        raise _BehindError
            self._con.execute("update state set version = ?", (manifest.version,))

    def _rebuild(self, manifest: Manifest) -> None:
        """Fill a new file with all messages of the lake, in the order of their hashes."""
        partial = self._path.with_name(f"{MSGIDS}.partial")
        for path in (partial, self._path, *self._lake.glob(f"{MSGIDS}-*")):
            path.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial, isolation_level=None)) as con:
            con.execute("pragma journal_mode = off")
            con.executescript(_TABLES)
            con.execute("begin")
            last = None
            paths = [part.path for part in manifest.parts.get("message", ())]
            for rows in _messages(self._lake, paths, "order by hash >= 9223372036854775808 desc, hash, seq"):
                seen, others = [], []
                for hash_, msgid, *rest in rows:
                    if hash_ == last:
                        others.append((msgid, *rest))
                    else:
                        seen.append((hash_, *rest))
                    last = hash_
                con.executemany("insert into seen values (?, ?, ?, ?)", seen)
                con.executemany("insert into other values (?, ?, ?, ?)", others)
            con.execute("insert into state values (?, ?)", (_FORMAT, manifest.version))
            con.execute("commit")
        partial.replace(self._path)

    def _msgids(self, messages: Collection[tuple[int, int]], manifest: Manifest) -> dict[int, str]:
        """The msgids of messages (`seq`, `inf_time`), as the lake has them."""
        if not messages:
            return {}
        with engine.connect(threads=1) as con:
            months = {
                con.execute("select strftime(make_timestamp(?), '%Y-%m')", [time]).fetchone()[0]  # type: ignore[index]
                for time in {inf_time for _, inf_time in messages}
            }
            parts = of_months(manifest.parts.get("message", ()), months)
            files = files_in_sql(self._lake / part.path for part in parts)
            wanted = ", ".join(str(seq) for seq, _ in messages)
            rows = con.execute(f"select seq, msgid from {files} where seq in ({wanted})").fetchall()
        if len(rows) < len(messages):
            raise Refused(
                f"{self._path} does not agree with the lake: delete it, it is filled anew from the lake."
            )
        return dict(rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._con.execute("begin")
        try:
            yield
        except BaseException:
            self._con.execute("rollback")
            raise
        self._con.execute("commit")


def _messages(
    lake: Path, paths: Collection[str], order: str
) -> Iterator[list[tuple[int, str, int, int, int]]]:
    """Hash, msgid, content, inf_time and seq of the messages of these files, some at a time."""
    if not paths:
        return
    with (
        tempfile.TemporaryDirectory(prefix=".adding-", dir=lake) as work,
        engine.connect(workspace=Path(work), memory_limit="1GB") as con,
    ):
        result = con.execute(
            "select md5_number_upper(msgid) as hash, msgid, content, epoch_us(inf_time), seq "
            f"from {files_in_sql(lake / path for path in paths)} {order}"
        )
        while rows := result.fetchmany(_ROWS_AT_ONCE):
            yield [
                (signed(hash_), msgid, signed(content), inf_time, seq)
                for hash_, msgid, content, inf_time, seq in rows
            ]


def signed(number: int) -> int:
    """A number of 64 bits as SQLite has it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _hash(msgid: str) -> int:
    digest = hashlib.md5(msgid.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
