"""A lake that grows, and what is kept beside it: what the tests of sweep and repair run on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from detectors.alert import Alert
from rules.rulebook import Rulebook
from streams.changes import RETRACTED, Change
from streams.lake import Appender, Record, build_lake
from streams.live import rules
from streams.live.rules import Judging
from streams.live.sweep import SWEEPER, Sweep, Swept
from streams.live.whole import Means
from streams.operation.settings import Settings
from streams.replay import Order, replay

KEY = b"promises, promises, promises"
_TOPIC = "settlement.events"


@cache
def built_in() -> Judging:
    """All rules that run."""
    return rules.load(Settings().rules)


@cache
def every() -> Judging:
    """Those that can speak here: all but the rules that read what models say (`test_models` has them)."""
    found = built_in()
    return replace(found, rulebook=Rulebook(tuple(rule for rule in found.rulebook.rules if not rule.models)))


@cache
def judging() -> Judging:
    """The sweeper's."""
    return every().of_sweeper


def of_rules(alerts: list[Alert], rulebook: Rulebook) -> list[Alert]:
    codes = {rule.code for rule in rulebook.rules}
    return [alert for alert in alerts if alert.rule_code in codes]


class County:
    """A lake, and the sweeper's file beside it. `archived`: the lake is of a topic, not of logs."""

    def __init__(self, folder: Path, *, archived: bool = False) -> None:
        self.folder = folder
        self.archived = archived
        self.lake = folder / "lake"
        self.state = folder / "sweeper.db"
        self._logs = 0

    def grow(self, lines: list[bytes]) -> None:
        """Archive these messages."""
        self._logs += 1
        if self.archived:
            self._append(lines)
            return
        log = self.folder / f"log-{self._logs:03}.jsonl"
        log.write_bytes(b"".join(line + b"\n" for line in lines))
        append = (self.lake / "lake.json").exists()
        build_lake([str(log)], self.lake, KEY, append=append, processes=1)

    def _append(self, lines: list[bytes]) -> None:
        """As the archiver does: by turns from two partitions, and small files are put together."""
        with Appender(self.lake, KEY, grace=timedelta()) as appender:
            ends = {number: appender.lake.archived.get((_TOPIC, number), 0) for number in (0, 1)}
            records = []
            for line in lines:
                number = len(line) % 2
                records.append(Record(_TOPIC, number, ends[number], line))
                ends[number] += 1
            for start in range(0, len(records), 3000):
                appender.append(records[start : start + 3000])
            while appender.tidy():
                pass

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
