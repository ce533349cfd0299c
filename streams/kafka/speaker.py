"""The sweeper's voice: changes of alerts to their topics, each once, and by one sweeper only."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.changes import Change
from streams.errors import Refused
from streams.kafka.saying import say
from streams.kafka.settings import Connection
from streams.kafka.spoken import partitions_of
from streams.kafka.topics import ALERTS, Layout
from streams.live.shards import shard_of

#: How kafka-python names the errors of a producer that another has replaced; after the first they are texts only.
_REPLACED = ("ProducerFencedError", "InvalidProducerEpochError")

#: Milliseconds that a send may wait for the broker.
_PATIENCE = 10_000


class SpeakerReplacedError(Exception):
    """Another sweeper speaks now; nothing more can be said from here."""


class Speaker:
    """A producer under the one transactional id of an installation's sweeper: whoever makes one silences the one
    before, and ends what it had begun."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        """Raises `Refused` where no broker answers or the topics are not there."""
        self._layout = layout
        self._partitions = partitions_of(connection, layout, ALERTS)
        try:
            self._producer = KafkaProducer(
                **connection.producer(
                    transactional_id=f"{layout.prefix}fundwatch.sweeper", linger_ms=5, max_block_ms=_PATIENCE
                )
            )
            self._producer.init_transactions()
        except KafkaError as error:
            where = ",".join(connection.bootstrap)
            raise Refused(
                f"The broker at {where} gives no transactional id to the sweeper ({type(error).__name__}); is it "
                "running, and may this user have fundwatch.sweeper?"
            ) from error

    def say(self, said: Sequence[Change]) -> None:
        """Say these changes, all of them or none: on `supervision.alerts`, and with their facts on
        `supervision.alert-changes`, an alert always in one partition. Raises KafkaError where the broker is away: whether it
        was said is not known then, so that another speaker must be made, and learn; `SpeakerReplacedError`."""
        try:
            self._producer.begin_transaction()
            say(self._producer, self._layout, said, lambda one: shard_of(one.jr_id, self._partitions))
            self._producer.commit_transaction()
        except KafkaError as error:
            if _is_replaced(error):
                raise SpeakerReplacedError from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close(timeout=1)


def _is_replaced(error: BaseException | None) -> bool:
    while error is not None:
        if any(name in f"{type(error).__name__} {error}" for name in _REPLACED):
            return True
        error = error.__cause__
    return False
