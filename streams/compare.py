"""Two runs compared, with what lies between them read from their folders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from detectors.diff import Arrived, Changes, Difference, diff
from streams.run import Run


def compare(before: Run, after: Run) -> Difference:
    """What the later run opened, changed and retracted, and why."""
    known = {row["msgid"] for row in before.cancellations()}
    lie_between = between(before.facts, after.facts, known, after.cancellations())
    return diff(before.alerts(), after.alerts(), lie_between)


def between(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    known: Collection[str],
    cancellations: Iterable[Mapping[str, Any]],
) -> Changes:
    """What lies between two runs, each by its `run.json`: rules, parameters, knowledge, and those of the later one's
    cancellations that the earlier did not know."""
    old_rules = {rule["code"]: rule for rule in before["rulebook"]["rules"]}
    new_rules = {rule["code"]: rule for rule in after["rulebook"]["rules"]}
    both = old_rules.keys() & new_rules.keys()
    changed = {code for code in both if old_rules[code]["hash"] != new_rules[code]["hash"]}
    tuned = {code for code in both if old_rules[code]["params"] != new_rules[code]["params"]}
    arrived = [
        Arrived(
            row["msgid"],
            datetime.fromisoformat(row["inf_time"]),
            row["kind"],
            tuple(name for name in (row["psn_no"],) if name),
            row["mdtrt_id"],
            row["setl_id"],
            row["omsgid"],
        )
        for row in cancellations
        if row["msgid"] not in known
    ]
    return Changes(
        arrived,
        rules=frozenset(changed),
        not_run=frozenset(old_rules.keys() - new_rules.keys()),
        parameters=frozenset(tuned),
        knowledge=before["knowledge"] != after["knowledge"],
    )
