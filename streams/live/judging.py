"""Judging some persons: what has changed in what is said of them, and when to look at them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from detectors.alert import Alert
from detectors.diff import Arrived, Changes, diff
from detectors.standing import StandingKernel
from streams.changes import Change
from streams.live.evidence import evidence
from streams.live.moments import micros
from streams.live.said import Said
from streams.live.tables import Tables

OnStep = Callable[[str], None]


@dataclass
class Findings:
    """What judging brought, until it is stored. `due`: when to look at a person again, microseconds."""

    changes: list[Change] = field(default_factory=list)
    owner_of: dict[str, str] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)


class Bench:
    """The kernel and what was said before."""

    def __init__(self, kernel: StandingKernel, said: Said, on_step: OnStep) -> None:
        self._kernel = kernel
        self._said = said
        self._on_step = on_step
        self._lookback = {rule.code: rule.lookback or timedelta() for rule in kernel.rulebook.rules}
        self.longest = max(self._lookback.values(), default=timedelta())
        """The longest lookback of the rules."""

    def judge(
        self,
        findings: Findings,
        persons: Collection[str],
        given: Tables,
        *,
        watermark: datetime | None,
        horizon: datetime,
        frozen: Collection[str],
        changes: Changes,
    ) -> None:
        """Judge these persons on the facts given and add to the findings what differs from what was said.

        `frozen`: persons of whom facts may be missing that lie before the horizon. `changes`: what came, and how the
        rules differ.
        """

        def may_speak(alert: Alert) -> bool:
            """Not of what lies so far back that it may rest on what is missing."""
            if alert.patn_id not in frozen:
                return True
            reach = self._lookback.get(alert.rule_code, timedelta())
            return datetime.fromisoformat(alert.occurred_at) >= horizon + reach

        with self._kernel.judged(given, watermark, self._on_step) as judged:
            after = [alert for alert in judged.result.alerts if may_speak(alert)]
            before = [alert for alert in self._said.open_of(persons) if may_speak(alert)]
            difference = diff(before, after, changes)
            facts = evidence(
                judged.con, difference, [name for name, table in given.items() if table.num_rows]
            )
            timers = judged.result.timers
        self._on_step("diff")
        said = self._said.changes(difference, facts)
        findings.changes += said
        findings.owner_of |= {change.jr_id: change.alert.patn_id or "" for change in said}
        for timer in timers:
            if timer.psn_no is not None:
                due = micros(timer.due_at)
                findings.due[timer.psn_no] = min(due, findings.due.get(timer.psn_no, due))


def arrived(changes: Changes | None, new: Tables) -> Changes:
    """What lies between two judgements: how the rules differ, what came and what it names, so that a retraction can
    say what ended it."""
    found: list[Arrived] = []
    if "message" in new:
        columns = ["msgid", "inf_time", "kind", "psn_no", "mdtrt_id"]
        found += _arrived(new["message"].select(columns).to_pylist())
        if "cancellation" in new:
            columns += ["setl_id", "omsgid"]
            found += _arrived(new["cancellation"].select(columns).to_pylist())
    return replace(changes or Changes(), arrived=found)


def _arrived(rows: Sequence[dict[str, Any]]) -> list[Arrived]:
    return [
        Arrived(
            row["msgid"],
            row["inf_time"],
            row["kind"],
            (row["psn_no"],),
            row["mdtrt_id"],
            row.get("setl_id"),
            row.get("omsgid"),
        )
        for row in rows
    ]
