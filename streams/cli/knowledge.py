"""`fundwatch knowledge`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from rules.yamltext import SourceError
from streams.cli.options import FOLDER, out
from streams.errors import Refused


@click.group()
def command() -> None:
    """Import published knowledge points."""


@command.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--out",
    "folder",
    type=FOLDER,
    required=True,
    help="Folder for the tables; a replay takes it with --knowledge.",
)
@click.option("--batch", help="Batch of workbooks whose name does not state it: 1 to 17, or revised.")
def import_points(files: tuple[Path, ...], folder: Path, batch: str | None) -> None:
    """Read published knowledge points (.xlsx as published, or a structured .json) into knowledge tables.

    Says which points it could not use and why; unused/points.csv in the folder lists them one by one.
    """
    from rules.knowledge.published import read_published, unused, write_tables

    try:
        points = read_published(files, batch)
    except SourceError as error:
        raise Refused(str(error)) from error
    written = write_tables(points, folder)
    reasons = unused(points)
    if reasons:
        table = Table(title="Points that cannot be used", title_justify="left", pad_edge=False)
        table.add_column("rule")
        table.add_column("why")
        table.add_column("points", justify="right")
        for (rule_class, reason), count in sorted(reasons.items()):
            table.add_row(rule_class, reason, str(count))
        out.print(table)
    left = sum(reasons.values())
    out.print(
        f"{len(points)} points read, {len(points) - left} usable, {left} not (listed in {folder}/unused/points.csv)"
    )
    out.print(", ".join(f"{name}: {rows} rows" for name, rows in written.items()) + f" → {folder}")
