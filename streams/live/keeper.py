"""The archiver and the sweeper of one machine, on a thread of their own: the journal into the lake, and sweeps of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from streams.errors import Refused
from streams.inputs import CONFLICT, reject_record
from streams.lake import Appended, Appender, Lake
from streams.lake.layout import REJECTS
from streams.live.intake import TOPIC, for_lake
from streams.live.journal import Journal
from streams.live.rejects import RejectsFile
from streams.wire import Reject

#: Under which the journal notes how far it is in the lake, and how much of the lake's rejects was passed on.
ARCHIVED, LAKE_REJECTS = "archived", "lake_rejects"

#: Most messages of one step of the archiver, whatever their bytes.
_MOST = 100_000

#: How often the thread looks whether there is something to do, seconds.
_LOOK_EVERY = 0.2


class Archive:
    """The journal into the lake, each message once. Not to be used by two threads at once.

    The lake itself says how far it has come, so a message is in it once whatever happens.
    """

    def __init__(
        self, journal: Journal, appender: Appender, rejects: RejectsFile, key: bytes, *, max_bytes: int
    ) -> None:
        """`max_bytes`: of messages, that are added at once. Raises `Refused` where journal and lake do not belong
        together."""
        self._journal = journal
        self._appender = appender
        self._rejects = rejects
        self._key = key
        self._max_bytes = max_bytes
        archived = self.lake.archived.get((TOPIC, 0), 0)
        noted = journal.noted(ARCHIVED)
        if archived < noted:
            raise Refused(
                f"The lake {self.lake.folder} has {archived} messages of this data folder, but had {noted}: put back the "
                "lake that belongs to it, or begin a new data folder and give it the logs again."
            )
        # The number 0 is for a state of before any lake: with a lake that was there first it is never used.
        journal.begin_at(max(archived, 1 if self.lake.manifest.parts else 0))
        self.position = archived or journal.first
        """Everything before it is in the lake."""
        self._pass_on_conflicts()

    @property
    def lake(self) -> Lake:
        """The lake as it is now."""
        return self._appender.lake

    def append(self) -> Appended | None:
        """Add what has come, so many bytes at most. None: there is nothing."""
        entries = self._journal.entries(self.position, _MOST, self._max_bytes)
        if not entries:
            return None
        appended = self._appender.append_decoded(for_lake(entries, self._key), {(TOPIC, 0): entries[-1].end})
        self.position = entries[-1].end
        self._pass_on_conflicts()
        return appended

    def tidy(self) -> bool:
        """One bounded piece of work that keeps the lake fast. Whether there was any."""
        return self._appender.tidy()

    def _pass_on_conflicts(self) -> None:
        """Have messages that lost against others with their msgid among the rejects: only the lake knows them."""
        begin, end = self._journal.noted(LAKE_REJECTS), self.lake.manifest.rejects_bytes
        records = []
        with (self.lake.folder / REJECTS).open("rb") as lines:
            lines.seek(begin)
            for line in lines.read(end - begin).splitlines():
                record = json.loads(line)
                if "inf_time" in record and record.get("topic") == TOPIC:
                    records.append(self._placed(record))
        self._rejects.add(records, {LAKE_REJECTS: end, ARCHIVED: self.position})

    def _placed(self, record: dict[str, Any]) -> dict[str, Any]:
        """A conflict as a replay of its source writes it; as the lake has it, where the journal forgot the message."""
        number = record["line"]
        entry = self._journal.place(number)
        if entry is None:
            return {
                name: record[name]
                for name in record
                if name not in ("inf_time", "topic", "partition", "lost")
            }
        piece = entry.piece
        before = piece.lines[: number - entry.first]
        reject = Reject.of(
            piece.lines[number - entry.first],
            source=piece.source,
            line=piece.line + len(before),
            reason_code="msgid_conflict",
            sentence=CONFLICT,
            msgid=record["msgid"],
        )
        return reject_record(reject.at(piece.byte_offset + sum(len(line) + 1 for line in before)))


class Sweeper(Protocol):
    """What looks at the lake on a tick: rules that need everyone's facts."""

    def work(self) -> None:
        """Look at the lake as it is now. On the keeper's thread only."""

    def break_off(self) -> None:
        """Break off what is under way, from another thread."""


class Keeper:
    """The thread. What it fails with is raised by `check`; `on_failure` is told at once."""

    def __init__(
        self,
        archive: Archive,
        journal: Journal,
        sweeper: Sweeper,
        *,
        max_seconds: float,
        max_bytes: int,
        tick_seconds: float,
        on_archived: Callable[[Appended], None] = lambda _: None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """`max_seconds`, `max_bytes`: when what waits is added to the lake. `tick_seconds`: from sweep to sweep."""
        self._archive = archive
        self._journal = journal
        self._sweeper = sweeper
        self._max_seconds, self._max_bytes, self._tick = max_seconds, max_bytes, tick_seconds
        self._on_archived = on_archived
        self._on_failure = on_failure
        self._swept_at = time.monotonic()
        self._judged = 0
        self._asked = threading.Event()
        self._is_short = False
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._failed: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def judged(self, number: int) -> None:
        """All before this number is judged: once it is in the lake too, the journal forgets it."""
        self._judged = number

    def finish(self) -> None:
        """Add all that has come, sweep once, and end."""
        self._asked.set()

    def stop(self) -> None:
        """End soon: add what waits, as much as goes in one step."""
        self._is_short = True
        self._asked.set()
        self._sweeper.break_off()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, so long at most. Whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise what it failed with, if it did."""
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            while not self._asked.is_set():
                self._look()
            while self._add() and not self._is_short:
                pass
            if not self._is_short:
                self._sweep()
        except BaseException as error:
            self._failed = error
            self._on_failure()

    def _look(self) -> None:
        messages, size, arrived = self._journal.waiting(self._archive.position)
        if messages and (size >= self._max_bytes or time.time() - arrived >= self._max_seconds):
            self._add()
        elif time.monotonic() - self._swept_at >= self._tick:
            self._sweep()
        elif not self._archive.tidy():
            self._asked.wait(_LOOK_EVERY)

    def _add(self) -> bool:
        appended = self._archive.append()
        if appended is not None:
            self._on_archived(appended)
        self._journal.forget(min(self._judged, self._archive.position))
        return appended is not None

    def _sweep(self) -> None:
        self._swept_at = time.monotonic()
        self._sweeper.work()
