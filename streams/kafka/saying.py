"""Changes within a transaction: to `supervision.alerts`, and with their facts to `supervision.alert-changes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kafka import KafkaProducer

from streams import changes
from streams.changes import Change
from streams.kafka.topics import ALERTS, CHANGES, Layout


def say(
    producer: KafkaProducer, layout: Layout, said: Sequence[Change], partition_of: Callable[[Change], int]
) -> None:
    """Send changes within the producer's open transaction, and wait until the broker has them.

    Raises KafkaError where it did not take one. The client would not: of records that it gave up, as when the broker is
    away for longer than a transaction may last, neither `flush` nor the commit says anything (kafka-python 3.0).
    """
    sent = []
    for change in said:
        key, headers, partition = change.jr_id.encode(), changes.headers(change), partition_of(change)
        for topic, with_facts in ((ALERTS, False), (CHANGES, True)):
            value = changes.encode(change, with_facts=with_facts)
            sent.append(producer.send(layout.name(topic), value, key, headers, partition))
    producer.flush()
    for one in sent:
        one.get(timeout=0)
