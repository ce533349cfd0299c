"""What a service shows of itself besides its work: log, health, metrics, and a watchdog that ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from streams.operation.endpoint import Endpoint
from streams.operation.events import Event
from streams.operation.exits import Exit
from streams.operation.health import Condition, Health
from streams.operation.instruments import Instruments
from streams.operation.logging import Log, setup
from streams.operation.metrics import Build, ProcessMetrics, instruments
from streams.operation.settings import Settings
from streams.operation.watchdog import Watchdog


@dataclass(frozen=True)
class Shown:
    """Where a service tells of itself."""

    log: Log
    health: Health
    instruments: Instruments
    watchdog: Watchdog

    @property
    def code(self) -> Exit:
        """The exit code of a service that has drained."""
        return self.watchdog.code


@contextmanager
def shown(
    settings: Settings,
    name: str,
    drain: Callable[[], None],
    *,
    places: Mapping[str, Path],
    topics: Iterable[str],
    needs: Iterable[Condition] = (),
) -> Iterator[Shown]:
    """Show a service without rules for as long as the block lasts. `drain`: has it end in order. `places`: name → folder
    it writes to. Raises `Refused` where its port is taken."""
    log = setup(settings.logging, name, words={"topic": topics})
    health = Health(needs, settings.limits.stall_seconds)
    made = instruments()
    limit = settings.limits.rss_mb << 20
    ProcessMetrics(
        made,
        Build(name, version("fundwatch"), ""),
        ready=lambda: health.ready().good,
        places=places,
        rss_limit_bytes=limit,
    )

    def end() -> None:
        health.draining()
        drain()

    with (
        Endpoint(settings.http, health, made.registry),
        Watchdog(health, log, end, rss_limit_bytes=limit) as watchdog,
    ):
        log.info(Event.STARTED)
        yield Shown(log, health, made, watchdog)
        log.info(Event.STOPPED)
