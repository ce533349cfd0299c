"""A `fundwatch up` that is killed (-9) at a step: `python -m … CLASS.METHOD before|after N COMMAND…`, N counting from 1."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from streams.cli import main
from streams.lake.writer import Writer
from streams.live.journal import Journal
from streams.live.rejects import RejectsFile
from streams.live.shard import Shard
from streams.live.sweep import Sweep
from streams.store.writing import AlertStore

CLASSES: dict[str, type[Any]] = {
    one.__name__: one for one in (Journal, RejectsFile, Shard, AlertStore, Writer, Sweep)
}


def deadly(method: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    """The same, but its n-th call is the last that the process does."""
    calls = 0

    def called(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*args, **kwargs)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return called


if __name__ == "__main__":
    step, when, number, *command = sys.argv[1:]
    name, _, method = step.partition(".")
    setattr(CLASSES[name], method, deadly(getattr(CLASSES[name], method), when, int(number)))
    main(command)
