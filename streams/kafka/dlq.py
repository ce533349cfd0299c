"""Dead letters: a message that is no fact, as it came, with headers that say where it stood and what is wrong.

The headers are those of Kafka Connect, where it has one, so that tools which know them show them. A reject is either a whole
message, or one row of a message whose rest is a fact. What was sent back is marked in the same topic, behind
the rejects: so the marks last as long as what they mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, Reject

SUFFIX = ".dlq"
"""A topic's rejects are in the topic of its name and this."""

TOPIC = "__connect.errors.topic"
PARTITION = "__connect.errors.partition"
OFFSET = "__connect.errors.offset"
STAGE = "__connect.errors.stage"
REASON = "__connect.errors.exception.class.name"
MESSAGE = "__connect.errors.exception.message"
LENGTH = "fundwatch.length"
SHA256 = "fundwatch.sha256"
ROW = "fundwatch.row"
REDRIVES = "fundwatch.redrives"
REDRIVEN = "fundwatch.redriven"

#: Headers that we write, and what they say.
HEADERS: Mapping[str, str] = {
    TOPIC: "topic that the message came from",
    PARTITION: "its partition there",
    OFFSET: "its offset there",
    STAGE: "step that refused it: `decode`, `identity`, …",
    REASON: "reason code, as in `rejects.jsonl`",
    MESSAGE: "one sentence that says what is wrong with which field; it may show the value",
    LENGTH: "bytes of the message as it came; more than the record holds where it was cut",
    SHA256: "hash of the message as it came",
    ROW: "the row of a list that is rejected alone; the rest of the message is a fact",
    REDRIVES: "how often the message was sent back already; also on messages that are sent back",
    REDRIVEN: "no reject but a mark: the value lists the offsets of this partition that were sent back",
}

_OURS = frozenset(HEADERS)

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Position:
    """Where a message stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class DeadLetter:
    """What to send to the topic of rejects. `timestamp_ms` is the original's, milliseconds since 1970, UTC."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...]


def dead_letter(
    reject: Reject,
    position: Position,
    *,
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
    headers: Headers = (),
    stage: str = "decode",
) -> DeadLetter:
    """The record for a reject of the message at `position`, whose key, value, timestamp and headers these are.

    The value stays whole, but for one longer than a message may be: of that the first 64 KiB.
    """
    ours = {
        TOPIC: position.topic,
        PARTITION: str(position.partition),
        OFFSET: str(position.offset),
        STAGE: stage,
        REASON: reject.reason_code,
        MESSAGE: reject.sentence,
        LENGTH: str(reject.length),
        SHA256: reject.sha256,
        REDRIVES: str(redrives_of(headers)),
    }
    if reject.row is not None:
        ours[ROW] = reject.row
    if value is None and key is None:
        value = b""  # clients do not send a record without both
    elif value is not None and len(value) > LONGEST_MESSAGE:
        value = value[:LONGEST_RAW]
    return DeadLetter(
        key,
        value,
        timestamp_ms,
        (*originals(headers), *((name, text.encode()) for name, text in ours.items())),
    )


def originals(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers that the message had when it came first."""
    return [(name, value) for name, value in headers if name not in _OURS]


def redrives_of(headers: Headers) -> int:
    """How often a message was sent back."""
    return _number(_texts(headers).get(REDRIVES)) or 0


@dataclass(frozen=True)
class Entry:
    """A reject in its topic, without what the message says.

    `at`: where it stands among the rejects. `source`: where the message stood; None where the record does not say, as of
    one that others wrote. `kept` of `length` bytes are there.
    """

    at: Position
    source: Position | None
    stage: str
    reason: str
    sentence: str
    row: str | None
    length: int
    kept: int
    redrives: int
    timestamp_ms: int

    @property
    def cut(self) -> bool:
        """Whether the record does not hold the whole message."""
        return self.kept < self.length


def entry(record: Any) -> Entry:
    """A consumed record (kafka-python) as an entry. Records of others have the reason "unknown"."""
    said = _texts(record.headers or ())
    partition, offset = _number(said.get(PARTITION)), _number(said.get(OFFSET))
    source = None
    if TOPIC in said and partition is not None and offset is not None:
        source = Position(said[TOPIC], partition, offset)
    kept = len(record.value or b"")
    return Entry(
        Position(record.topic, record.partition, record.offset),
        source,
        said.get(STAGE, "unknown"),
        said.get(REASON, "unknown"),
        said.get(MESSAGE, "The record does not say why it is here."),
        said.get(ROW),
        _number(said.get(LENGTH)) or kept,
        kept,
        _number(said.get(REDRIVES)) or 0,
        record.timestamp,
    )


def source_topic(rejects: str) -> str | None:
    """The topic whose rejects these are, by the name; None where it is no topic of rejects."""
    return rejects.removesuffix(SUFFIX) if rejects.endswith(SUFFIX) and rejects != SUFFIX else None


def mark(offsets: Iterable[int]) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of the record that marks rejects of its partition as sent back."""
    sent = sorted(offsets)
    return json.dumps(sent).encode(), [(REDRIVEN, str(len(sent)).encode())]


def marked(record: Any) -> list[int] | None:
    """The offsets that a record marks as sent back; None where it is no mark."""
    if REDRIVEN not in _texts(record.headers or ()):
        return None
    return [int(offset) for offset in json.loads(record.value)]


def shown_sentence(sentence: str) -> str:
    """The sentence without the value that it may show, for a terminal: fields may be about persons."""
    masked = re.sub(r' is ".*", which', ' is "…", which', sentence, flags=re.DOTALL)
    return "".join(letter if letter.isprintable() else "�" for letter in masked)


def _texts(headers: Headers) -> dict[str, str]:
    """Headers by name, the last of a name."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
