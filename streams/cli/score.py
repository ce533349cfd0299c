"""`fundwatch score`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from streams.cli.options import FOLDER, KNOWLEDGE, MEMORY, THREADS, WORKSPACE, Moment, bar, key, out
from streams.cli.progress import Shown


@click.command("score")
@click.argument("inputs", nargs=-1, required=True, metavar="LOG…|LAKE|LEDGER")
@click.option(
    "--models", "models_folder", type=FOLDER, required=True, help="Folder that fundwatch train wrote."
)
@click.option(
    "--out", "folder", type=FOLDER, required=True, help="Folder for the scores; must not be there yet."
)
@click.option("--replace", is_flag=True, help="Write over earlier scores.")
@click.option("--as-of", type=Moment(), help="What the platform saw later does not exist.")
@click.option(
    "--budget",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Subjects of each type whose alerts are written.",
)
@click.option(
    "--top", type=click.IntRange(0), default=10, show_default=True, help="Subjects of each type shown here."
)
@KNOWLEDGE
@MEMORY
@THREADS
@WORKSPACE
def command(
    inputs: tuple[str, ...], models_folder: Path, folder: Path, replace: bool, as_of: datetime | None, budget: int, top: int,
    knowledge_folders: tuple[Path, ...], memory: str, threads: int | None, workspace: Path | None,
) -> None:  # fmt: skip
    """Score institutions, practitioners and stays with trained models.

    Writes scores.csv (all scores; the model `overall` is the one list to work down), alerts.jsonl (of the subjects that
    there is time for) and scores.json.
    """
    from rules import knowledge, rulebook
    from rules.rulebook import Rulebook
    from streams.anomaly.material import Source
    from streams.anomaly.score import score
    from streams.live.rules import load_models

    models = load_models(models_folder)
    every = rulebook.load().running()
    rules = Rulebook(tuple(rule for rule in every.rules if rule.models))
    source = Source(inputs, key(), as_of, memory, threads, workspace)
    with bar("score") as progress:
        scored = score(
            source, models, folder, rules, knowledge.load(*knowledge_folders), budget=budget, replace=replace,
            on_progress=Shown(progress),
        )  # fmt: skip
    frame = scored.frame
    listed = frame[(frame["model"] == "overall") & frame["score"].notna()]
    for kind, rows in listed.groupby("subject_type"):
        shown = Table(title=f"{kind}: {len(rows):,}", title_justify="left", pad_edge=False, expand=True)
        for heading, side in (("rank", "right"), ("score", "right"), ("subject", "left"), ("cases", "right")):
            shown.add_column(heading, justify=side, no_wrap=True)  # type: ignore[arg-type]
        shown.add_column("reason", ratio=1, overflow="fold")
        for row in rows.head(top).itertuples():
            shown.add_row(str(row.rank), f"{row.score:.3f}", row.subject, f"{row.cases:,}", row.reason)
        out.print(shown)
    out.print(
        f"{len(frame):,} scores and {len(scored.alerts):,} of {scored.found:,} alerts written to {folder}"
        f" (models {models.hash} as of {models.as_of:%Y-%m-%d})"
    )
