"""`fundwatch brake show`, `release`, `drop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace
from rich.table import Table

from streams.cli.options import CONFIG, out
from streams.errors import Refused

if TYPE_CHECKING:
    from streams.kafka.control import Control


@click.group("brake")
def command() -> None:
    """A worker stops and asks before it opens or retracts very many alerts at once."""


@command.command("show")
@CONFIG
def show(config: Path | None) -> None:
    """Show the brakes that are on: what would be said, by rule."""
    brakes = _control(config).brakes()
    if not brakes:
        out.print("No brake is on.")
        return
    table = Table(pad_edge=False)
    for heading in ("partition", "state", "rule", "opened", "changed", "retracted"):
        table.add_column(
            heading, justify="right" if heading in ("opened", "changed", "retracted") else "left"
        )
    for number, brake in sorted(brakes.items()):
        for code, kinds in sorted(brake.by_rule.items()):
            counts = [f"{kinds.get(kind, 0):,}" for kind in ("opened", "changed", "retracted")]
            table.add_row(str(number), brake.state, code, *counts)
    out.print(table)
    out.print("fundwatch brake release says it; fundwatch brake drop forgets it.")


@command.command("release")
@CONFIG
@click.option("--partition", type=click.IntRange(0), help="Only this one (default: all that are braked).")
def release(config: Path | None, partition: int | None) -> None:
    """Let the workers say what they found."""
    _answer(config, partition, "release")


@command.command("drop")
@CONFIG
@click.option("--partition", type=click.IntRange(0), help="Only this one (default: all that are braked).")
def drop(config: Path | None, partition: int | None) -> None:
    """Forget what was found: what was said before stands, until something new comes of a person."""
    _answer(config, partition, "drop")


def _answer(config: Path | None, partition: int | None, state: str) -> None:
    control = _control(config)
    brakes = control.brakes()
    chosen = {number: brake for number, brake in brakes.items() if partition in (None, number)}
    if not chosen:
        raise Refused("no brake is on there; fundwatch brake show lists those that are.")
    for number, brake in sorted(chosen.items()):
        control.set_brake(number, replace(brake, state=state))
        out.print(
            f"partition {number}: {state} {brake.changes:,} changes; its worker does so within seconds."
        )


def _control(config: Path | None) -> Control:
    from streams.kafka.control import Control
    from streams.kafka.settings import connection_of
    from streams.kafka.topics import Layout
    from streams.operation.reading import read

    settings = read(config).settings
    return Control(connection_of(settings), Layout(prefix=settings.kafka.topic_prefix), settings.worker.group)
