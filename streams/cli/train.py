"""`fundwatch train`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from streams.cli.options import FOLDER, KNOWLEDGE, MEMORY, THREADS, WORKSPACE, Moment, bar, key, out
from streams.cli.progress import Shown


@click.command("train")
@click.argument("inputs", nargs=-1, required=True, metavar="LOG…|LAKE|LEDGER")
@click.option("--as-of", type=Moment(), required=True, help="What the platform saw later does not exist.")
@click.option(
    "--out", "folder", type=FOLDER, required=True, help="Folder for the models; must not be there yet."
)
@click.option("--replace", is_flag=True, help="Write over earlier models.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="The same seed gives the same models.",
)
@KNOWLEDGE
@MEMORY
@THREADS
@WORKSPACE
def command(
    inputs: tuple[str, ...], as_of: datetime, folder: Path, replace: bool, seed: int, knowledge_folders: tuple[Path, ...],
    memory: str, threads: int | None, workspace: Path | None,
) -> None:  # fmt: skip
    """Train the anomaly models on a history, with a model card each.

    Baselines rest on months that were over ten days before --as-of. Models that the data do not suffice for are left out,
    and it is said why.
    """
    from rules import knowledge
    from streams.anomaly.material import Source
    from streams.anomaly.training import train

    source = Source(inputs, key(), memory_limit=memory, threads=threads, workspace=workspace)
    with bar("train") as progress:
        trained = train(
            source, as_of, folder, knowledge.load(*knowledge_folders), seed=seed, replace_it=replace,
            on_progress=Shown(progress),
        )  # fmt: skip
    shown = Table(pad_edge=False)
    for heading, side in (
        ("model", "left"),
        ("hash", "left"),
        ("scored", "right"),
        ("at the line", "right"),
        ("seconds", "right"),
    ):
        shown.add_column(heading, justify=side)  # type: ignore[arg-type]
    for name, model in trained.models.models.items():
        score = trained.scores[name]["score"].to_pandas()
        shown.add_row(
            name,
            model.hash,
            f"{score.notna().sum():,}",
            f"{(score >= 0.9).sum():,}",
            f"{trained.seconds[name]:.1f}",
        )
    out.print(shown)
    for name, why in trained.skipped.items():
        out.print(f"{name} was not trained: {why}")
    out.print(f"models {trained.models.hash} written to {folder}; read the cards in {folder / 'cards'}")
