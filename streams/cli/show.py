"""`fundwatch show`."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.options import FOLDER, err, key, out
from streams.errors import Refused
from streams.pseudonyms import Pseudonyms
from streams.run import Run
from streams.show import facts_of, find, render
from streams.unmasking import record


@click.command("show")
@click.argument("jr_id")
@click.option("--run", "folder", type=FOLDER, help="The folder that fundwatch replay wrote.")
@click.option("--store", "url", metavar="URL", help="Or an alert store: its last revision, and the history.")
@click.option(
    "--unmask",
    metavar="REASON",
    help="Persons' numbers in clear; the reason is recorded with the run, or in the store.",
)
def command(jr_id: str, folder: Path | None, url: str | None, unmask: str | None) -> None:
    """Show one alert of a run or of a store, by its id or the beginning of it."""
    if (folder is None) == (url is None):
        raise Refused("say where the alert is: --run FOLDER, or --store URL.")
    if folder is not None:
        _of_run(jr_id, folder, unmask)
    if url is not None:
        _of_store(jr_id, url, unmask)


def _of_run(jr_id: str, folder: Path, unmask: str | None) -> None:
    opened = Run.open(folder)
    alert = find(opened, jr_id)
    if unmask:
        record(folder, alert.jr_id, unmask)
        err.print(f"unmasked; the reason is recorded in {folder}")
    out.print(render(alert, facts_of(opened, alert), Pseudonyms(key(), unmask=bool(unmask))))


def _of_store(jr_id: str, url: str, unmask: str | None) -> None:
    from streams.store import show
    from streams.store.reading import AlertReader
    from streams.store.writing import AlertStore

    with AlertReader(url) as reader:
        held = reader.find(jr_id)
        said = reader.history(held.alert.jr_id)
        facts = show.last_evidence(reader, said)
    if unmask:
        with AlertStore(url) as store:
            store.record_unmasking(held.alert.jr_id, unmask)
        err.print(f"unmasked; the reason is recorded in {store.place}", soft_wrap=True)
    names = Pseudonyms(key(), unmask=bool(unmask))
    out.print(render(held.alert, facts, names, also=show.retracted(held)))
    out.print(show.history(said))
