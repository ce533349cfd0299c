"""Is a service alive, is it ready: what it tells of itself, and the answers, each with its reason in one sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """What must hold before a service is ready."""

    ASSIGNED = "assigned"
    RECOVERED = "recovered"
    RULES = "rules loaded"


#: What a service that lacks a condition says.
LACKING = {
    Condition.ASSIGNED: "no partitions were assigned yet",
    Condition.RECOVERED: "the state is still being recovered",
    Condition.RULES: "the rules are not loaded yet",
}


@dataclass(frozen=True)
class Verdict:
    """An answer, and why in one sentence without its full stop."""

    good: bool
    reason: str


class Health:
    """What a service tells of itself, from any thread.

    `needs`: what it must reach to be ready. `stall_seconds`: longest time without a turn of its loop, or with
    messages waiting and none processed. `clock`: seconds, monotonic.

    What waits counts only while it is *fresh*: told again within half of `stall_seconds`. A service tells it after
    asking the broker, apart from its own reading; while the broker is away it cannot, and is not to blame.
    """

    def __init__(
        self,
        needs: Iterable[Condition],
        stall_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._stall = stall_seconds
        self._fresh = stall_seconds / 2
        self._lacking = {need: True for need in Condition if need in set(needs)}
        self._braked: frozenset[str] = frozenset()
        self._draining = False
        self._turned = clock()
        self._waiting = 0
        self._told = clock()
        self._idle_since: float | None = None
        """Since when messages wait and none is processed."""

    def turned(self) -> None:
        """The loop turned; to be told several times within `stall_seconds`, whatever there is to do."""
        with self._lock:
            self._turned = self._clock()

    def progressed(self) -> None:
        """Messages were processed, or a step of the recovery."""
        with self._lock:
            self._turned = self._clock()
            self._idle_since = self._turned if self._waiting else None

    def waiting(self, messages: int) -> None:
        """So many messages wait, by what the broker says now."""
        with self._lock:
            now = self._clock()
            if not messages:
                self._idle_since = None
            elif self._idle_since is None or now - self._told > self._fresh:
                self._idle_since = now
            self._waiting, self._told = messages, now

    def meets(self, condition: Condition, holds: bool = True) -> None:
        """A condition holds now, or does not any more."""
        with self._lock:
            if condition in self._lacking:
                self._lacking[condition] = not holds

    def braked(self, name: str, on: bool) -> None:
        """The brake of a part (a partition) was put on or taken off; while one is on, nothing needs to move."""
        with self._lock:
            before = self._braked
            self._braked = before | {name} if on else before - {name}
            if before and not self._braked and self._idle_since is not None:
                self._idle_since = self._clock()

    def draining(self) -> None:
        """The service was asked to end, and finishes what it has begun."""
        with self._lock:
            self._draining = True

    def resumed(self) -> None:
        """The process stood still (suspended, paused) and runs again: what it missed meanwhile does not count."""
        with self._lock:
            now = self._clock()
            self._turned = now
            if self._idle_since is not None:
                self._idle_since = now

    def live(self) -> Verdict:
        """Whether the loop turns and what waits moves."""
        with self._lock:
            now = self._clock()
            if now - self._turned > self._stall:
                return Verdict(False, f"the loop has not turned for {now - self._turned:.0f} s")
            if self._stalled(now) and self._idle_since is not None:
                seconds = now - self._idle_since
                return Verdict(
                    False, f"{self._waiting} messages wait and none was processed for {seconds:.0f} s"
                )
            return Verdict(True, "the loop turns, and what waits moves")

    def ready(self) -> Verdict:
        """Whether it does its work: never a matter of the broker."""
        with self._lock:
            if self._draining:
                return Verdict(False, "it was asked to end and drains")
            for condition, lacking in self._lacking.items():
                if lacking:
                    return Verdict(False, LACKING[condition])
            if self._braked:
                return Verdict(
                    False,
                    "the brake is on: a batch would change too many alerts; see fundwatch brake show",
                )
            return Verdict(True, "it does its work")

    def figures(self) -> dict[str, float]:
        """What the log says of a stall: messages waiting, seconds since a turn and since progress."""
        with self._lock:
            now = self._clock()
            idle = 0.0 if self._idle_since is None else now - self._idle_since
            return {
                "waiting": self._waiting,
                "seconds_since_turn": round(now - self._turned, 1),
                "seconds_since_progress": round(idle, 1),
            }

    def _stalled(self, now: float) -> bool:
        return (
            self._idle_since is not None
            and not self._braked
            and now - self._told <= self._fresh
            and now - self._idle_since > self._stall
        )
