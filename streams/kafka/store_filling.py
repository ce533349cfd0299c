"""The filler of the alert store as a service: what it does goes into metrics, health and log."""

from __future__ import annotations

from collections.abc import Collection
from threading import Event as Flag

from streams.kafka import clients
from streams.kafka.service import Shown, shown
from streams.kafka.settings import Connection
from streams.kafka.store_filler import BATCH, OPTIONS, Filling, Taken, fill
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Condition
from streams.operation.metrics import PositionMetrics, StoreMetrics
from streams.operation.settings import Settings
from streams.store.writing import AlertStore


def run_filler(
    settings: Settings,
    connection: Connection,
    topic: str,
    stop: Flag,
    *,
    pass_over: Collection[tuple[int, int]] = (),
    batch: int = BATCH,
) -> Exit:
    """Take changes into the store until `stop` is set; what was fetched is stored then. `pass_over`, `batch`: as
    `Filling`'s. Raises `Refused`, `StoreError`."""
    with (
        shown(
            settings, "store", stop.set, places={}, topics=(topic,), needs=(Condition.ASSIGNED,)
        ) as service,
        AlertStore(settings.store.url) as store,
        clients.consumer(connection, **OPTIONS) as consumer,
    ):
        telling = _Telling(service, topic)
        filling = Filling(
            topic=topic,
            batch=batch,
            pass_over=pass_over,
            told=telling.took,
            turned=telling.turned,
            gone=telling.gone,
        )
        fill(store, consumer, filling, stop)
        return service.code


class _Telling:
    def __init__(self, service: Shown, topic: str) -> None:
        self._log, self._health, self._topic = service.log, service.health, topic
        self._metrics = StoreMetrics(service.instruments)
        self._positions = PositionMetrics(service.instruments)
        self._known: set[int] = set()

    def took(self, taken: Taken) -> None:
        applied = taken.applied
        self._metrics.took(applied.added, applied.repeated)
        for partition, offset in taken.next_offsets.items():
            if partition not in self._known:
                self._known.add(partition)
                self._positions.assigned(self._topic, partition, offset)
            self._positions.processed(self._topic, partition, offset)
            self._positions.committed(self._topic, partition, offset)
            self._positions.ends(self._topic, partition, max(offset, taken.ends[partition]))
        if taken.records:
            self._log.info(Event.STORED, changes=applied.added, duplicates=applied.repeated)
        if applied.contradicted:
            self._log.warning(Event.CONTRADICTED, changes=applied.contradicted)
        self._health.progressed()

    def turned(self, waiting: int) -> None:
        self._health.turned()
        self._health.meets(Condition.ASSIGNED)
        self._health.waiting(waiting)

    def gone(self, partition: int, first_offset: int, last_offset: int) -> None:
        self._log.warning(
            Event.RECORDS_GONE, partition=partition, first_offset=first_offset, last_offset=last_offset
        )
