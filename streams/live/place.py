"""The data folder of `fundwatch up`: what stands in it, and that one process works on it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from streams.errors import Refused

#: What came in; the shard's and the sweeper's state; the lake; the alert store; rejects; the token of POST /events.
JOURNAL, STATE, LAKE, STORE, REJECTS, TOKEN = (
    "journal.db",
    "state",
    "lake",
    "alerts.db",
    "rejects.jsonl",
    "token",
)

#: In the folder of the state: the shard, the sweeper, and what does not fit in memory.
SHARD, SWEEPER, WORK = "shard-0000.db", "sweeper.db", "work"

_LOCK = "lock"


def locked(data: Path) -> IO[bytes]:
    """The right to work on a data folder, until the file is closed or the process ends."""
    file = (data / _LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Refused(
            f"{data} is in use by another fundwatch up: stop that first, or give another folder."
        ) from None
    return file
