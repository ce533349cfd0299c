"""`fundwatch store`: load a run, fill from Kafka."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from streams.cli.connection import service_options
from streams.cli.options import FOLDER, bar, err, out, store_option
from streams.errors import Refused
from streams.kafka.settings import Connection
from streams.operation.settings import Settings
from streams.run import Run

if TYPE_CHECKING:
    from streams.kafka.store_filler import Filling


@click.group("store")
def command() -> None:
    """Fill an alert store: from a replay's run, or from the topic of changes."""


@command.command("load")
@click.argument("folder", type=FOLDER, metavar="RUN")
@store_option
def load_(folder: Path, url: str) -> None:
    """Load the run that fundwatch replay wrote; of a second run of the same history, what differs from the first."""
    from streams.store.load import load
    from streams.store.writing import AlertStore

    run = Run.open(folder)
    with AlertStore(url) as store, bar("load") as progress:
        task = progress.add_task("changes", total=None)
        loaded = load(store, run, lambda done, total: progress.update(task, completed=done, total=total))
    out.print(
        f"opened {loaded.opened:,}  changed {loaded.changed:,}  retracted {loaded.retracted:,}; stored in {store.place}",
        soft_wrap=True,
    )


@command.command("fill")
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="The alert store: sqlite:///FILE or postgresql://USER@HOST/DATABASE (default: store.url of the settings).",
)
@service_options
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="Records of a transaction, at most.",
)
@click.option("--once", is_flag=True, help="Stop at the end that the topic has now.")
@click.option(
    "--from-start",
    is_flag=True,
    help="With --once: from the first record on, whatever the store has read already.",
)
@click.option(
    "--pass-over",
    multiple=True,
    metavar="PARTITION:OFFSET",
    help="Leave out a record that is no change of an alert (repeatable).",
)
def fill_(
    url: str | None,
    settings: Settings,
    connection: Connection,
    prefix: str,
    batch: int,
    once: bool,
    from_start: bool,
    pass_over: tuple[str, ...],
) -> None:
    """Take what is said on supervision.alert-changes into the store, until SIGTERM or Ctrl-C: what was fetched is
    stored first."""
    from streams.kafka.store_filler import Filling
    from streams.kafka.store_filling import run_filler
    from streams.kafka.topics import CHANGES
    from streams.operation.stopping import asked_to_stop

    if from_start and not once:
        raise click.UsageError("--from-start goes with --once")
    if url is not None:
        settings = replace(settings, store=replace(settings.store, url=url))
    topic, places = f"{prefix}{CHANGES.name}", frozenset(_place(one) for one in pass_over)
    with asked_to_stop() as stop:
        if not once:
            raise SystemExit(
                int(run_filler(settings, connection, topic, stop, pass_over=places, batch=batch))
            )
        _fill_once(
            settings.store.url,
            connection,
            Filling(
                topic=topic, batch=batch, once=True, from_start=from_start, pass_over=places, gone=_tell_gone
            ),
            stop,
        )


def _fill_once(url: str, connection: Connection, filling: Filling, stop: Event) -> None:
    from streams.kafka import clients
    from streams.kafka.store_filler import OPTIONS, fill
    from streams.store.writing import AlertStore

    with AlertStore(url) as store, clients.consumer(connection, **OPTIONS) as consumer:
        filled = fill(store, consumer, filling, stop)
    out.print(
        f"{filled.records:,} records: {filled.added:,} changes added, {filled.repeated:,} there already; stored in {store.place}",
        soft_wrap=True,
    )
    if filled.contradicted:
        err.print(
            f"fundwatch: {filled.contradicted:,} changes say other things than what the store has under their number; "
            "what was said first stands",
            soft_wrap=True,
        )


def _tell_gone(partition: int, first: int, last: int) -> None:
    err.print(
        f"fundwatch: partition {partition} no longer has records {first} to {last}, which the store has not read",
        soft_wrap=True,
    )


def _place(text: str) -> tuple[int, int]:
    partition, colon, offset = text.partition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal()):
        raise Refused(f"--pass-over {text}: write PARTITION:OFFSET, as in 0:1234.")
    return int(partition), int(offset)
