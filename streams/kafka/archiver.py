"""The archiver: a topic into the lake, continuously, each event once.

Where to go on stands in the lake, with the files, and nowhere else; what is committed to the broker afterwards is
for tools that show the lag.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.lake import GRACE, Appended, Appender, Batch, Record, Tidied, joined
from streams.operation import disk

#: Milliseconds that a poll waits; how soon the archiver sees that it is to end.
_POLL = 500

#: A poll gives at most so many records, and at most as many short ones as a batch holds.
_RECORDS_A_POLL = 5000
_SHORT_MESSAGE = 1024
"""Bytes."""

#: Messages that are decoded together as they come. To decode few costs more a message; to decode all at the end would take a
#: processor from those who judge for as long as it lasts.
_DECODED_TOGETHER = 5000

#: Bytes for which a broker waits, at most a second, before it answers.
_FETCH_BYTES = 1 << 20

#: Seconds between looks for new partitions.
_LOOK_AGAIN = 30

#: Share of the time in which small files are merged, beside one lot after each batch.
_TIDYING = 0.25

_COMMIT_PATIENCE = 5000
"""Milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to archive, and how.

    A batch ends after `max_seconds` or `max_bytes` of messages. `once`: up to where the topic ended at the start.
    `accept_gap`: go on although the topic no longer has what should come next. `group`: under which tools see the lag.
    `grace`: how long replaced files of the lake stay for those who read.
    """

    topic: str
    lake: Path
    key: bytes
    group: str = "fundwatch-archiver"
    max_seconds: float = 60
    max_bytes: int = 64 << 20
    once: bool = False
    accept_gap: bool = False
    grace: timedelta = GRACE


@dataclass(frozen=True)
class At:
    """Where an archiver stands in a partition: the offsets up to which the lake has it, up to which it was polled, and
    at which the topic ends."""

    archived: int
    polled: int
    end: int


@dataclass(frozen=True)
class Progress:
    """Where an archiver stands: messages archived since its start, messages that wait in it, and in the topic.
    `places`: by topic and partition."""

    archived: int
    held: int
    behind: int
    places: Mapping[tuple[str, int], At]


class Watcher(Protocol):
    """Is told what the archiver does."""

    def appended(self, done: Appended) -> None:
        """A batch is in the lake."""

    def tidied(self, done: Tidied) -> None:
        """A piece of what keeps the lake fast is done."""

    def progress(self, now: Progress) -> None:
        """Called a few times a second."""

    def gap(self, topic: str, partition: int, first_offset: int, last_offset: int) -> None:
        """What lies from the one offset to the other is no longer in the topic, and not archived; `accept_gap` was set."""

    def uncommitted(self) -> None:
        """The broker did not take the offsets, so the lag that it shows is too large. They are sent again."""


def archive(
    connection: Connection, task: Task, watcher: Watcher, should_end: Callable[[], bool] = lambda: False
) -> int:
    """Archive until `should_end`, which is asked often, or, `once`, to the end. What was polled is in the lake then.
    Returns the number of messages archived.

    Raises `Refused`: another writes the lake, the topic is not there or lacks what should come next, no broker
    answers. A disk that is full loses nothing, the next start goes on from the lake (`disk.DiskFull`).
    """
    with (
        disk.told({"lake": task.lake}),
        Appender(task.lake, task.key, grace=task.grace) as appender,
        clients.consumer(
            connection,
            group_id=task.group,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=min(_RECORDS_A_POLL, max(1, task.max_bytes // _SHORT_MESSAGE)),
            # nobody waits for the lake: few large answers cost the broker and this less than many small ones
            fetch_min_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=1000,
        ) as consumer,
    ):
        return _Archiver(consumer, task, appender, watcher, should_end).run()


class _Archiver:
    def __init__(
        self,
        consumer: Any,
        task: Task,
        appender: Appender,
        watcher: Watcher,
        should_end: Callable[[], bool],
    ) -> None:
        self._consumer = consumer
        self._task = task
        self._appender = appender
        self._watcher = watcher
        self._should_end = should_end
        self._partitions: list[Any] = []
        self._undecoded: list[Record] = []
        self._decoded: list[Batch] = []
        self._held = self._held_bytes = 0
        self._archived = 0
        self._uncommitted: dict[tuple[str, int], int] = {}
        self._looked = self._tidy_at = 0.0

    def run(self) -> int:
        """Until it is told to end."""
        self._take_partitions()
        ends: Mapping[Any, int] | None = None
        if self._task.once:
            ends = self._consumer.end_offsets(self._partitions)
        while not (self._should_end() or (ends is not None and self._is_at(ends))):
            begun = time.monotonic()
            self._collect(begun, ends)
            self._append()
            self._commit()
            self._tidy()
            if time.monotonic() - self._looked > _LOOK_AGAIN:
                self._take_partitions()
        self._append()
        self._commit()
        return self._archived

    def _take_partitions(self) -> None:
        """Begin to read partitions that are not read yet, each where the lake ends."""
        from kafka import TopicPartition

        self._looked = time.monotonic()
        found = self._consumer.partitions_for_topic(self._task.topic)
        if not found:
            raise Refused(
                f"There is no topic {self._task.topic}: make the topics with fundwatch topics create."
            )
        new = [
            partition
            for number in sorted(found)
            if (partition := TopicPartition(self._task.topic, number)) not in self._partitions
        ]
        if not new:
            return
        starts = self._starts(new)
        self._partitions += new
        # To assign anew forgets where the others stand.
        here = {partition: self._consumer.position(partition) for partition in self._consumer.assignment()}
        self._consumer.assign(self._partitions)
        for partition, offset in {**here, **starts}.items():
            self._consumer.seek(partition, offset)
        # whoever died between the lake and the group left the group behind
        self._uncommitted |= {(one.topic, one.partition): offset for one, offset in starts.items()}

    def _starts(self, partitions: list[Any]) -> dict[Any, int]:
        begins = self._consumer.beginning_offsets(partitions)
        ends = self._consumer.end_offsets(partitions)
        archived = self._appender.lake.archived
        starts = {}
        for one in partitions:
            name = f"{one.topic}-{one.partition}"
            here = archived.get((one.topic, one.partition), begins[one])
            if here > ends[one]:
                raise Refused(
                    f"{name} ends at offset {ends[one]}, but the lake has it up to {here}: the topic was made anew. "
                    "Archive it into a new lake, or give the topic another name."
                )
            if here < begins[one]:
                if not self._task.accept_gap:
                    raise Refused(
                        f"{name} begins at offset {begins[one]}, but the lake has it up to {here}: the topic no longer has "
                        "what lies between. Add that from logs (fundwatch lake build --append), if there are any, and "
                        "start with --accept-gap."
                    )
                self._watcher.gap(one.topic, one.partition, here, begins[one] - 1)
                here = begins[one]
            starts[one] = here
        return starts

    def _collect(self, begun: float, ends: Mapping[Any, int] | None) -> None:
        """Poll until a batch is full, its time is over, or nothing more is to come."""
        from kafka import errors

        while True:
            try:
                polled = self._consumer.poll(timeout_ms=_POLL)
            except errors.OffsetOutOfRangeError as error:
                raise Refused(
                    f"{self._task.topic} lost messages before they were archived: it keeps them too short a time. Start again to "
                    "see which."
                ) from error
            for records in polled.values():
                self._held += len(records)
                for one in records:
                    self._undecoded.append(Record(one.topic, one.partition, one.offset, one.value))
                    self._held_bytes += len(one.value or b"")
            self._tell()
            if len(self._undecoded) >= _DECODED_TOGETHER:
                self._decode()
            self._tidy()
            is_over = time.monotonic() - begun >= self._task.max_seconds
            if is_over or self._held_bytes >= self._task.max_bytes or self._should_end():
                return
            if ends is not None and self._is_at(ends):
                return

    def _decode(self) -> None:
        self._decoded.append(self._appender.decode(self._undecoded))
        self._undecoded = []

    def _append(self) -> None:
        """Put what was collected into the lake."""
        upto = self._positions()
        before = self._appender.lake.archived
        moved = {place: offset for place, offset in upto.items() if offset > before.get(place, 0)}
        if not moved:
            return
        self._decode()
        done = self._appender.append_decoded(joined(self._decoded), upto)
        self._archived += self._held
        self._decoded, self._held, self._held_bytes = [], 0, 0
        self._tidy_at = time.monotonic()
        self._watcher.appended(done)
        self._tell()
        self._uncommitted |= moved

    def _tidy(self) -> None:
        """Keep the lake fast: a piece of it, where it is time for one. All that is due at once would take a processor from those who
        judge for a quarter of the time since the last batch."""
        begun = time.monotonic()
        if begun < self._tidy_at:
            return
        done = self._appender.tidy()
        ended = time.monotonic()
        if done is None:
            self._tidy_at = ended + self._task.max_seconds
        else:
            self._watcher.tidied(done)
            self._tidy_at = ended + (ended - begun) * (1 / _TIDYING - 1)

    def _commit(self) -> None:
        """Tell the group where the lake stands, for whoever looks at the lag; again later where the broker is away."""
        if not self._uncommitted:
            return
        from kafka import OffsetAndMetadata, TopicPartition
        from kafka.errors import KafkaError

        offsets = {
            TopicPartition(*place): OffsetAndMetadata(offset, "", -1)
            for place, offset in self._uncommitted.items()
        }
        try:
            self._consumer.commit(offsets, timeout_ms=_COMMIT_PATIENCE)
            self._uncommitted = {}
        except KafkaError:
            self._watcher.uncommitted()

    def _positions(self) -> dict[tuple[str, int], int]:
        return {(one.topic, one.partition): self._consumer.position(one) for one in self._partitions}

    def _is_at(self, ends: Mapping[Any, int]) -> bool:
        return all(self._consumer.position(one) >= end for one, end in ends.items())

    def _tell(self) -> None:
        archived = self._appender.lake.archived
        places = {}
        for one in self._partitions:
            polled = self._consumer.position(one)
            end = max(self._consumer.highwater(one) or 0, polled)
            places[one.topic, one.partition] = At(archived.get((one.topic, one.partition), 0), polled, end)
        behind = sum(at.end - at.polled for at in places.values())
        self._watcher.progress(Progress(self._archived, self._held, behind, places))
