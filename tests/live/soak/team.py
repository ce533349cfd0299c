"""The workers of a soak: started, ended, and started again where they ended by themselves, as a supervisor would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.kafka.worker import COMMAND, LocalWorker
from streams.kafka.control import Control
from tests.live.soak.rulebooks import Rules
from tests.live.soak.watching import wait_for


class Team:
    """Workers on one broker. `settings`: of all of them, but for the rules."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        rules: Rules,
        control: Control,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._rules = rules
        self._control = control
        self._command = command
        self._environment = environment
        self._made = 0
        self.workers: dict[str, LocalWorker] = {}
        self.paused: set[str] = set()
        self.ended: Counter[int] = Counter()
        """Exit codes of workers that ended without being told to."""

    @property
    def names(self) -> list[str]:
        """Of the workers that are meant to run, paused ones left out."""
        return sorted(self.workers.keys() - self.paused)

    def add(self, *options: str) -> str:
        """One more."""
        self._made += 1
        name = f"w{self._made}"
        self.workers[name] = LocalWorker(
            name, self._folder / name, self._told(), command=self._command, environment=self._environment
        )
        self.workers[name].start(*options)
        return name

    def remove(self, name: str) -> None:
        """One fewer: it drains and ends, and its state is no more."""
        worker = self.workers.pop(name)
        worker.end()
        worker.throw_state_away()

    def kill(self, *names: str, lose_disk: bool = False) -> None:
        """`kill -9`, all of them at once, and start again."""
        for name in names:
            self.workers[name].kill()
        for name in names:
            if lose_disk:
                self.workers[name].throw_state_away()
            self.workers[name].start()

    def restart_ended(self) -> list[tuple[str, int]]:
        """Start again those that ended by themselves. Raises AssertionError for one that ended with a trace."""
        found = []
        for name, worker in self.workers.items():
            code = worker.ended_with
            if code is not None:
                assert code != 1, f"{worker.folder / 'worker.log'} ends with a trace"
                found.append((name, code))
                self.ended[code] += 1
                worker.start()
        return found

    def roll_out(self, rules: Rules) -> None:
        """Stop all, start one with `--roll-out`, and, when the group has its rules, the others."""
        for worker in self.workers.values():
            worker.end()
        before = self._control.rules()
        self._rules = rules
        first, *others = self.workers.values()
        for worker in self.workers.values():
            worker.tell(self._told())
        first.start("--roll-out")
        wait_for(lambda: first.running and self._control.rules() != before, "the group has the new rules")
        for worker in others:
            worker.start()

    def kill_all(self) -> None:
        """End everything at once."""
        for worker in self.workers.values():
            worker.kill()

    def end_all(self) -> dict[str, int]:
        """Let all drain and end. Returns their exit codes."""
        for worker in self.workers.values():
            worker.end()
        return {name: worker.wait(1) for name, worker in self.workers.items()}

    def _told(self) -> dict[str, Any]:
        return {**self._settings, "rules": self._rules.settings()}
