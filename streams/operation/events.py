"""What a log may say: the events, and the fields they may carry. Nothing else gets out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from detectors.diff import Reason
from streams.operation.exits import Exit
from streams.operation.measures import Message, Outcome, Step
from streams.wire.reject import REASONS

Value = str | int | float | bool | datetime | None


class Event(StrEnum):
    """The lines of a log. The text is the event's name, a constant."""

    STARTED = "started"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"
    ASSIGNED = "partition assigned"
    REVOKED = "partition revoked"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    BATCH = "batch done"
    REJECTED = "messages rejected"
    BRAKED = "brake on"
    RELEASED = "brake off"
    OTHER_RULEBOOK = "another rulebook in the group"
    BROKER_AWAY = "broker away"
    BROKER_BACK = "broker back"
    FENCED = "another took over"
    FILE = "file archived"
    COMPACTED = "files compacted"
    GAP = "the topic no longer has these messages; they are not archived"
    UNCOMMITTED = "the broker did not take the offsets; the lag that it shows is too large"
    CONTRADICTED = (
        "changes say other things than the store has under their numbers; what was said first stands"
    )
    RECORDS_GONE = "the topic no longer has records that the store has not read"
    SWEPT = "sweep done"
    SWEEP_FAILED = "sweep failed"
    REPAIRED = "repair done"
    COVERAGE = "coverage published"
    STORED = "changes stored"
    LISTENING = "listening for events"
    FILE_ANEW = "a file was replaced or became shorter; it is read from its beginning"
    FILE_UNREADABLE = "a file may not be read; let this user read it"
    STORE_AWAY = "the alert store cannot be reached; what is to be said waits"
    DEVELOPMENT_KEY = "no site key, the development key is used"
    STALLED = "stalled"
    TOO_LARGE = "too much memory"
    DISK_FULL = "disk full"
    FAILED = "failed"
    LIBRARY = "library"


@dataclass(frozen=True)
class Number:
    """A finite number of at most so much: too small for the number of a person to be taken for it."""

    most: float

    def __call__(self, value: Value) -> bool:
        return isinstance(value, int | float) and abs(value) <= self.most  # nan is not


@dataclass(frozen=True)
class Word:
    """One of these words, and of those that the service adds at its start."""

    words: frozenset[str]

    def __call__(self, value: Value) -> bool:
        return isinstance(value, str) and value in self.words


def moment(value: Value) -> bool:
    """A time."""
    return isinstance(value, datetime)


def rulebook(value: Value) -> bool:
    """A SHA-256 in hexadecimal digits, or its first sixteen if not all of them are decimal."""
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9a-f]{64}|(?=.*[a-f])[0-9a-f]{16}", value))


@dataclass(frozen=True)
class FileName:
    """The name of a log, one that says no number of a person: no more than eight digits in a row."""

    def __call__(self, value: Value) -> bool:
        return isinstance(value, str) and bool(_LOG_NAME.fullmatch(value))


_LOG_NAME = re.compile(r"(?!.*\d{9})[A-Za-z0-9._/-]{1,120}\.jsonl(\.gz|\.zst)?")


COUNT = Number(10**9)
SECONDS = Number(10**8)
LARGE = Number(10**15)
NOTHING: frozenset[str] = frozenset()

#: Field → what it may hold. `Word`s that are empty here get theirs from the service: its topics, rules, places.
FIELDS: Mapping[str, Callable[[Value], bool]] = {
    **dict.fromkeys(
        ("events", "facts", "duplicates", "rejected", "rows", "persons", "subjects", "alerts", "changes"),
        COUNT,
    ),
    **dict.fromkeys(
        ("opened", "changed", "retracted", "differences", "institutions", "files", "waiting"), COUNT
    ),
    **dict.fromkeys(("partition", "partitions", "attempt", "port", "limit", "skipped"), COUNT),
    **dict.fromkeys(("seconds", "seconds_since_turn", "seconds_since_progress", "delay_seconds"), SECONDS),
    **dict.fromkeys(("offset", "first_offset", "last_offset", "bytes", "limit_bytes", "free_bytes"), LARGE),
    "watermark": moment,
    "rulebook": rulebook,
    "expected_rulebook": rulebook,
    "exit_code": Number(255),
    "step": Word(frozenset(Step)),
    "outcome": Word(frozenset(Outcome) | frozenset(Message) | {"success", "failure"}),
    "reason": Word(frozenset(REASONS) | frozenset(Reason)),
    "exit": Word(frozenset(one.name.lower() for one in Exit)),
    "signal": Word(frozenset({"SIGTERM", "SIGINT", "SIGHUP"})),
    "version": Word(NOTHING),
    "topic": Word(NOTHING),
    "rule_id": Word(NOTHING),
    "place": Word(NOTHING),
    "file": FileName(),
}


def allowed(words: Mapping[str, Iterable[str]]) -> dict[str, Callable[[Value], bool]]:
    """The fields with the words that a service knows at its start: its topics, rules and places."""
    made = dict(FIELDS)
    for name, more in words.items():
        known = FIELDS[name]
        assert isinstance(known, Word), f"{name} is no field of words"
        made[name] = Word(known.words | frozenset(more))
    return made
