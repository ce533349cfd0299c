"""`fundwatch archive`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import click
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from streams.cli.connection import broker_options
from streams.cli.options import FOLDER, err, key, out
from streams.kafka.archiver import Progress, Task, archive
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS
from streams.lake import Appended


@click.command("archive")
@click.option("--lake", type=FOLDER, required=True, help="Folder of the lake; made where there is none.")
@broker_options
@click.option("--topic", help=f"Topic to archive (default: {EVENTS.name}, with the prefix).")
@click.option(
    "--group",
    default="fundwatch-archiver",
    show_default=True,
    help="Group under which the broker shows the lag.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0.1, 3600),
    default=60.0,
    show_default=True,
    help="A batch is written after this time.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(1 << 16, 1 << 32),
    default=64 << 20,
    show_default=True,
    help="A batch is written at this size of its messages.",
)
@click.option("--once", is_flag=True, help="End where the topic ended at the start.")
@click.option(
    "--accept-gap", is_flag=True, help="Go on although the topic no longer has what should come next."
)
def command(
    connection: Connection,
    prefix: str,
    lake: Path,
    topic: str | None,
    group: str,
    max_seconds: float,
    max_bytes: int,
    once: bool,
    accept_gap: bool,
) -> None:
    """Put a topic into a lake, continuously: each event once, whatever happens to this process.

    SIGTERM ends it when what it has is in the lake.
    """
    task = Task(
        topic=topic or f"{prefix}{EVENTS.name}",
        lake=lake,
        key=key(),
        group=group,
        max_seconds=max_seconds,
        max_bytes=max_bytes,
        once=once,
        accept_gap=accept_gap,
    )
    with _drained() as ended, _shown() as watcher:
        archived = archive(connection, task, watcher, ended.is_set)
    out.print(f"{archived:,} messages archived; the lake is {task.lake}")


@contextmanager
def _drained() -> Iterator[Event]:
    """An event that SIGTERM sets, in place of ending the process."""
    ended = Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _shown() -> Iterator[_Line]:
    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bar:
        yield _Line(bar)


class _Line:
    """A line on the terminal: what is archived and at what rate, what waits."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._begun = time.monotonic()
        self._files = 0

    def appended(self, done: Appended) -> None:
        self._files += done.files

    def merged(self) -> None:
        pass

    def progress(self, now: Progress) -> None:
        rate = now.archived / max(time.monotonic() - self._begun, 1e-9)
        self._bar.update(
            self._task,
            description=f"{now.archived:,} archived ({rate:,.0f}/s) in {self._files:,} files, "
            f"{now.held:,} held, {now.behind:,} behind",
        )

    def note(self, sentence: str) -> None:
        err.print(f"fundwatch: {sentence}", soft_wrap=True)
