"""`fundwatch simulate`."""

from __future__ import annotations

import json
import time
from datetime import date, datetime
from pathlib import Path
from typing import cast

import click

from streams.cli.options import FOLDER, bar, out
from streams.errors import Refused
from streams.simulate import World, write
from streams.simulate.world import INSTITUTIONS
from streams.simulate.writer import Compression


@click.command("simulate")
@click.option(
    "--persons", type=click.IntRange(1), default=2000, show_default=True, help="Residents of the county."
)
@click.option("--days", type=click.IntRange(1), default=180, show_default=True, help="Length of the log.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed gives the same log."
)
@click.option(
    "--out",
    "folder",
    type=FOLDER,
    required=True,
    help="Folder for events/, truth.jsonl, world.json, README.txt.",
)
@click.option(
    "--start", type=click.DateTime(["%Y-%m-%d"]), default="2026-01-01", show_default=True, help="First day."
)
@click.option("--clean", is_flag=True, help="No fraud and no look-alikes: ordinary life only.")
@click.option("--compress", type=click.Choice(["zst", "gz", "none"]), default="zst", show_default=True)
@click.option(
    "--noise", type=click.FloatRange(0, 5), default=1.0, show_default=True, help="How disorderly the log is."
)
@click.option(
    "--anomalies",
    is_flag=True,
    help="Many more institutions; some, and some doctors, do what no exact rule decides (with --clean none). Writes truth.csv.",
)
@click.option(
    "--institutions",
    type=click.IntRange(*INSTITUTIONS),
    default=120,
    show_default=True,
    help="With --anomalies: how many more.",
)
def command(
    persons: int,
    days: int,
    seed: int,
    folder: Path,
    start: datetime,
    clean: bool,
    compress: str,
    noise: float,
    anomalies: bool,
    institutions: int,
) -> None:
    """Write the event log of an invented county, with planted fraud, innocent look-alikes, and the truth about them.

    The log is out of order, has duplicates, corrections, cancellations and a few broken lines, as a real one does.
    """
    try:
        world = World(
            persons,
            days,
            seed,
            date(start.year, start.month, start.day),
            not clean,
            noise,
            anomalies,
            institutions,
        )
    except ValueError as error:
        raise Refused(str(error)) from error
    begun = time.perf_counter()
    with bar("simulate") as progress:
        tasks = {}

        def shown(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        try:
            manifest = write(world, folder, compression=cast(Compression, compress), progress=shown)
        except FileExistsError as error:
            raise Refused(str(error)) from error
    seconds = time.perf_counter() - begun
    lines = cast(int, manifest["lines"])
    out.print(f"{lines:,} lines in {seconds:.1f} s ({lines / seconds:,.0f} lines/s); written to {folder}")
    for code, kinds in cast(dict[str, dict[str, int]], manifest["plants"]).items():
        out.print(f"  {code}  {json.dumps(kinds)[1:-1]}")
