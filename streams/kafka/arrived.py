"""Packets as they are read from their topic: what is new of what was polled, how old it is, and what lies further back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.kafka.settings import Connection
from streams.kafka.topics import ARRIVED
from streams.live.packets import decode_each
from streams.live.shard import Shard
from streams.live.together import Arrivals


def oldest(found: Mapping[TopicPartition, Sequence[Any]]) -> float | None:
    """When the oldest message of these packets came, seconds since 1970; None: there are none."""
    times = [int(told) for one in chain(*found.values()) for name, told in one.headers if name == ARRIVED]
    return min(times) / 1000 if times else None


def fresh(found: Mapping[TopicPartition, Sequence[Any]], shards: Mapping[int, Shard]) -> Arrivals:
    """What was polled beyond where its shard stands."""
    new = {}
    for tp, records in found.items():
        shard = shards.get(tp.partition)
        after = [one for one in records if shard is not None and one.offset >= shard.position]
        if after:
            new[tp.partition] = after
    packets = decode_each([[one.value for one in records] for records in new.values()])
    return {
        number: (some, records[-1].offset + 1)
        for (number, records), some in zip(new.items(), packets, strict=True)
    }


class Reader:
    """Reads a stretch of one partition, outside of any group."""

    def __init__(self, connection: Connection, tp: TopicPartition) -> None:
        self._tp = tp
        self._consumer = KafkaConsumer(**connection.consumer(group_id=None, isolation_level="read_committed"))
        self._consumer.assign([tp])

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def first(self) -> int:
        """The oldest offset there is."""
        return int(self._consumer.beginning_offsets([self._tp])[self._tp])

    def read(
        self, start: int, stop: int, on_wait: Callable[[], None] = lambda: None
    ) -> Iterable[Sequence[Any]]:
        """The records from `start` to before `stop`, some at a time. `on_wait`: called before each; what it raises ends it."""
        if start >= stop:
            return
        self._consumer.seek(self._tp, start)
        while self._consumer.position(self._tp) < stop:
            on_wait()
            records = self._consumer.poll(timeout_ms=500).get(self._tp, [])
            if within := [record for record in records if record.offset < stop]:
                yield within
