"""The worker: a router and a judge in one process, started and stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import faust
import mode
from kafka.errors import KafkaError

from detectors.standing import StandingKernel
from streams.changes import Change
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.control import Control
from streams.kafka.judge import Judge, JudgeSettings, OtherRulesError, ReplacedError, Watch
from streams.kafka.router import RouterSettings, make_app
from streams.kafka.settings import Connection, connection_of
from streams.kafka.topics import EVENTS, PACKETS, Layout
from streams.live import rules
from streams.live.past import LakePast
from streams.live.rules import Judging
from streams.live.stages import Took
from streams.operation import disk
from streams.operation.endpoint import Endpoint
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Condition, Health
from streams.operation.instruments import Instruments
from streams.operation.logging import Log, setup
from streams.operation.measures import Message, Step
from streams.operation.metrics import (
    AlertMetrics,
    Build,
    PositionMetrics,
    ProcessMetrics,
    WorkerMetrics,
    instruments,
)
from streams.operation.settings import Settings
from streams.operation.watchdog import Watchdog
from streams.secrets import site_key
from streams.wire import Counts

#: Seconds that the router has to end in order after the judge has.
_ROUTER_PATIENCE = 10.0

_STEPS = {
    "load": Step.LOAD,
    "ledger": Step.LEDGER,
    "models": Step.MODELS,
    "alerts": Step.RULES,
    "diff": Step.DIFF,
    "store": Step.STORE,
}


def run_worker(settings: Settings, *, roll_out: bool = False) -> Exit:
    """Route and judge until SIGTERM, Ctrl-C or a failure. Returns the exit code.

    `roll_out`: let the group judge by this worker's rules from now on. Raises `Refused`.
    """
    judging = rules.load(settings.rules, settings.models).of_worker
    connection, layout = connection_of(settings), Layout(prefix=settings.kafka.topic_prefix)
    control = Control(connection, layout, settings.worker.group)
    _join(connection, control, settings.worker.group, judging.hash, roll_out=roll_out)
    with ExitStack() as stack:
        service = _Service(settings, judging, connection, layout)
        stack.enter_context(Endpoint(settings.http, service.health, service.instruments.registry))
        watchdog = stack.enter_context(
            Watchdog(service.health, service.log, service.drain, rss_limit_bytes=settings.limits.rss_mb << 20)
        )
        stack.callback(service.close)
        service.watchdog = watchdog
        return service.run()


def _join(connection: Connection, control: Control, group: str, wanted: str, *, roll_out: bool) -> None:
    """Agree with the group on what is judged by."""
    held = control.rules()
    if held == wanted:
        return
    if held is not None and not roll_out:
        raise Refused(
            f"the group {group} judges by other rules ({held}) than this worker ({wanted}); stop its workers and start "
            "one with --roll-out, or give this one the rules of the group."
        )
    if held is not None:
        with clients.admin(connection) as admin:
            name = f"{group}.judge"
            members = admin.describe_groups([name])[name]["members"]
        if members:
            raise Refused(
                f"{len(members)} workers of the group {group} still judge by the old rules; stop them first."
            )
    control.set_rules(wanted)


class _Service:
    """What runs, and what it tells."""

    def __init__(self, settings: Settings, judging: Judging, connection: Connection, layout: Layout) -> None:
        worker = settings.worker
        self._connection, self._layout = connection, layout
        self._group = worker.group
        with clients.consumer(connection, group_id=None) as consumer:
            shards = len(consumer.partitions_for_topic(layout.name(PACKETS)) or ())
        if not shards:
            raise Refused(f"there is no topic {layout.name(PACKETS)}; make it with fundwatch topics create.")
        rule_ids = {rule.code: rule.rule_id for rule in judging.rulebook.rules}
        self.log: Log = setup(
            settings.logging,
            "worker",
            words={"topic": (layout.name(EVENTS), layout.name(PACKETS)), "rule_id": rule_ids.values()},
        )
        key = site_key(lambda _: self.log.warning(Event.DEVELOPMENT_KEY), settings.key.file)
        self.health = Health([Condition.ASSIGNED, Condition.RULES], settings.limits.stall_seconds)
        self.instruments: Instruments = instruments()
        ProcessMetrics(
            self.instruments,
            Build("worker", version("fundwatch"), judging.rulebook.hash),
            ready=lambda: self.health.ready().good,
            places={"state": worker.state},
            rss_limit_bytes=settings.limits.rss_mb << 20,
        )
        self._worker = WorkerMetrics(self.instruments)
        self._alerts = AlertMetrics(self.instruments, rule_ids.values())
        self._positions = PositionMetrics(self.instruments)
        kernel = StandingKernel(
            judging.rulebook, judging.knowledge, judging.params, judging.models, threads=worker.threads
        )
        self.health.meets(Condition.RULES)
        self._owned: set[int] = set()
        self._step_at = time.perf_counter()
        self._steps: Counter[Step] = Counter()
        self._judge = Judge(
            JudgeSettings(
                connection,
                layout,
                worker.state,
                worker.group,
                timedelta(hours=worker.lateness_hours),
                timedelta(days=worker.corrections_days),
                timedelta(seconds=worker.session_timeout_seconds),
                brake=worker.brake,
            ),
            kernel,
            LakePast(worker.lake),
            judging.hash,
            Watch(self._took, self._step, self._sent, self._turned),
        )
        self._app = make_app(
            RouterSettings(
                connection,
                layout,
                shards,
                kernel.reads,
                key,
                worker.state,
                worker.group,
                worker.batch_max_events,
                timedelta(seconds=worker.batch_max_wait_seconds),
                timedelta(seconds=worker.session_timeout_seconds),
            ),
            self._routed,
        )
        self._service = _JudgeService(self._judge)
        self._over = threading.Event()
        self._lag = threading.Thread(target=self._watch_lag, name="lag", daemon=True)
        self._ending: threading.Thread | None = None
        self.watchdog: Watchdog

    def run(self) -> Exit:
        """Until it is told to stop, or fails."""
        self.log.info(Event.STARTED)
        self._lag.start()
        runner = _Runner(self._app, self._service, override_logging=False, loglevel="WARNING", quiet=True)
        runner.on_signal = self.drain
        self._runner = runner
        try:
            runner.execute_from_commandline()
        except SystemExit as end:
            if end.code:
                self._service.failed = self._service.failed or end
        except Exception as error:  # what Faust was crashed with
            self._service.failed = self._service.failed or error
        self._see_that_it_ends()
        self._service.stop_judging()
        return self._outcome()

    def _outcome(self) -> Exit:
        failed = self._service.failed
        if failed is None:
            self.log.info(Event.STOPPED)
            return self.watchdog.code
        if isinstance(failed, ReplacedError):
            self.log.error(Event.FENCED)
            return Exit.UNHEALTHY
        if isinstance(failed, OtherRulesError):
            self.log.error(Event.OTHER_RULEBOOK)
            return Exit.UNHEALTHY
        if disk.is_full(failed):
            self.log.error(Event.DISK_FULL)
            return Exit.DISK_FULL
        self.log.error(Event.FAILED, failed)
        return Exit.UNHEALTHY

    def drain(self) -> None:
        """End in order."""
        if self._ending is not None:
            return
        self.health.draining()
        self.log.info(Event.DRAINING)
        loop = self._app.loop
        loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._runner.stop(), loop=loop))
        self._see_that_it_ends()

    def _see_that_it_ends(self) -> None:
        """Faust's stop may wait for ever while its consumer joins a group, and leave a thread behind that keeps the
        process. The judge is not to wait for that; and the router keeps nothing, so it may be cut off."""
        if self._ending is None:
            self._ending = threading.Thread(target=self._end, name="end", daemon=True)
            self._ending.start()

    def _end(self) -> None:
        self._service.stop_judging()
        time.sleep(_ROUTER_PATIENCE)
        os._exit(self._outcome())

    def close(self) -> None:
        """Let go of what watches."""
        self._over.set()
        self._lag.join()

    def _routed(self, counts: Counts) -> None:
        self._worker.batch(counts.read)
        self._worker.read(Message.FACT, counts.facts.total())
        self._worker.read(Message.NOT_FACT, counts.not_facts.total())
        for reason, number in counts.rejected.items():
            self._worker.rejected(reason, number)
        for reason, number in counts.rejected_rows.items():
            self._worker.rejected_rows(reason, number)
        if counts.rejected:
            self.log.warning(Event.REJECTED, events=counts.rejected.total())
        self.health.progressed()

    def _step(self, name: str) -> None:
        now = time.perf_counter()
        if name != "begin":
            step = Step.RULES if name.startswith("rule ") else _STEPS[name]
            self._steps[step] += now - self._step_at  # type: ignore[assignment]
        self._step_at = now

    def _took(self, partition: int, took: Took) -> None:
        for step, seconds in self._steps.items():
            self._worker.step(step, seconds)
        self._steps.clear()
        self._worker.read(Message.DUPLICATE, took.copies)
        self.health.progressed()
        shard = self._judge.owned[partition].shard
        self._positions.processed(self._layout.name(PACKETS), partition, shard.position, shard.watermark)

    def _sent(self, partition: int, sent: Sequence[Change]) -> None:
        for (rule_id, kind), number in Counter((one.alert.rule_id, one.kind) for one in sent).items():
            self._alerts.said(rule_id, kind, number)
        self._positions.committed(
            self._layout.name(PACKETS), partition, self._judge.owned[partition].shard.position
        )

    def _turned(self, judge: Judge) -> None:
        self.health.turned()
        topic = self._layout.name(PACKETS)
        for number in self._owned - judge.owned.keys():
            self._worker.revoked(number)
            self._positions.revoked(topic, number)
            self.health.braked(str(number), False)
        for number in judge.owned.keys() - self._owned:
            self._worker.assigned(number)
            self._positions.assigned(topic, number, judge.owned[number].committed)
            self.log.info(Event.ASSIGNED, partition=number)
            self.health.meets(Condition.ASSIGNED)
        self._owned = set(judge.owned)
        for number, owned in judge.owned.items():
            self._worker.outbox(number, owned.shard.said.depth)
            self._worker.history(number, *owned.shard.size())
            self._worker.braked(number, owned.braked is not None)
            self.health.braked(str(number), owned.braked is not None)
            if owned.shard.watermark is not None:
                self._worker.watermark(number, owned.shard.watermark)

    def _watch_lag(self) -> None:
        """Ask the broker, apart from the reading, how much waits: a stall is when that does not shrink."""
        groups = {
            f"{self._group}.router": self._layout.name(EVENTS),
            f"{self._group}.judge": self._layout.name(PACKETS),
        }
        while not self._over.wait(5):
            try:
                waiting = sum(clients.lag(self._connection, group, topic) for group, topic in groups.items())
            except (KafkaError, Refused, OSError):
                continue  # the broker is away, which is not this service's fault
            self.health.waiting(waiting)


class _Runner(faust.Worker):
    """Faust's, but that it is told of a signal by `on_signal`."""

    on_signal: Callable[[], None]

    def install_signal_handlers(self) -> None:
        """Called by the framework."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.on_signal)


class _JudgeService(mode.Service):
    """The judge on a thread of its own, as a service of Faust's: evaluating must not keep the loop from its
    heartbeats. A judge that fails takes the process with it; whoever starts it again finds the state whole."""

    def __init__(self, judge: Judge, **options: Any) -> None:
        super().__init__(**options)
        self._judge = judge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="judge")
        self.failed: BaseException | None = None

    async def on_start(self) -> None:
        """Called by the framework."""
        self._thread.start()

    @mode.Service.task
    async def _watch(self) -> None:
        await asyncio.to_thread(self._thread.join)
        if self.failed is not None:
            await self.crash(self.failed)

    async def on_stop(self) -> None:
        """Called by the framework: what is stored is sent, then it ends."""
        await asyncio.to_thread(self.stop_judging)

    def stop_judging(self) -> None:
        """Have the judge end, and wait until it has. One that has not begun never will."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._judge.run(self._stop)
        except BaseException as error:
            self.failed = error
