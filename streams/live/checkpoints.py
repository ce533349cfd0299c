"""Moving what steps wrote ahead into the state files themselves, beside the next step: that waits for the disk twice, and who
waits for an alert need not wait with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from streams.live.shards import shard_after


class Checkpoints:
    """One after the other. Not to be used by two threads at once."""

    def __init__(self) -> None:
        self._beside = ThreadPoolExecutor(1, "checkpoint")
        self._running: Future[None] | None = None
        self._last = -1

    def go_on(self, of: Mapping[int, Callable[[], None]]) -> None:
        """Begin with that of the next of these shards, where the last one is done. Raises what went wrong with that."""
        if self._running is not None:
            if not self._running.done():
                return
            self._running.result()
            self._running = None
        if of:
            self._last = shard_after(self._last, of)
            self._running = self._beside.submit(of[self._last])

    def close(self) -> None:
        """Wait for what is under way."""
        self._beside.shutdown()
