"""`fundwatch import`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import Progress, TaskID
from rich.table import Table

from streams.cli.options import FOLDER, bar, key, out
from streams.imports import mapping as mappings
from streams.imports.convert import Report, import_tables
from streams.ledger_files import REJECTS


@click.command("import")
@click.argument("tables", nargs=-1, required=True, type=FOLDER, metavar="TABLES…")
@click.option(
    "--mapping", "mapping_name", required=True, help="Mapping file, or the name of a shipped one (claims_us)."
)
@click.option(
    "--out", "folder", type=FOLDER, required=True, help="Folder for the ledger; must not be there yet."
)
@click.option("--replace", is_flag=True, help="Write over an earlier ledger.")
def command(tables: tuple[Path, ...], mapping_name: str, folder: Path, replace: bool) -> None:
    """Turn exported tables (CSV, Excel, Parquet; files or folders) into a ledger that replay judges.

    The mapping says which file fills which ledger table, column by column: docs/import.md.
    """
    mapping = mappings.load(mappings.find(mapping_name))
    with bar("import") as progress:
        report = import_tables(mapping, tables, folder, key(), replace=replace, on_progress=_Shown(progress))
    _tell(report, folder)


class _Shown:
    """Progress on the bar: reading counts bytes, so that the time left is that of the files."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        kind = stage.partition(" ")[0]
        if kind not in self._tasks:
            self._tasks[kind] = self._progress.add_task(kind, total=total)
        self._progress.update(self._tasks[kind], completed=done, total=total, description=stage)


def _tell(report: Report, folder: Path) -> None:
    rows = Table(title="Rows of the source", title_justify="left", pad_edge=False)
    rows.add_column("source")
    for heading in ("read", "imported", "filtered", "duplicates", "rejected"):
        rows.add_column(heading, justify="right")
    for one in report.sources:
        numbers = (one.read, one.imported, one.filtered, one.duplicates, one.rejected)
        rows.add_row(one.source, *(f"{number:,}" for number in numbers))
    ledger = Table(title="Rows of the ledger", title_justify="left", pad_edge=False)
    ledger.add_column("table")
    ledger.add_column("rows", justify="right")
    for table, count in report.tables.items():
        ledger.add_row(table, f"{count:,}")
    out.print(rows)
    out.print(ledger)
    if report.rejects:
        out.print(f"{report.rejects:,} rows were rejected; why is in {folder / REJECTS}")
