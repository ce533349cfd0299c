"""A soak: the world is sent piece by piece while workers and broker are tormented; then live and replay are compared."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaProducer

from deploy.kafka.broker import QUICK, Cluster
from deploy.kafka.services import FUNDWATCH
from streams.kafka import clients, topics
from streams.kafka.control import Control
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, LONGEST_RECORD, Layout
from tests.live.soak import comparing, rulebooks, watching, world
from tests.live.soak.faults import LONG, Faults
from tests.live.soak.team import Site, Team
from tests.live.soak.watching import Groups, wait_for
from tests.live.soak.world import Wanted

GROUP = "soak"

#: Messages that may wait when the next are sent, and which part of all: the system is kept busy, and not left behind. What is
#: taken back before it was judged was never said, and proves nothing.
_MOST_WAITING, _LARGEST_PART = 3000, 1 / 20

#: When other rules come, as shares of the world.
_RULES_CHANGE, _PARAMETERS_CHANGE = 0.45, 0.75

_LAYOUT = Layout(source_partitions=4, judge_partitions=4)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """`faults`: at least so many; it goes on for `minutes` at least. `deck`: what is done, how often of each.
    `command`: how a worker is run."""

    wanted: Wanted
    faults: int = 40
    minutes: float = 0
    deck: dict[str, int] = field(default_factory=lambda: dict(LONG))
    command: Sequence[str] = (*FUNDWATCH, "worker")
    sweep_every: int = 30
    """Seconds."""


@dataclass(frozen=True)
class Result:
    """What was done, and what came of it."""

    events: int
    world: Counter[str]
    faults: Faults
    rebalances: int
    ended: Counter[int]
    exits: dict[str, int]
    did_not_drain: list[str]
    persons: int
    without_history: int
    roll_outs: int
    said: comparing.Said
    replayed: dict[str, bytes]
    compared: comparing.Compared
    rejected: tuple[int, int]
    """By the router, by the replay."""
    seconds: float


def soak(plan: Plan, folder: Path, say: Say = lambda _: None) -> Result:
    """Run it in a folder that is not there yet. Raises AssertionError where it does not come to an end."""
    folder.mkdir(parents=True)
    rules = rulebooks.make(folder, plan.wanted.longest)
    made = world.make(plan.wanted, rules[0].rulebook())
    say(
        f"{len(made.lines):,} messages over {made.lasts.days} days (H is {plan.wanted.horizon.days}); {_counted(made.counts)}"
    )
    cluster = Cluster(folder / "kafka", java_options=(*QUICK, watching.COORDINATOR_SPEAKS))
    with cluster:
        run = _Run(plan, folder, cluster, rules, made, say)
        try:
            return run.whole(made.counts)
        finally:
            run.close()


class _Run:
    def __init__(
        self,
        plan: Plan,
        folder: Path,
        cluster: Cluster,
        rules: Sequence[rulebooks.Rules],
        made: world.Made,
        say: Say,
    ) -> None:
        self._plan, self._folder, self._cluster, self._say = plan, folder, cluster, say
        self._lines, self._late_from = made.lines, made.late_from
        self._chance = random.Random(f"faults {plan.wanted.seed}")
        self._connection = Connection.of({"bootstrap": cluster.bootstrap})
        with clients.admin(self._connection) as admin:
            topics.create(admin, _LAYOUT)
        self._log = folder / "log"
        self._log.mkdir()
        self._rules, self._to_come = rules[0], list(rules[1:])
        self._groups = Groups(self._connection, _LAYOUT, GROUP, archiver=True)
        lake = folder / "lake"
        site = Site(folder, cluster.bootstrap, lake, _settings(plan, cluster, lake), plan.command)
        self._team = Team(site, rules[0], Control(self._connection, _LAYOUT, GROUP))
        self._faults = Faults(self._team, cluster, self._groups, self._chance, plan.deck)
        self._producer = KafkaProducer(
            **self._connection.producer(linger_ms=20, max_request_size=LONGEST_RECORD)
        )
        self._sent = 0
        self._begun = time.monotonic()
        self._last_round = 0.0

    def whole(self, counts: Counter[str]) -> Result:
        """From the first message to the comparison."""
        self._team.begin()
        wait_for(self._has_begun, "the first worker judges")
        self._team.add()
        while self._sent < len(self._lines) or self._faults_left:
            self._round()
            if self._sent == self._late_from:
                self._say(f"{self._now()} what is long past is told of from here on, once all is said so far")
                self._faults.wake()
                wait_for(self._is_over, "all is said that may be taken back", 900)
        self._faults.wake()
        self._say(f"{self._now()} everything is sent; waiting until nothing is left to do")
        wait_for(self._is_over, "nothing waits, and nobody is left to be looked at", 900)
        persons, without = watching.gone(self._team.workers.values())
        seconds = time.monotonic() - self._begun
        self._team.sweep()
        exits = self._team.end_workers()
        said = comparing.read_said(self._connection, _LAYOUT)
        replayed = comparing.replay(self._log, self._folder / "replay", self._rules)
        logs = [broker.folder / "broker.log" for broker in self._cluster.brokers]
        return Result(
            events=len(self._lines),
            world=counts,
            faults=self._faults,
            rebalances=watching.rebalances(logs, self._groups.judge),
            ended=self._team.ended,
            exits=exits,
            did_not_drain=self._team.did_not_drain,
            persons=persons,
            without_history=without,
            roll_outs=2 - len(self._to_come),
            said=said,
            replayed=replayed,
            compared=comparing.compare(said.open, replayed),
            rejected=(
                len(comparing.read_rejected(self._connection, _LAYOUT)),
                comparing.replay_rejected(self._folder / "replay"),
            ),
            seconds=seconds,
        )

    def close(self) -> None:
        """End what runs."""
        self._producer.close(timeout=5)
        self._groups.close()
        self._team.kill_all()

    def _round(self) -> None:
        """Send some, do something bad in the midst of it, and let the rest catch up."""
        begun = time.monotonic()
        self._send(self._share())
        if self._faults_left:
            time.sleep(self._chance.uniform(0, 1.5))
            fault = self._faults.next()
            self._say(
                f"{self._now()} {self._sent:,} sent: {fault.kind} ({fault.who}), {fault.waiting} waiting"
            )
        for name in self._faults.wake():
            self._say(f"{self._now()} {name} goes on")
        self._restart_ended()
        self._roll_out_when_due()
        wait_for(self._has_caught_up, "what waits becomes less")
        self._last_round = time.monotonic() - begun

    def _share(self) -> int:
        """So many that faults, minutes and messages come to their end together."""
        left = self._plan.minutes * 60 - (time.monotonic() - self._begun)
        rounds = max(self._faults_left, round(left / (self._last_round or 15.0)), 1)
        share = -(-(len(self._lines) - self._sent) // rounds)
        # what is taken back must have been said before, however far behind the workers are
        return min(share, self._late_from - self._sent) if self._sent < self._late_from else share

    @property
    def _faults_left(self) -> int:
        left = self._plan.minutes * 60 > time.monotonic() - self._begun
        return max(self._plan.faults - len(self._faults.done), int(left), 0)

    def _send(self, number: int) -> None:
        lines = self._lines[self._sent : self._sent + number]
        for one in lines:
            partition = self._chance.randrange(_LAYOUT.source_partitions)
            self._producer.send(_LAYOUT.name(EVENTS), one, partition=partition)
        self._producer.flush()
        path = self._log / f"{self._sent:012}.jsonl"
        path.write_bytes(b"".join(one + b"\n" for one in lines))
        self._sent += len(lines)

    def _roll_out_when_due(self) -> None:
        at = {2: _RULES_CHANGE, 1: _PARAMETERS_CHANGE}.get(len(self._to_come))
        if at is not None and self._sent >= at * len(self._lines):
            self._rules = self._to_come.pop(0)
            self._say(f"{self._now()} rolling out other {'rules' if len(self._to_come) else 'parameters'}")
            self._team.roll_out(self._rules)

    def _restart_ended(self) -> None:
        for name, code in self._team.restart_ended():
            self._say(f"{self._now()} {name} ended by itself with {code}, and is started again")

    def _has_begun(self) -> bool:
        self._restart_ended()
        return bool(self._groups.members())

    def _has_caught_up(self) -> bool:
        self._restart_ended()
        lag = self._groups.lag()
        return lag is not None and sum(lag.values()) <= min(_MOST_WAITING, _LARGEST_PART * len(self._lines))

    def _is_over(self) -> bool:
        self._restart_ended()
        lag = self._groups.lag()
        return (
            lag is not None
            and not any(lag.values())
            and watching.at_rest(self._team.workers.values(), _LAYOUT.judge_partitions)
        )

    def _now(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        return f"{minutes:3}:{seconds:02}"


def _settings(plan: Plan, cluster: Cluster, lake: Path) -> dict[str, object]:
    return {
        "kafka": {"bootstrap": cluster.bootstrap},
        "worker": {
            "group": GROUP,
            "partitions": _LAYOUT.judge_partitions,
            "lake": str(lake),
            "corrections_days": plan.wanted.corrections.days,
            "session_timeout_seconds": 6,
            "brake": 1_000_000,
        },
        "sweeper": {"lake": str(lake), "tick_seconds": plan.sweep_every, "threads": 1},
    }


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.most_common())
