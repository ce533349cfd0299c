"""What can be seen from outside: how much waits, who is in the group, whether anything is still to be done."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.kafka.services import Worker
from detectors.watermark import LATENESS
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, PACKETS, Layout
from streams.live.clock import Clock
from streams.live.moments import micros, moment

#: The group under which the archiver shows how far it is.
ARCHIVER = "fundwatch-archiver"

#: Seconds that something may take that is waited for.
PATIENCE = 240.0


def wait_for(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until it holds. Raises AssertionError where that takes too long."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain: {what}"
        time.sleep(0.1)


class Groups:
    """The two consumer groups of the workers and, where asked for, the archiver's."""

    def __init__(self, connection: Connection, layout: Layout, group: str, *, archiver: bool = False) -> None:
        self._connection = connection
        self.router, self.judge = f"{group}.router", f"{group}.judge"
        events, packets = layout.name(EVENTS), layout.name(PACKETS)
        self._topics = {self.router: events, self.judge: packets} | ({ARCHIVER: events} if archiver else {})
        self._partitions = {events: layout.source_partitions, packets: layout.judge_partitions}
        self._consumers: dict[str, KafkaConsumer] = {}

    def lag(self) -> dict[str, int] | None:
        """Records that wait, by group; None while the broker does not answer."""
        try:
            return {group: self._lag(group) for group in self._topics}
        except (KafkaError, Refused, OSError):
            self.close()
            return None

    def _lag(self, group: str) -> int:
        if group not in self._consumers:
            options = self._connection.consumer(group_id=group, enable_auto_commit=False)
            self._consumers[group] = KafkaConsumer(**options)
        consumer = self._consumers[group]
        topic = self._topics[group]
        parts = [TopicPartition(topic, one) for one in range(self._partitions[topic])]
        ends = consumer.end_offsets(parts)
        return sum(ends[part] - (consumer.committed(part) or 0) for part in parts)

    def members(self) -> int | None:
        """Judges in the group; None while the broker does not say."""
        try:
            with clients.admin(self._connection) as admin:
                return len(admin.describe_groups([self.judge])[self.judge]["members"])
        except (KafkaError, Refused):
            return None

    def close(self) -> None:
        """Let go of the broker."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()


def rebalances(broker_logs: Iterable[Path], group: str) -> int:
    """How often the group agreed on who has what, as the brokers tell (their log must say so: `COORDINATOR_SPEAKS`)."""
    stable = re.compile(rf"Stabilized group {re.escape(group)} generation (\d+)")
    return len(
        {found[1] for path in broker_logs if path.exists() for found in stable.finditer(path.read_text())}
    )


#: For `java_options`: brokers log what becomes of groups.
COORDINATOR_SPEAKS = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.coordinator.group=info"


def at_rest(workers: Iterable[Worker], partitions: int) -> bool:
    """Whether each partition has one judge that has sent all it had to say and has nobody left to look at."""
    owners = [(number, worker) for worker in workers for number in worker.partitions()]
    return sorted(number for number, _ in owners) == list(range(partitions)) and all(
        _is_done(_state(worker, number)) for number, worker in owners
    )


def gone(workers: Iterable[Worker]) -> tuple[int, int]:
    """Persons, and those among them of whom a part of the history has gone."""
    persons = without = 0
    for worker in workers:
        for number in worker.partitions():
            (every,), (some,) = _ask(
                _state(worker, number),
                "select count(*) from person union all select count(*) from person where held < 2",
            )
            persons, without = persons + every, without + some
    return persons, without


def _state(worker: Worker, number: int) -> Path:
    return worker.state / f"shard-{number:04}.db"


def _is_done(path: Path) -> bool:
    clock = Clock(
        {
            code: moment(time)
            for code, time in _ask(path, "select fixmedins_code, latest from institution_clock")
        },
        LATENESS,
    )
    mark = micros(clock.watermark) if clock.watermark else 0
    ((left,),) = _ask(
        path,
        "select (select count(*) from outbox) + (select count(*) from meta where key = 'rules_before')"
        f" + (select count(*) from person where again > 0 or due <= {mark})",
    )
    return bool(left == 0)


def _ask(path: Path, query: str) -> list[tuple[object, ...]]:
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()
