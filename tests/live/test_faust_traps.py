"""What Faust does that our design has to go round."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, Layout

COMMITTED, OWN = 10, 5
PATIENCE = 60
"""Seconds until a worker must have been given something."""


@contextmanager
def worker(connection: Connection, topic: str, how: str) -> Iterator[Queue[str]]:
    """A Faust worker that would begin at OWN; what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.live.faust_seeker", *connection.bootstrap, topic, f"{topic}.{how}", str(OWN), how],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    reader = Thread(target=lambda: [lines.put(line.strip()) for line in process.stdout or ()])
    reader.start()
    try:
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def firsts(lines: Queue[str], partitions: int) -> dict[int, int]:
    """The first offset that the worker was given of so many partitions, each time it had sought."""
    found: dict[int, int] = {}
    while len(found) < partitions:
        words = lines.get(timeout=PATIENCE).split()
        if words == ["sought"]:
            found.clear()
        elif len(words) == 2:
            found.setdefault(int(words[0]), int(words[1]))
    return found


@pytest.fixture
def topic(connection: Connection, layout: Layout) -> str:
    """Twenty records in each of two partitions, of which the groups have committed ten."""
    name = layout.name(EVENTS)
    producer = KafkaProducer(**connection.producer())
    for number in range(20):
        for partition in (0, 1):
            producer.send(name, value=b"%d" % number, partition=partition)
    producer.close()
    for how in ("signal", "perform_seek"):
        with clients.consumer(connection, group_id=f"{name}.{how}") as consumer:
            both = [TopicPartition(name, partition) for partition in (0, 1)]
            consumer.assign(both)
            consumer.commit({one: OffsetAndMetadata(COMMITTED, "", -1) for one in both})
    return name


def test_a_seek_on_assignment_is_lost_to_the_committed_offset(connection: Connection, topic: str) -> None:
    """`on_partitions_assigned` is sent before recovery, whose end seeks to what was committed."""
    with worker(connection, topic, "signal") as lines:
        assert firsts(lines, 2) == {0: COMMITTED, 1: COMMITTED}


def test_a_seek_in_place_of_fausts_own_holds_and_holds_over_a_rebalance(
    connection: Connection, topic: str
) -> None:
    """`Consumer.perform_seek` is no documented hook: it holds for the version that is pinned."""
    with worker(connection, topic, "perform_seek") as one:
        assert firsts(one, 2) == {0: OWN, 1: OWN}
        with worker(connection, topic, "perform_seek") as other:
            assert list(firsts(other, 1).values()) == [OWN]
