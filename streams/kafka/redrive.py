"""Reading a topic of rejects, and sending messages back to where they came from.

Messages and the mark that they were sent go in one transaction: a call that dies leaves both or neither, so a second one
sends what is left and nothing twice. Readers that do not wait for the end of transactions may see a message
of a broken one, and again later; they take messages by msgid. Two calls at once: the later one stops the earlier.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.dlq import (
    REDRIVES,
    SUFFIX,
    Entry,
    Position,
    entry,
    mark,
    marked,
    originals,
    redrives_of,
    source_topic,
)
from streams.kafka.settings import Connection
from streams.kafka.topics import LONGEST_RECORD

STALLED = 30.0
"""Seconds without a record after which reading is given up."""
MOST_RECORDS = 500
MOST_BYTES = 4 * LONGEST_RECORD
"""Of one transaction."""
DAY_MS = 24 * 60 * 60 * 1000

#: Told records done and in all.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Selection:
    """Which rejects: of these reasons, or at these positions (partition, offset) of their topic; all without either."""

    reasons: frozenset[str] = frozenset()
    positions: frozenset[tuple[int, int]] = frozenset()

    def takes(self, one: Entry) -> bool:
        """Whether a reject is meant."""
        return (not self.reasons or one.reason in self.reasons) and (
            not self.positions or (one.at.partition, one.at.offset) in self.positions
        )


@dataclass
class Listing:
    """The newest of the rejects, and how many wait by reason; `redriven` were sent back and are not among them."""

    newest: list[Entry] = field(default_factory=list)
    waiting: Counter[str] = field(default_factory=Counter)
    redriven: int = 0


@dataclass
class Plan:
    """What a redrive sends, by position among the rejects, and how many it leaves, by why."""

    topic: str
    source: str
    send: list[Position] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


#: Why a reject is not sent back.
LEFT = {
    "redriven": "sent back before",
    "row": "rows rejected alone: the rest of their message is a fact already",
    "cut": "longer than a message may be, and not kept whole",
    "foreign": "not known to come from this topic",
    "repeated": "of a message that is sent anyway",
}


def list_rejects(
    connection: Connection,
    topic: str,
    selection: Selection,
    limit: int,
    on_progress: OnProgress = lambda *_: None,
) -> Listing:
    """Read a topic of rejects through, and keep the newest `limit` that wait."""
    listing = Listing()
    newest: deque[Entry] = deque(maxlen=max(1, limit))
    waiting: dict[tuple[int, int], str] = {}
    with clients.consumer(connection, isolation_level="read_committed") as consumer:
        for record in _records(consumer, topic, on_progress):
            sent = marked(record)
            if sent is None:
                one = entry(record)
                if selection.takes(one):
                    waiting[record.partition, record.offset] = one.reason
                    newest.append(one)
                continue
            listing.redriven += sum(
                waiting.pop((record.partition, offset), None) is not None for offset in sent
            )
    listing.newest = [one for one in newest if (one.at.partition, one.at.offset) in waiting]
    listing.waiting.update(waiting.values())
    return listing


def plan_redrive(
    connection: Connection, topic: str, selection: Selection, on_progress: OnProgress = lambda *_: None
) -> Plan:
    """Read the rejects through, and decide which messages go back. Sends nothing."""
    plan = Plan(topic, _source(topic))
    chosen: dict[tuple[int, int], Entry] = {}
    done: set[tuple[int, int]] = set()
    with clients.consumer(connection, isolation_level="read_committed") as consumer:
        for record in _records(consumer, topic, on_progress):
            sent = marked(record)
            if sent is not None:
                done.update((record.partition, offset) for offset in sent)
            elif selection.takes(one := entry(record)):
                chosen[record.partition, record.offset] = one
    if not selection.reasons and (missing := selection.positions - chosen.keys()):
        partition, offset = min(missing)
        raise Refused(
            f"{topic} has no reject at {partition}:{offset}; `fundwatch dlq list` shows where they are."
        )
    seen: set[Position | None] = set()
    for place, one in chosen.items():
        why = "redriven" if place in done else _left(one, plan.source, seen)
        if why is None:
            plan.send.append(one.at)
        else:
            plan.left[why] += 1
        if why in (None, "redriven"):
            seen.add(one.source)
    return plan


class Redrive:
    """The right to send rejects of a topic back: who holds it last. Opened before the plan is made, so that what
    an earlier call was doing is over, and counted.

    >>> with Redrive(connection, "settlement.events.dlq") as redrive:   # doctest: +SKIP
    ...     redrive.send(plan_redrive(connection, "settlement.events.dlq", Selection()))
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        _source(topic)
        self._connection = connection
        self._open = ExitStack()
        self._producer = self._open.enter_context(
            clients.producer(connection, transactional_id=f"fundwatch.redrive.{topic}")
        )
        with self._closing():
            self._producer.init_transactions()

    def __enter__(self) -> Redrive:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, plan: Plan, on_progress: OnProgress = lambda *_: None) -> int:
        """Send the messages, and mark their rejects. Returns how many went.

        Raises Refused where another redrive has begun meanwhile, and where rejects have gone.
        """
        wanted = {(at.partition, at.offset) for at in plan.send}
        first: dict[int, int] = {}
        for partition, offset in wanted:
            first[partition] = min(offset, first.get(partition, offset))
        sent = 0
        if not wanted:
            return sent
        with clients.consumer(self._connection, isolation_level="read_committed") as consumer:
            oldest = _oldest_kept(self._connection, plan.source)
            records = _records(consumer, plan.topic, first=first)
            chosen = (one for one in records if (one.partition, one.offset) in wanted)
            for batch in _batches(chosen):
                with self._closing(f"{sent:,} of {len(wanted):,} messages were sent back before"):
                    self._send(plan, batch, oldest)
                sent += len(batch)
                on_progress(sent, len(wanted))
        if sent < len(wanted):
            raise Refused(
                f"{sent:,} messages were sent back; {len(wanted) - sent:,} rejects have been deleted meanwhile, by age."
            )
        return sent

    def _send(self, plan: Plan, batch: Sequence[Any], oldest: int) -> None:
        producer = self._producer
        partitions = producer.partitions_for(plan.source)
        producer.begin_transaction()
        futures = []
        done: dict[int, list[int]] = {}
        for record in batch:
            source = entry(record).source
            futures.append(
                producer.send(
                    plan.source,
                    key=record.key,
                    value=record.value,
                    headers=[
                        *originals(record.headers),
                        (REDRIVES, str(redrives_of(record.headers) + 1).encode()),
                    ],
                    partition=source.partition if source and source.partition in partitions else None,
                    # Older than the topic keeps, it would be deleted before anyone has read it.
                    timestamp_ms=record.timestamp if record.timestamp > oldest else None,
                )
            )
            done.setdefault(record.partition, []).append(record.offset)
        for partition, offsets in done.items():
            value, headers = mark(offsets)
            futures.append(producer.send(plan.topic, value=value, headers=headers, partition=partition))
        producer.commit_transaction()
        for future in futures:
            future.get(0)

    @contextmanager
    def _closing(self, so_far: str = "nothing was sent back") -> Iterator[None]:
        """Give the producer up where it cannot go on, and say why."""
        from kafka.errors import (
            AuthorizationError,
            InvalidProducerEpochError,
            KafkaError,
            KafkaTimeoutError,
            ProducerFencedError,
        )

        try:
            yield
        except KafkaError as error:
            self._open.close()
            cause = next((one for one in error.args if isinstance(one, KafkaError)), error)
            if isinstance(cause, ProducerFencedError | InvalidProducerEpochError) or "ProducerFenced" in str(
                error
            ):
                raise Refused(
                    f"Another redrive of these rejects has begun, so this one stops; {so_far}."
                ) from error
            if isinstance(error, KafkaTimeoutError | AuthorizationError):
                raise
            raise Refused(
                f"The broker does not take messages back ({type(cause).__name__}); {so_far}."
            ) from error


def _source(topic: str) -> str:
    source = source_topic(topic)
    if source is None:
        raise Refused(f"{topic} is no topic of rejects: its name does not end in {SUFFIX}.")
    return source


def _left(one: Entry, source: str, seen: set[Position | None]) -> str | None:
    """Why a reject is not sent back; None where it is."""
    if one.source is None or one.source.topic != source:
        return "foreign"
    if one.row is not None:
        return "row"
    if one.cut:
        return "cut"
    return "repeated" if one.source in seen else None


def _records(
    consumer: Any,
    topic: str,
    on_progress: OnProgress = lambda *_: None,
    *,
    first: Mapping[int, int] | None = None,
) -> Iterator[Any]:
    """The records of a topic up to its present end, in the order of each partition; from `first` on, where given."""
    from kafka import TopicPartition

    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise Refused(f"There is no topic {topic}; `fundwatch topics create` makes it.")
    ends = consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
    begins = consumer.beginning_offsets(list(ends))
    starts = {
        one: begins[one] if first is None else max(begins[one], first.get(one.partition, ends[one]))
        for one in ends
    }
    waiting = {one for one in ends if starts[one] < ends[one]}
    total = sum(ends[one] - starts[one] for one in waiting)
    done = 0
    consumer.assign(sorted(waiting))
    for one in waiting:
        consumer.seek(one, starts[one])
    moved = time.monotonic()
    while waiting:
        polled = consumer.poll(timeout_ms=500)
        for one, records in polled.items():
            for record in records:
                if record.offset < ends[one]:
                    yield record
        # Marks of transactions take offsets too, so only the position says where the end is.
        waiting = {one for one in waiting if consumer.position(one) < ends[one]}
        now = total - sum(ends[one] - consumer.position(one) for one in waiting)
        if now != done:
            done, moved = now, time.monotonic()
            on_progress(done, total)
        elif time.monotonic() - moved > STALLED:
            raise Refused(
                f"The broker has sent nothing of {topic} for {STALLED:g} s; try again when it is well."
            )


def _batches(records: Iterator[Any]) -> Iterator[list[Any]]:
    """As many records as go into one transaction."""
    batch: list[Any] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.value or b"")
        if len(batch) >= MOST_RECORDS or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _oldest_kept(connection: Connection, topic: str) -> int:
    """The timestamp (ms) before which a topic may delete a record at once, with a day to spare; -1 where none."""
    from kafka.admin import ConfigResource, ConfigResourceType

    with clients.admin(connection) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        said = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    retention = int(said["retention.ms"]["value"])
    if retention < 0 or "delete" not in said["cleanup.policy"]["value"]:
        return -1
    return int(time.time() * 1000) - max(retention - DAY_MS, retention // 2)
