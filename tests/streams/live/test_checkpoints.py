"""What steps wrote ahead is moved into the state files beside the next steps, of one after the other."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator

import pytest

from streams.live.checkpoints import Checkpoints


@pytest.fixture
def checkpoints() -> Iterator[Checkpoints]:
    made = Checkpoints()
    yield made
    made.close()


def test_one_after_the_other_and_nobody_waits(checkpoints: Checkpoints) -> None:
    done: list[int] = []
    goes_on, is_done = threading.Event(), threading.Event()

    def move(number: int) -> Callable[[], None]:
        def moved() -> None:
            assert goes_on.wait(60)
            done.append(number)
            is_done.set()

        return moved

    of = {number: move(number) for number in (2, 5, 9)}
    checkpoints.go_on({})
    for expected in ([2], [2, 5], [2, 5, 9], [2, 5, 9, 2]):
        until_begun(checkpoints, of)
        checkpoints.go_on(of)
        assert done == expected[:-1]
        goes_on.set()
        assert is_done.wait(60)
        goes_on.clear()
        is_done.clear()
        assert done == expected
    del of[5]  # another has it now
    until_begun(checkpoints, of)
    goes_on.set()
    assert is_done.wait(60)
    assert done[-1] == 9


def until_begun(checkpoints: Checkpoints, of: dict[int, Callable[[], None]]) -> None:
    """Have it begin with the next, which it does not while the last one is just about to end."""
    before = checkpoints._running
    while checkpoints._running is before:
        checkpoints.go_on(of)


def test_what_goes_wrong_is_told_later(checkpoints: Checkpoints) -> None:
    def fails() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    checkpoints.go_on({0: fails})
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        until_begun(checkpoints, {0: fails})
