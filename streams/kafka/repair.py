"""Repair over Kafka: the worker's alerts from their topic, and to the judges whom to look at again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from streams.changes import RETRACTED
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.control import Control
from streams.kafka.settings import Connection
from streams.kafka.spoken import partitions_of, spoken
from streams.kafka.topics import PACKETS, Layout
from streams.lake import open_lake
from streams.live import growth
from streams.live.packets import encode
from streams.live.repair import Compared, Withdrawn, compare, packets, replayed, withdrawn
from streams.live.rules import Judging
from streams.live.shard import WORKER
from streams.live.whole import Means

#: How often it is asked whether the lake has grown, seconds.
_LOOK_EVERY = 1.0

_NOBODY: frozenset[Withdrawn] = frozenset()


@dataclass(frozen=True)
class Repairing:
    """Where a repair looks, and by what it judges. `group`: the worker's; `judging`: its rules; `patience`: how long the
    lake may take to catch up with what was said meanwhile."""

    connection: Connection
    layout: Layout
    group: str
    lake: Path
    judging: Judging
    key: bytes
    means: Means
    patience: timedelta = timedelta(seconds=120)
    wait: Callable[[float], object] = time.sleep


class OtherRulesError(Refused):
    """The workers judge by other rules than the repair would."""


@dataclass(frozen=True)
class Repaired:
    """What differed, and the messages that were withdrawn now."""

    compared: Compared
    withdrawn: frozenset[Withdrawn]


def repair(how: Repairing, known: frozenset[Withdrawn] = _NOBODY) -> Repaired:
    """Compare, and have the workers look again at whomever something differs of. `known`: what was withdrawn before.

    What the worker says is seconds old, what the lake holds up to minutes; so persons who differ are compared again
    once the lake has grown, and those who then agree are let go. Raises `Refused`, `BrokenOffError`.
    """
    held = Control(how.connection, how.layout, how.group).rules()
    if held is not None and held != how.judging.hash:
        raise OtherRulesError(
            f"the group {how.group} judges by other rules ({held}) than this sweeper ({how.judging.hash}); give both the "
            "same, or there is nothing to compare."
        )
    compared = _compared(how)
    if compared.persons and _has_grown(how):
        compared = _compared(how, compared.persons)
    gone = frozenset(withdrawn(open_lake(how.lake), how.key)) - known
    _tell(how, compared.persons, gone)
    return Repaired(compared, gone)


def _compared(how: Repairing, persons: frozenset[str] | None = None) -> Compared:
    spoke = spoken(how.connection, how.layout, WORKER).values()
    said = [change.alert for change in spoke if change.kind != RETRACTED]
    return compare(replayed(open_lake(how.lake), how.judging, how.means, persons), said, persons)


def _has_grown(how: Repairing) -> bool:
    """Wait for the lake to grow; whether it did."""
    before = growth.position(open_lake(how.lake))
    deadline = time.monotonic() + how.patience.total_seconds()
    while time.monotonic() < deadline:
        how.means.breaker.check()
        how.wait(_LOOK_EVERY)
        if growth.position(open_lake(how.lake)) != before:
            return True
    return False


def _tell(how: Repairing, persons: frozenset[str], gone: frozenset[Withdrawn]) -> None:
    if not persons and not gone:
        return
    topic = how.layout.name(PACKETS)
    shards = partitions_of(how.connection, how.layout, PACKETS)
    with clients.producer(how.connection) as producer:
        sent = [
            producer.send(topic, encode(packet), partition=number)
            for number, packet in packets(persons, gone, shards).items()
        ]
        producer.flush()
        for future in sent:
            future.get(timeout=30)
