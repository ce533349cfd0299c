"""What the live services tell Prometheus: a class for each role, with methods that say what happened.

Labels are bounded: rules, reasons, steps, topics and partitions, never a person, an institution or a settlement. Every counter
stands at zero from the start. Times of the platform (`inf_time`) are Asia/Shanghai without zone.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from prometheus_client import CollectorRegistry

from streams.operation.disk import there
from streams.operation.instruments import Bounded, Instruments, at_scrape
from streams.operation.measures import (
    ALERTS,
    ARCHIVED,
    BATCH,
    BRAKED,
    BUILD_INFO,
    BYTES,
    COMMITTED,
    COMPACTED,
    COVERAGE,
    COVERAGE_TIME,
    DELAY,
    DISK_FREE,
    DISK_SIZE,
    FILE_TIME,
    FILES,
    HISTORY_BYTES,
    HISTORY_PERSONS,
    LAG_EVENTS,
    LAG_SECONDS,
    MESSAGES,
    OUTBOX,
    PROCESSED,
    READY,
    REJECTED_ROWS,
    REJECTS,
    REPAIR_TIME,
    REPAIRED,
    RESIDENT,
    RESIDENT_LIMIT,
    SILENT,
    STARTED,
    STEP,
    STORE_TIME,
    STORED,
    SWEEP,
    SWEEP_TICK,
    SWEEP_TIME,
    SWEEPS,
    WATERMARK,
    Message,
    Outcome,
    Step,
)
from streams.wire import Counts
from streams.wire.reject import REASONS

SHANGHAI = timezone(timedelta(hours=8))


def epoch(moment: datetime) -> float:
    """A platform time (Asia/Shanghai, no zone) as seconds since 1970 UTC."""
    return moment.replace(tzinfo=SHANGHAI).timestamp()


@dataclass(frozen=True)
class Build:
    """What runs: the service, the program's version, the rulebook's hash."""

    service: str
    version: str
    rulebook: str


class ProcessMetrics:
    """What every service tells of its process. `places`: name ("state", "lake") → folder it writes to."""

    def __init__(
        self,
        instruments: Instruments,
        build: Build,
        *,
        ready: Callable[[], bool],
        places: Mapping[str, Path] | None = None,
        rss_limit_bytes: int = 0,
        rss: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`rss`: resident memory, where it is not that of this process alone."""
        instruments.gauge(BUILD_INFO).labels(build.version, build.rulebook, build.service).set(1)
        instruments.gauge(STARTED).set(clock())
        at_scrape(instruments.gauge(READY), lambda: float(ready()))
        at_scrape(instruments.gauge(RESIDENT), lambda: float((rss or resident_bytes)()))
        instruments.gauge(RESIDENT_LIMIT).set(rss_limit_bytes)
        for name, folder in (places or {}).items():
            at_scrape(instruments.gauge(DISK_FREE).labels(name), _disk(folder, "free"))
            at_scrape(instruments.gauge(DISK_SIZE).labels(name), _disk(folder, "total"))


@dataclass
class _Position:
    processed: int = 0
    end: int = 0
    reached: float | None = None


class PositionMetrics:
    """Where a consumer stands in its topics. `clock`: seconds since 1970."""

    def __init__(self, instruments: Instruments, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._at: dict[tuple[str, int], _Position] = {}
        self._processed = instruments.gauge(PROCESSED)
        self._committed = instruments.gauge(COMMITTED)
        self._lag_events = instruments.gauge(LAG_EVENTS)
        self._lag_seconds = instruments.gauge(LAG_SECONDS)

    def assigned(self, topic: str, partition: int, offset: int) -> None:
        """A partition came; reading begins at `offset`."""
        position = self._at[topic, partition] = _Position(processed=offset, end=offset)
        labels = (topic, str(partition))
        self._processed.labels(*labels).set(offset)
        self._committed.labels(*labels).set(offset)
        at_scrape(self._lag_events.labels(*labels), lambda: float(max(0, position.end - position.processed)))
        at_scrape(self._lag_seconds.labels(*labels), lambda: self._behind(position))

    def revoked(self, topic: str, partition: int) -> None:
        """A partition went; nothing is told of it any more."""
        if self._at.pop((topic, partition), None) is not None:
            for gauge in (self._processed, self._committed, self._lag_events, self._lag_seconds):
                gauge.remove(topic, str(partition))

    def processed(self, topic: str, partition: int, offset: int, reached: datetime | None = None) -> None:
        """All before `offset` is processed; `reached`: the latest `inf_time` among it."""
        position = self._at.get((topic, partition))
        if position is None:
            return  # went while its batch was on the way
        position.processed = offset
        position.end = max(position.end, offset)
        if reached is not None:
            position.reached = epoch(reached)
        self._processed.labels(topic, str(partition)).set(offset)

    def committed(self, topic: str, partition: int, offset: int) -> None:
        """A restart would begin at `offset`."""
        if (topic, partition) in self._at:
            self._committed.labels(topic, str(partition)).set(offset)

    def ends(self, topic: str, partition: int, offset: int) -> None:
        """The next record will get `offset`: what the broker says, asked apart from the reading."""
        if (topic, partition) in self._at:
            self._at[topic, partition].end = offset

    def waiting(self) -> int:
        """Records that wait, over all partitions."""
        return sum(max(0, one.end - one.processed) for one in self._at.values())

    def _behind(self, position: _Position) -> float:
        if position.end <= position.processed or position.reached is None:
            return 0.0
        return max(0.0, self._clock() - position.reached)


class AlertMetrics:
    """What became of alerts. `rule_ids`: of all rules that this process may speak for."""

    def __init__(self, instruments: Instruments, rule_ids: Iterable[str]) -> None:
        self._rule = Bounded(rule_ids)
        self._changes = instruments.counter(ALERTS)
        for rule_id in self._rule.values:
            for outcome in Outcome:
                self._changes.labels(rule_id, outcome)

    def said(self, rule_id: str, outcome: Outcome | str, count: int = 1) -> None:
        """Changes of alerts were confirmed."""
        self._changes.labels(self._rule(rule_id), Outcome(outcome)).inc(count)


class StepClock:
    """Seconds that a batch takes in each step, from the ends of its steps as kernel and shards name them."""

    _STEPS: ClassVar[Mapping[str, Step]] = MappingProxyType(
        {
            "load": Step.LOAD,
            "ledger": Step.LEDGER,
            "models": Step.MODELS,
            "alerts": Step.RULES,
            "diff": Step.DIFF,
            "store": Step.STORE,
            "send": Step.SEND,
        }
    )

    def __init__(self) -> None:
        self._at = time.perf_counter()
        self._seconds: defaultdict[Step, float] = defaultdict(float)

    def ended(self, name: str) -> None:
        """A step ended; "begin": what came before is none."""
        now = time.perf_counter()
        if name != "begin":
            step = Step.RULES if name.startswith("rule ") else self._STEPS[name]
            self._seconds[step] += now - self._at
        self._at = now

    def tell(self, metrics: WorkerMetrics) -> None:
        """Tell what the batch took, and begin with the next."""
        for step, seconds in self._seconds.items():
            metrics.step(step, seconds)
        self._seconds.clear()


class WorkerMetrics:
    """What the worker tells. `reasons`: codes under which it rejects."""

    def __init__(self, instruments: Instruments, reasons: Iterable[str] = REASONS) -> None:
        self._reason = Bounded(reasons)
        self._messages = instruments.counter(MESSAGES)
        self._rejects = instruments.counter(REJECTS)
        self._rejected_rows = instruments.counter(REJECTED_ROWS)
        for message in Message:
            self._messages.labels(message)
        for reason in self._reason.values:
            self._rejects.labels(reason)
            self._rejected_rows.labels(reason)
        self._batch = instruments.histogram(BATCH)
        self._delay = instruments.histogram(DELAY)
        self._steps = {step: instruments.histogram(STEP).labels(step) for step in Step}
        self._by_partition = {
            metric.name: instruments.gauge(metric)
            for metric in (WATERMARK, HISTORY_PERSONS, HISTORY_BYTES, OUTBOX, BRAKED)
        }

    def batch(self, events: int) -> None:
        """A batch of so many messages began."""
        self._batch.observe(events)

    def read(self, message: Message, count: int = 1) -> None:
        """Messages were read. Rejected ones are told by `rejected`."""
        self._messages.labels(message).inc(count)

    def rejected(self, reason: str, count: int = 1) -> None:
        """Messages were rejected whole."""
        self._messages.labels(Message.REJECTED).inc(count)
        self._rejects.labels(self._reason(reason)).inc(count)

    def rejected_rows(self, reason: str, count: int = 1) -> None:
        """Rows were rejected alone."""
        self._rejected_rows.labels(self._reason(reason)).inc(count)

    def routed(self, counts: Counts, seconds: float) -> None:
        """A batch was decoded and parted, in so many seconds."""
        self.step(Step.ROUTE, seconds)
        self.batch(counts.read)
        self.read(Message.FACT, counts.facts.total())
        self.read(Message.NOT_FACT, counts.not_facts.total())
        for reason, number in counts.rejected.items():
            self.rejected(reason, number)
        for reason, number in counts.rejected_rows.items():
            self.rejected_rows(reason, number)

    def step(self, step: Step, seconds: float) -> None:
        """A batch took so long in a step."""
        self._steps[step].observe(seconds)

    def confirmed(self, delay_seconds: float) -> None:
        """A batch is done, so long after its oldest message arrived."""
        self._delay.observe(delay_seconds)

    def assigned(self, partition: int) -> None:
        """A judge's partition came."""
        for metric in (OUTBOX, BRAKED, HISTORY_PERSONS, HISTORY_BYTES):
            self._by_partition[metric.name].labels(str(partition)).set(0)

    def revoked(self, partition: int) -> None:
        """A judge's partition went; nothing is told of it any more."""
        for gauge in self._by_partition.values():
            gauge.remove_by_labels({"partition": str(partition)})

    def watermark(self, partition: int, moment: datetime) -> None:
        """Event time has come to `moment`."""
        self._by_partition[WATERMARK.name].labels(str(partition)).set(epoch(moment))

    def history(self, partition: int, persons: int, size_bytes: int) -> None:
        """So much history is kept."""
        self._by_partition[HISTORY_PERSONS.name].labels(str(partition)).set(persons)
        self._by_partition[HISTORY_BYTES.name].labels(str(partition)).set(size_bytes)

    def outbox(self, partition: int, changes: int) -> None:
        """So many changes wait to be confirmed."""
        self._by_partition[OUTBOX.name].labels(str(partition)).set(changes)

    def braked(self, partition: int, braked: bool) -> None:
        """The brake was put on or taken off."""
        self._by_partition[BRAKED.name].labels(str(partition)).set(braked)


class ArchiverMetrics:
    """What the archiver tells. `clock`: seconds since 1970."""

    def __init__(self, instruments: Instruments, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._files = instruments.counter(FILES)
        self._events = instruments.counter(ARCHIVED)
        self._bytes = instruments.counter(BYTES)
        self._compacted = instruments.counter(COMPACTED)
        self._last = instruments.gauge(FILE_TIME)
        self._last.set(clock())

    def file(self, events: int, size_bytes: int) -> None:
        """A file is in the lake."""
        self._files.inc()
        self._events.inc(events)
        self._bytes.inc(size_bytes)
        self._last.set(self._clock())

    def compacted(self, files: int) -> None:
        """Small files were put together."""
        self._compacted.inc(files)


class SweeperMetrics:
    """What the sweeper tells. `rule_ids`: of all rules, whoever speaks for them. `clock`: seconds since 1970."""

    def __init__(
        self,
        instruments: Instruments,
        rule_ids: Iterable[str],
        tick_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._rule = Bounded(rule_ids)
        self._duration = instruments.histogram(SWEEP)
        self._sweeps = instruments.counter(SWEEPS)
        self._success = instruments.gauge(SWEEP_TIME)
        self._repair = instruments.gauge(REPAIR_TIME)
        self._differences = instruments.gauge(REPAIRED)
        self._coverage = instruments.gauge(COVERAGE)
        self._coverage_time = instruments.gauge(COVERAGE_TIME)
        self._silent = instruments.gauge(SILENT)
        instruments.gauge(SWEEP_TICK).set(tick_seconds)
        for outcome in ("success", "failure"):
            self._sweeps.labels(outcome)
        for gauge in (self._success, self._repair, self._coverage_time):
            gauge.set(clock())

    def swept(self, seconds: float, *, success: bool) -> None:
        """A sweep ended."""
        self._duration.observe(seconds)
        self._sweeps.labels("success" if success else "failure").inc()
        if success:
            self._success.set(self._clock())

    def repaired(self, differences: int) -> None:
        """A repair ended well, and so many persons' alerts differed."""
        self._differences.set(differences)
        self._repair.set(self._clock())

    def covered(self, judged: Mapping[str, tuple[int, int]], silent_institutions: int) -> None:
        """Coverage was published. `judged`: rule id → subjects judged, not judged."""
        sums: dict[str, tuple[int, int]] = {}
        for rule_id, (yes, no) in judged.items():
            before = sums.get(self._rule(rule_id), (0, 0))
            sums[self._rule(rule_id)] = (before[0] + yes, before[1] + no)
        self._coverage.clear()
        for rule_id, counts in sums.items():
            for outcome, count in zip(("judged", "not_judged"), counts, strict=True):
                self._coverage.labels(rule_id, outcome).set(count)
        self._silent.set(silent_institutions)
        self._coverage_time.set(self._clock())


class StoreMetrics:
    """What the filler of the alert store tells. `clock`: seconds since 1970."""

    def __init__(self, instruments: Instruments, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._changes = instruments.counter(STORED)
        for outcome in ("stored", "known"):
            self._changes.labels(outcome)
        self._last = instruments.gauge(STORE_TIME)
        self._last.set(clock())

    def took(self, stored: int, known: int) -> None:
        """Changes were stored, or were there already."""
        self._changes.labels("stored").inc(stored)
        self._changes.labels("known").inc(known)
        self._last.set(self._clock())


def instruments() -> Instruments:
    """Instruments on a registry of their own."""
    return Instruments(CollectorRegistry())


def resident_bytes(pid: int | None = None) -> int:
    """Resident memory of a process (default: this one); 0 where the system does not tell (`/proc`)."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _disk(folder: Path, what: str) -> Callable[[], float]:
    return lambda: float(getattr(shutil.disk_usage(there(folder)), what))
