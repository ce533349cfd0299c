"""`fundwatch config show` and `fundwatch config check`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from streams.cli.options import CONFIG, out
from streams.operation.reading import read


@click.group()
def command() -> None:
    """The settings of the live services: from a file and the environment, checked."""


@command.command("show")
@CONFIG
def show(config: Path | None) -> None:
    """Show every setting with its value and where that came from. Secrets are shown as "set"."""
    table = Table(pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for row in read(config).shown():
        table.add_row(*row)
    out.print(table)


@command.command("check")
@CONFIG
def check(config: Path | None) -> None:
    """Say every mistake in the settings, one sentence each; exit code 2 where there is one."""
    found = read(config)
    given = sum(origin != "default" for origin in found.origins.values())
    out.print(f"{given} settings given, {len(found.origins) - given} by default; nothing is wrong.")
