"""Opening a store by its URL: `sqlite:///alerts.db` (three slashes and a path), or `postgresql://user@host/database`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from streams.store import migrations
from streams.store.errors import StoreError, explained

#: Where the commands look, unless told otherwise.
DEFAULT = "sqlite:///alerts.db"

#: Milliseconds that SQLite waits for another process's transaction, and seconds that PostgreSQL has to answer.
BUSY_MS = 30_000
CONNECT_S = 10

#: A lock of PostgreSQL that whoever writes takes for a transaction; the number is any that nobody else uses.
_WRITERS = 0x66756E64

#: A database is closed to all but its owner and group.
_MODE = 0o640


@dataclass(frozen=True)
class Location:
    """Where a store is. `place` is how it is called in sentences: without a password."""

    url: URL
    place: str
    file: Path | None

    @property
    def engine_url(self) -> URL:
        """As SQLAlchemy wants it: with the driver."""
        return self.url if self.file else self.url.set(drivername="postgresql+psycopg")


def locate(url: str) -> Location:
    """Read a store's URL. Refuses what is none."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            "That is no URL of an alert store: write sqlite:///alerts.db or postgresql://user@host/database."
        ) from None
    if read.drivername == "sqlite" and read.database not in (None, "", ":memory:") and not read.query:
        return Location(read, str(read.database), Path(str(read.database)))
    if read.drivername in ("postgresql", "postgres") and read.database:
        return Location(read, read.set(query={}).render_as_string(hide_password=True), None)
    raise StoreError(
        f"{read.set(query={}).render_as_string(hide_password=True)} is no alert store: write sqlite:///alerts.db "
        "(three slashes and the path of a file) or postgresql://user@host/database."
    )


class Opened:
    """A store that is open: a pool of connections, and transactions whose errors are one sentence.

    A connection is made when it is needed, so a server that was away is met again by the next transaction.
    """

    def __init__(self, location: Location, engine: Engine) -> None:
        self.location = location
        self._engine = engine

    @property
    def place(self) -> str:
        """How the store is called in sentences."""
        return self.location.place

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with explained(self.place), self._engine.begin() as con:
            yield con

    def close(self) -> None:
        """Give its connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def for_writing(url: str) -> tuple[Location, Engine]:
    """A store to be written to: made where there is none, brought up to date where it is of an older format."""
    location = locate(url)
    if location.file is not None and not location.file.exists():
        _make(location.file)
    engine = _engine(location, readonly=False)
    _first(engine, location, migrations.migrate)
    return location, engine


def for_reading(url: str) -> tuple[Location, Engine]:
    """A store to be read only: nothing that is asked of it can change it. Refuses where there is none."""
    location = locate(url)
    if location.file is not None and not location.file.exists():
        raise StoreError(
            f"There is no alert store at {location.place}: name it with --store, or make one with fundwatch store load RUN."
        )
    engine = _engine(location, readonly=True)
    _first(engine, location, migrations.check)
    return location, engine


def _first(engine: Engine, location: Location, act: Callable[[Connection, str], object]) -> None:
    """The first transaction, which says whether this is a store for us."""
    try:
        with explained(location.place), engine.begin() as con:
            act(con, location.place)
    except BaseException:
        engine.dispose()
        raise


def _make(file: Path) -> None:
    if not file.parent.is_dir():
        raise StoreError(f"The folder {file.parent} of the alert store is not there: make it first.")
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, _MODE))
    except OSError as error:
        raise StoreError(f"The alert store {file} cannot be made: {error.strerror}.") from None


def _engine(location: Location, *, readonly: bool) -> Engine:
    if location.file is None:
        options: dict[str, Any] = {"connect_timeout": CONNECT_S, "application_name": "fundwatch"}
        engine = create_engine(
            location.engine_url, connect_args=options, hide_parameters=True, pool_pre_ping=True
        )
        if readonly:
            engine = engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
        else:
            event.listen(engine, "begin", _one_writer)
        return engine
    file = location.file.absolute()

    def connect() -> sqlite3.Connection:
        # isolation_level None: transactions begin where we say, also for changes of the schema.
        mode = "ro" if readonly else "rw"
        con = sqlite3.connect(
            f"{file.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        con.execute(f"pragma busy_timeout = {BUSY_MS}")
        con.execute("pragma temp_store = memory")
        con.execute("pragma cache_size = -65536")
        if readonly:
            con.execute("pragma query_only = on")
        else:
            con.execute("pragma journal_mode = wal")
            # What a caller was told is stored survives a power cut: it may have thrown away its own copy.
            con.execute("pragma synchronous = full")
        return con

    engine = create_engine("sqlite://", creator=connect, hide_parameters=True, poolclass=QueuePool)
    begin = "begin" if readonly else "begin immediate"
    event.listen(engine, "begin", lambda con: con.exec_driver_sql(begin))
    return engine


def _one_writer(con: Connection) -> None:
    con.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _WRITERS})
