"""What was said last of every alert, as `supervision.alerts` has it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from kafka import TopicPartition

from streams import changes
from streams.changes import Change
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.topics import ALERTS, Layout, Topic


def spoken(
    connection: Connection,
    layout: Layout,
    speaker: str,
    partitions: Collection[int] | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> dict[str, Change]:
    """jr_id → the last change of each alert that this speaker has spoken of. `partitions`: of the topic; None: all.
    `on_wait`: called again and again; what it raises ends the waiting.

    What another has begun to say in a partition and not ended hides what was said there after it. So it is waited for: whoever
    died over it is timed out by the broker, half a minute later at most. Raises `Refused` where no broker answers or
    the topic is not there.
    """
    said: dict[str, Change] = {}
    topic = layout.name(ALERTS)
    with (
        clients.consumer(connection, group_id=None) as all_there_is,
        clients.consumer(connection, group_id=None, isolation_level="read_committed") as consumer,
    ):
        numbers = all_there_is.partitions_for_topic(topic) or () if partitions is None else partitions
        parts = [TopicPartition(topic, one) for one in numbers]
        ends = all_there_is.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            on_wait()
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    if record.value is not None:
                        change = changes.decode(record.value)
                        if change.speaker == speaker:
                            said[change.jr_id] = change
    return said


def partitions_of(connection: Connection, layout: Layout, topic: Topic) -> int:
    """How many partitions a topic of ours has. Raises `Refused` where it is not there."""
    name = layout.name(topic)
    with clients.consumer(connection, group_id=None) as consumer:
        there = consumer.partitions_for_topic(name)
    if not there:
        raise Refused(f"there is no topic {name}; make it with fundwatch topics create.")
    return len(there)
