"""A partition that a judge has, and how it comes to have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.changes import Change
from streams.kafka.arrived import Reader
from streams.kafka.control import Brake
from streams.kafka.settings import Connection
from streams.kafka.spoken import spoken
from streams.kafka.topics import PACKETS, Layout
from streams.live.packets import decode_all
from streams.live.shard import WORKER, Shard

#: Milliseconds that beginning or ending a transaction may wait for the broker.
_PATIENCE = 20_000


@dataclass(frozen=True)
class Saying:
    """A transaction on its way: changes, their last number in the outbox, the position that is acknowledged with them.
    `done`: when the broker had it, seconds since 1970."""

    changes: Sequence[Change]
    last: int
    position: int
    done: Future[float]


@dataclass
class Owned:
    """A partition that is ours. `saying`: what is on its way. `braked`: the brake that is on. `asked_at`: when it was last
    asked about."""

    shard: Shard
    producer: KafkaProducer
    committed: int
    saying: Saying | None = None
    braked: Brake | None = None
    asked_at: float = 0.0

    def close(self) -> None:
        """End what is open, once it is known that nothing is on its way any more."""
        if self.saying is not None:
            wait([self.saying.done])
        self.producer.close(timeout=1)
        self.shard.close()


@dataclass(frozen=True)
class Predecessors:
    """Who had partitions before: silenced, heard, and caught up with. `on_wait`: called again and again while the broker is
    waited for; what it raises ends the waiting."""

    connection: Connection
    layout: Layout
    group: str
    on_wait: Callable[[], None]

    def succeed(self, number: int, shard: Shard, consumer: KafkaConsumer) -> Owned:
        """Silence who had this partition, learn what was said of it, catch up, and have the consumer go on from there. The
        shard is closed where that fails."""
        tp = TopicPartition(self.layout.name(PACKETS), number)
        producer = None
        try:
            producer = KafkaProducer(
                **self.connection.producer(
                    transactional_id=f"{self.layout.prefix}{self.group}.judge-{number}",
                    linger_ms=5,
                    max_block_ms=_PATIENCE,
                )
            )
            producer.init_transactions()
            shard.succeed(self.said(number))
            committed = consumer.committed(tp) or 0
            self._catch_up(shard, tp, committed)
            consumer.seek(tp, shard.position)
            consumer.resume(tp)
        except BaseException:
            shard.close()
            if producer is not None:
                producer.close(timeout=1)
            raise
        return Owned(shard, producer, committed)

    def said(self, number: int) -> dict[str, Change]:
        """What was said last of each alert of this partition."""
        return spoken(self.connection, self.layout, WORKER, [number], self.on_wait)

    def _catch_up(self, shard: Shard, tp: TopicPartition, committed: int) -> None:
        """Take in, unjudged, what a predecessor has judged."""
        with Reader(self.connection, tp) as reader:
            first = reader.first()
            if shard.position < first:
                # packets have expired that this state has not seen: the lake has what was in them
                shard.start_from(first)
            for records in reader.read(shard.position, committed, self.on_wait):
                shard.take(decode_all([one.value for one in records]), records[-1].offset + 1, judge=False)
