"""From `supervision.alert-changes` into an alert store: each change once in effect, whoever ends when.

The store itself keeps how far it was read, in the transaction that takes the changes in; the broker keeps nothing of
it. So a store that was taken back from a backup, or a second one, reads on from where it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from streams.changes import Change, NotAChange, decode
from streams.errors import Refused
from streams.kafka.topics import CHANGES
from streams.store.writing import AlertStore, Applied

#: What a consumer must be told besides how the broker is reached: what was committed only, and never to jump.
OPTIONS: Mapping[str, Any] = {
    "group_id": None,
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
}

#: Records of a transaction, at most.
BATCH = 4_000

#: Milliseconds that a poll waits for records, and seconds after which new partitions are looked for.
POLL_MS = 500
LOOK_S = 30.0


@dataclass(frozen=True)
class Taken:
    """What one transaction took in: records read, what became of them, and how far each partition is now.

    `next_offsets`, `ends`: by partition, the offset of the next record to read, and of the next to be written.
    """

    records: int
    applied: Applied
    next_offsets: Mapping[int, int]
    ends: Mapping[int, int]


@dataclass
class Filled:
    """What a filling took in from its begin to its end."""

    records: int = 0
    added: int = 0
    repeated: int = 0
    contradicted: int = 0

    def count(self, taken: Taken) -> None:
        """Add a transaction's share."""
        self.records += taken.records
        self.added += taken.applied.added
        self.repeated += taken.applied.repeated
        self.contradicted += taken.applied.contradicted


@dataclass(frozen=True)
class Filling:
    """How a topic is read.

    `once`: up to the end that the topic had at the start. `from_start`: from the first record, whatever the store has
    read. `pass_over`: records, as (partition, offset), that are left out because they are no changes. `batch`: records of
    a transaction, at most. `told` hears of every transaction, `turned` after every poll how many records wait, `gone` of
    records that the topic no longer has: partition, first and last offset.
    """

    topic: str = CHANGES.name
    once: bool = False
    from_start: bool = False
    pass_over: Collection[tuple[int, int]] = ()
    batch: int = BATCH
    told: Callable[[Taken], None] = field(default=lambda taken: None)  # noqa: ARG005
    turned: Callable[[int], None] = field(default=lambda waiting: None)  # noqa: ARG005
    gone: Callable[[int, int, int], None] = field(default=lambda *_: None)


def fill(store: AlertStore, consumer: Any, filling: Filling = Filling(), stop: Event | None = None) -> Filled:
    """Read until `stop` is set (what was fetched is stored first), or with `once` to the end.

    `consumer`: a KafkaConsumer made with `OPTIONS`, assigned to nothing. Raises `StoreError`; Refused for a topic that
    is not there, is not the one that the store has read, or holds what is no change: what came before is stored.
    """
    store.only_live()
    filled = Filled()
    reader = _Reader(store, consumer, filling)
    reader.begin()
    while not (stop is not None and stop.is_set()) and not reader.is_done():
        for taken in reader.step():
            filled.count(taken)
            filling.told(taken)
        filling.turned(reader.waiting)
    return filled


class _Reader:
    """The partitions of the topic, and how far each was read."""

    def __init__(self, store: AlertStore, consumer: Any, filling: Filling) -> None:
        self._store, self._consumer, self._filling = store, consumer, filling
        self._next: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._looked = 0.0

    def begin(self) -> None:
        if not self._look():
            raise Refused(
                f"The topic {self._filling.topic} is not there: make the topics first, or name the right broker."
            )

    def is_done(self) -> bool:
        return self._filling.once and all(self._next[one] >= end for one, end in self._ends.items())

    @property
    def waiting(self) -> int:
        """Records that are there and not read, as far as the broker has said."""
        from kafka import TopicPartition

        ends = {
            one: self._consumer.highwater(TopicPartition(self._filling.topic, one)) or 0 for one in self._next
        }
        return sum(max(0, ends[one] - at) for one, at in self._next.items())

    def step(self) -> Iterator[Taken]:
        """One poll, one transaction."""
        if not self._filling.once and time.monotonic() - self._looked > LOOK_S:
            self._look()
        from kafka.errors import OffsetOutOfRangeError

        try:
            fetched = self._consumer.poll(timeout_ms=POLL_MS, max_records=self._filling.batch)
        except OffsetOutOfRangeError:
            raise Refused(
                f"The topic {self._filling.topic} no longer has the records that come next: it was cut or made anew "
                "while it was read; start again."
            ) from None
        changes: list[Change] = []
        reached: dict[int, int] = {}
        records = 0
        broken: Refused | None = None
        for partition, batch in fetched.items():
            for record in batch:
                if self._filling.once and record.offset >= self._ends[record.partition]:
                    reached[record.partition] = self._ends[record.partition]
                    break
                try:
                    changes.extend(self._read(record))
                except NotAChange as error:
                    broken = self._refusal(record, error)
                    break
                records += 1
                reached[record.partition] = record.offset + 1
            else:
                # Marks of transactions lie between records and behind the last.
                reached[partition.partition] = self._consumer.position(partition)
        if reached:
            applied = self._store.apply(changes, self._positions(reached))
            self._next |= reached
            yield Taken(records, applied, dict(self._next), dict(self._ends))
        if broken is not None:
            raise broken
        self._notice_marks(fetched)

    def _read(self, record: Any) -> list[Change]:
        if record.value is None or (record.partition, record.offset) in self._filling.pass_over:
            return []
        return [decode(record.value)]

    def _refusal(self, record: Any, error: NotAChange) -> Refused:
        place = f"{record.partition}:{record.offset}"
        return Refused(
            f"Record {place} of {self._filling.topic} is {error}; nothing after it was read. If a newer fundwatch wrote "
            f"it, fill with that one; if it does not belong there, pass it over with --pass-over {place}."
        )

    def _notice_marks(self, fetched: Mapping[Any, Any]) -> None:
        """A partition that ends with a mark of a transaction is read although no record came of it."""
        for partition in self._consumer.assignment():
            if partition not in fetched:
                self._next[partition.partition] = self._consumer.position(partition)

    def _positions(self, reached: Mapping[int, int]) -> dict[tuple[str, int], int]:
        return {(self._filling.topic, partition): offset for partition, offset in reached.items()}

    def _look(self) -> bool:
        """Take in partitions that are new. Returns whether there are any at all."""
        from kafka import TopicPartition

        topic = self._filling.topic
        self._looked = time.monotonic()
        there = set(self._consumer.partitions_for_topic(topic) or ())
        new = {one: TopicPartition(topic, one) for one in there - self._next.keys()}
        if new:
            begins = self._consumer.beginning_offsets(list(new.values()))
            ends = self._consumer.end_offsets(list(new.values()))
            stored = {} if self._filling.from_start else self._store.positions(topic)
            for number, partition in new.items():
                begin, end = begins[partition], ends[partition]
                self._next[number] = self._start(number, stored.get(number), begin, end)
                self._ends[number] = end
            self._consumer.assign([TopicPartition(topic, one) for one in sorted(self._next)])
            for number, offset in self._next.items():
                self._consumer.seek(TopicPartition(topic, number), offset)
        elif self._next:
            partitions = [TopicPartition(topic, one) for one in self._next]
            self._ends = {one.partition: end for one, end in self._consumer.end_offsets(partitions).items()}
        return bool(self._next)

    def _start(self, number: int, stored: int | None, begin: int, end: int) -> int:
        """Where to begin in a partition."""
        if stored is None:
            return int(begin)
        if stored > end:
            raise Refused(
                f"{self._store.place} has read partition {number} of {self._filling.topic} up to {stored}, but it ends "
                f"at {end}: it is another topic than it was. Fill another store, or all of it again with --from-start."
            )
        if stored < begin:
            self._filling.gone(number, stored, begin - 1)
            return int(begin)
        return stored
