"""What the sweeper does by the day: coverage of all rules, and the nightly repair."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta

from streams.kafka.repair import OtherRulesError, Repaired, Repairing, repair
from streams.kafka.settings import connection_of
from streams.kafka.topics import Layout
from streams.lake import is_lake, open_lake
from streams.live import repair as repairs
from streams.live import rules
from streams.live.published import COVERAGE, published
from streams.live.rules import Judging
from streams.live.state import open_state, stored
from streams.live.whole import Breaker, BrokenOffError, Means
from streams.operation import disk
from streams.operation.events import Event
from streams.operation.logging import Log
from streams.operation.metrics import SHANGHAI, SweeperMetrics
from streams.operation.settings import Settings
from streams.secrets import site_key

#: The file of what was said, in the folder of the state, and the folder beside it for what does not fit in memory.
STATE = "sweeper.db"
WORK = "sweeper-work"


def means_of(settings: Settings, breaker: Breaker) -> Means:
    """What the settings say that a lake is judged with."""
    work = settings.sweeper.state / WORK
    work.mkdir(parents=True, exist_ok=True)
    return Means(
        timedelta(hours=settings.worker.lateness_hours),
        f"{settings.sweeper.memory_mb}MB",
        settings.sweeper.threads,
        work,
        breaker,
    )


def repair_once(settings: Settings) -> Repaired:
    """Repair once. Raises `Refused`, `DiskFull`."""
    with disk.told({"state": settings.sweeper.state, "lake": settings.sweeper.lake}):
        judging = rules.load(settings.rules, settings.models)
        key = site_key(lambda _: None, settings.key.file)
        return _repair(settings, judging, key, means_of(settings, Breaker()))


class Daily:
    """Coverage once a day and at the start, repair in its hour of the night. What fails is told of and tried again."""

    def __init__(
        self,
        settings: Settings,
        judging: Judging,
        key: bytes,
        means: Means,
        metrics: SweeperMetrics,
        log: Log,
        now: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        """`judging`: all rules, whoever speaks for them. `now`: Asia/Shanghai."""
        self._settings = settings
        self._judging = judging
        self._key = key
        self._means = means
        self._metrics = metrics
        self._log = log
        self._now = now
        self._covered_on: date | None = None
        self._repaired_on: date | None = None

    def cover(self) -> None:
        """Publish coverage, where that is due."""
        today = self._now().date()
        if self._covered_on != today and is_lake(self._settings.sweeper.lake) and self._try(self._cover):
            self._covered_on = today

    def mend(self) -> None:
        """Repair, where that is due."""
        now = self._now()
        due = now.hour == self._settings.sweeper.repair_hour and self._repaired_on != now.date()
        if due and is_lake(self._settings.sweeper.lake) and self._try(self._mend):
            self._repaired_on = now.date()

    def _cover(self) -> None:
        found = published(open_lake(self._settings.sweeper.lake), self._judging, self._means)
        found.write(self._settings.sweeper.state / COVERAGE)
        self._metrics.covered(found.by_rule, len(found.silent))
        subjects = sum(judged + not_judged for judged, not_judged in found.by_rule.values())
        self._log.info(Event.COVERAGE, subjects=subjects, institutions=len(found.silent))

    def _mend(self) -> None:
        began = time.perf_counter()
        compared = _repair(self._settings, self._judging, self._key, self._means).compared
        self._metrics.repaired(len(compared.persons))
        ids = {rule.code: rule.rule_id for rule in self._judging.rulebook.rules}
        for code, counts in compared.by_rule.items():
            self._log.warning(Event.REPAIRED, rule_id=ids.get(code), differences=counts.total)
        seconds = round(time.perf_counter() - began, 3)
        self._log.info(Event.REPAIRED, persons=len(compared.persons), seconds=seconds)

    def _try(self, job: Callable[[], None]) -> bool:
        """Do what is not worth ending for where it fails. Returns whether it is done."""
        try:
            job()
        except BrokenOffError:
            return False
        except OtherRulesError:
            self._log.error(Event.OTHER_RULEBOOK)
            return False
        except Exception as error:
            if disk.is_full(error):
                raise
            self._log.error(Event.FAILED, error)
            return False
        return True


def _repair(settings: Settings, judging: Judging, key: bytes, means: Means) -> Repaired:
    how = Repairing(
        connection_of(settings),
        Layout(prefix=settings.kafka.topic_prefix),
        settings.worker.group,
        settings.sweeper.lake,
        judging.of_worker,
        key,
        means,
        timedelta(seconds=2 * settings.archiver.max_seconds),
    )
    with closing(open_state(settings.sweeper.state / STATE)) as con:
        repaired = repair(how, repairs.known(con))
        with stored(con):
            repairs.note(con, repaired.withdrawn)
    return repaired
