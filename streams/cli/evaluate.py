"""`fundwatch evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.table import Table

from streams.anomaly import textplots
from streams.anomaly.evaluation import ATTENTION, Evaluation, Ranked, as_json, evaluate, figures
from streams.anomaly.measures import among_equals, gain
from streams.anomaly.reading import read_scores, read_truth
from streams.cli.options import FOLDER, out

#: Parts of the table of measures: what is shown, and its name in evaluation.json.
_PARTS = {
    "the whole list": (
        ("AUC", "auc"),
        ("average precision", "average_precision"),
        *(
            (f"{name} at {cut} %", f"{name}_at_{cut}")
            for cut in (1, 5, 10)
            for name in ("precision", "recall", "lift")
        ),
    ),
    "among equal size": (
        ("AUC", "auc_equal_size"),
        *(
            (f"{name} at {cut} %", f"{name}_at_{cut}_equal_size")
            for cut in (1, 5, 10)
            for name in ("precision", "lift")
        ),
    ),
}


@click.command("evaluate")
@click.argument("scores", type=FOLDER)
@click.option("--truth", type=FOLDER, required=True, help="CSV: who is and who is not, a row a subject.")
@click.option("--subject-type", default="institution", show_default=True, help="Whose scores.")
@click.option("--model", default="overall", show_default=True, help="By which model.")
@click.option(
    "--size",
    type=click.Choice(["patients", "money", "cases"]),
    default="patients",
    show_default=True,
    help="What makes two subjects equally large.",
)
@click.option("--strata", type=click.IntRange(1), default=10, show_default=True, help="Groups of equal size.")
@click.option(
    "--bootstrap",
    "repeats",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Samples for intervals.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the samples.")
@click.option("--subject-column", help="The truth's column of subjects, where it has an unusual name.")
@click.option("--label-column", help="The truth's column of labels, where it has an unusual name.")
@click.option(
    "--out",
    "folder",
    type=FOLDER,
    help="Folder for evaluation.json and the plots (default: evaluation, beside the scores).",
)
def command(
    scores: Path,
    truth: Path,
    subject_type: str,
    model: str,
    size: str,
    strata: int,
    repeats: int,
    seed: int,
    subject_column: str | None,
    label_column: str | None,
    folder: Path | None,
) -> None:
    """Compare scores with a truth: how good the list is, beside lists by total money and by money per patient.

    "At equal size" ranks everyone among those of about as many patients: what is left of a list when size says nothing.
    """
    from streams.anomaly import figures as pictures  # matplotlib takes its time

    found = evaluate(
        read_scores(scores, subject_type, model),
        read_truth(truth, subject_type, subject_column, label_column),
        subject_type=subject_type, model=model, size=size, strata=strata, repeats=repeats, seed=seed,
    )  # fmt: skip
    folder = folder or (scores if scores.is_dir() else scores.parent) / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "evaluation.json", folder / "gains.png"]
    written[0].write_text(json.dumps(as_json(found), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    pictures.gains(found, written[1])
    if recall := _recall(found):
        written.append(folder / "strengths.png")
        pictures.strengths(
            recall, written[-1], title=f"Reached in the first {ATTENTION:.0%} of the list, at equal size"
        )
    _show(found)
    out.print("\nwritten: " + ", ".join(map(str, written)), soft_wrap=True)


def _show(found: Evaluation) -> None:
    named = int(found.truth.sum())
    out.print(
        f"{len(found.subjects):,} of the type {found.subject_type}, {named:,} of them labelled yes ({named / len(found.subjects):.1%}); "
        f"not scored, ranked last: {found.unscored:,}; in the truth only: {found.unseen:,}; scored only: {found.untold:,}",
        soft_wrap=True,
    )
    out.print(
        f"equal size: by {found.size}, {len(set(found.strata.tolist()))} groups of about equal numbers; in brackets the middle 95 % of "
        f"{found.repeats} bootstrap samples, seed {found.seed}",
        soft_wrap=True,
    )
    table = Table(pad_edge=False)
    table.add_column("")
    for one in found.lists:
        table.add_column(one.name, justify="right", no_wrap=True)
    for part, rows in _PARTS.items():
        table.add_section()
        table.add_row(part, style="bold")
        for title, name in rows:
            table.add_row(f" {title}", *(_cell(one, name) for one in found.lists))
    out.print(table)
    for title, ranked in (
        ("reached, by share of the list that is looked at", {one.name: one.scores for one in found.lists}),
        (
            "the same among those of equal size",
            {one.name: among_equals(one.scores, found.strata) for one in found.lists},
        ),
    ):
        series = {name: gain(scores, found.truth) for name, scores in ranked.items()}
        out.print(f"\n{textplots.curves(series, across='of the list', up=title)}")
    if found.found:
        out.print(f"\nwho stands in the first {ATTENTION:.0%}, at equal size")
        kinds = [
            (
                f"{'' if one.label else 'honest: '}{one.kind.replace('_', ' ')}{f' × {one.strength:g}' if one.strength else ''}",
                one.size_taken / one.subjects,
                f"{one.size_taken:.3g} of {one.subjects} (whole list: {one.taken:.3g})",
            )
            for one in found.found
        ]
        out.print(textplots.bars(kinds, width=24))


def _cell(one: Ranked, name: str) -> str:
    value, interval = figures(one.quality)[name], one.intervals[name]
    return "–" if value != value else f"{value:.2f} ({interval.low:.2f}–{interval.high:.2f})"


#: The line of the plot that is of all kinds together.
_ALL = "all kinds"


def _recall(found: Evaluation) -> dict[str, dict[float, float]]:
    """By kind of plant and strength, and over all kinds, the share that stands in the first of the list at equal size."""
    counts: dict[str, dict[float, tuple[float, int]]] = {}
    for one in found.found:
        if one.label and one.strength:
            for kind in (one.kind, _ALL):
                taken, of = counts.setdefault(kind, {}).get(one.strength, (0.0, 0))
                counts[kind][one.strength] = (taken + one.size_taken, of + one.subjects)
    return {
        kind: {strength: taken / of for strength, (taken, of) in values.items()}
        for kind, values in counts.items()
    }
