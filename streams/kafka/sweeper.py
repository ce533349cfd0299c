"""The sweeper as a service: a sweep on a tick, what it found on the topics, coverage daily, repair nightly."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from kafka.errors import KafkaError

from streams.errors import Refused
from streams.kafka.daily import STATE, WORK, Daily, means_of
from streams.kafka.settings import Connection, connection_of
from streams.kafka.speaker import Speaker, SpeakerReplacedError
from streams.kafka.spoken import spoken
from streams.kafka.topics import Layout
from streams.lake import is_lake
from streams.live import rules
from streams.live.sweep import SWEEPER, Sweep, Swept
from streams.live.whole import Breaker, BrokenOffError
from streams.operation import disk
from streams.operation.endpoint import Endpoint
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Condition, Health
from streams.operation.logging import Log, setup
from streams.operation.metrics import (
    AlertMetrics,
    Build,
    ProcessMetrics,
    SweeperMetrics,
    instruments,
)
from streams.operation.settings import Settings
from streams.operation.watchdog import Watchdog
from streams.secrets import site_key

#: Changes that are said in one transaction.
_CHANGES_AT_ONCE = 1000

#: Seconds after which it is tried again to say what could not be said, and between two turns of the loop.
_TRY_AGAIN = 5.0
_TURN = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class Once:
    """What a single sweep did: changes by kind, and rules that ran."""

    changes: Counter[str]
    rules: int


def run_sweeper(settings: Settings, stop: threading.Event) -> Exit:
    """Sweep until `stop` is set, or another sweeper takes over. Raises `Refused`, `DiskFull`."""
    places = {"state": settings.sweeper.state, "lake": settings.sweeper.lake}
    with ExitStack() as stack:
        stack.enter_context(disk.told(places))
        service = _Service(settings, stop)
        stack.callback(service.close)
        stack.enter_context(Endpoint(settings.http, service.health, service.instruments.registry))
        watchdog = stack.enter_context(
            Watchdog(service.health, service.log, stop.set, rss_limit_bytes=settings.limits.rss_mb << 20)
        )
        code = service.run()
        return watchdog.code if code is Exit.DONE else code


def sweep_once(settings: Settings, stop: threading.Event) -> Once:
    """Sweep once and say what was found. Raises `Refused`, `DiskFull`, `BrokenOffError`."""
    with disk.told({"state": settings.sweeper.state, "lake": settings.sweeper.lake}):
        service = _Service(settings, stop)
        with closing(service):
            return service.once()


class _Service:
    """What runs, and what it tells. The work is done on a thread of its own, so that the loop turns meanwhile."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._every = rules.load(settings.rules, settings.models)
        judging = self._every.of_sweeper
        rule_ids = [rule.rule_id for rule in self._every.rulebook.rules]
        self.log: Log = setup(settings.logging, SWEEPER, words={"rule_id": rule_ids})
        key = site_key(lambda _: self.log.warning(Event.DEVELOPMENT_KEY), settings.key.file)
        self.health = Health([Condition.RECOVERED, Condition.RULES], settings.limits.stall_seconds)
        self.instruments = instruments()
        ProcessMetrics(
            self.instruments,
            Build(SWEEPER, version("fundwatch"), judging.rulebook.hash),
            ready=lambda: self.health.ready().good,
            places={"state": settings.sweeper.state},
            rss_limit_bytes=settings.limits.rss_mb << 20,
        )
        self._metrics = SweeperMetrics(self.instruments, rule_ids, settings.sweeper.tick_seconds)
        self._alerts = AlertMetrics(self.instruments, (rule.rule_id for rule in judging.rulebook.rules))
        self.health.meets(Condition.RULES)
        self._breaker = Breaker()
        self._means = means_of(settings, self._breaker)
        _tidy(settings.sweeper.state / WORK)
        self._sweep = Sweep(settings.sweeper.state / STATE, settings.sweeper.lake, judging, self._means)
        self._speaker: Speaker | None = None
        self._pool = ThreadPoolExecutor(1, "sweep")
        self._broker_away = False
        self._daily = Daily(settings, self._every, key, self._means, self._metrics, self.log)

    def run(self) -> Exit:
        """Until it is told to stop, or fails."""
        self.log.info(Event.STARTED)
        try:
            self._do(self._begin)
            self._loop()
            self.health.draining()
            self.log.info(Event.DRAINING)
            self._do(self._say)
        except SpeakerReplacedError:
            self.log.error(Event.FENCED)
            return Exit.UNHEALTHY
        except Refused:
            raise
        except Exception as error:
            if disk.is_full(error):
                self.log.error(Event.DISK_FULL)
                raise
            self.log.error(Event.FAILED, error)
            return Exit.UNHEALTHY
        self.log.info(Event.STOPPED)
        return Exit.DONE

    def once(self) -> Once:
        """One sweep, said."""
        try:
            self._do(self._begin)
            swept = self._do(self._sweep.once)
            before = self._sweep.said.waiting_by_rule()
            self._do(self._say)
        except SpeakerReplacedError:
            raise Refused("another sweeper was started meanwhile and speaks now; stop one of them.") from None
        if self._sweep.said.depth:
            raise Refused(
                "the broker is away: what was found waits in the state and is said by the next sweep."
            )
        kinds: Counter[str] = Counter()
        for of_rule in before.values():
            kinds.update(of_rule)
        return Once(kinds, len(swept.ran))

    def close(self) -> None:
        """Let go of everything."""
        self._pool.shutdown()
        self._end_speaking()
        self._sweep.close()

    def _end_speaking(self) -> None:
        if self._speaker is not None:
            self._speaker.__exit__(None, None, None)
            self._speaker = None

    def _do(self, job: Callable[[], T]) -> T:
        """Have it done, and turn meanwhile. Once asked to stop, what can be broken off is."""
        future: Future[T] = self._pool.submit(job)
        while True:
            try:
                return future.result(_TURN)
            except TimeoutError:
                if future.done():
                    raise
            self.health.turned()
            if self._stop.is_set():
                self._breaker.break_off()

    def _begin(self) -> None:
        """Silence whoever spoke before, and go on from what was said."""
        connection, layout = self._reach()
        self._speaker = Speaker(connection, layout)
        self._sweep.resume(spoken(connection, layout, SWEEPER))
        self.health.meets(Condition.RECOVERED)
        self.log.info(Event.READY)

    def _reach(self) -> tuple[Connection, Layout]:
        return connection_of(self._settings), Layout(prefix=self._settings.kafka.topic_prefix)

    def _loop(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            for job in (self._tick, self._daily.cover, self._daily.mend):
                if not self._stop.is_set():
                    self._do(job)
            due = max(due + self._settings.sweeper.tick_seconds, time.monotonic())
            try_at = time.monotonic() + _TRY_AGAIN
            while time.monotonic() < due and not self._stop.wait(_TURN):
                self.health.turned()
                if self._broker_away and time.monotonic() > try_at:
                    self._do(self._say)
                    try_at = time.monotonic() + _TRY_AGAIN

    def _tick(self) -> None:
        """One sweep. One that fails is told of, and tried again at the next tick."""
        if not is_lake(self._settings.sweeper.lake):
            return
        began = time.perf_counter()
        try:
            swept = self._sweep.once()
        except BrokenOffError:
            return
        except Exception as error:
            if disk.is_full(error):
                raise
            self._metrics.swept(time.perf_counter() - began, success=False)
            self.log.error(Event.SWEEP_FAILED, error)
            return
        self._say()
        seconds = time.perf_counter() - began
        self._metrics.swept(seconds, success=True)
        if swept.ran:
            self._tell(swept, seconds)

    def _tell(self, swept: Swept, seconds: float) -> None:
        kinds = Counter(change.kind for change in swept.changes)
        self.log.info(
            Event.SWEPT,
            seconds=round(seconds, 3),
            opened=kinds["opened"],
            changed=kinds["changed"],
            retracted=kinds["retracted"],
            watermark=swept.watermark,
        )

    def _say(self) -> None:
        """Say what waits, as far as the broker takes it. After a failure it is learnt anew what was said."""
        said = self._sweep.said
        while True:
            number, waiting = said.waiting(_CHANGES_AT_ONCE)
            if not waiting:
                break
            try:
                if self._speaker is None:
                    self._begin()
                    continue
                self._speaker.say(waiting)
            except (KafkaError, Refused):
                if not self._broker_away:
                    self.log.warning(Event.BROKER_AWAY, changes=said.depth)
                self._broker_away = True
                self._end_speaking()
                return
            self._sweep.sent(number)
            for (rule_id, kind), count in Counter((one.alert.rule_id, one.kind) for one in waiting).items():
                self._alerts.said(rule_id, kind, count)
        if self._broker_away:
            self.log.info(Event.BROKER_BACK)
        self._broker_away = False


def _tidy(work: Path) -> None:
    """Remove what one that was killed left there more than a day ago."""
    for left in work.iterdir():
        if time.time() - left.stat().st_mtime > timedelta(days=1).total_seconds():
            shutil.rmtree(left, ignore_errors=True)
