"""Being asked to end: what was begun is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, instead of breaking off; outside the main thread nobody sets it."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(*_: object) -> None:
        stop.set()

    before = {one: signal.signal(one, ask) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def start_apart(process: BaseProcess) -> None:
    """Start a process that Ctrl-C does not reach, from its first moment on: who started it says what becomes of it.

    A terminal sends Ctrl-C to all of a group, and an interpreter that is still starting dies of it with a traceback;
    so does one whose start is broken off on this side. What this process was told meanwhile, it hears afterwards.
    """
    # It would be started with the process, and allows the signals again that it had blocked for its own start.
    resource_tracker.ensure_running()
    with _heard_afterwards(), _not_inherited(signal.SIGINT):
        process.start()


@contextmanager
def _heard_afterwards() -> Iterator[None]:
    """Signals that ask to end are handled when the block is done; outside the main thread none are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = {
        one: signal.signal(one, lambda number, _: heard.append(number))
        for one in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, signal.SIG_DFL if handler is None else handler)
        for number in heard:
            signal.raise_signal(number)


@contextmanager
def _not_inherited(one: signal.Signals) -> Iterator[None]:
    """A process that is started in the block is born with the signal blocked, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {one})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
