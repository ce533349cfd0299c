"""A worker with less patience than settings allow, or one that kills itself at a chosen moment.

    python -m tests.live.soak.child --config FILE [--session SECONDS] [--evict SECONDS] [--die MOMENT | --stop MOMENT] [--at N]

It is `fundwatch worker` but for that: the same process, the same code.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from streams.errors import Refused
from streams.kafka import judge as judge_module
from streams.kafka import routing
from streams.kafka import worker as worker_module
from streams.kafka.judge import Judge, JudgeSettings
from streams.kafka.owned import Predecessors
from streams.operation.exits import Exit
from streams.operation.process import keep_blocks_at_hand
from streams.operation.reading import read

#: Moments at which it can be made to die; `routed` is the router's, the others are the judge's.
MOMENTS = {
    "routed": "packets are confirmed, the messages they came from not acknowledged",
    "judged": "alerts are found, nothing of them is stored",
    "stored": "facts and changes are stored, nothing is sent",
    "sent": "changes are sent, their transaction is not committed",
    "committed": "the transaction is committed, the outbox is not cleared",
    "cleared": "the outbox is cleared",
    "fenced": "the predecessor is fenced, what was said is not learnt yet",
    "learnt": "what was said is learnt, packets are not caught up with yet",
    "evicted": "histories were let go of",
}


class _Countdown:
    """Sends a process a signal when the moment has come so often."""

    def __init__(self, moment: str | None, at: int, number: signal.Signals, pid: int) -> None:
        self._moment, self._number, self._pid = moment, number, pid
        self._times = count(1)  # transactions are committed on several threads
        self._at = at

    def __call__(self, moment: str) -> None:
        if moment == self._moment and next(self._times) == self._at:
            os.kill(self._pid, self._number)


def dying(reached: Callable[[str], None]) -> type[Judge]:
    """A judge that says which moment it has reached."""

    class Silencing(Predecessors):
        def said(self, number: int) -> Any:
            reached("fenced")
            return super().said(number)

        def _catch_up(self, shard: Any, tp: Any, committed: int) -> None:
            reached("learnt")
            super()._catch_up(shard, tp, committed)

    class Dying(Judge):
        def __init__(self, settings: JudgeSettings, *given: Any) -> None:
            super().__init__(settings, *given)
            self._predecessors = Silencing(settings.connection, settings.layout, settings.group, self._go_on)

        def _take_over(self, consumer: Any, number: int) -> None:
            super()._take_over(consumer, number)
            owned = self.owned[number]
            _around(
                owned.producer, "commit_transaction", lambda: reached("sent"), lambda: reached("committed")
            )
            _around(owned.shard, "sent", after=lambda _: reached("cleared"))
            _around(owned.shard, "evict", after=lambda: reached("evicted"))
            _around(owned.shard.said, "note", before=lambda said, _: reached("judged") if said else None)

        def _send(self, consumer: Any, speaking: Mapping[int, Any]) -> None:
            if any(owned.shard.said.depth for owned in speaking.values()):
                reached("stored")
            super()._send(consumer, speaking)

    return Dying


def _nothing(*_: Any) -> None:
    pass


def _around(
    of: Any, name: str, before: Callable[..., None] = _nothing, after: Callable[..., None] = _nothing
) -> None:
    """Call `before` and `after` with the arguments of a method of `of`."""
    method = getattr(of, name)

    def around(*arguments: Any) -> Any:
        before(*arguments)
        result = method(*arguments)
        after(*arguments)
        return result

    setattr(of, name, around)


def _slowly(method: Callable[[], Any]) -> Callable[[], Any]:
    async def slow() -> None:
        # as code that takes being cancelled for being done
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
        await method()

    return slow


def _route_alone(number: signal.Signals, at: int, is_slow: bool, *given: Any) -> None:
    """The router's process: `number` goes to the worker when something was routed for the `at`-th time (0: never)."""
    reached = _Countdown("routed", at, number, os.getppid())
    make_app = routing.make_app

    def made(settings: Any, on_routed: Any, pace: Any) -> Any:
        def routed(*told: Any) -> None:
            reached("routed")
            on_routed(*told)

        app = make_app(settings, routed, pace)
        if is_slow:
            app.on_started = _slowly(app.on_started)
        return app

    routing.make_app = made
    routing.route_alone(*given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--session", type=int)
    parser.add_argument("--evict", type=float)
    parser.add_argument("--die", choices=MOMENTS, help="kill -9")
    parser.add_argument("--stop", choices=MOMENTS, help="SIGSTOP: it goes on when somebody lets it")
    parser.add_argument("--at", type=int, default=1)
    parser.add_argument("--slow-start", action="store_true", help="the router takes seconds to start")
    parser.add_argument("--roll-out", action="store_true")
    chosen = parser.parse_args(arguments)
    settings = read(chosen.config).settings
    if chosen.session:
        worker = replace(settings.worker, session_timeout_seconds=chosen.session)
        settings = replace(settings, worker=worker)
    if chosen.evict:
        judge_module._EVICT_EVERY = chosen.evict
    number = signal.SIGKILL if chosen.die else signal.SIGSTOP
    reached = _Countdown(chosen.die or chosen.stop, chosen.at, number, os.getpid())
    worker_module.Judge = dying(reached)  # type: ignore[misc]
    of_router = chosen.at if (chosen.die or chosen.stop) == "routed" else 0
    routing.route_alone = functools.partial(_route_alone, number, of_router, chosen.slow_start)
    try:
        return int(worker_module.run_worker(settings, roll_out=chosen.roll_out))
    except Refused as error:  # as the command line does
        print(error, file=sys.stderr)
        return int(Exit.REFUSED)


if __name__ == "__main__":
    keep_blocks_at_hand()
    sys.exit(main())
