"""What the system is to know of a process: how it allocates, and whom it gives way to."""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path

#: How to allocate: glibc reads its setting when a program begins, and at no other time; DuckDB has an allocator of its own
#: for what tables and vectors are made of.
SETTINGS = {
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=8000",
    "DUCKDB_JE_MALLOC_CONF": ",".join(
        [
            "tcache_max:1048576",
            "tcache_nslots_large:500",
            f"tcache_gc_incr_bytes:{4 << 30}",
            "dirty_decay_ms:30000",
            "muzzy_decay_ms:30000",
        ]
    ),
}

#: How much one gives way for whose work nobody waits: where both have something to do, it gets a tenth of what another gets.
_NICE = 10

#: Objects that are made before those since the last time are looked through; Python's own number is 700.
_YOUNG = 70_000

_SESSION = Path("/proc/self/autogroup")

#: Some two seconds in all, while others lower theirs.
_TRIES = 20
_BETWEEN_SECONDS = 0.11


def keep_blocks_at_hand() -> None:
    """Begin this program anew, in the same process, with more freed blocks kept. Not where that was done, or the C library is
    another; what somebody has set already stays.

    To plan a statement takes thousands of small allocations. glibc keeps seven freed blocks of each size at hand and searches
    for others, which is a fifth of an evaluation on few facts, and more in a process that has run for a while. To run one
    takes thousands of large ones, one for each column of each operator; DuckDB gives those back to the system after a second,
    and each page that it asks for again is a fault, which is a tenth. It keeps none above 32 KB at hand, and looks through
    the others whenever two more are asked for, which is a sixth of rules and ledger. All that is kept is some 50 MB.
    """
    wanted = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    if platform.libc_ver()[0] == "glibc" and wanted:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})


def collect_seldom() -> None:
    """Have Python look for cycles of objects a hundred times less often: rows of facts have none, and a batch is half a
    million young objects."""
    gc.set_threshold(_YOUNG, 20, 100)


def give_way(by: int = _NICE) -> None:
    """Let whoever has something more urgent to do on this machine go first. By 5, one gets a third of what another gets.

    Where Linux schedules by session, a process's priority counts only within its own; a service that is a session by itself
    lowers that, too. What runs in a control group of its own is weighed by that instead.
    """
    nice = os.nice(by)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # another system, or no such scheduling
            _lower_session(nice)


def _lower_session(nice: int) -> None:
    """Linux takes one such change in a tenth of a second, of the whole machine, and says "try again" to others."""
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            _SESSION.write_text(str(nice), encoding="ascii")
            return
        time.sleep(_BETWEEN_SECONDS)
