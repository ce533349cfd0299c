"""Two runs compared, with what lies between them read from their folders."""

from __future__ import annotations

from datetime import datetime

from detectors.diff import Arrived, Changes, Difference, diff
from streams.run import Run


def compare(before: Run, after: Run) -> Difference:
    """What the later run opened, changed and retracted, and why."""
    old_rules = {rule["code"]: rule for rule in before.facts["rulebook"]["rules"]}
    new_rules = {rule["code"]: rule for rule in after.facts["rulebook"]["rules"]}
    both = old_rules.keys() & new_rules.keys()
    changed = {code for code in both if old_rules[code]["hash"] != new_rules[code]["hash"]}
    tuned = {code for code in both if old_rules[code]["params"] != new_rules[code]["params"]}
    known = {row["msgid"] for row in before.cancellations()}
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
        for row in after.cancellations()
        if row["msgid"] not in known
    ]
    changes = Changes(
        arrived,
        rules=frozenset(changed),
        not_run=frozenset(old_rules.keys() - new_rules.keys()),
        parameters=frozenset(tuned),
        knowledge=before.facts["knowledge"] != after.facts["knowledge"],
    )
    return diff(before.alerts(), after.alerts(), changes)
