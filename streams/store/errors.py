"""What can go wrong with a store, each as one sentence that says what to do, without a word of what was to be stored.

Refused
└── StoreError        it cannot be used so: no such store, no access, damaged, another format
    ├── StoreAway     no connection, or another process holds it: trying again later may do
    └── StoreFull     no space left: what was not stored is still where it came from
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from streams.errors import Refused


class StoreError(Refused):
    """The store cannot be used as asked."""


class StoreAway(StoreError):  # noqa: N818
    """The store cannot be reached now."""


class StoreFull(StoreError):  # noqa: N818
    """There is no space left for the store."""


#: SQLite's name of an error → what it is, and the sentence. Longer names come first.
_SQLITE: tuple[tuple[str, type[StoreError], str], ...] = (
    ("SQLITE_FULL", StoreFull, "has no space left on its disk: make room, then start again; nothing was lost"),
    ("SQLITE_BUSY", StoreAway, "is held by another process for too long: see who writes to it, then start again"),
    ("SQLITE_LOCKED", StoreAway, "is held by another process for too long: see who writes to it, then start again"),
    ("SQLITE_READONLY", StoreError, "may not be written to: give this user the right to write the file and its folder"),
    ("SQLITE_CANTOPEN", StoreError, "cannot be opened: see that its folder is there and this user may write in it"),
    ("SQLITE_PERM", StoreError, "cannot be opened: see that this user may read and write it"),
    ("SQLITE_NOTADB", StoreError, "is no SQLite database: name another file"),
    ("SQLITE_CORRUPT", StoreError, "is damaged: take back a backup, then fill it on from there"),
    ("SQLITE_IOERR", StoreAway, "cannot be read or written, its disk says: see to the disk, then start again; nothing was lost"),
)  # fmt: skip

#: SQLSTATE of PostgreSQL, or how it begins → likewise.
_POSTGRESQL: tuple[tuple[str, type[StoreError], str], ...] = (
    ("53100", StoreFull, "has no space left on its disk: make room, then start again; nothing was lost"),
    ("53", StoreAway, "has no more connections or memory to give: start again later"),
    ("57", StoreAway, "was stopped or is starting: start again when it is up; nothing was lost"),
    ("08", StoreAway, "cannot be reached: see that the server is up; nothing was lost"),
    ("40", StoreAway, "was busy with others: start again; nothing was lost"),
    ("25006", StoreError, "is open for reading only"),
    ("28", StoreError, "does not let this user in: see user, password (PGPASSWORD or ~/.pgpass) and pg_hba.conf"),
    ("3D000", StoreError, "is no database of that server: create it first"),
    ("42501", StoreError, "does not give this user the rights it needs: grant them"),
)  # fmt: skip


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn errors of the database into `StoreError`s about the store at `place`."""
    try:
        yield
    except DBAPIError as error:
        kind, sentence = _reading(error)
        # The original would print rows, which are about persons.
        raise kind(f"The alert store {place} {sentence}.") from None
    except SQLAlchemyError as error:
        raise StoreError(f"The alert store {place} cannot be used: {type(error).__name__}.") from None


def _reading(error: DBAPIError) -> tuple[type[StoreError], str]:
    cause = error.orig
    if isinstance(cause, psycopg.Error):
        state = cause.sqlstate or ""
        for begin, kind, sentence in _POSTGRESQL:
            if state.startswith(begin):
                return kind, sentence
        if error.connection_invalidated or (isinstance(cause, psycopg.OperationalError) and not state):
            return _unreached(cause)
        return StoreError, f"refused a statement ({type(cause).__name__}, SQLSTATE {state or 'none'})"
    name = getattr(cause, "sqlite_errorname", "")
    for begin, kind, sentence in _SQLITE:
        if name.startswith(begin):
            return kind, sentence
    return StoreError, f"refused a statement ({type(cause).__name__}, {name or 'no code'})"


def _unreached(cause: psycopg.Error) -> tuple[type[StoreError], str]:
    """A connection that was lost, or that was never made: then only the text says why."""
    text = str(cause)
    if "authentication failed" in text or "no pg_hba.conf entry" in text or "no password supplied" in text:
        state = "28"
    elif "does not exist" in text and "database" in text:
        state = "3D000"
    elif "role" in text and "does not exist" in text:
        state = "28"
    else:
        state = "08"
    return next((kind, sentence) for begin, kind, sentence in _POSTGRESQL if begin == state)
