"""The control topic: which rulebook a group judges by, and brakes, one record a key that a later one replaces.

Keys: `rulebook/GROUP` and `brake/GROUP/PARTITION`. What is written here is read by people too (`fundwatch brake show`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from kafka import TopicPartition

from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.topics import CONTROL, Layout


class GroupRules(msgspec.Struct, frozen=True):
    """What a group judges by: hash of rulebook, parameters and knowledge."""

    rules: str


class Brake(msgspec.Struct, frozen=True):
    """A judge's brake. `state`: `on`, `release` (say what was found), `drop` (forget it). `position` tells one brake of
    a partition from the next. `by_rule`: changes by rule code and kind."""

    state: str
    position: int
    most: int
    by_rule: dict[str, dict[str, int]]

    @property
    def changes(self) -> int:
        """How many changes wait."""
        return sum(sum(kinds.values()) for kinds in self.by_rule.values())


RELEASE, DROP, ON = "release", "drop", "on"

_encode = msgspec.json.Encoder().encode
_rules = msgspec.json.Decoder(GroupRules).decode
_brake = msgspec.json.Decoder(Brake).decode


class Control:
    """Reads and writes the control topic of an installation."""

    def __init__(self, connection: Connection, layout: Layout, group: str) -> None:
        self._connection = connection
        self._topic = layout.name(CONTROL)
        self._group = group

    def rules(self) -> str | None:
        """What the group judges by; None: nobody has judged yet."""
        value = self._latest().get(f"rulebook/{self._group}")
        return None if value is None else _rules(value).rules

    def set_rules(self, rules: str) -> None:
        """From now on the group judges by these."""
        self._write(f"rulebook/{self._group}", _encode(GroupRules(rules)))

    def brakes(self) -> dict[int, Brake]:
        """The brakes that are on, or were answered, by partition."""
        start = f"brake/{self._group}/"
        return {
            int(key.removeprefix(start)): _brake(value)
            for key, value in self._latest().items()
            if key.startswith(start) and value
        }

    def set_brake(self, partition: int, brake: Brake | None) -> None:
        """Put a brake on, answer one, or (None) take it away."""
        self._write(f"brake/{self._group}/{partition}", None if brake is None else _encode(brake))

    def _latest(self) -> Mapping[str, bytes]:
        """The last record of each key; where the keys' partitions differ, each has its own order."""
        found: dict[str, bytes] = {}
        with clients.consumer(self._connection, group_id=None) as consumer:
            parts = [
                TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()
            ]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            ends = consumer.end_offsets(parts)
            while any(consumer.position(part) < ends[part] for part in parts):
                for records in consumer.poll(timeout_ms=500).values():
                    for record in records:
                        if record.value is None:
                            found.pop(record.key.decode(), None)
                        else:
                            found[record.key.decode()] = record.value
        return found

    def _write(self, key: str, value: bytes | None) -> None:
        with clients.producer(self._connection) as producer:
            sent = producer.send(self._topic, value, key.encode())
            producer.flush()
            sent.get(timeout=30)
