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
from detectors.evaluate import evaluate
from detectors.facts import Facts
from detectors.watermark import watermark
from rules import knowledge as knowledge_module
from rules import rulebook as rulebook_module
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from streams.wire import decode

KEY = b"promises, promises, promises"


@cache
def rulebook() -> Rulebook:
    return rulebook_module.load().running()


@cache
def knowledge() -> Knowledge:
    return knowledge_module.load()


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
    return evaluate(facts, rules or rulebook(), knowledge(), None, mark, con=con).alerts


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
