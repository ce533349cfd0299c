"""What the system is to know of a process: how it allocates, and whom it gives way to."""

from __future__ import annotations

import os
import platform
import sys

#: Read by glibc when a program begins, and at no other time.
SETTING = "GLIBC_TUNABLES"

_BLOCKS = "glibc.malloc.tcache_count=500"

#: Of a service for whose work nobody waits: where both have something to do, it gets a tenth of what the worker gets.
_NICE = 10


def keep_blocks_at_hand() -> None:
    """Begin this program anew, in the same process, with more freed blocks kept. Not where that was done, the C library is
    another, or somebody has set it already.

    To plan a statement takes thousands of small allocations. glibc keeps seven freed blocks of each size at hand and searches
    for others, which is a fifth of an evaluation on few facts, and more in a process that has run for a while.
    """
    if platform.libc_ver()[0] == "glibc" and SETTING not in os.environ:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, SETTING: _BLOCKS})


def give_way() -> None:
    """Let whoever has something more urgent to do on this machine go first."""
    os.nice(_NICE)
