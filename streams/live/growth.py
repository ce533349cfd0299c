"""How far a lake had come when it was looked at, and what has come to it since: the one place that knows how a lake
tells new files from old ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

from detectors import ledger
from detectors.evaluate import needed_tables
from detectors.ledger.plan import plan
from rules.rulebook import Rule, Rulebook
from streams.lake import Lake

#: The log of all messages: whatever comes, comes there too.
_LOG = "message"

#: Ledger tables that are made of the log and in which what was there stays as it is when something new comes.
_ONLY_GROW = frozenset({"main.fact_dropped", "main.message"})


class Position(msgspec.Struct, frozen=True):
    """`next_seq`: the first `seq` that no message had; `files`: fact table → hash of the files it consisted of."""

    next_seq: int
    files: dict[str, str]


def position(lake: Lake) -> Position:
    """How far the lake has come."""
    return Position(
        lake.manifest.next_seq,
        {
            table: _hash(f"{part.path} {part.rows}" for part in parts)
            for table, parts in lake.manifest.parts.items()
        },
    )


def touched(before: Position, now: Position) -> frozenset[str]:
    """The fact tables that got rows, or lost some, in between."""
    names = before.files.keys() | now.files.keys()
    return frozenset(name for name in names if before.files.get(name) != now.files.get(name))


def is_new(before: Position | None) -> str:
    """SQL: whether a row with this `seq` came after a position (None: before everything)."""
    return "true" if before is None else f"seq >= {before.next_seq}"


def concerned(rulebook: Rulebook, tables: frozenset[str]) -> Rulebook:
    """The rules whose findings may be others once rows came to these fact tables."""
    return Rulebook(tuple(rule for rule in rulebook.rules if _reads(rule) & tables))


def _reads(rule: Rule) -> frozenset[str]:
    """The fact tables that a rule's findings and their money rest on.

    Every rule reads of the log when the messages of its evidence were seen, which nothing new changes. It is meant
    only where it says more: in a rule of absence, which the watermark opens, in one that reads it itself, and where
    a step makes something else of it.
    """
    wanted = needed_tables(Rulebook((rule,)))
    facts = ledger.fact_tables(wanted)
    named = {name.partition(".")[0] for name in (*rule.needs, *rule.may_use)}
    steps = {one.target for one in plan(frozenset(wanted)) if f"fact.{_LOG}" in one.reads}
    if re.search(r"\bdue_at\b", rule.query) or _LOG in named or steps - _ONLY_GROW:
        return facts
    return facts - {_LOG}


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
