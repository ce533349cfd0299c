"""The worker: a judge, and a router in a process beside it, started and stopped together."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from importlib.metadata import version

from kafka.errors import KafkaError

from detectors.standing import StandingKernel
from streams.changes import Change
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.control import Control
from streams.kafka.judge import Judge, JudgeSettings, OtherRulesError, ReplacedError, Watch
from streams.kafka.lag import Lag
from streams.kafka.router import RouterSettings
from streams.kafka.routing import Routing
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
from streams.operation.measures import Message
from streams.operation.metrics import (
    AlertMetrics,
    Build,
    PositionMetrics,
    ProcessMetrics,
    StepClock,
    WorkerMetrics,
    instruments,
    resident_bytes,
)
from streams.operation.settings import Settings
from streams.operation.stopping import asked_to_stop
from streams.operation.watchdog import Watchdog
from streams.secrets import site_key
from streams.wire import Counts

#: Seconds that the router has to end in order after the judge has.
_ROUTER_PATIENCE = 10.0

#: Seconds for a question to the broker, whose answer nobody needs any more.
_LAG_PATIENCE = 2.0

#: How often the persons of the histories are counted, seconds: it reads an index from end to end.
_SIZE_EVERY = 10.0


def run_worker(settings: Settings, *, roll_out: bool = False) -> Exit:
    """Route and judge until SIGTERM, Ctrl-C or a failure. Returns the exit code.

    `roll_out`: let the group judge by this worker's rules from now on. Raises `Refused`.
    """
    judging = rules.load(settings.rules, settings.models).of_worker
    connection, layout = connection_of(settings), Layout(prefix=settings.kafka.topic_prefix)
    control = Control(connection, layout, settings.worker.group)
    _join(connection, control, settings.worker.group, judging.hash, roll_out=roll_out)
    with asked_to_stop() as stop, ExitStack() as stack:
        service = _Service(settings, judging, connection, layout, stop)
        stack.enter_context(Endpoint(settings.http, service.health, service.instruments.registry))
        limit = settings.limits.rss_mb << 20
        watchdog = Watchdog(
            service.health, service.log, stop.set, rss_limit_bytes=limit, rss=service.resident_bytes
        )
        service.watchdog = stack.enter_context(watchdog)
        stack.callback(service.close)
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

    def __init__(
        self,
        settings: Settings,
        judging: Judging,
        connection: Connection,
        layout: Layout,
        stop: threading.Event,
    ) -> None:
        """`stop`: set when all is to end in order, by whomever."""
        worker = settings.worker
        self._stop = stop
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
            rss=self.resident_bytes,
        )
        self._worker = WorkerMetrics(self.instruments)
        self._alerts = AlertMetrics(self.instruments, rule_ids.values())
        self._positions = PositionMetrics(self.instruments)
        kernel = StandingKernel(
            judging.rulebook, judging.knowledge, judging.params, judging.models, threads=worker.threads
        )
        self.health.meets(Condition.RULES)
        self._owned: set[int] = set()
        self._sized_at = 0.0
        self._steps = StepClock()
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
            Watch(
                self._took,
                self._steps.ended,
                self._sent,
                self._worker.confirmed,
                lambda seconds: self._routing.expect(seconds),
                self._turned,
            ),
        )
        self._routing = Routing(
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
            settings.logging,
            self._routed,
            self._router_ended,
        )
        self._judging = threading.Thread(target=self._run_judge, name="judge")
        self._lag = threading.Thread(target=self._watch_lag, name="lag", daemon=True)
        self._failed: BaseException | None = None
        self._router_code = 0
        self.watchdog: Watchdog

    def run(self) -> Exit:
        """Until it is told to stop, or fails."""
        self.log.info(Event.STARTED)
        self._lag.start()
        self._routing.start()
        self._judging.start()
        self._stop.wait()
        self.health.draining()
        if self._failed is None and not self._router_code:
            self.log.info(Event.DRAINING)
        self._routing.ask_to_end()
        self._judging.join()
        # Faust's stop may wait for ever while its consumer joins a group.
        self._routing.see_that_it_ends(_ROUTER_PATIENCE)
        return self._outcome()

    def resident_bytes(self) -> int:
        """Resident memory of both processes."""
        return resident_bytes() + (resident_bytes(self._routing.pid) if self._routing.pid else 0)

    def _run_judge(self) -> None:
        """On a thread of its own. A judge that fails takes the worker with it; whoever starts it again finds the state
        whole."""
        try:
            self._judge.run(self._stop)
        except BaseException as error:
            self._failed = error
        self._stop.set()

    def _router_ended(self, code: int) -> None:
        if not self._stop.is_set():
            self._router_code = code
            self._stop.set()

    def _outcome(self) -> Exit:
        failed = self._failed
        if self._router_code:
            # The router has said why, unless it was killed.
            if self._router_code < 0:
                self.log.error(Event.FAILED)
            return Exit.DISK_FULL if self._router_code == Exit.DISK_FULL else Exit.UNHEALTHY
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

    def close(self) -> None:
        """Let go of what watches."""
        self._stop.set()
        if self._lag.ident is not None:
            self._lag.join(_LAG_PATIENCE)

    def _routed(self, counts: Counts, seconds: float) -> None:
        self._worker.routed(counts, seconds)
        if counts.rejected:
            self.log.warning(Event.REJECTED, events=counts.rejected.total())
        self.health.progressed()

    def _took(self, partition: int, took: Took) -> None:
        self._steps.tell(self._worker)
        self._worker.read(Message.DUPLICATE, took.copies)
        self.health.progressed()
        shard = self._judge.owned[partition].shard
        self._positions.processed(self._layout.name(PACKETS), partition, shard.position, shard.watermark)

    def _sent(self, partition: int, sent: Sequence[Change]) -> None:
        for (rule_id, kind), number in Counter((one.alert.rule_id, one.kind) for one in sent).items():
            self._alerts.said(rule_id, kind, number)
        self._positions.committed(
            self._layout.name(PACKETS), partition, self._judge.owned[partition].committed
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
            self._worker.braked(number, owned.braked is not None)
            self.health.braked(str(number), owned.braked is not None)
            if owned.shard.watermark is not None:
                self._worker.watermark(number, owned.shard.watermark)
        if time.monotonic() > self._sized_at + _SIZE_EVERY:
            for number, owned in judge.owned.items():
                self._worker.history(number, *owned.shard.size())
            self._sized_at = time.monotonic()

    def _watch_lag(self) -> None:
        """Ask the broker, apart from the reading, how much waits: a stall is when that does not shrink."""
        groups = {
            f"{self._group}.router": self._layout.name(EVENTS),
            f"{self._group}.judge": self._layout.name(PACKETS),
        }
        with ExitStack() as stack:
            lags = [stack.enter_context(closing(Lag(self._connection, *one))) for one in groups.items()]
            while not self._stop.wait(5):
                try:
                    waiting = sum(lag.waiting() for lag in lags)
                except (KafkaError, Refused, OSError):
                    continue  # the broker is away, which is not this service's fault
                self.health.waiting(waiting)
