"""`fundwatch archive` that kills itself with SIGKILL at a step of its writer: STEP COUNT before|after, then its arguments."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from streams.cli import main
from streams.lake import append, compact, manifest, msgids

STEPS = {
    "files": (append, "settle"),
    "journal": (manifest.Journal, "append"),
    "index": (msgids.Msgids, "take"),
    "fold": (manifest.Manifest, "write"),
    "merge": (compact, "settle"),
}


def die_at(step: str, count: int, when: str) -> None:
    """Have the step end the process, the count-th time it is taken."""
    where, name = STEPS[step]
    original = getattr(where, name)
    left = count

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if not left and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = original(*args, **kwargs)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(where, name, dying)


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    main(sys.argv[4:])
