"""How long from a message to the change of an alert that it brought about."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from benchmarks.bed import Site
from streams import changes
from streams.changes import RETRACTED, Change
from streams.kafka.topics import CHANGES


@dataclass(frozen=True)
class Delays:
    """Seconds from sending to reading, one for each change that a message brought about at once."""

    seconds: Sequence[float]
    rate: float
    """Messages a second that were sent meanwhile."""

    def at(self, percent: int) -> float:
        """A percentile, seconds."""
        return (
            statistics.quantiles(self.seconds, n=100)[percent - 1] if len(self.seconds) > 1 else float("nan")
        )


def measure(site: Site, lines: Sequence[bytes], rate: float) -> Delays:
    """Send messages at this rate, and read what is said on the topic of changes."""
    sent: dict[str, float] = {}
    heard: list[tuple[float, Change]] = []
    over = threading.Event()
    reader = threading.Thread(target=_read, args=(site, heard, over))
    reader.start()
    begun = time.monotonic()
    for start in range(0, len(lines), 100):
        some = lines[start : start + 100]
        now = time.monotonic()
        sent.update((msgid, now) for one in some if (msgid := _msgid(one)) and msgid not in sent)
        site.send(some, rate)
    took = time.monotonic() - begun
    _wait_until_over(site)
    over.set()
    reader.join()
    return Delays(
        [delay for at, one in heard if (delay := _delay(at, one, sent)) is not None], len(lines) / took
    )


def _delay(at: float, change: Change, sent: dict[str, float]) -> float | None:
    """None where it was no message that brought the change about, but the time that had come."""
    if change.kind == RETRACTED:
        cause = sent.get(change.reason_msgid or "")
        return None if cause is None else at - cause
    times = [(fact.inf_time, fact.msgid) for fact in change.facts]
    if not times or max(times)[0] != change.alert.detected_at:
        return None
    known = [sent[msgid] for _, msgid in times if msgid in sent]
    return at - max(known) if known else None


def _read(site: Site, heard: list[tuple[float, Change]], over: threading.Event) -> None:
    parts = [TopicPartition(site.layout.name(CHANGES), one) for one in range(site.layout.judge_partitions)]
    options: dict[str, Any] = {"group_id": None, "isolation_level": "read_committed", "fetch_max_wait_ms": 20}
    consumer = KafkaConsumer(**site.connection.consumer(**options))
    consumer.assign(parts)
    consumer.seek_to_end(*parts)
    while not over.is_set():
        for records in consumer.poll(timeout_ms=50).values():
            now = time.monotonic()
            heard += [(now, changes.decode(record.value)) for record in records]
    consumer.close()


def _wait_until_over(site: Site) -> None:
    while not site.has_nothing_to_do():
        time.sleep(0.2)


def _msgid(line: bytes) -> str | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    found = read.get("msgid") if isinstance(read, dict) else None
    return str(found) if found else None
