"""The sweeper of one machine: sweeps of the lake on a tick, coverage by the day, repair by night."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from streams.changes import RETRACTED, Change
from streams.lake import Lake, open_lake
from streams.live import repair
from streams.live.delivery import agree, deliver
from streams.live.intake import SHARDS
from streams.live.packets import Packet
from streams.live.published import COVERAGE, Published, published
from streams.live.repair import Compared
from streams.live.rules import Judging
from streams.live.shard import WORKER
from streams.live.state import open_state, stored
from streams.live.sweep import SWEEPER, Sweep, Swept
from streams.live.whole import BrokenOffError, Means
from streams.operation.metrics import SHANGHAI
from streams.store.errors import StoreAway
from streams.store.writing import AlertStore

#: How often it is looked whether the judge has taken what it was told, seconds.
_LOOK_EVERY = 0.1


@dataclass
class Watch:
    """What the sweeper tells of itself. `on_failed`: what it failed with is tried again, unless this raises it."""

    on_sent: Callable[[Sequence[Change], float], None] = lambda _changes, _seconds: None
    on_swept: Callable[[Swept, float], None] = lambda _swept, _seconds: None
    on_covered: Callable[[Published], None] = lambda _published: None
    on_repaired: Callable[[Compared], None] = lambda _compared: None
    on_away: Callable[[], None] = lambda: None
    on_failed: Callable[[Exception], None] = lambda _error: None


class LocalSweeper:
    """Works when it is told to, on one thread. What the store could not take is delivered by the next sweep."""

    def __init__(
        self,
        state: Path,
        lake: Path,
        judging: Judging,
        means: Means,
        store: AlertStore,
        key: bytes,
        tell: Callable[[Packet], threading.Event],
        *,
        repair_hour: int,
        repair_first: bool = False,
        watch: Watch | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        """`state`: the file of what was said; coverage.jsonl lies beside it. `judging`: all rules. `tell`: gives a packet
        to the judge; what it returns is set once that is in the judge's state. `repair_first`: repair at the first work,
        whatever the hour. `now`: Asia/Shanghai."""
        self._state, self._folder = state, lake
        self._judging, self._means = judging, means
        self._store = store
        self._key = key
        self._tell = tell
        self._repair_hour = repair_hour
        self._repair_first = repair_first
        self._watch = watch or Watch()
        self._now = now
        self._covered_on: date | None = None
        self._repaired_on: date | None = None
        self._sweep = Sweep(state, lake, judging.of_sweeper, means)
        agree(self._sweep.said, store, SWEEPER, self._sweep.resume, self._sweep.sent)

    def work(self) -> None:
        """Sweep, and do what is due today."""
        if open_lake(self._folder).manifest.parts:
            for job in (self._once, self._cover, self._mend):
                self._try(job)

    def break_off(self) -> None:
        """Break off what is under way, from another thread; to be called again until it is over."""
        self._means.breaker.break_off()

    def close(self) -> None:
        """Close the state file."""
        self._sweep.close()

    def _once(self) -> None:
        begin = time.perf_counter()
        swept = self._sweep.once()
        for sent, seconds in deliver(self._sweep.said, self._store, SWEEPER, self._sweep.sent):
            self._watch.on_sent(sent, seconds)
        self._watch.on_swept(swept, time.perf_counter() - begin)

    def _cover(self) -> None:
        today = self._now().date()
        if self._covered_on != today:
            found = published(self._lake, self._judging, self._means)
            found.write(self._state.with_name(COVERAGE))
            self._covered_on = today
            self._watch.on_covered(found)

    def _mend(self) -> None:
        now = self._now()
        if self._repair_first or (now.hour == self._repair_hour and self._repaired_on != now.date()):
            self.repair()
            self._repair_first = False
            self._repaired_on = now.date()

    def repair(self) -> Compared:
        """Hold what the judge said against a replay of the lake, and have it look again at whomever they differ about.

        The judge may know a minute more than the lake, so some may differ who are right; to be looked at again does them
        no harm. Messages that only the lake knows to be no facts are withdrawn.
        """
        mine = self._judging.of_worker
        said = [one.alert for one in self._store.last_said(WORKER).values() if one.kind != RETRACTED]
        compared = repair.compare(repair.replayed(self._lake, mine, self._means), said)
        with closing(open_state(self._state)) as con:
            gone = frozenset(repair.withdrawn(self._lake, self._key)) - repair.known(con)
            for packet in repair.packets(compared.persons, gone, SHARDS).values():
                taken = self._tell(packet)
                while not taken.wait(_LOOK_EVERY):
                    self._means.breaker.check()
            with stored(con):
                repair.note(con, gone)
        self._watch.on_repaired(compared)
        return compared

    @property
    def _lake(self) -> Lake:
        return open_lake(self._folder)

    def _try(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BrokenOffError:
            pass
        except StoreAway:
            self._watch.on_away()
        except Exception as error:
            self._watch.on_failed(error)
