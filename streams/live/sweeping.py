"""The sweeper of one machine: sweeps of the lake, and what they say into the alert store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.changes import Change
from streams.lake import open_lake
from streams.live.delivery import agree, deliver
from streams.live.rules import Judging
from streams.live.sweep import SWEEPER, Sweep
from streams.live.whole import BrokenOffError, Means
from streams.store.errors import StoreAway
from streams.store.writing import AlertStore


class LocalSweeper:
    """Sweeps when it is told to. What the store could not take is delivered by the next sweep."""

    def __init__(
        self,
        state: Path,
        lake: Path,
        judging: Judging,
        means: Means,
        store: AlertStore,
        *,
        on_sent: Callable[[Sequence[Change], float], None] = lambda *_: None,
        on_swept: Callable[[float, int], None] = lambda *_: None,
        on_away: Callable[[], None] = lambda: None,
    ) -> None:
        """`judging`: the sweeper's rules. `on_swept`: seconds, and rules that ran. `on_away`: the store cannot be reached."""
        self._lake = lake
        self._means = means
        self._store = store
        self._sweep = Sweep(state, lake, judging, means)
        self._on_sent, self._on_swept, self._on_away = on_sent, on_swept, on_away
        agree(self._sweep.said, store, SWEEPER, self._sweep.resume, self._sweep.sent)

    def sweep(self) -> None:
        """Look at the lake, and say what changed."""
        begin = time.perf_counter()
        ran: tuple[str, ...] = ()
        try:
            if open_lake(self._lake).manifest.parts:
                ran = self._sweep.once().ran
            for sent, seconds in deliver(self._sweep.said, self._store, SWEEPER, self._sweep.sent):
                self._on_sent(sent, seconds)
        except BrokenOffError:
            return
        except StoreAway:
            self._on_away()
        self._on_swept(time.perf_counter() - begin, len(ran))

    def break_off(self) -> None:
        """Break off what is under way, from another thread."""
        self._means.breaker.break_off()

    def close(self) -> None:
        """Close the state file."""
        self._sweep.close()
