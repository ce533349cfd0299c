"""The worker: a router and a judge in one process, stopped together."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import faust
import mode

from streams.kafka.judge import Judge


class JudgeService(mode.Service):
    """The judge on a thread of its own, as a service of Faust's: evaluating must not keep the loop from its
    heartbeats. A judge that fails takes the process with it; whoever starts it again finds the state whole."""

    def __init__(self, judge: Judge, **options: Any) -> None:
        super().__init__(**options)
        self._judge = judge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="judge")
        self._failed: BaseException | None = None

    async def on_start(self) -> None:
        """Called by the framework."""
        self._thread.start()

    @mode.Service.task
    async def _watch(self) -> None:
        await asyncio.to_thread(self._thread.join)
        if self._failed is not None:
            await self.crash(self._failed)

    async def on_stop(self) -> None:
        """Called by the framework: what is stored is sent, then it ends."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._judge.run(self._stop)
        except BaseException as error:
            self._failed = error


def run_worker(app: faust.App, judge: Judge) -> None:
    """Run until SIGTERM or Ctrl-C, or until one of the two fails. Does not return: the process ends."""
    faust.Worker(
        app, JudgeService(judge), override_logging=False, loglevel="WARNING"
    ).execute_from_commandline()
