"""The end of a soak: what the workers have said, against a replay of the same log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from detectors.alert import encode
from streams import changes
from streams.changes import RETRACTED, Change
from streams.kafka.dlq import OFFSET, PARTITION, ROW
from streams.kafka.settings import Connection
from streams.kafka.topics import ALERTS, REJECTS, Layout
from streams.live.rules import OF_PERSONS
from tests.live.soak.rulebooks import Rules
from tests.live.soak.world import KEY

#: Found by comparing messages with each other, so that no router knows of it.
_CONFLICT = "msgid_conflict"


@dataclass(frozen=True)
class Said:
    """What was said on the way and what holds. `breaks`: changes that do not follow the one before of their alert, each
    as speaker, rule, number and the number before."""

    last: dict[str, Change]
    kinds: Counter[str]
    retracted: Counter[str]
    breaks: list[str]

    @property
    def open(self) -> dict[str, bytes]:
        """The alerts that hold, as a replay writes them."""
        return {jr_id: encode(one.alert) for jr_id, one in self.last.items() if one.kind != RETRACTED}


@dataclass(frozen=True)
class Compared:
    """Alerts that only one side has, or that both have and differ, by id."""

    missing: list[str]
    extra: list[str]
    differ: list[str]
    by_rule: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> int:
        """How many differ."""
        return len(self.missing) + len(self.extra) + len(self.differ)


def read_said(connection: Connection, layout: Layout) -> Said:
    """Fold `supervision.alerts`, from its first record to its last."""
    last: dict[str, Change] = {}
    kinds: Counter[str] = Counter()
    retracted: Counter[str] = Counter()
    breaks: list[str] = []
    for record in _records(connection, layout.name(ALERTS), layout.judge_partitions):
        change = changes.decode(record.value)
        before = last.get(change.jr_id)
        number = before.seq if before else 0
        if change.seq != number + 1:
            breaks.append(f"{change.speaker} {change.alert.rule_code} {change.seq} after {number}")
        kinds[change.kind] += 1
        if change.kind == RETRACTED:
            retracted[change.alert.rule_code] += 1
        last[change.jr_id] = change
    return Said(last, kinds, retracted, breaks)


def read_rejected(connection: Connection, layout: Layout) -> set[tuple[int, int]]:
    """Where the messages stood that were rejected whole: partition and offset of the source."""
    found = set()
    for record in _records(connection, layout.name(REJECTS), 1):
        told = {name: value.decode() for name, value in record.headers}
        if ROW not in told:
            found.add((int(told[PARTITION]), int(told[OFFSET])))
    return found


def replay(log: Path, out: Path, rules: Rules, *, of_worker: bool = False) -> dict[str, bytes]:
    """Alerts by id, as `fundwatch replay` finds them in what was sent. `of_worker`: by the worker's rules alone."""
    command = [
        sys.executable,
        "-m",
        "streams.cli",
        "replay",
        str(log),
        "--out",
        str(out),
        "--rulebook",
        str(rules.folder),
    ]
    for rule in rules.rulebook().rules if of_worker else ():
        if rule.key in OF_PERSONS:
            command += ["--rules", rule.code]
    for code, values in rules.overrides.items():
        for name, value in values.items():
            command += ["--param", f"{code}.{name}={value}"]
    environment = {**os.environ, "FUNDWATCH_KEY": KEY, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return {json.loads(line)["jr_id"]: line for line in (out / "alerts.jsonl").read_bytes().splitlines()}


def replay_rejected(out: Path) -> int:
    """Messages that the replay rejected whole by themselves."""
    records = map(json.loads, (out / "rejects.jsonl").read_text(encoding="utf-8").splitlines())
    return sum(one["row"] is None and one["reason_code"] != _CONFLICT for one in records)


def compare(live: dict[str, bytes], replayed: dict[str, bytes]) -> Compared:
    """Content and all."""
    return Compared(
        sorted(replayed.keys() - live.keys()),
        sorted(live.keys() - replayed.keys()),
        sorted(one for one in live.keys() & replayed.keys() if live[one] != replayed[one]),
        Counter(json.loads(one)["rule_code"] for one in replayed.values()),
    )


def shown(
    compared: Compared, live: dict[str, bytes], replayed: dict[str, bytes], most: int = 20
) -> list[str]:
    """What differs, one line each, without persons: rule, time, fields that are not the same."""
    lines = []
    for what, ids in (("missing", compared.missing), ("extra", compared.extra), ("differs", compared.differ)):
        for jr_id in ids[:most]:
            ours, theirs = (json.loads(side.get(jr_id, b"{}")) for side in (live, replayed))
            one: dict[str, Any] = theirs or ours
            fields = [name for name in one if ours and theirs and ours.get(name) != theirs.get(name)]
            lines.append(f"{what} {jr_id[:12]} {one['rule_code']} {one['occurred_at']} {', '.join(fields)}")
    return lines


def _records(connection: Connection, topic: str, partitions: int) -> Any:
    parts = [TopicPartition(topic, number) for number in range(partitions)]
    consumer = KafkaConsumer(**connection.consumer(group_id=None, isolation_level="read_committed"))
    try:
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=500).values():
                yield from records
    finally:
        consumer.close()
