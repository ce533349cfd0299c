"""The services of a soak: started, ended, and started again where they ended by themselves, as a supervisor would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.kafka.services import Archiver, Service, Sweeper, Worker
from streams.kafka.control import Control
from streams.operation.exits import Exit
from tests.live.soak.rulebooks import Rules
from tests.live.soak.watching import wait_for
from tests.live.soak.world import KEY

_ENVIRONMENT = {"FUNDWATCH_KEY": KEY}


@dataclass(frozen=True)
class Site:
    """Where services run. `settings`: of all of them, but for the rules. `command`: how a worker is run."""

    folder: Path
    bootstrap: str
    lake: Path
    settings: Mapping[str, Any]
    command: Sequence[str]


class Team:
    """Workers on one broker, an archiver and a sweeper."""

    def __init__(self, site: Site, rules: Rules, control: Control) -> None:
        self._site = site
        self._rules = rules
        self._control = control
        self._made = 0
        self.workers: dict[str, Worker] = {}
        self.paused: set[str] = set()
        self.archiver = Archiver(
            site.folder / "archiver", site.lake, site.bootstrap, environment=_ENVIRONMENT
        )
        self.sweeper = Sweeper(site.folder / "sweeper", self._told(), environment=_ENVIRONMENT)
        self.ended: Counter[int] = Counter()
        """Exit codes of services that ended without being told to."""
        self.did_not_drain: list[str] = []

    @property
    def names(self) -> list[str]:
        """Of the workers that are meant to run, paused ones left out."""
        return sorted(self.workers.keys() - self.paused)

    def begin(self) -> None:
        """Start archiver, sweeper and the first worker."""
        self.archiver.start()
        self.sweeper.start()
        self.add()

    def add(self) -> str:
        """One worker more."""
        self._made += 1
        name = f"worker {self._made}"
        folder = self._site.folder / f"worker-{self._made}"
        self.workers[name] = Worker(
            folder, self._told(), command=self._site.command, environment=_ENVIRONMENT
        )
        self.workers[name].start()
        return name

    def remove(self, name: str) -> None:
        """One worker fewer: it drains and ends, and its state is no more."""
        worker = self.workers.pop(name)
        self._end(name, worker)
        worker.throw_state_away()

    def kill(self, *names: str, lose_disk: bool = False) -> None:
        """`kill -9` to workers, all of them at once, and start again."""
        for name in names:
            self.workers[name].kill()
        for name in names:
            if lose_disk:
                self.workers[name].throw_state_away()
            self.workers[name].start()

    def restart_ended(self) -> list[tuple[str, int]]:
        """Start again those that ended by themselves. Raises AssertionError for one that ended with a trace."""
        found = []
        for name, service in self._services():
            code = service.ended_with
            if code is not None:
                assert code != Exit.DIFFERS, f"{service.log} ends with a trace"
                found.append((name, code))
                self.ended[code] += 1
                service.start()
        return found

    def roll_out(self, rules: Rules) -> None:
        """Stop all, start one worker with `--roll-out`, and, when the group has its rules, the others and the sweeper."""
        for name, worker in self.workers.items():
            self._end(name, worker)
        self._end("sweeper", self.sweeper)
        before = self._control.rules()
        self._rules = rules
        for service in (*self.workers.values(), self.sweeper):
            service.tell(self._told())
        first, *others = self.workers.values()
        first.start("--roll-out")

        def is_agreed() -> bool:
            if first.ended_with is not None:  # refused while the group did not know yet that all had gone
                first.start("--roll-out")
            return self._control.rules() != before

        wait_for(is_agreed, "the group has the new rules")
        for service in (*others, self.sweeper):
            service.start()

    def sweep(self) -> None:
        """End the sweeper, and have one sweep of all that the lake has."""
        self._end("sweeper", self.sweeper)
        self.sweeper.start("--once")
        code = self.sweeper.wait(600)
        assert code == Exit.DONE, f"{self.sweeper.log}: the last sweep ended with {code}"

    def kill_all(self) -> None:
        """End everything at once."""
        for _, service in self._services():
            service.kill()

    def end_workers(self) -> dict[str, int]:
        """Let workers and archiver drain and end. Returns their exit codes."""
        ending = {**self.workers, "archiver": self.archiver}
        for name, service in ending.items():
            self._end(name, service)
        return {name: service.wait(1) for name, service in ending.items()}

    def _end(self, name: str, service: Service) -> None:
        if not service.end():
            self.did_not_drain.append(name)

    def _services(self) -> Iterator[tuple[str, Service]]:
        yield from self.workers.items()
        yield "archiver", self.archiver
        yield "sweeper", self.sweeper

    def _told(self) -> dict[str, Any]:
        return {**self._site.settings, "rules": self._rules.settings()}
