"""Promise 7: killing any process at any moment, or moving its partitions, ends with the replay's alerts.

The long form is `make soak`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.kafka.services import Worker
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, LONGEST_RECORD, Layout
from streams.lake import build_lake
from streams.operation.exits import Exit
from tests.live.soak import comparing, faults, rulebooks, verdict, watching, world
from tests.live.soak.child import MOMENTS
from tests.live.soak.run import Plan, soak
from tests.live.soak.watching import Groups, wait_for
from tests.live.soak.world import KEY, Made, Wanted

pytestmark = pytest.mark.xdist_group("promise 7")

#: Seconds of silence after which a worker is taken for dead, and between two looks for what may be let go of.
PATIENCE, EVICT_EVERY = 3, 1
COMMAND = (
    sys.executable, "-m", "tests.live.soak.child", "--session", str(PATIENCE), "--evict", str(EVICT_EVERY),
)  # fmt: skip

SMALL = Wanted(60, 110, 3, longest=timedelta(days=20), corrections=timedelta(days=5))

#: Share of the world before which hardly an alert is found.
_BEFORE_ALERTS = 0.3

GROUP = "moments"


def test_a_short_soak_ends_with_the_alerts_of_the_replay(tmp_path: Path) -> None:
    plan = Plan(SMALL, faults=sum(faults.SHORT.values()), deck=faults.SHORT, command=COMMAND, sweep_every=10)
    result = soak(plan, tmp_path / "soak", print)
    print(*verdict.report(result), sep="\n")
    assert not verdict.objections(result, verdict.SHORT)


class Stage:
    """A world on the shared broker, sent in pieces, and workers that die where they are told to."""

    def __init__(
        self, folder: Path, made: Made, rules: rulebooks.Rules, connection: Connection, layout: Layout
    ) -> None:
        self.layout = layout
        self.groups = Groups(connection, layout, GROUP)
        self.workers: dict[str, Worker] = {}
        self._folder, self._rules, self._connection = folder, rules, connection
        self._lines = list(made.lines)
        self._log, self._lake = folder / "log", folder / "lake"
        self._log.mkdir()
        self._settings = {
            "kafka": {"bootstrap": ",".join(connection.bootstrap), "topic_prefix": layout.prefix},
            "worker": {
                "group": GROUP,
                "lake": str(self._lake),
                "corrections_days": SMALL.corrections.days,
                "brake": 1_000_000,
            },
            "rules": rules.settings(),
        }

    def worker(self, name: str, *options: str) -> Worker:
        """Start the worker of this name, who may have been there before."""
        if name not in self.workers:
            self.workers[name] = Worker(
                self._folder / name, self._settings, command=COMMAND, environment={"FUNDWATCH_KEY": KEY}
            )
        self.workers[name].start(*options)
        return self.workers[name]

    def send(self, share: float) -> None:
        """So much of what is left of the world."""
        number = round(share * len(self._lines))
        lines, self._lines = self._lines[:number], self._lines[number:]
        options = self._connection.producer(linger_ms=20, max_request_size=LONGEST_RECORD)
        producer = KafkaProducer(**options)
        for place, one in enumerate(lines):
            producer.send(self.layout.name(EVENTS), one, partition=place % self.layout.source_partitions)
        producer.close()
        path = self._log / f"{len(self._lines):08}.jsonl"
        path.write_bytes(b"".join(one + b"\n" for one in lines))
        build_lake([str(path)], self._lake, KEY.encode(), append=self._lake.exists(), processes=1)

    def come_to_rest(self, worker: Worker) -> None:
        """Wait until that worker has done everything."""

        def is_over() -> bool:
            if worker.ended_with == Exit.UNHEALTHY:
                worker.start()  # as a supervisor does
            lag = self.groups.lag()
            return (
                lag is not None
                and not any(lag.values())
                and watching.at_rest([worker], self.layout.judge_partitions)
            )

        wait_for(is_over, "everything is done")

    def check(self) -> None:
        """What holds is what a replay says, and no change was lost or said twice."""
        said = comparing.read_said(self._connection, self.layout)
        replayed = comparing.replay(self._log, self._folder / "replay", self._rules, of_worker=True)
        compared = comparing.compare(said.open, replayed)
        print(f"{len(replayed)} alerts, {said.kinds['retracted']} retractions, {compared.wrong} differ")
        assert not comparing.shown(compared, said.open, replayed)
        assert not said.breaks
        assert len(replayed) > 50
        assert said.kinds["retracted"] > 3

    def close(self) -> None:
        """End what runs."""
        self.groups.close()
        for worker in self.workers.values():
            worker.kill()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> rulebooks.Rules:
    return rulebooks.make(tmp_path_factory.mktemp("rules"), SMALL.longest)[0]


@pytest.fixture(scope="module")
def made(rules: rulebooks.Rules) -> Made:
    return world.make(SMALL, rules.rulebook())


@pytest.fixture
def stage(
    tmp_path: Path,
    made: Made,
    rules: rulebooks.Rules,
    connection: Connection,
    layout: Layout,
) -> Iterator[Stage]:
    stage = Stage(tmp_path, made, rules, connection, layout)
    yield stage
    stage.close()


def test_it_may_die_between_any_two_steps(stage: Stage) -> None:
    """Storing, sending, committing, clearing, acknowledging, taking over: killed after each, once."""
    for number, moment in enumerate(MOMENTS):
        stage.send(1 / (len(MOMENTS) + 1 - number) if number else _BEFORE_ALERTS)
        worker = stage.worker("one", "--die", moment)
        assert worker.wait(watching.PATIENCE) == -signal.SIGKILL, moment
    # In two parts: on a slow machine nearly all is judged at the end, and what is taken back in the same turn is never said.
    stage.send(1 / 2)
    stage.come_to_rest(stage.worker("one"))
    stage.send(1)
    stage.come_to_rest(stage.workers["one"])
    stage.check()


def test_what_a_paused_worker_still_had_to_say_is_not_said_when_it_wakes(stage: Stage) -> None:
    """It stops with a full outbox, before or in its transaction; another takes over and goes on; then it wakes."""
    other = None
    for moment, share in (("stored", 0.3), ("sent", 0.5)):
        sleeper = stage.worker("one", "--stop", moment)
        wait_for(lambda worker=sleeper: bool(worker.partitions()), "it has something to judge")
        stage.send(share)
        _wait_until_paused(sleeper)
        other = other or stage.worker("two")
        stage.send(share)
        stage.come_to_rest(other)
        sleeper.resume()
        wait_for(_has_noticed(sleeper, stage.groups), "the one that was paused ends or joins again")
        sleeper.end()
    stage.send(1)
    stage.come_to_rest(other)
    stage.check()


def _wait_until_paused(sleeper: Worker) -> None:
    wait_for(lambda: sleeper.paused, "it stops itself")


def _has_noticed(sleeper: Worker, groups: Groups) -> Callable[[], bool]:
    return lambda: not sleeper.running or groups.members() == 2
