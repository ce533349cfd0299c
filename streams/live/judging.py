"""Judging some persons: what has changed in what is said of them, and when to look at them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from detectors.alert import Alert
from detectors.diff import Arrived, Changes, Difference, diff
from detectors.standing import Registries, StandingKernel
from streams.changes import Change
from streams.live.evidence import evidence, telling
from streams.live.moments import micros
from streams.live.persons import PERSONS_AT_ONCE
from streams.live.said import Said
from streams.live.tables import Tables, united

OnStep = Callable[[str], None]


@dataclass
class Findings:
    """What judging brought, until it is stored. `due`: when to look at a person again, microseconds."""

    changes: list[Change] = field(default_factory=list)
    owner_of: dict[str, str] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Docket:
    """What a shard brings to be judged: persons with all that is known of them, in sets of tables of which none repeats
    another, and the registries that all share.

    `frozen`: persons of whom facts may be missing that lie before the horizon. `changes`: what came, and how the rules
    differ. `said`: what was said before.
    """

    persons: Collection[str]
    tables: Sequence[Tables]
    registries: Registries
    watermark: datetime | None
    horizon: datetime
    frozen: Collection[str]
    changes: Changes
    said: Said
    findings: Findings


class Bench:
    """Judges dockets. What an evaluation costs depends little on how much is judged, so dockets of several shards are
    judged in one wherever that makes no difference: at one watermark, on the same registries."""

    def __init__(self, kernel: StandingKernel, on_step: OnStep = lambda _: None) -> None:
        self._kernel = kernel
        self._on_step = on_step
        self._lookback = {rule.code: rule.lookback or timedelta() for rule in kernel.rulebook.rules}
        self.longest = max(self._lookback.values(), default=timedelta())
        """The longest lookback of the rules."""

    def judge(self, dockets: Sequence[Docket]) -> None:
        """Judge the persons, and add to the findings of each docket what differs from what was said."""
        for together in _together(dockets):
            self._judge(together)

    def _judge(self, dockets: Sequence[Docket]) -> None:
        given = united(*chain.from_iterable(one.tables for one in dockets))
        registries = dockets[0].registries
        with self._kernel.judged(given, dockets[0].watermark, self._on_step, registries) as judged:
            alerts: dict[str | None, list[Alert]] = defaultdict(list)
            for alert in judged.result.alerts:
                alerts[alert.patn_id].append(alert)
            differences = [self._difference(docket, alerts) for docket in dockets]
            facts = evidence(judged.con, differences, telling(differences, given, registries.tables))
            timers = judged.result.timers
        for docket, difference in zip(dockets, differences, strict=True):
            said = docket.said.changes(difference, facts)
            docket.findings.changes += said
            docket.findings.owner_of |= {change.jr_id: change.alert.patn_id or "" for change in said}
        self._on_step("diff")
        due: dict[str | None, int] = {}
        for timer in timers:
            at = micros(timer.due_at)
            due[timer.psn_no] = min(at, due.get(timer.psn_no, at))
        for docket in dockets:
            docket.findings.due |= {psn_no: due[psn_no] for psn_no in docket.persons if psn_no in due}

    def _difference(self, docket: Docket, alerts: Mapping[str | None, Sequence[Alert]]) -> Difference:
        """What has changed in what is to be said of a docket's persons. `alerts`: those found, by person."""
        found = [alert for psn_no in docket.persons for alert in alerts.get(psn_no, ())]
        after = self._sayable(docket, sorted(found, key=lambda alert: alert.jr_id))
        before = self._sayable(docket, docket.said.open_of(docket.persons))
        return diff(before, after, docket.changes)

    def _sayable(self, docket: Docket, alerts: Sequence[Alert]) -> list[Alert]:
        """Without those that lie so far back that they may rest on what is missing."""
        return [
            alert
            for alert in alerts
            if alert.patn_id not in docket.frozen
            or datetime.fromisoformat(alert.occurred_at)
            >= docket.horizon + self._lookback.get(alert.rule_code, timedelta())
        ]


def _together(dockets: Sequence[Docket]) -> Iterator[Sequence[Docket]]:
    """The dockets that may be judged in one, not too many persons at once."""
    alike: defaultdict[tuple[datetime | None, int], list[Docket]] = defaultdict(list)
    for docket in dockets:
        if docket.persons:
            alike[docket.watermark, docket.registries.key].append(docket)
    for group in alike.values():
        taken: list[Docket] = []
        for docket in group:
            if taken and sum(len(one.persons) for one in (*taken, docket)) > PERSONS_AT_ONCE:
                yield taken
                taken = []
            taken.append(docket)
        yield taken


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
