"""Where the live part is measured: a broker, an archiver, workers and a generator, all on this machine."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generator import Generator
from deploy.kafka.broker import QUICK, Cluster
from deploy.kafka.services import Archiver, Worker
from streams.kafka import clients, topics
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, Layout
from streams.lake import Appender
from streams.operation.settings import Settings
from tests.live.soak.rulebooks import Rules
from tests.live.soak.watching import Groups, at_rest, wait_for

#: Messages that may wait before the generator holds back, and how often it looks.
AHEAD, _LOOK_EVERY = 30_000, 2000

#: Messages that are sent together: of 1,500 a second, each thirtieth of a second. Each of as few as five takes as much of generator
#: and broker as a whole batch.
_AT_ONCE = 50

_ENVIRONMENT = {"FUNDWATCH_KEY": "a key for measuring only"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Rate:
    """How fast messages went through, and what each process took of the processors meanwhile (1: one core). `the host`: what of
    them a virtual machine was not given although it wanted it."""

    events: int
    seconds: float
    cores: dict[str, float]
    behind: float
    """How long after the last message was sent everything was judged and said, seconds."""

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.events / self.seconds

    @property
    def worker_microseconds(self) -> float:
        """Processor time of the workers, microseconds a message."""
        return self.cores["workers"] * self.seconds / self.events * 1e6


@dataclass
class Site:
    """One installation: topics under a prefix of their own, an archiver, workers."""

    connection: Connection
    layout: Layout
    groups: Groups
    workers: list[Worker]
    archiver: Archiver
    lake: Path
    broker_pid: int
    generator: Generator
    sent: int = 0

    def send(
        self,
        lines: Sequence[bytes],
        rate: float | None = None,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send messages as fast as they are taken, or so many a second. `on_sent` gets the place of each."""
        begun = time.monotonic()
        for first in range(0, len(lines), _AT_ONCE):
            some = lines[first : first + _AT_ONCE]
            for number in range(first, first + len(some)):
                on_sent(number)
            self.generator.send(some)
            self.sent += len(some)
            if rate is not None:
                time.sleep(max(0.0, begun + (first + len(some)) / rate - time.monotonic()))
            elif self.sent % _LOOK_EVERY < _AT_ONCE:
                wait_for(self._keeps_up, "workers keep up")
        self.generator.flush()

    def through(self, lines: Sequence[bytes], rate: float | None = None) -> Rate:
        """Send messages, as fast as they are taken or so many a second, and wait until everything is judged and said."""
        before, begun = self._cpu(), time.monotonic()
        self.send(lines, rate)
        sent = time.monotonic()
        wait_for(self.has_nothing_to_do, "everything is judged", 3600)
        ended, after = time.monotonic(), self._cpu()
        cores = {name: (after[name] - before[name]) / (ended - begun) for name in after}
        return Rate(len(lines), ended - begun, cores, ended - sent)

    def has_nothing_to_do(self) -> bool:
        """Whether nothing waits, and everything is said."""
        lag = self.groups.lag()
        return (
            lag is not None and not any(lag.values()) and at_rest(self.workers, self.layout.judge_partitions)
        )

    def steps(self) -> Counter[str]:
        """Seconds that the judges spent in each step so far."""
        found: Counter[str] = Counter()
        for worker in self.workers:
            for name, labels, value in worker.metrics():
                if name == "fundwatch_step_duration_seconds_sum":
                    found[labels["step"]] += value  # type: ignore[assignment]
        return found

    def history_bytes(self) -> int:
        """Size of the states, bytes."""
        return sum(path.stat().st_size for worker in self.workers for path in worker.state.glob("*.db*"))

    def end_archiving(self) -> None:
        """Have no archiver any more, and the files of the lake as one leaves them that had as many days as lie in it: after years
        within minutes it would merge for minutes beside what is measured."""
        self.archiver.end()
        with Appender(self.lake, _ENVIRONMENT["FUNDWATCH_KEY"].encode()) as appender:
            while appender.tidy():
                pass

    def recover(self) -> float:
        """Seconds until all is as before when the first worker has lost its disk."""
        worker = self.workers[0]
        worker.kill()
        worker.throw_state_away()
        begun = time.monotonic()
        worker.start()
        wait_for(self.has_nothing_to_do, "the lost state is built again", 3600)
        return time.monotonic() - begun

    def _keeps_up(self) -> bool:
        lag = self.groups.lag()
        return lag is not None and lag[self.groups.router] < AHEAD

    def _cpu(self) -> dict[str, float]:
        return {
            "workers": sum(_seconds(worker.pid) for worker in self.workers),
            "broker": _seconds(self.broker_pid),
            "archiver": _seconds(self.archiver.pid),
            "generator": time.process_time(),
            "the host": stolen(),
        }


class Bed:
    """A broker, on which sites are set up one after the other."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._folder = folder
        self._cluster = cluster
        self._connection = Connection.of({"bootstrap": cluster.bootstrap})

    @contextmanager
    def site(self, name: str, workers: int = 1, rules: Rules | None = None) -> Iterator[Site]:
        """A fresh installation, workers up and ready; ended and forgotten afterwards."""
        folder = self._folder / name
        layout = Layout(f"{name}.", source_partitions=4, judge_partitions=4)
        with clients.admin(self._connection) as admin:
            topics.create(admin, layout)
        settings = {
            "kafka": {"bootstrap": self._cluster.bootstrap, "topic_prefix": layout.prefix},
            "worker": {"lake": str(folder / "lake"), "brake": 10_000_000},
            "limits": {"stall_seconds": 600},
            "rules": rules.settings() if rules else {},
        }
        archiver = Archiver(
            folder / "archiver",
            folder / "lake",
            self._cluster.bootstrap,
            layout.prefix,
            max_seconds=Settings().archiver.max_seconds,
            environment=_ENVIRONMENT,
        )
        made = [Worker(folder / f"worker-{n}", settings, environment=_ENVIRONMENT) for n in range(workers)]
        groups = Groups(self._connection, layout, "fundwatch-worker")
        site = Site(
            self._connection,
            layout,
            groups,
            made,
            archiver,
            folder / "lake",
            self._cluster.brokers[0].pid,
            Generator(self._cluster.bootstrap, layout.name(EVENTS), layout.source_partitions),
        )
        try:
            archiver.start()
            made[0].start()
            wait_for(lambda: bool(groups.members()), "the first worker judges")
            for worker in made[1:]:
                worker.start()
            wait_for(lambda: at_rest(made, layout.judge_partitions), "workers are ready")
            yield site
        finally:
            site.generator.close()
            groups.close()
            for service in (*made, archiver):
                service.kill()


@contextmanager
def bed(folder: Path) -> Iterator[Bed]:
    """A bed in this folder, for as long as the block lasts."""
    # the second compiler would be at work for longer than a measurement takes, as in no broker that has been up for a day
    with Cluster(folder / "kafka", java_options=QUICK) as cluster:
        yield Bed(folder, cluster)


def stolen() -> float:
    """Processor time that the host of this virtual machine gave to others when it was wanted here, seconds."""
    return int(Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)[8]) / _TICKS


def _seconds(pid: int) -> float:
    """Processor time that a process and what it started have taken, seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = stat.read_text().rpartition(")")[2].split()
            if pid in (int(stat.parent.name), int(fields[2])):  # its group is named after it
                ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS
