"""The kernel on lists of messages: what every promise test calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from detectors import engine
from detectors import facts as fact_tables
from detectors.alert import Alert, encode
from detectors.anomaly.model import ModelSet
from detectors.evaluate import evaluate
from detectors.facts import Facts
from detectors.watermark import watermark
from rules import knowledge as knowledge_module
from rules import rulebook as rulebook_module
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from streams.simulate import World, simulate
from streams.wire import decode
from tests.detectors.anomaly.small import features_of, trained
from tests.streams.live import town

KEY = b"promises, promises, promises"

#: The world on which the promises are kept: small, full of disorder, with every rule firing and retracting in it.
WORLD = World(persons=300, days=120, seed=7)

#: A pharmacy of that world.
_PHARMACY = "P99010100002"

#: In so small a world nobody is one in a thousand: what a rule asks of a score is set lower.
PARAMS = {
    "AN-01": {"least_score": "0.95", "least_ratio": "1.5"},
    "AN-02": {"least_score": "0.85"},
    "AN-03": {"least_score": "0.75"},
    "AN-05": {"least_score": "0.8"},
}


@cache
def rulebook() -> Rulebook:
    return rulebook_module.load().running()


@cache
def knowledge() -> Knowledge:
    return knowledge_module.load()


@cache
def world_lines() -> tuple[bytes, ...]:
    """The messages of the world in their order of arrival."""
    return (*(bytes(line) for line in simulate(WORLD).events), *_a_ring())


def _a_ring() -> list[bytes]:
    """Four people who buy at one pharmacy within minutes of each other, on twelve days of the first quarter."""
    return [
        town.sold(
            f"P-ring-{day}-{person}", f"S-ring-{day}-{person}", day + (14 * 60 + 3 * person) / 1440, 60,
            psn=f"RING{person}", hospital=_PHARMACY, msgid=f"ring-{day}-{person}",
        )
        for day in (3, 9, 17, 24, 31, 38, 44, 52, 59, 67, 73, 81)
        for person in range(4)
    ]  # fmt: skip


@cache
def models() -> ModelSet:
    """Small models that were trained on the world."""
    return trained(features_of(facts_of(world_lines()), knowledge()))


def facts_of(lines: Sequence[bytes], *, first_seq: int = 0) -> Facts:
    """The facts of some messages, decoded as one batch."""
    decoded = decode(lines, source="world", first_line=1, first_seq=first_seq, key=KEY)
    return Facts.of(decoded.tables)


def watermark_of(lines: Sequence[bytes]) -> datetime | None:
    return watermark_of_facts(facts_of(lines))


def watermark_of_facts(facts: Facts) -> datetime | None:
    con = engine.connect()
    fact_tables.load(con, facts)
    return watermark(con)


def alerts_of(
    lines: Sequence[bytes] | Facts,
    mark: datetime | None,
    rules: Rulebook | None = None,
    threads: int | None = None,
) -> list[Alert]:
    """What the kernel says of some messages at a watermark."""
    facts = lines if isinstance(lines, Facts) else facts_of(lines)
    con = engine.connect(threads=threads)
    rules = rules or rulebook()
    scored = models() if any(rule.models for rule in rules.rules) else None
    return evaluate(facts, rules, knowledge(), scored, mark, params=PARAMS, con=con).alerts


def as_bytes(alerts: Iterable[Alert]) -> bytes:
    """As `alerts.jsonl` holds them."""
    return b"\n".join(encode(alert) for alert in alerts)


def message(line: bytes) -> dict[str, Any] | None:
    """A line as JSON, or `None` for one of the bad ones."""
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) and "msgid" in read else None
