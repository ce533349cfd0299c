"""Two results compared: what was opened, what changed, and why what is gone is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from detectors.alert import Alert

#: Transactions that take something back.
CANCELLING = frozenset({"2103", "2202", "2205", "2208", "2302", "2305", "2404", "2405", "2601"})


class Reason(StrEnum):
    """Why an alert no longer holds."""

    CANCELLED = "cancelled"
    CORRECTED = "corrected"
    RULE = "rule changed"
    NOT_RUN = "rule not run"
    PARAMETER = "parameter changed"
    KNOWLEDGE = "knowledge changed"
    REGISTRY = "registry changed"


@dataclass(frozen=True)
class Arrived:
    """A message that the later result knows and the earlier did not, and what it names.

    `kind` is the transaction number or the registry's name; `subjects` are the ids it speaks of (person,
    institution, practitioner, catalogue code).
    """

    msgid: str
    inf_time: datetime
    kind: str
    subjects: tuple[str, ...] = ()
    mdtrt_id: str | None = None
    setl_id: str | None = None
    omsgid: str | None = None


@dataclass(frozen=True)
class Changes:
    """What lies between two results: messages, and rules by code: logic changed, not run by the later one,
    parameters changed."""

    arrived: Sequence[Arrived] = ()
    rules: frozenset[str] = frozenset()
    not_run: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    knowledge: bool = False


@dataclass(frozen=True)
class Retraction:
    """An alert that no longer holds; `msgid` is the message that ended it, where one did."""

    alert: Alert
    reason: Reason
    msgid: str | None = None


@dataclass(frozen=True)
class Difference:
    """Each list is sorted by `jr_id`. `changed` pairs the earlier alert with the later."""

    opened: list[Alert] = field(default_factory=list)
    changed: list[tuple[Alert, Alert]] = field(default_factory=list)
    retracted: list[Retraction] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.opened or self.changed or self.retracted)


def diff(before: Iterable[Alert], after: Iterable[Alert], changes: Changes = Changes()) -> Difference:
    """What was opened, changed and retracted from one result to the next."""
    old = {alert.jr_id: alert for alert in before}
    new = {alert.jr_id: alert for alert in after}
    index = _Index(changes.arrived)
    return Difference(
        opened=[new[jr_id] for jr_id in sorted(new.keys() - old.keys())],
        changed=[
            (old[jr_id], new[jr_id])
            for jr_id in sorted(new.keys() & old.keys())
            if old[jr_id].revision != new[jr_id].revision
        ],
        retracted=[_retraction(old[jr_id], changes, index) for jr_id in sorted(old.keys() - new.keys())],
    )


def apply(alerts: Iterable[Alert], difference: Difference) -> list[Alert]:
    """The later result, from the earlier and their difference; sorted by `jr_id`."""
    held = {alert.jr_id: alert for alert in alerts}
    for gone in difference.retracted:
        del held[gone.alert.jr_id]
    held.update((alert.jr_id, alert) for alert in difference.opened)
    held.update((alert.jr_id, alert) for _, alert in difference.changed)
    return [held[jr_id] for jr_id in sorted(held)]


class _Index:
    """Messages by what they name."""

    def __init__(self, arrived: Sequence[Arrived]) -> None:
        self._by_name: defaultdict[str, list[Arrived]] = defaultdict(list)
        for message in arrived:
            for name in {message.mdtrt_id, message.setl_id, message.omsgid, *message.subjects}:
                if name:
                    self._by_name[name].append(message)

    def touching(self, alert: Alert) -> list[Arrived]:
        names = {
            *alert.evidence,
            *alert.mdtrt_ids,
            *alert.setl_ids,
            alert.patn_id,
            alert.subject,
            alert.fixmedins_code,
        }
        found = {message.msgid: message for name in names if name for message in self._by_name.get(name, ())}
        return sorted(found.values(), key=lambda message: (message.inf_time, message.msgid))


def _retraction(alert: Alert, changes: Changes, index: _Index) -> Retraction:
    if alert.rule_code in changes.not_run:
        return Retraction(alert, Reason.NOT_RUN)
    if alert.rule_code in changes.rules:
        return Retraction(alert, Reason.RULE)
    if alert.rule_code in changes.parameters:
        return Retraction(alert, Reason.PARAMETER)
    touching = index.touching(alert)
    named = {*alert.evidence, *alert.mdtrt_ids, *alert.setl_ids}
    for message in touching:
        if message.kind in CANCELLING and named & {message.mdtrt_id, message.setl_id, message.omsgid}:
            return Retraction(alert, Reason.CANCELLED, message.msgid)
    for message in touching:
        if message.kind not in CANCELLING and not message.kind[:1].isdigit():
            return Retraction(alert, Reason.REGISTRY, message.msgid)
    if changes.knowledge and not touching:
        return Retraction(alert, Reason.KNOWLEDGE)
    return Retraction(alert, Reason.CORRECTED, touching[0].msgid if touching else None)
