"""The watchdog: a service that stands still, or grows too large, ends, so that its supervisor starts it again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Health
from streams.operation.logging import Log
from streams.operation.metrics import resident_bytes

EVERY_SECONDS = 5.0
PAUSED_SECONDS = 3 * EVERY_SECONDS
"""A gap between two looks that only a process which stood still can have."""


class Watchdog:
    """Looks at the health of its process every five seconds, on a thread of its own.

    A stall: one line in the log, and the process ends at once with exit code 70; nothing is lost, since nothing was
    acknowledged. Too much memory: one line, then `drain` is called once, after which the service must end; its exit
    code is `code`. `end` takes an exit code (default: ends the process whatever else runs). `clock`: seconds, monotonic.
    """

    def __init__(
        self,
        health: Health,
        log: Log,
        drain: Callable[[], None],
        *,
        rss_limit_bytes: int = 0,
        rss: Callable[[], int] = resident_bytes,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._health, self._log, self._drain = health, log, drain
        self._limit, self._rss = rss_limit_bytes, rss
        self._clock, self._end = clock, end
        self._looked = clock()
        self._too_large = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def code(self) -> Exit:
        """The exit code with which a service that has drained ends."""
        return Exit.UNHEALTHY if self._too_large else Exit.DONE

    def look(self) -> None:
        """Look once."""
        now = self._clock()
        if now - self._looked > PAUSED_SECONDS:
            self._health.resumed()
        self._looked = now
        verdict = self._health.live()
        if not verdict.good:
            self._log.error(Event.STALLED, None, **self._health.figures())
            self._end(Exit.UNHEALTHY)
            return
        rss = self._rss()
        if self._limit and rss > self._limit and not self._too_large:
            self._too_large = True
            self._log.error(Event.TOO_LARGE, bytes=rss, limit_bytes=self._limit)
            self._drain()

    def __enter__(self) -> Self:
        self._looked = self._clock()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self.look()
