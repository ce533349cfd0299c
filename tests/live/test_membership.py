"""A group's answer is never lost for long, however little time each poll has."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from kafka import KafkaConsumer
from kafka.admin import NewPartitions

from streams.kafka import clients
from streams.kafka.membership import Membership
from streams.kafka.settings import Connection
from streams.kafka.topics import PACKETS, Layout


def polled_until(
    consumer: KafkaConsumer, membership: Membership, is_so: Callable[[], bool], milliseconds: int = 200
) -> None:
    """Poll for so long each time, until it is so."""
    end = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        membership.join_again_if_unanswered()
        consumer.poll(timeout_ms=milliseconds)
        time.sleep(0.01)  # not longer: who comes late finds the answer there, and does not lose it


def test_a_lost_answer_is_asked_for_again(connection: Connection, layout: Layout) -> None:
    """New partitions make the consumer join again, and a poll without time loses what comes of it."""
    topic, before = layout.name(PACKETS), set(range(layout.judge_partitions))
    options = connection.consumer(group_id=f"{layout.prefix}members", metadata_max_age_ms=1000)
    with closing(KafkaConsumer(**options)) as consumer:
        membership = Membership(consumer, topic, lambda _: None, patience=timedelta(seconds=2))
        membership.join()
        polled_until(consumer, membership, lambda: membership.given == before)
        after = before | {len(before)}
        with clients.admin(connection) as admin:
            admin.create_partitions({topic: NewPartitions(total_count=len(after))})
        polled_until(consumer, membership, lambda: not membership.given, 1)
        polled_until(consumer, membership, lambda: membership.given == after)
