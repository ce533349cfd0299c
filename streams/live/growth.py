"""What has come to a lake since it was looked at, and which rules that concerns."""

from __future__ import annotations

import re

from detectors import ledger
from detectors.anomaly.model import ModelSet
from detectors.evaluate import needed_tables
from detectors.ledger.plan import plan
from rules.rulebook import Rule, Rulebook
from rules.schema import table_of
from streams.lake import Lake, Position

#: The log of all messages: whatever comes, comes there too.
_LOG = "message"

#: Ledger tables that are made of the log and in which what was there stays as it is when something new comes.
_ONLY_GROW = frozenset({"main.fact_dropped", "main.message"})


def touched(lake: Lake, before: Position) -> frozenset[str]:
    """The fact tables that got rows since, or lost some."""
    news = lake.new_since(before)
    # what lost against a new message under its msgid may have stood in any table
    return frozenset(lake.manifest.parts if news.lost else news.facts.sources)


def is_new(lake: Lake, before: Position | None) -> str:
    """SQL: whether a row with this `seq` came after a position (None: before everything)."""
    return (lake.is_new(before) if before is not None else "") or "true"


def concerned(rulebook: Rulebook, tables: frozenset[str], models: ModelSet | None = None) -> Rulebook:
    """The rules whose findings, or the scores that they read, may be others once rows came to these fact tables."""
    return Rulebook(tuple(rule for rule in rulebook.rules if _reads(rule, models) & tables))


def _reads(rule: Rule, models: ModelSet | None) -> frozenset[str]:
    """The fact tables that a rule's findings, the scores that it reads and their money rest on.

    Every rule reads of the log when the messages of its evidence were seen, which nothing new changes. It is meant
    only where it says more: in a rule of absence, which the watermark opens, in one that reads it itself, and where
    a step makes something else of it.
    """
    wanted = needed_tables(Rulebook((rule,)), models)
    facts = ledger.fact_tables(wanted)
    named = set(map(table_of, (*rule.needs, *rule.may_use)))
    steps = {one.target for one in plan(frozenset(wanted)) if f"fact.{_LOG}" in one.reads}
    if re.search(r"\bdue_at\b", rule.query) or _LOG in named or steps - _ONLY_GROW:
        return facts
    return facts - {_LOG}
