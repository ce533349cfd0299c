"""A full disk: recognised in whatever way the libraries say it, and turned into one sentence and an exit code of its own."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from streams.errors import Refused

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

#: How DuckDB says it: the system's words, and its own for a folder of temporary files that cannot take more.
_DUCKDB = ("No space left on device", "Disk quota exceeded", "max_temp_directory_size", '"errno":"28"')

NO_ROOM_BYTES = 64 << 20
"""A disk with less room than this is the one meant. What could not be written may be large, and is gone again by now."""

_POSTGRESQL = "53100"
"""SQLSTATE disk_full."""


class DiskFull(Refused):
    """A disk is full. Ends the process with exit code 75."""


def is_full(error: BaseException) -> bool:
    """Whether an exception, or what it came from, says that a disk (or a quota) is full."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if _says_full(one):
            return True
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return False


def _says_full(error: BaseException) -> bool:
    if isinstance(error, DiskFull):
        return True
    if isinstance(error, OSError):
        return error.errno in FULL
    if isinstance(error, sqlite3.Error):
        # The primary code stands in the lowest byte; some extended codes of writing say no more than "input, output".
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_FULL
    if isinstance(error, duckdb.Error):
        return any(words in str(error) for words in _DUCKDB)
    return getattr(error, "sqlstate", None) == _POSTGRESQL


def sentence(places: Mapping[str, Path]) -> str:
    """What to tell. `places`: name ("state", "lake") → folder that the service writes to; named is the one on a disk with
    next to no room, where there is one."""
    full = "a disk is full"
    watched = {**places, "temporary": Path(tempfile.gettempdir())}
    room = {name: shutil.disk_usage(there(folder)).free for name, folder in watched.items()}
    name = min(room, key=room.__getitem__)
    if room[name] < NO_ROOM_BYTES:
        left = f"{room[name] / 1e6:.1f} MB left"
        full = f"the disk of the {name} folder, {watched[name]}, is full ({left})"
    after = ": nothing was lost" if places else ""
    return f"{full}; make room or give another folder, and start again{after}."


@contextmanager
def told(places: Mapping[str, Path]) -> Iterator[None]:
    """Raise `DiskFull` with the sentence in place of any exception of the block that means a full disk."""
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if is_full(error):
            raise DiskFull(sentence(places)) from error
        raise


def there(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
