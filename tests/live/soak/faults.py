"""What is done to workers and broker. Drawn from a deck, so that a short run has every kind too."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from deploy.kafka.broker import Cluster
from deploy.kafka.services import Configured, Service
from tests.live.soak.team import Team
from tests.live.soak.watching import Groups, wait_for

KILL, KILL_ALL, LOSE_DISK = "kill -9", "kill -9, all workers", "kill -9, disk lost"
PAUSE, RESTART_BROKER = "pause past the session", "broker restarted"
ADD, REMOVE = "worker added", "worker removed"
KILL_ARCHIVER, KILL_SWEEPER, LOSE_SWEEPER = (
    "kill -9, archiver",
    "kill -9, sweeper",
    "kill -9, sweeper's disk lost",
)

#: A deck: kills of workers most of all.
LONG = {
    KILL: 9, KILL_ALL: 1, LOSE_DISK: 2, PAUSE: 2, RESTART_BROKER: 2, ADD: 2, REMOVE: 2,
    KILL_ARCHIVER: 2, KILL_SWEEPER: 1, LOSE_SWEEPER: 1,
}  # fmt: skip
SHORT = {
    KILL: 2, LOSE_DISK: 1, PAUSE: 1, RESTART_BROKER: 1, ADD: 1, REMOVE: 1, KILL_ARCHIVER: 1, KILL_SWEEPER: 1,
}  # fmt: skip

_MOST, _FEWEST = 3, 1


@dataclass(frozen=True)
class Fault:
    """One that was done. `waiting`: records that waited at that moment, both groups; None: not known."""

    kind: str
    who: str
    waiting: int | None

    @property
    def in_flight(self) -> bool:
        """Whether messages were on their way."""
        return bool(self.waiting)


@dataclass
class Faults:
    """Does them, one after the other."""

    team: Team
    cluster: Cluster
    groups: Groups
    chance: random.Random
    deck: dict[str, int]
    done: list[Fault] = field(default_factory=list)
    _cards: Iterator[str] = field(init=False)
    _asleep: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cards = self._dealt()

    @property
    def kills(self) -> list[Fault]:
        """Services that were killed, one entry each."""
        return [one for one in self.done if one.kind.startswith(KILL)]

    def by_kind(self) -> Counter[str]:
        """How many of each."""
        return Counter(one.kind for one in self.done)

    def next(self) -> Fault:
        """Do one more to the workers that are there, at once."""
        kind = next(self._cards)
        lag = self.groups.lag()
        waiting = None if lag is None else sum(lag.values())
        names = self.team.names
        who = self.chance.choice(names)
        if kind == ADD and len(self.team.workers) < _MOST:
            who = self.team.add()
        elif kind == REMOVE and len(names) > _FEWEST:
            self.team.remove(who)
        elif kind == RESTART_BROKER:
            who = self._restart_broker()
        elif kind == KILL_ARCHIVER:
            who = _killed("archiver", self.team.archiver)
        elif kind in (KILL_SWEEPER, LOSE_SWEEPER):
            who = _killed("sweeper", self.team.sweeper, lose_disk=kind == LOSE_SWEEPER)
        elif kind == PAUSE and len(names) > 1:
            self._pause(who)
        elif kind == KILL_ALL:
            self.team.kill(*names)
            self.done += [Fault(kind, name, waiting) for name in names[1:]]
            who = names[0]
        else:
            kind = LOSE_DISK if kind == LOSE_DISK else KILL
            self.team.kill(who, lose_disk=kind == LOSE_DISK)
        self.done.append(Fault(kind, who, waiting))
        return self.done[-1]

    def wake(self) -> list[str]:
        """Let those go on that were paused and whose partitions others have by now."""
        woken, self._asleep = self._asleep, []
        for name in woken:
            self.team.paused.discard(name)
            self.team.workers[name].resume()
        return woken

    def _pause(self, name: str) -> None:
        """Until others have what it had; `wake` lets it go on."""
        worker = self.team.workers[name]
        had: set[int] = set()

        def has_partitions() -> bool:
            self.team.restart_ended()
            had.update(worker.partitions())
            return bool(had)

        def is_replaced() -> bool:
            self.team.restart_ended()
            others = [self.team.workers[one].partitions() for one in self.team.names]
            return had <= set().union(*others)

        wait_for(has_partitions, "the one that is to be paused has partitions")
        worker.pause()
        self.team.paused.add(name)
        self._asleep.append(name)
        wait_for(is_replaced, "others have the partitions of the one that is paused")

    def _restart_broker(self) -> str:
        broker = self.chance.choice(self.cluster.brokers)
        if self.chance.random() < 0.5:
            broker.kill()
        else:
            broker.stop()
        broker.start()
        self.groups.close()
        return f"broker {broker.node}"

    def _dealt(self) -> Iterator[str]:
        while True:
            cards = [kind for kind, number in sorted(self.deck.items()) for _ in range(number)]
            self.chance.shuffle(cards)
            yield from cards


def _killed(name: str, service: Service, *, lose_disk: bool = False) -> str:
    service.kill()
    if lose_disk and isinstance(service, Configured):
        service.throw_state_away()
    service.start()
    return name
