"""What `fundwatch up` tells of itself: health, metrics, log, and how it stands for the terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from streams.changes import Change
from streams.lake import Appended
from streams.live.intake import TOPIC, Taken
from streams.live.local import LocalJudge
from streams.live.published import Published
from streams.live.repair import Compared
from streams.live.rules import Judging
from streams.live.stages import Took
from streams.live.sweep import Swept
from streams.operation import disk
from streams.operation.events import Event
from streams.operation.health import Condition, Health
from streams.operation.logging import Log
from streams.operation.measures import Message, Step
from streams.operation.metrics import (
    AlertMetrics,
    ArchiverMetrics,
    Build,
    PositionMetrics,
    ProcessMetrics,
    StepClock,
    StoreMetrics,
    SweeperMetrics,
    WorkerMetrics,
    instruments,
)
from streams.operation.settings import Settings
from streams.store.writing import AlertStore

#: How often what takes a query is looked at, seconds.
_LOOK_EVERY = 1.0


@dataclass
class Standing:
    """How it stands: messages and rejects since the start, messages a second of late, messages that wait, how far event
    time has come, open alerts by severity."""

    messages: int = 0
    rejects: int = 0
    rate: float = 0.0
    waiting: int = 0
    watermark: datetime | None = None
    alerts: dict[str, int] = field(default_factory=dict)


class Telling:
    """Everything is called on the judge's thread, but for what the keeper tells: `archived`, `said`, `swept`, …"""

    def __init__(self, settings: Settings, judging: Judging, data: Path, log: Log, *, once: bool) -> None:
        """`once`: nothing is tried again."""
        self.log = log
        self._is_once = once
        self._rules = {rule.code: rule.rule_id for rule in judging.rulebook.rules}
        self.health = Health([Condition.RECOVERED, Condition.RULES], settings.limits.stall_seconds)
        self.instruments = instruments()
        self.standing = Standing()
        rules = [rule.rule_id for rule in judging.rulebook.rules]
        ProcessMetrics(
            self.instruments,
            Build("up", version("fundwatch"), judging.rulebook.hash),
            ready=lambda: self.health.ready().good,
            places={"data": data},
            rss_limit_bytes=settings.limits.rss_mb << 20,
        )
        self._worker = WorkerMetrics(self.instruments)
        self._alerts = AlertMetrics(self.instruments, rules)
        self._positions = PositionMetrics(self.instruments)
        self._archiver = ArchiverMetrics(self.instruments)
        self._sweeper = SweeperMetrics(self.instruments, rules, settings.sweeper.tick_seconds)
        self._store = StoreMetrics(self.instruments)
        self._steps = StepClock()
        self._looked_at = 0.0
        self._read_at = (time.monotonic(), 0)
        self._is_away = False

    def begun(self, position: int) -> None:
        """Judging begins at a position of the journal."""
        self._worker.assigned(0)
        self._positions.assigned(TOPIC, 0, position)
        self.health.meets(Condition.RULES)
        self.health.meets(Condition.RECOVERED)
        self.log.info(Event.READY)

    def step(self, name: str) -> None:
        """A step of the shard ended."""
        self._steps.ended(name)

    def taken(self, taken: Taken, seconds: float) -> None:
        """A micro-batch was decoded."""
        counts = taken.counts
        self._worker.routed(counts, seconds)
        if counts.rejected:
            self.log.warning(Event.REJECTED, rejected=counts.rejected.total())
        self.standing.messages += counts.read
        self.standing.rejects += counts.rejected.total()

    def took(self, took: Took) -> None:
        """The shard has judged."""
        self._steps.tell(self._worker)
        self._worker.read(Message.DUPLICATE, took.copies)
        self.log.debug(Event.BATCH, events=took.events, persons=took.persons, changes=len(took.changes))
        self.health.progressed()

    def said(self, sent: Sequence[Change], seconds: float) -> None:
        """Changes are in the store. From any thread."""
        for (rule_id, kind), number in Counter((one.alert.rule_id, one.kind) for one in sent).items():
            self._alerts.said(rule_id, kind, number)
        self._store.took(len(sent), 0)
        self._worker.step(Step.SEND, seconds)
        self._is_away = False
        self.log.debug(Event.STORED, changes=len(sent))

    def confirmed(self, arrived: float) -> None:
        """All of a micro-batch is said; `arrived`: when its oldest message came, seconds since 1970."""
        self._worker.confirmed(max(0.0, time.time() - arrived))

    def away(self) -> None:
        """The alert store cannot be reached. From any thread."""
        if not self._is_away:
            self.log.warning(Event.STORE_AWAY)
        self._is_away = True

    def archived(self, appended: Appended) -> None:
        """Messages are in the lake."""
        self._archiver.file(appended.counts.read, appended.bytes)
        self.log.debug(Event.FILE, events=appended.counts.read, files=appended.files)

    def swept(self, swept: Swept, seconds: float) -> None:
        """A sweep has ended well."""
        self._sweeper.swept(seconds, success=True)
        if swept.ran:
            self.log.debug(Event.SWEPT, seconds=round(seconds, 3), changes=len(swept.changes))

    def covered(self, found: Published) -> None:
        """Coverage was published."""
        self._sweeper.covered(found.by_rule, len(found.silent))
        subjects = sum(judged + not_judged for judged, not_judged in found.by_rule.values())
        self.log.info(Event.COVERAGE, subjects=subjects, institutions=len(found.silent))

    def repaired(self, compared: Compared) -> None:
        """A repair has ended well."""
        self._sweeper.repaired(len(compared.persons))
        for code, counts in compared.by_rule.items():
            self.log.warning(Event.REPAIRED, rule_id=self._rules[code], differences=counts.total)
        self.log.info(Event.REPAIRED, persons=len(compared.persons))

    def not_swept(self, error: Exception) -> None:
        """A sweep, coverage or repair failed; it is tried again. Raises it where that is of no use."""
        if self._is_once or disk.is_full(error):
            raise error
        self._sweeper.swept(0.0, success=False)
        self.log.error(Event.SWEEP_FAILED, error)

    def turned(self, judge: LocalJudge, waiting: int, store: AlertStore) -> None:
        """The loop turned; `waiting`: messages that are not judged yet."""
        shard = judge.shard
        self.health.turned()
        self.health.waiting(waiting)
        self._positions.processed(TOPIC, 0, shard.position, shard.watermark)
        self._positions.committed(TOPIC, 0, shard.position)
        self._positions.ends(TOPIC, 0, shard.position + waiting)
        self.standing.waiting = waiting
        self.standing.watermark = shard.watermark
        if shard.watermark is not None:
            self._worker.watermark(0, shard.watermark)
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            self._worker.outbox(0, shard.said.depth)
            self._worker.history(0, *shard.size())
            before, messages = self._read_at
            self.standing.rate = (self.standing.messages - messages) / max(now - before, 0.001)
            self._read_at = now, self.standing.messages
            self._count_alerts(store)

    def _count_alerts(self, store: AlertStore) -> None:
        if self._is_away:
            return
        found: Counter[str] = Counter()
        for count in store.counts():
            found.update(count.by_severity)
        self.standing.alerts = dict(sorted(found.items()))
