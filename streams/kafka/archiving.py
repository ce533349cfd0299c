"""The archiver as a service: what it does goes into metrics, health and log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event as Flag

from streams.kafka.archiver import Progress, Task, Watcher, archive
from streams.kafka.service import Shown, shown
from streams.kafka.settings import Connection
from streams.lake import Appended, Tidied
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Condition
from streams.operation.metrics import ArchiverMetrics, PositionMetrics
from streams.operation.settings import Settings
from streams.secrets import site_key


def task_of(settings: Settings, topic: str) -> Task:
    """What the settings say of archiving that topic. The key is still missing."""
    archiver = settings.archiver
    return Task(
        topic=topic,
        lake=archiver.lake,
        key=b"",
        group=archiver.group,
        max_seconds=archiver.max_seconds,
        max_bytes=archiver.max_bytes,
        grace=timedelta(hours=archiver.grace_hours),
    )


def run_archiver(settings: Settings, connection: Connection, task: Task, stop: Flag) -> Exit:
    """Archive until `stop` is set; what was polled is in the lake then. Raises `Refused`, `DiskFull`."""
    with shown(
        settings,
        "archiver",
        stop.set,
        places={"lake": task.lake},
        topics=(task.topic,),
        needs=(Condition.ASSIGNED,),
    ) as service:
        key = site_key(lambda _: service.log.warning(Event.DEVELOPMENT_KEY), settings.key.file)
        archive(connection, replace(task, key=key), _Telling(service), stop.is_set)
        return service.code


class _Telling(Watcher):
    def __init__(self, service: Shown) -> None:
        self._log, self._health = service.log, service.health
        self._metrics = ArchiverMetrics(service.instruments)
        self._positions = PositionMetrics(service.instruments)
        self._known: set[tuple[str, int]] = set()
        self._heard = 0

    def appended(self, done: Appended) -> None:
        self._metrics.file(done.counts.read, done.bytes)
        self._log.info(Event.FILE, events=done.counts.read, files=done.files, bytes=done.bytes)
        self._health.progressed()

    def tidied(self, done: Tidied) -> None:
        self._health.turned()
        if done.merged:
            self._metrics.compacted(done.merged)
            self._log.info(Event.COMPACTED, files=done.merged)

    def progress(self, now: Progress) -> None:
        self._health.turned()
        self._health.meets(Condition.ASSIGNED)
        for place, at in now.places.items():
            if place not in self._known:
                self._known.add(place)
                self._positions.assigned(*place, at.archived)
            self._positions.processed(*place, at.polled)
            self._positions.committed(*place, at.archived)
            self._positions.ends(*place, at.end)
        if now.archived + now.held > self._heard:
            self._heard = now.archived + now.held
            self._health.progressed()
        self._health.waiting(now.behind)

    def gap(self, topic: str, partition: int, first_offset: int, last_offset: int) -> None:
        self._log.warning(
            Event.GAP, topic=topic, partition=partition, first_offset=first_offset, last_offset=last_offset
        )

    def uncommitted(self) -> None:
        self._log.warning(Event.UNCOMMITTED)
