"""New rules in a state whose persons were judged by others: how they differ, until everyone was judged again."""

from __future__ import annotations

import sqlite3

from detectors.diff import Changes
from detectors.standing import StandingKernel
from streams.live.rules import Judging, changes_between


class Rollout:
    """What a state file says of the rules. Writes belong to the caller's transaction.

    `changes`: how the kernel's rules differ from those that everyone here was judged by; None: they do not.
    """

    def __init__(self, con: sqlite3.Connection, kernel: StandingKernel) -> None:
        self._con = con
        self._now = Judging(kernel.rulebook, kernel.knowledge, kernel.params, kernel.models).text
        held = dict(con.execute("select key, value from meta where key in ('rules', 'rules_before')"))
        self._held: str | None = held.get("rules")
        self._before: str | None = held.get("rules_before")
        self.changes: Changes | None = None
        if self._before is not None:
            self.changes = changes_between(self._before, self._now)

    @property
    def begins(self) -> bool:
        """Whether other rules hold from now on than were held last."""
        return self._held != self._now

    def begin(self) -> bool:
        """Hold the kernel's rules. Returns whether there were others before, so that everyone must be judged again."""
        self._con.execute("insert or replace into meta values ('rules', ?)", (self._now,))
        if self._held is None:
            return False
        if self._before is None:
            self._before = self._held
            self._con.execute("insert or replace into meta values ('rules_before', ?)", (self._before,))
        self.changes = changes_between(self._before, self._now)
        return True

    def end(self) -> None:
        """Everyone was judged by the kernel's rules."""
        self._con.execute("delete from meta where key = 'rules_before'")
        self.changes = None
