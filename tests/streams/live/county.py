"""A lake that grows, and what is kept beside it: what the tests of sweep and repair run on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from detectors.alert import Alert
from rules.rulebook import Rulebook
from streams.changes import RETRACTED, Change
from streams.lake import build_lake
from streams.live import rules
from streams.live.rules import Judging
from streams.live.sweep import SWEEPER, Sweep, Swept
from streams.live.whole import Means
from streams.operation.settings import Settings
from streams.replay import Order, replay

KEY = b"promises, promises, promises"


@cache
def every() -> Judging:
    """All rules that run."""
    return rules.load(Settings().rules)


@cache
def judging() -> Judging:
    """The sweeper's."""
    return every().of_sweeper


def of_rules(alerts: list[Alert], rulebook: Rulebook) -> list[Alert]:
    codes = {rule.code for rule in rulebook.rules}
    return [alert for alert in alerts if alert.rule_code in codes]


class County:
    """A lake, and the sweeper's file beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = folder / "lake"
        self.state = folder / "sweeper.db"
        self._logs = 0

    def grow(self, lines: list[bytes]) -> None:
        """Archive these messages."""
        self._logs += 1
        log = self.folder / f"log-{self._logs:03}.jsonl"
        log.write_bytes(b"".join(line + b"\n" for line in lines))
        append = (self.lake / "lake.json").exists()
        build_lake([str(log)], self.lake, KEY, append=append, processes=1)

    def sweep(self, by: Judging | None = None, **how: object) -> Sweep:
        return Sweep(self.state, self.lake, by or judging(), Means(threads=1), **how)  # type: ignore[arg-type]

    def once(self, by: Judging | None = None) -> Swept:
        sweep = self.sweep(by)
        try:
            return sweep.once()
        finally:
            sweep.close()

    def outbox(self) -> list[Change]:
        """What was to be sent, from the first to the last."""
        sweep = self.sweep()
        try:
            return sweep.said.waiting(1_000_000)[1]
        finally:
            sweep.close()

    def replayed(self, by: Judging | None = None) -> list[Alert]:
        """What a replay of the lake says."""
        by = by or judging()
        order = Order([str(self.lake)], self.folder / "run", KEY, threads=1, replace=True)
        return replay(order, by.rulebook, by.knowledge).alerts


def holds(changes: list[Change]) -> list[Alert]:
    """What is open after these changes, each of which must be the next of its alert."""
    last: dict[str, Change] = {}
    for change in changes:
        before = last.get(change.jr_id)
        assert change.seq == (before.seq + 1 if before else 1)
        was_open = before is not None and before.kind != RETRACTED
        assert (change.kind == "opened") != was_open
        assert change.speaker == SWEEPER
        last[change.jr_id] = change
    return [last[jr_id].alert for jr_id in sorted(last) if last[jr_id].kind != RETRACTED]


def again(line: bytes, **more: object) -> bytes:
    """The same message under another msgid."""
    message = json.loads(line)
    return json.dumps({**message, "msgid": f"{message['msgid']}-again", **more}, ensure_ascii=False).encode()
