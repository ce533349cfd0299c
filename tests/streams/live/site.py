"""A site of some shards over a lake: hears messages, archives, forgets, loses disks; and what a listener holds."""

from __future__ import annotations

import copy
import functools
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from detectors.alert import Alert
from detectors.standing import StandingKernel
from detectors.watermark import watermark
from rules import rulebook as rulebook_module
from rules.rulebook import Rulebook
from streams.changes import OPENED, RETRACTED, Change
from streams.lake import build_lake, is_lake
from streams.live.packets import Packet
from streams.live.past import LakePast, NoPast, Past
from streams.live.routing import route
from streams.live.shard import Shard
from streams.live.shards import shard_of
from streams.live.together import Together
from streams.wire import decode
from tests.promises.kernel import KEY, as_bytes, knowledge

RULES = Path(__file__).parent / "rules"

#: The longest lookback of the town's rules, and how late a fact may come in it.
LONGEST, CORRECTIONS = timedelta(days=20), timedelta(days=5)


@functools.cache
def town_rules(*codes: str) -> Rulebook:
    """The rules of the town, or some of them."""
    every = rulebook_module.load(RULES)
    return every.select(codes) if codes else every


@functools.cache
def kernel(*codes: str) -> StandingKernel:
    """The kernel with the town's rules, or some of them."""
    return StandingKernel(town_rules(*codes), knowledge(), threads=1)


def tables_of(lines: Sequence[bytes]) -> dict[str, pa.Table]:
    """The facts of messages."""
    decoded = decode(lines, source="town", first_line=1, first_seq=0, key=KEY)
    return dict(decoded.tables)


def packets(lines: Sequence[bytes], of: StandingKernel, shards: int = 1) -> list[Packet]:
    """What the router makes of messages, one packet a shard."""
    return route(lines, source="town", key=KEY, shards=shards, reads=of.reads).parts.packets()


class Site:
    """`told`: what a listener to the changes holds last of each alert. `counts`: the changes by rule and kind."""

    def __init__(
        self,
        folder: Path,
        of: StandingKernel | None = None,
        *,
        shards: int = 1,
        with_lake: bool = True,
        corrections: timedelta = CORRECTIONS,
        lagging: random.Random | None = None,
    ) -> None:
        """`lagging`: some shards hear some packets later than others do."""
        self.kernel = of or kernel()
        self.lake = folder / "lake"
        self.told: dict[str, Change] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.evicted = 0
        self.lines: list[bytes] = []
        self._folder, self._corrections = folder, corrections
        self._past: Past = LakePast(self.lake) if with_lake else NoPast()
        self._not_archived: list[bytes] = []
        self._log: list[list[Packet]] = []
        self._forgotten = 0
        self._lagging = lagging
        self._waiting: list[list[Packet]] = [[] for _ in range(shards)]
        self.shards = [self._open(number) for number in range(shards)]

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        for shard in self.shards:
            shard.close()

    def copied(self, folder: Path) -> Site:
        """Another site that has come to the same point. This one's shards are closed and opened for it."""
        for shard in self.shards:
            shard.close()
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)
        self.restart()
        other = copy.copy(self)
        other.told, other.counts, other.lines = dict(self.told), Counter(self.counts), list(self.lines)
        other._not_archived, other._log = list(self._not_archived), list(self._log)
        other._waiting = [list(waiting) for waiting in self._waiting]
        other.lake, other._folder = folder / "lake", folder
        if not isinstance(self._past, NoPast):
            other._past = LakePast(other.lake)
        other.shards = [other._open(number) for number in range(len(self.shards))]
        return other

    def hear(self, *lines: bytes | Iterable[bytes], judge: bool = True, **more: Any) -> Site:
        """One micro-batch. `more`: fields of its packets."""
        batch = [one for each in lines for one in ([each] if isinstance(each, bytes) else each)]
        made = [replace(packet, **more) for packet in packets(batch, self.kernel, len(self.shards))]
        self._log.append(made)
        for waiting, packet in zip(self._waiting, made, strict=True):
            waiting.append(packet)
        if judge:
            self._deliver(
                number
                for number in range(len(self.shards))
                if self._lagging is None or self._lagging.random() < 0.5
            )
        else:
            for number, shard in enumerate(self.shards):
                shard.take(self._arrived(number), self._position, judge=False)
        self.lines += batch
        self._not_archived += batch
        self._listen()
        return self

    def look_again(self) -> Site:
        """Until nothing waits, and nobody is left to be looked at again."""
        self._deliver(range(len(self.shards)))
        while self._together.look_again(dict(enumerate(self.shards))):
            pass
        self._listen()
        return self

    def _deliver(self, numbers: Iterable[int]) -> None:
        """Have these shards take what waits for them, judged together."""
        arrivals = {number: (self._arrived(number), self._position) for number in numbers}
        self._together.take(
            dict(enumerate(self.shards)),
            {number: arrived for number, arrived in arrivals.items() if arrived[0]},
        )

    def _arrived(self, number: int) -> list[Packet]:
        waiting, self._waiting[number] = self._waiting[number], []
        return waiting

    @property
    def _position(self) -> int:
        return self._forgotten + len(self._log)

    @property
    def _together(self) -> Together:
        return Together(self.kernel, self._past)

    def archive(self) -> Site:
        """Bring into the lake what was heard."""
        if self._not_archived:
            log = self._folder / f"{len(self.lines):06}.jsonl"
            log.write_bytes(b"".join(line + b"\n" for line in self._not_archived))
            build_lake([str(log)], self.lake, KEY, append=is_lake(self.lake), processes=1)
            self._not_archived = []
        return self

    def evict(self) -> Site:
        """Let go of what the lake has and lies beyond the horizon."""
        for shard in self.shards:
            while lost := shard.evict():
                self.evicted += lost
        return self

    def restart(self, of: StandingKernel | None = None) -> Site:
        """Close the shards and open them, with other rules where they are given."""
        self.kernel = of or self.kernel
        for number, shard in enumerate(self.shards):
            shard.close()
            self.shards[number] = self._open(number)
        return self

    def forget_packets(self) -> Site:
        """The packets so far expire; whoever lags has heard them."""
        self._deliver(range(len(self.shards)))
        self._forgotten += len(self._log)
        self._log = []
        return self

    def state_now(self, number: int = 0) -> Path:
        """A copy of a state file as it is."""
        path = self._folder / f"state-{len(self.lines):06}.db"
        with sqlite3.connect(self._folder / f"shard-{number}.db") as con:
            con.execute("vacuum into ?", (str(path),))
        con.close()
        return path

    def lose_disk(self, number: int = 0, but: Path | None = None) -> Site:
        """A state file is gone, or `but` a state of before is left; the shard is built again from the packets that there are and
        the lake."""
        self.shards[number].close()
        for path in self._folder.glob(f"shard-{number}.db*"):
            path.unlink()
        if but is not None:
            shutil.copy(but, self._folder / f"shard-{number}.db")
        shard = self.shards[number] = self._open(number)
        self._waiting[number] = []
        shard.succeed(self.said_by(number))
        if shard.position < self._forgotten:
            shard.start_from(self._forgotten)
        for position, made in enumerate(self._log, start=self._forgotten + 1):
            if position > shard.position:
                shard.take([made[number]], position, judge=False)
        return self

    def said_by(self, number: int) -> dict[str, Change]:
        """What was told last of each alert of a shard."""
        return {jr_id: change for jr_id, change in self.told.items() if self._owner(change) == number}

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that are open for a listener, sorted by `jr_id`."""
        held = (change.alert for change in self.told.values() if change.kind != RETRACTED)
        return sorted(held, key=lambda alert: alert.jr_id)

    def by_rule(self) -> Mapping[str, int]:
        """How many are open, by rule."""
        return Counter(alert.rule_code for alert in self.alerts)

    def agrees(self) -> bool:
        """Assert that a listener holds what a replay of the same messages says, content and all."""
        tables = tables_of(self.lines)
        mark = _watermark(tables)
        with self.kernel.judged(tables, mark) as judged:
            whole = judged.result.alerts
        assert [_shown(alert) for alert in self.alerts] == [_shown(alert) for alert in whole]
        assert as_bytes(self.alerts) == as_bytes(whole)
        for shard in self.shards:
            assert shard.watermark == mark
        held = [alert for shard in self.shards for alert in shard.said.open_of()]
        assert as_bytes(sorted(held, key=lambda alert: alert.jr_id)) == as_bytes(whole)
        return True

    def _open(self, number: int) -> Shard:
        path = self._folder / f"shard-{number}.db"
        return Shard(path, self.kernel, past=self._past, corrections=self._corrections, number=number)

    def _listen(self) -> None:
        """Take what waits to be sent; each alert's changes are numbered without a gap."""
        for number, shard in enumerate(self.shards):
            last, waiting = shard.said.waiting(1_000_000)
            for change in waiting:
                before = self.told.get(change.jr_id)
                assert self._owner(change) == number
                assert change.seq == (before.seq if before else 0) + 1
                assert (change.kind == OPENED) == (before is None or before.kind == RETRACTED)
                self.told[change.jr_id] = change
                self.counts[change.alert.rule_code, change.kind] += 1
            shard.sent(last)

    def _owner(self, change: Change) -> int:
        return shard_of(change.alert.patn_id or "", len(self.shards))


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _watermark(tables: Mapping[str, pa.Table]) -> datetime | None:
    with _database().cursor() as con:
        con.register("said", tables["message"])
        return watermark(con, table="said")


def _shown(alert: Alert) -> str:
    return f"{alert.rule_code} {alert.anchor} {alert.vola_cont} {alert.evidence} {alert.detected_at}"
