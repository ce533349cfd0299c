"""`fundwatch up`: sources, judge, archiver and sweeper of one machine in one process, without a broker."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from detectors.standing import StandingKernel
from streams.errors import Refused
from streams.lake import Appender
from streams.live import place, rules, sweeping
from streams.live.journal import Journal
from streams.live.keeper import Archive, Keeper
from streams.live.local import LocalJudge, Watch
from streams.live.past import LakePast
from streams.live.rejects import RejectsFile
from streams.live.rules import Judging
from streams.live.shard import Shard
from streams.live.sources import http
from streams.live.sources.files import Folder
from streams.live.sources.http import EventsServer, token_of
from streams.live.sweeping import LocalSweeper
from streams.live.telling import Standing, Telling
from streams.live.whole import Means
from streams.operation import disk
from streams.operation.endpoint import Endpoint
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.logging import setup
from streams.operation.settings import Settings
from streams.operation.watchdog import Watchdog
from streams.secrets import site_key
from streams.store.writing import AlertStore

#: How long nothing is looked for when there was nothing, seconds.
_IDLE = 0.1

#: Micro-batches that may wait in the journal before the folder is read on.
_AHEAD = 4


@dataclass(frozen=True)
class Order:
    """What is to run. `data`: the folder of everything that is kept; made where it is not there. `watch`: the folder
    whose logs are read; `http`: host and port of `POST /events`; one of the two at least. `store`: URL of the alert
    store, None for one in the data folder. `once`: end when all that is there is judged, archived and swept; `repair`:
    and repaired."""

    settings: Settings
    data: Path
    watch: Path | None = None
    http: tuple[str, int] | None = None
    store: str | None = None
    once: bool = False
    repair: bool = False


def run_up(order: Order, stop: threading.Event, on_turn: Callable[[Standing], None] = lambda _: None) -> Exit:
    """Run until `stop` is set, or something fails. Returns the exit code; raises `Refused`, of which `DiskFull` is one.

    `on_turn`: told how it stands, several times a second.
    """
    if order.watch is None and order.http is None:
        raise Refused("There is nothing to read: name a folder with --watch, or a port with --http.")
    if order.watch is not None and not order.watch.is_dir():
        raise Refused(f"--watch {order.watch}: there is no such folder.")
    if order.watch is not None and order.data.resolve().is_relative_to(order.watch.resolve()):
        raise Refused(
            f"--data {order.data} lies in the watched folder, which would read what it writes: name another."
        )
    order.data.mkdir(parents=True, exist_ok=True, mode=0o750)
    with ExitStack() as stack, disk.told({"data": order.data}):
        stack.callback(place.locked(order.data).close)
        return _Up(order, stop, on_turn, stack).run()


class _Up:
    """What runs."""

    def __init__(
        self,
        order: Order,
        stop: threading.Event,
        on_turn: Callable[[Standing], None],
        stack: ExitStack,
    ) -> None:
        settings, data = order.settings, order.data
        self._order, self._stop, self._on_turn, self._stack = order, stop, on_turn, stack
        self._failed: BaseException | None = None
        self._waiting_bytes = 0
        judging = rules.load(settings.rules, settings.models)
        log = setup(
            settings.logging, "up", words={"rule_id": [rule.rule_id for rule in judging.rulebook.rules]}
        )
        key = site_key(lambda _: log.warning(Event.DEVELOPMENT_KEY), settings.key.file)
        self._telling = told = Telling(settings, judging, data, log, once=order.once)
        self._journal = Journal(data / place.JOURNAL)
        stack.callback(self._journal.close)
        rejects = RejectsFile(data / place.REJECTS, self._journal)
        appender = stack.enter_context(Appender(data / place.LAKE, key))
        archive = Archive(self._journal, appender, rejects, key, max_bytes=settings.archiver.max_bytes)
        self._store = stack.enter_context(AlertStore(order.store or f"sqlite:///{data / place.STORE}"))
        self._store.only_live()
        self._lake = archive.lake
        self._judge = self._make_judge(judging, rejects, key)
        self._sweeper = self._make_sweeper(judging, key)
        self._keeper = Keeper(
            archive,
            self._journal,
            self._sweeper,
            max_seconds=settings.archiver.max_seconds,
            max_bytes=settings.archiver.max_bytes,
            tick_seconds=settings.sweeper.tick_seconds,
            on_archived=told.archived,
            on_failure=stop.set,
        )
        marks = {name: mark for name, mark in self._journal.marks().items() if name != http.MARK}
        self._folder = (
            None
            if order.watch is None
            else Folder(order.watch, marks, lambda event, name: log.warning(event, file=name))
        )

    def run(self) -> Exit:
        """Until it is told to stop."""
        settings, told = self._order.settings, self._telling
        told.log.info(Event.STARTED)
        self._stack.enter_context(Endpoint(settings.http, told.health, told.instruments.registry))
        watchdog = self._stack.enter_context(
            Watchdog(told.health, told.log, self._stop.set, rss_limit_bytes=settings.limits.rss_mb << 20)
        )
        try:
            self._judge.recover(self._lake, lambda _: told.health.turned())
            told.begun(self._judge.shard.position)
            self._keeper.start()
            with ExitStack() as sources:
                self._listen(sources)
                while not self._stop.is_set() and self._turn():
                    pass
                if self._stop.is_set():
                    told.health.draining()
                    told.log.info(Event.DRAINING)
                self._end_keeper()
        except Exception as error:
            if isinstance(error, Refused) or disk.is_full(error):
                raise
            told.log.error(Event.FAILED, error)
            return Exit.UNHEALTHY
        finally:
            self._keeper.stop()
            self._keeper.wait()
        told.log.info(Event.STOPPED)
        return watchdog.code

    def _turn(self) -> bool:
        """Read, judge, tell. Whether to go on."""
        order, judge = self._order, self._judge
        most = order.settings.worker.batch_max_events
        waiting, *_ = self._journal.waiting(judge.shard.position)
        came = self._read(most) if waiting < _AHEAD * most else False
        took = judge.turn(take=bool(waiting))
        self._keeper.judged(judge.shard.position)
        self._tell()
        if came or took:
            return True
        if (
            order.once
            and not waiting
            and judge.is_settled
            and (self._folder is None or self._folder.is_at_end)
        ):
            return False
        self._journal.came.wait(_IDLE)
        self._journal.came.clear()
        return True

    def _read(self, most: int) -> bool:
        """Take in what the folder has. Whether there was anything."""
        if self._folder is None:
            return False
        portion = self._folder.read(most)
        if not portion.is_empty:
            self._journal.add(portion.pieces, portion.marks.values(), portion.gone)
        return bool(portion.pieces)

    def _tell(self) -> None:
        waiting, self._waiting_bytes, _ = self._journal.waiting(self._judge.shard.position)
        self._telling.turned(self._judge, waiting, self._store)
        self._on_turn(self._telling.standing)

    def _end_keeper(self) -> None:
        """Have the keeper end: at once where somebody asked for it, else when all is done. Raises what any part failed
        with."""
        if not self._stop.is_set():
            self._keeper.finish()
        while not self._keeper.wait(_IDLE):
            if self._stop.is_set():
                self._keeper.stop()  # again and again: between two statements there is nothing to interrupt
            else:
                self._judge.turn(take=False)
            self._tell()
        if self._failed is not None:
            raise self._failed
        self._keeper.check()
        while not (self._stop.is_set() or self._judge.is_settled):
            self._judge.turn(take=False)

    def _listen(self, stack: ExitStack) -> None:
        """Open `POST /events` where it was asked for."""
        if self._order.http is None:
            return
        host, port = self._order.http
        up = self._order.settings.up
        token = token_of(up.token_file or self._order.data / place.TOKEN, make=up.token_file is None)
        server = EventsServer(
            host,
            port,
            token,
            self._journal,
            max_body_bytes=up.max_body_bytes,
            refuse=self._refusal,
            on_failure=self._fail,
        )
        stack.enter_context(server)
        self._telling.log.info(Event.LISTENING, port=server.port)

    def _refusal(self) -> str | None:
        """Why nothing is taken over HTTP now."""
        if self._stop.is_set():
            return "fundwatch was asked to end; send it again when it is back."
        if self._waiting_bytes > self._order.settings.up.most_waiting_bytes:
            return "too many messages wait to be judged; send it again later."
        return None

    def _fail(self, error: BaseException) -> None:
        self._failed = error
        self._stop.set()

    def _make_judge(self, judging: Judging, rejects: RejectsFile, key: bytes) -> LocalJudge:
        worker, told = self._order.settings.worker, self._telling
        mine = judging.of_worker
        kernel = StandingKernel(
            mine.rulebook, mine.knowledge, mine.params, mine.models, threads=worker.threads
        )
        self._stack.callback(kernel.close)
        shard = Shard(
            self._order.data / place.STATE / place.SHARD,
            kernel,
            past=LakePast(self._order.data / place.LAKE),
            lateness=timedelta(hours=worker.lateness_hours),
            corrections=timedelta(days=worker.corrections_days),
            on_step=told.step,
        )
        self._stack.callback(shard.close)
        watch = Watch(told.taken, told.took, told.said, told.confirmed, told.away)
        return LocalJudge(
            self._journal,
            shard,
            self._store,
            rejects,
            key,
            kernel.reads,
            most=worker.batch_max_events,
            watch=watch,
        )

    def _make_sweeper(self, judging: Judging, key: bytes) -> LocalSweeper:
        data, worker, told = self._order.data, self._order.settings.worker, self._telling
        settings = self._order.settings.sweeper
        work = data / place.STATE / place.WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        sweeper = LocalSweeper(
            data / place.STATE / place.SWEEPER,
            data / place.LAKE,
            judging,
            Means(
                lateness=timedelta(hours=worker.lateness_hours),
                memory_limit=f"{settings.memory_mb}MB",
                threads=settings.threads,
                workspace=work,
            ),
            self._store,
            key,
            self._judge.tell,
            repair_hour=settings.repair_hour,
            repair_first=self._order.repair,
            watch=sweeping.Watch(
                told.said, told.swept, told.covered, told.repaired, told.away, told.not_swept
            ),
        )
        self._stack.callback(sweeper.close)
        return sweeper
