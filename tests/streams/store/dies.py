"""A process that applies changes to a store and is killed before its n-th statement or commit: `python -m … URL N`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from streams.changes import Change
from streams.store.writing import AlertStore
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded

#: Batches that are applied, each with how far the source was read.
BATCHES: list[tuple[list[Change], int]] = [
    ([a_change(1, an_alert(n), facts=[a_fact("m1"), a_fact(f"m{n}")]) for n in range(5)], 5),
    (
        [
            a_change(2, reworded(an_alert(1), opter="B"), facts=[a_fact("m9")]),
            a_retraction(2, an_alert(2)),
            a_change(1, an_alert(7)),
        ],
        8,
    ),
]


def main(url: str, last: int) -> None:
    """Apply the batches; say what was acknowledged."""
    steps = 0

    def step(*_: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with AlertStore(url) as store:
        event.listen(Engine, "before_cursor_execute", step)
        event.listen(Engine, "commit", step)
        for changes, offset in BATCHES:
            store.apply(changes, {("topic", 0): offset})
            sys.stdout.write(f"{offset}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
