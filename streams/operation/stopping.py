"""Being asked to end: what was begun is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import FrameType


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, instead of breaking off; outside the main thread nobody sets it.

    A handler runs in the midst of whatever the main thread does. Where that holds the event's own lock, since it begins to
    wait, to set it would wait for ever; so a thread sets it that is told by a queue without a lock.
    """
    stop = threading.Event()
    asked: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        while asked.get():
            stop.set()

    listener = threading.Thread(target=listen, name="asked to stop", daemon=True)
    listener.start()
    try:
        with _handled(lambda *_: asked.put(True)):
            yield stop
    finally:
        asked.put(False)
        listener.join()


def start_apart(process: BaseProcess) -> None:
    """Start a process that Ctrl-C does not reach, from its first moment on: who started it says what becomes of it.

    A terminal sends Ctrl-C to all of a group, and an interpreter that is still starting dies of it with a traceback;
    so does one whose start is broken off on this side.
    """
    with told_afterwards(), _not_inherited(signal.SIGINT):
        process.start()


@contextmanager
def told_afterwards() -> Iterator[None]:
    """What SIGTERM and Ctrl-C tell this process within the block, it hears at its end: for what would be left half made."""
    heard: list[int] = []
    try:
        with _handled(lambda number, _: heard.append(number)):
            yield
    finally:
        for number in heard:
            signal.raise_signal(number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """SIGTERM and Ctrl-C are handled so within the block; outside the main thread they are not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, handler) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, earlier in before.items():
            signal.signal(one, signal.SIG_DFL if earlier is None else earlier)


@contextmanager
def _not_inherited(one: signal.Signals) -> Iterator[None]:
    """A process that is started in the block is born with the signal blocked, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It would be started with the process, and allows the signals again that it had blocked for its own start.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {one})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
