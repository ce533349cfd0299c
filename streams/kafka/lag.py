"""How much waits for a group."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from kafka import TopicPartition

from streams.kafka import clients
from streams.kafka.settings import Connection


class Lag:
    """Of one topic, asked again and again over one connection: to make one costs far more than the question. Not to be used by
    two threads at once."""

    def __init__(self, connection: Connection, group: str, topic: str) -> None:
        self._connection, self._group, self._topic = connection, group, topic
        self._open = ExitStack()
        self._consumer: Any = None

    def waiting(self) -> int:
        """Records that the group has still to do. Raises `NoAnswer`, KafkaError or OSError where no broker answers; the
        next question is asked over a new connection."""
        try:
            if self._consumer is None:
                asking = clients.consumer(self._connection, group_id=self._group, enable_auto_commit=False)
                self._consumer = self._open.enter_context(asking)
            consumer = self._consumer
            parts = [
                TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()
            ]
            last = consumer.end_offsets(parts)
            return sum(last[part] - (consumer.committed(part) or 0) for part in parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go."""
        self._consumer = None
        self._open.close()
