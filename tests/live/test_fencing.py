"""Of two producers with one transactional id the later one speaks: what the earlier had begun is never seen."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError, ProducerFencedError

from streams import changes
from streams.kafka import clients, saying
from streams.kafka.settings import Connection
from streams.kafka.spoken import spoken
from streams.kafka.topics import ALERTS, Layout
from streams.live.shard import WORKER
from tests.streams.said import a_change


def producer_of(connection: Connection, layout: Layout) -> Any:
    producer = KafkaProducer(**connection.producer(transactional_id=f"{layout.prefix}judge-0"))
    producer.init_transactions()
    return producer


def say(producer: Any, layout: Layout, value: bytes) -> Any:
    return producer.send(layout.name(ALERTS), key=b"jr", value=value, partition=0)


def committed(connection: Connection, layout: Layout) -> list[bytes]:
    with clients.consumer(connection, isolation_level="read_committed") as consumer:
        partition = TopicPartition(layout.name(ALERTS), 0)
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        seen: list[bytes] = []
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                seen.extend(record.value for record in records)
        return seen


def test_what_a_transaction_holds_is_seen_once_it_is_committed_and_never_if_aborted(
    connection: Connection, layout: Layout
) -> None:
    producer = producer_of(connection, layout)
    producer.begin_transaction()
    say(producer, layout, b"aborted").get(10)
    producer.abort_transaction()
    producer.begin_transaction()
    future = say(producer, layout, b"said")
    producer.commit_transaction()
    assert future.get(0).partition == 0
    assert committed(connection, layout) == [b"said"]
    producer.close()


def test_a_second_producer_ends_the_transaction_of_the_first_whose_commit_then_raises(
    connection: Connection, layout: Layout
) -> None:
    first = producer_of(connection, layout)
    first.begin_transaction()
    say(first, layout, b"stale").get(10)  # the broker has it: the future says nothing of the commit
    second = producer_of(connection, layout)
    second.begin_transaction()
    say(second, layout, b"fresh")
    second.commit_transaction()
    with pytest.raises(ProducerFencedError):
        first.commit_transaction()
    assert committed(connection, layout) == [b"fresh"]
    first.close()
    second.close()


def test_a_fenced_producer_can_do_nothing_more(connection: Connection, layout: Layout) -> None:
    first = producer_of(connection, layout)
    first.begin_transaction()
    second = producer_of(connection, layout)
    with pytest.raises(ProducerFencedError):
        say(first, layout, b"stale").get(10)
    # From here on it is a plain KafkaError, which names the fencing in its text only.
    for attempt in (first.commit_transaction, first.abort_transaction, first.begin_transaction):
        with pytest.raises(KafkaError, match="ProducerFencedError"):
            attempt()
    assert committed(connection, layout) == []
    first.close()
    second.close()


def test_an_empty_transaction_says_nothing_of_fencing(connection: Connection, layout: Layout) -> None:
    """So whoever must know that it still speaks has to send something."""
    first = producer_of(connection, layout)
    second = producer_of(connection, layout)
    first.begin_transaction()
    first.commit_transaction()
    first.close()
    second.close()


def test_what_was_said_is_learnt_although_another_began_before_it_and_died(
    connection: Connection, layout: Layout
) -> None:
    """A sweeper's unfinished transaction hides from readers what a judge says after it in the same partition."""
    options = connection.producer(transactional_id=f"{layout.prefix}dead", transaction_timeout_ms=3000)
    dead, alive = KafkaProducer(**options), producer_of(connection, layout)
    dead.init_transactions()
    dead.begin_transaction()
    say(dead, layout, b"begun").get(10)
    change = a_change(speaker=WORKER)
    alive.begin_transaction()
    say(alive, layout, changes.encode(change, with_facts=False))
    alive.commit_transaction()
    assert committed(connection, layout) == []
    assert spoken(connection, layout, WORKER, [0]).keys() == {change.jr_id}
    alive.close()
    dead.close(timeout=1)


def test_what_the_broker_refuses_of_a_transaction_is_heard_before_the_commit(
    connection: Connection, layout: Layout
) -> None:
    """The client makes itself a new epoch for it, flushes, and lets the next transaction through as if nothing had been."""
    producer = producer_of(connection, layout)
    producer.begin_transaction()
    saying.say(producer, layout, [a_change()], lambda _: 0)
    producer.commit_transaction()
    producer.begin_transaction()
    numbers = producer._transaction_manager._sequence_numbers
    numbers[TopicPartition(layout.name(ALERTS), 0)] += 7  # as if some had been lost
    with pytest.raises(KafkaError):
        saying.say(producer, layout, [a_change(2)], lambda _: 0)
    assert [changes.decode(value).seq for value in committed(connection, layout)] == [1]
    producer.close(timeout=1)
