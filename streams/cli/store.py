"""`fundwatch store`: load a run, fill from Kafka."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.options import FOLDER, bar, out, store_option
from streams.run import Run


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
