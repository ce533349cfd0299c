"""How a process ends: the exit codes, as a supervisor sees them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the commands and services."""

    DONE = 0
    DIFFERS = 1
    REFUSED = 2
    UNHEALTHY = 70
    DISK_FULL = 75
    INTERRUPTED = 130
    TERMINATED = 143


#: What each means, and what a supervisor does then.
MEANINGS: Mapping[Exit, tuple[str, str]] = {
    Exit.DONE: ("done; a service: drained after SIGTERM", "nothing"),
    Exit.DIFFERS: ("done, and something differs or does not hold", "nothing"),
    Exit.REFUSED: (
        "refused with one sentence, such as on a wrong setting",
        "not restart; somebody must look",
    ),
    Exit.UNHEALTHY: (
        "the watchdog ended it: messages waited and nothing moved, or too much memory",
        "restart",
    ),
    Exit.DISK_FULL: ("a disk is full", "restart after a pause, and tell somebody"),
    Exit.INTERRUPTED: ("interrupted (Ctrl-C)", "nothing"),
    Exit.TERMINATED: ("ended by SIGTERM before it was done", "nothing"),
}
