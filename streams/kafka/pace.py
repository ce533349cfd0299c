"""When the router routes: when half of the judge's turn is over, and just in time for the next, at whose beginning it takes
what there is."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

#: The longest of so many batches is what the next is thought to take: a judge that waits for packets is worse than packets
#: that wait.
_LAST = 3


class Pace:
    """What came meanwhile is routed together, since of a large batch each message costs less, and as late as it may be, since
    what comes too late for a turn waits for the whole of it. What is there by half of a turn goes before, so that the last
    is the sooner on its way."""

    def __init__(self) -> None:
        self._is_due = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._takes: deque[float] = deque([0.0], maxlen=_LAST)

    def expect(self, seconds: float) -> None:
        """A judge will take packets in so many seconds. From any thread; nobody hears it who has never waited."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._plan, self._loop, seconds)

    def took(self, seconds: float) -> None:
        """So long was a batch on its way."""
        self._takes.append(seconds)

    async def wait(self, within: float) -> None:
        """Until it is time for what waits, at most so many seconds. At once where it was, and nothing came."""
        self._loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_due.wait(), within)
        self._is_due.clear()

    def _plan(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._is_due.set()
        if (left := seconds - max(self._takes)) > 0.0:
            loop.call_later(left, self._is_due.set)
