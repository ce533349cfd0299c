"""`fundwatch lake build` and `fundwatch lake info`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import Progress, TaskID
from rich.table import Table

from detectors import engine
from streams.cli.options import FOLDER, Memory, bar, key, out
from streams.errors import Refused
from streams.lake import Lake, build_lake, open_lake


@click.group("lake")
def command() -> None:
    """The facts of event logs as Parquet: each event once, read many times faster than the logs."""


@command.command("build")
@click.argument("logs", nargs=-1, required=True, metavar="LOG…")
@click.option("--out", "folder", type=FOLDER, required=True, help="Folder of the lake.")
@click.option(
    "--append", is_flag=True, help="Add to the lake that is there; what it has already is a duplicate."
)
@click.option("--replace", is_flag=True, help="Write over an earlier lake.")
@click.option(
    "--memory", type=Memory(), default=engine.MEMORY_LIMIT, show_default=True, help="Memory for the engine."
)
@click.option("--processes", type=click.IntRange(1), help="Processes that decode logs (default: all cores).")
@click.option("--workspace", type=FOLDER, help="Folder for temporary files (default: beside the lake).")
def build(
    logs: tuple[str, ...],
    folder: Path,
    append: bool,
    replace: bool,
    memory: str,
    processes: int | None,
    workspace: Path | None,
) -> None:
    """Decode event logs (files, folders, - for standard input) into a lake."""
    if append and replace:
        raise Refused("--append adds to the lake, --replace writes over it: give one of them.")
    with bar("lake") as progress:
        report = build_lake(
            logs,
            folder,
            key(),
            append=append,
            replace_lake=replace,
            processes=processes,
            memory_limit=memory,
            workspace=workspace,
            on_progress=_Shown(progress),
        )
    out.print(report.counts.sentence())
    _tell(report.lake, folder)


@command.command("info")
@click.argument("folder", type=FOLDER, metavar="LAKE")
def info(folder: Path) -> None:
    """Say what is in a lake: logs, messages, rows by table."""
    lake = open_lake(folder)
    for source in lake.described():
        if "offsets" in source:
            first, end = source["offsets"]
            out.print(f"{source['name']}  offsets {first:,} to {end - 1:,}")
        else:
            out.print(f"{source['name']}  {source['bytes']:,} bytes  sha256 {source['sha256']}")
    out.print(lake.counts.sentence())
    _tell(lake, folder)


class _Shown:
    """Progress on the bar: one task a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total or None)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)


def _tell(lake: Lake, folder: Path) -> None:
    table = Table(title=f"{folder}", title_justify="left", pad_edge=False)
    table.add_column("table")
    for heading in ("rows", "files", "bytes", "months"):
        table.add_column(heading, justify="right")
    for name, parts in lake.manifest.parts.items():
        size = sum((folder / part.path).stat().st_size for part in parts)
        first, last = min(part.months[0] for part in parts), max(part.months[1] for part in parts)
        span = first if first == last else f"{first} … {last}"
        table.add_row(name, f"{sum(part.rows for part in parts):,}", f"{len(parts):,}", f"{size:,}", span)
    out.print(table)
