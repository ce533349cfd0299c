"""`fundwatch show`."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.options import FOLDER, err, key, out
from streams.pseudonyms import Pseudonyms
from streams.run import Run
from streams.show import find, render
from streams.unmasking import record


@click.command("show")
@click.argument("jr_id")
@click.option("--run", "folder", type=FOLDER, required=True, help="The folder that fundwatch replay wrote.")
@click.option(
    "--unmask", metavar="REASON", help="Persons' numbers in clear; the reason is recorded with the run."
)
def command(jr_id: str, folder: Path, unmask: str | None) -> None:
    """Show one alert, by its id or the beginning of it."""
    opened = Run.open(folder)
    alert = find(opened, jr_id)
    if unmask:
        record(folder, alert.jr_id, unmask)
        err.print(f"unmasked; the reason is recorded in {folder}")
    out.print(render(opened, alert, Pseudonyms(key(), unmask=bool(unmask))))
