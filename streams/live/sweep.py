"""The sweep: rules that are not keyed by person or visit, on the whole lake as it is, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from detectors.alert import Alert
from detectors.diff import Changes, Difference, diff
from detectors.evaluate import judge
from rules.rulebook import Rulebook
from streams.changes import Change
from streams.lake import Lake, Position, open_lake
from streams.live import growth
from streams.live.arrivals import arrivals
from streams.live.evidence import evidence
from streams.live.rules import Judging, changes_between
from streams.live.said import Said
from streams.live.state import open_state, stored
from streams.live.whole import Means, Whole, ledger_of

#: Who speaks for alerts of all rules that are not of persons or visits.
SWEEPER = "sweeper"

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Swept:
    """What a sweep did: codes of the rules that ran (none where nothing had changed), what it has to say, and how far
    event time has come in the lake (`None`: it was not looked at)."""

    ran: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    watermark: datetime | None = None


class Sweep:
    """Sweeps a lake. What a sweep finds, and how far the lake had come, is stored whole or not at all; a step that
    raises leaves the state as it was. Not to be used by two threads at once."""

    def __init__(
        self,
        state: Path,
        lake: Path,
        judging: Judging,
        means: Means | None = None,
        *,
        on_step: OnStep = lambda _: None,
    ) -> None:
        """`state`: the file of what was said; made where none is. `judging`: the sweeper's rules."""
        self._con = open_state(state)
        self._lake = lake
        self._judging = judging
        self._means = means or Means()
        self._on_step = on_step
        self.said = Said(self._con, speaker=SWEEPER, rulebook=judging.rulebook.hash)

    def once(self) -> Swept:
        """Look at the lake as it is now, and note what differs from what was said. A lake in which nothing has changed
        since the last time, judged by the same rules, is left alone. Raises `Refused` where there is no lake."""
        lake = open_lake(self._lake)
        now, before = lake.position, self._position()
        difference = self._rules_since()
        chosen = self._judging.rulebook
        if difference is None and before is not None:
            if before == now:
                return Swept()
            chosen = growth.concerned(chosen, growth.touched(lake, before), self._judging.models)
            if not chosen.rules:
                with stored(self._con):
                    self._note(now)
                return Swept()
        return self._judge(lake, chosen, difference or Changes(), now, before)

    def resume(self, said: Mapping[str, Change]) -> bool:
        """Go on from what was said last of each alert of the sweeper's, by whomever. Returns whether that is what the
        state holds; where it is not, everything is looked at anew by the next sweep."""
        with stored(self._con):
            if self.said.resume(said):
                return True
            self.said.succeed(said, _owner)
            self._con.execute("delete from meta where key = 'lake'")
        return False

    def sent(self, number: int) -> None:
        """The changes up to this number of the outbox were confirmed."""
        with stored(self._con):
            self.said.sent(number)

    def close(self) -> None:
        """Close the state file."""
        self._con.close()

    def _judge(
        self, lake: Lake, chosen: Rulebook, since: Changes, now: Position, before: Position | None
    ) -> Swept:
        judging = replace(self._judging, rulebook=chosen)
        with ledger_of(lake, judging, self._means) as whole:
            self._step("ledger")
            result = judge(
                whole.con,
                chosen,
                judging.knowledge,
                whole.watermark,
                models=judging.models,
                params=judging.params,
                covered=False,
                on_step=self._step,
            )
            held = self._outdated(chosen)
            difference = _difference(whole, held, result.alerts, since, growth.is_new(lake, before))
            facts = evidence(whole.con, [difference], lake.manifest.parts)
            self._step("diff")
        changes = self.said.changes(difference, facts)
        with stored(self._con):
            self.said.note(changes, {change.jr_id: _owner(change) for change in changes})
            self._note(now)
        self._step("store")
        return Swept(tuple(rule.code for rule in chosen.rules), tuple(changes), whole.watermark)

    def _outdated(self, chosen: Rulebook) -> list[Alert]:
        """The open alerts that these rules are asked about, and those of rules that do not run any more."""
        asked = {rule.code for rule in chosen.rules}
        kept = {rule.code for rule in self._judging.rulebook.rules} - asked
        return [alert for alert in self.said.open_of() if alert.rule_code not in kept]

    def _position(self) -> Position | None:
        text = self._meta("lake")
        return None if text is None else msgspec.json.decode(text, type=Position)

    def _rules_since(self) -> Changes | None:
        """How the rules differ from those of the last sweep; `None`: not at all."""
        held = self._meta("rules")
        if held == self._judging.text:
            return None
        return Changes() if held is None else changes_between(held, self._judging.text)

    def _note(self, now: Position) -> None:
        """Hold how far the lake has come, and by which rules."""
        for key, value in (("lake", msgspec.json.encode(now).decode()), ("rules", self._judging.text)):
            self._con.execute("insert or replace into meta values (?, ?)", (key, value))

    def _meta(self, key: str) -> str | None:
        row = self._con.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _step(self, name: str) -> None:
        self._means.breaker.check()
        self._on_step(name)


def _difference(
    whole: Whole, held: Sequence[Alert], after: Sequence[Alert], since: Changes, new: str
) -> Difference:
    standing = {alert.jr_id for alert in after}
    gone = [alert for alert in held if alert.jr_id not in standing]
    arrived = arrivals(whole.con, new, gone) if gone else []
    return diff(held, after, replace(since, arrived=arrived))


def _owner(change: Change) -> str:
    return change.alert.subject
