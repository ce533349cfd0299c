"""`fundwatch archive`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from streams.cli.connection import service_options
from streams.cli.options import FOLDER, err, out
from streams.kafka.archiver import Progress, Watcher, archive
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS
from streams.lake import Appended, Tidied
from streams.operation.settings import Settings
from streams.operation.stopping import asked_to_stop
from streams.secrets import site_key


@click.command("archive")
@service_options
@click.option(
    "--lake", type=FOLDER, help="Folder of the lake, made where there is none (default: archiver.lake)."
)
@click.option("--topic", help=f"Topic to archive (default: {EVENTS.name}, with the prefix).")
@click.option("--once", is_flag=True, help="End where the topic ended at the start.")
@click.option(
    "--accept-gap", is_flag=True, help="Go on although the topic no longer has what should come next."
)
def command(
    settings: Settings,
    connection: Connection,
    prefix: str,
    lake: Path | None,
    topic: str | None,
    once: bool,
    accept_gap: bool,
) -> None:
    """Put a topic into a lake, continuously: each event once, whatever happens to this process.

    SIGTERM ends it when what it has is in the lake.
    """
    from streams.kafka.archiving import run_archiver, task_of

    task = task_of(settings, topic or f"{prefix}{EVENTS.name}")
    task = replace(task, lake=lake or task.lake, once=once, accept_gap=accept_gap)
    with asked_to_stop() as stop:
        if not once:
            raise SystemExit(int(run_archiver(settings, connection, task, stop)))
        secret = site_key(
            lambda sentence: err.print(f"fundwatch: {sentence}", soft_wrap=True), settings.key.file
        )
        with _shown() as watcher:
            archived = archive(connection, replace(task, key=secret), watcher, stop.is_set)
    out.print(f"{archived:,} messages archived; the lake is {task.lake}")


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


class _Line(Watcher):
    """A line on the terminal: what is archived and at what rate, what waits."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._begun = time.monotonic()
        self._files = self._merged = 0

    def appended(self, done: Appended) -> None:
        self._files += done.files

    def tidied(self, done: Tidied) -> None:
        self._merged += done.merged

    def progress(self, now: Progress) -> None:
        rate = now.archived / max(time.monotonic() - self._begun, 1e-9)
        self._bar.update(
            self._task,
            description=f"{now.archived:,} archived ({rate:,.0f}/s), {self._files:,} new files, {self._merged:,} merged, "
            f"{now.held:,} held, {now.behind:,} behind",
        )

    def gap(self, topic: str, partition: int, first_offset: int, last_offset: int) -> None:
        err.print(
            f"fundwatch: {topic}-{partition} no longer has offsets {first_offset} to {last_offset}: they are not archived.",
            soft_wrap=True,
        )

    def uncommitted(self) -> None:
        err.print(
            "fundwatch: the broker did not take the offsets; the lag that it shows is too large.",
            soft_wrap=True,
        )
