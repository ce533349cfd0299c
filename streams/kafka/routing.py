"""The router in a process of its own: on one interpreter its loop and the judge's evaluations keep each other waiting."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe

import faust

from streams.kafka.pace import Pace
from streams.kafka.router import OnRouted, RouterSettings, make_app
from streams.operation import disk
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.logging import setup
from streams.operation.process import collect_seldom, give_way
from streams.operation.settings import Logging
from streams.operation.stopping import start_apart

#: What the judge lets wait grows into larger batches, which take less for each message. By more, the judge would take its
#: turns sooner, and with less in each.
_GIVES_WAY = 5

OnEnd = Callable[[int], None]


class Routing:
    """The router's process, as the worker sees it.

    `on_routed` gets what was routed, `on_end` the exit code (negative: the signal that ended it), both on a thread of
    their own. When the process that made this is gone, however it went, the router ends too.
    """

    def __init__(
        self, settings: RouterSettings, logging: Logging, on_routed: OnRouted, on_end: OnEnd
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, self._far_end = context.Pipe()
        self._process = context.Process(
            target=route_alone, args=(settings, logging, self._far_end), name="router", daemon=True
        )
        self._on_routed, self._on_end = on_routed, on_end
        self._listener = threading.Thread(target=self._listen, name="router", daemon=True)
        self._was_told = False

    @property
    def pid(self) -> int | None:
        """The process; None before it was started."""
        return self._process.pid

    def start(self) -> None:
        """Start it; it is not waited for."""
        start_apart(self._process)
        self._far_end.close()
        self._listener.start()

    def expect(self, seconds: float) -> None:
        """Tell it that the judge will take packets in so many seconds. Once, until it has routed something: one that is
        stopped would not read what it is told, and in the end whoever tells it would wait."""
        if not self._was_told:
            self._was_told = True
            with suppress(OSError):  # it is gone, which the listener will see
                self._pipe.send(seconds)

    def ask_to_end(self) -> None:
        """Have it end in order."""
        self._process.terminate()

    def see_that_it_ends(self, patience: float) -> None:
        """Wait for its end, at most so many seconds: it keeps nothing, so it may then be cut off."""
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        try:
            while True:
                routed = self._pipe.recv()
                self._was_told = False
                self._on_routed(*routed)
        except (EOFError, OSError):
            self._process.join()
        self._on_end(self._process.exitcode or 0)


def route_alone(settings: RouterSettings, logging: Logging, worker: Pipe) -> None:
    """What the process does: route until SIGTERM, a failure, or the worker's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's, which passes it on
    collect_seldom()
    give_way(by=_GIVES_WAY)
    log = setup(logging, "worker")
    pace = Pace()
    threading.Thread(target=_listen_to, args=(worker, pace), name="worker", daemon=True).start()
    failed: BaseException | None = None
    try:
        app = make_app(settings, lambda *routed: worker.send(routed), pace)
        _Runner(app, override_logging=False, loglevel="WARNING", quiet=True).execute_from_commandline()
    except SystemExit as end:
        failed = end if end.code else None
    except Exception as error:  # what Faust was crashed with
        failed = error
    code = Exit.DONE
    if failed is not None:
        code = Exit.DISK_FULL if disk.is_full(failed) else Exit.UNHEALTHY
        log.error(Event.DISK_FULL if code == Exit.DISK_FULL else Event.FAILED, failed)
    # Faust may leave a thread behind that would keep the process.
    os._exit(code)


def _listen_to(worker: Pipe, pace: Pace) -> None:
    """The worker says when its judge will take packets; that it is gone shows by the end of the pipe."""
    try:
        while True:
            pace.expect(worker.recv())
    except (EOFError, OSError):
        os._exit(Exit.UNHEALTHY)


class _Runner(faust.Worker):
    """Faust's, but that a signal has it stop and nothing else."""

    def install_signal_handlers(self) -> None:
        """Called by the framework."""
        self.loop.add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(self.stop()))
