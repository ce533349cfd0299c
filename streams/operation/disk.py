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
    """What to tell: which of the places (name → folder; the folder of temporary files comes on top) has least room."""
    name, folder, free = min(
        (
            (name, folder, shutil.disk_usage(there(folder)).free)
            for name, folder in {**places, "temporary": Path(tempfile.gettempdir())}.items()
        ),
        key=lambda one: one[2],
    )
    return (
        f"a disk is full; the least room is in the {name} folder, {folder}: {free / 1e6:,.0f} MB. "
        "Make room or give another folder, and start again: nothing was lost."
    )


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
