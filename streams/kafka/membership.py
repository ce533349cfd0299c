"""A consumer's place in its group: which partitions it is given, and joining anew where the library loses the answer.

kafka-python joins a group within `poll`, and where the time of that is over, the next `poll` goes on. But where it joins because
the metadata of the topic have changed it forgets that it does (3.0; KAFKA-9815 is the like in the Java client): the answer comes,
nobody looks at it, no heart beats, and the partitions are nobody's. So the metadata are asked for before the first
join, and whoever waits too long for the answer joins anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

log = logging.getLogger(__name__)

#: How long to wait for what the group gives.
PATIENCE = timedelta(seconds=30)


class Membership:
    """Of one consumer, in the group that shares out one topic. `given`: the partitions that the group has given it."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic: str,
        on_taken: Callable[[int], None],
        patience: timedelta = PATIENCE,
    ) -> None:
        """`on_taken`: called within `poll`, with each partition that is taken away."""
        self._consumer = consumer
        self._topic = topic
        self._on_taken = on_taken
        self._patience = patience.total_seconds()
        self._waits_since: float | None = None
        self.given: set[int] = set()

    def join(self) -> None:
        """Ask for partitions; `poll` gets them. Raises KafkaError where no broker answers."""
        self._subscribe()
        self._consumer.topics()

    def join_again_if_unanswered(self) -> None:
        """Leave and join where nothing was given, not even nothing, for longer than one's patience."""
        if self._waits_since is None or time.monotonic() < self._waits_since + self._patience:
            return
        log.warning("the group gives no answer; it is joined anew")
        self._consumer.unsubscribe()
        self._subscribe()

    def _subscribe(self) -> None:
        self._waits_since = time.monotonic()
        self._consumer.subscribe([self._topic], listener=_Listener(self))

    def _give(self, partitions: Iterable[TopicPartition]) -> None:
        partitions = list(partitions)
        self._waits_since = None
        if partitions:
            # Nothing is read of a partition before whoever has it is ready.
            self._consumer.pause(*partitions)
        self.given |= {tp.partition for tp in partitions}

    def _take(self, partitions: Iterable[TopicPartition]) -> None:
        self._waits_since = time.monotonic()
        for tp in partitions:
            self.given.discard(tp.partition)
            self._on_taken(tp.partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._membership._give(assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._membership._take(revoked)
