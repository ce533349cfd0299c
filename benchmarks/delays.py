"""How long from a message to the change of an alert that it brought about."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.bed import Site, stolen
from streams import changes
from streams.changes import RETRACTED, Change
from streams.kafka.topics import CHANGES

#: Milliseconds after which it is asked whether all is over, where no changes come. They are read with the client that wakes up
#: when some do: to ask for them often takes of the processor from what is measured.
_GLANCE = 200


@dataclass(frozen=True)
class Delays:
    """Seconds from sending to reading, one for each change that messages it rests on brought about."""

    seconds: Sequence[float]
    rate: float
    """Messages a second that were sent meanwhile."""
    stolen: float
    """Cores that the host of a virtual machine gave to others meanwhile, when they were wanted here."""

    def at(self, percent: int) -> float:
        """A percentile, seconds."""
        return (
            statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]
            if len(self.seconds) > 1
            else float("nan")
        )


def measure(site: Site, lines: Sequence[bytes], rate: float) -> Delays:
    """Send messages at this rate, and read what is said on the topic of changes."""
    msgids = [_msgid(one) for one in lines]
    sent: dict[str, float] = {}
    heard: list[tuple[float, Change]] = []
    over = threading.Event()
    reader = threading.Thread(target=lambda: asyncio.run(_read(site, heard, over)))
    reader.start()

    def note(number: int) -> None:
        if (msgid := msgids[number]) and msgid not in sent:
            sent[msgid] = time.monotonic()

    begun, withheld = time.monotonic(), stolen()
    site.send(lines, rate, note)
    took = time.monotonic() - begun
    withheld = stolen() - withheld
    _wait_until_over(site)
    over.set()
    reader.join()
    delays = []
    rests_on: dict[str, frozenset[str]] = {}
    for at, one in heard:
        before = rests_on.get(one.jr_id, frozenset())
        delays.append(_delay(at, one, before, sent))
        rests_on[one.jr_id] = frozenset(fact.msgid for fact in one.facts)
    return Delays([delay for delay in delays if delay is not None], len(lines) / took, withheld / took)


def _delay(at: float, change: Change, before: frozenset[str], sent: Mapping[str, float]) -> float | None:
    """None where it was no message that brought the change about, but the time that had come, or one that it does not
    rest on. `before`: what the alert rested on until then."""
    if change.kind == RETRACTED:
        cause = sent.get(change.reason_msgid or "")
        return None if cause is None else at - cause
    times = [(fact.inf_time, fact.msgid) for fact in change.facts]
    if not times or max(times)[0] != change.alert.detected_at:
        return None
    new = [sent[msgid] for _, msgid in times if msgid in sent and msgid not in before]
    return at - max(new) if new else None


async def _read(site: Site, heard: list[tuple[float, Change]], over: threading.Event) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(site.connection.bootstrap),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        topic = site.layout.name(CHANGES)
        consumer.assign([TopicPartition(topic, one) for one in range(site.layout.judge_partitions)])
        while not over.is_set():
            for records in (await consumer.getmany(timeout_ms=_GLANCE)).values():
                now = time.monotonic()
                heard += [(now, changes.decode(record.value)) for record in records]
    finally:
        await consumer.stop()


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
