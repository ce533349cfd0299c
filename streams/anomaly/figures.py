"""Plots as PNG, drawn without a screen. matplotlib is loaded only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streams.anomaly.evaluation import ATTENTION, Evaluation
from streams.anomaly.measures import among_equals, gain

#: Colour, style and width of a list's line: the model's, total money's, money per patient's.
_STYLES = (("#c0392b", "-", 2.2), ("#2c3e50", "--", 1.4), ("#7f8c8d", "-.", 1.4))


def gains(evaluation: Evaluation, path: Path) -> None:
    """Share of those whom the truth names that is reached after a share of the list: of all, and among those of equal size."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    plain, equal = figure.subplots(1, 2, sharey=True)
    for (color, style, width), one in zip(_STYLES, evaluation.lists, strict=True):
        shares = [n / len(evaluation.truth) for n in range(len(evaluation.truth) + 1)]
        for axes, scores, auc in (
            (plain, one.scores, one.quality.auc),
            (equal, among_equals(one.scores, evaluation.strata), one.quality.size_auc),
        ):
            reached = gain(scores, evaluation.truth)
            axes.plot(
                shares,
                reached,
                color=color,
                linestyle=style,
                linewidth=width,
                label=f"{one.name} (AUC {auc:.2f})",
            )
    plain.set_title(f"{evaluation.subject_type}s by {evaluation.model}")
    equal.set_title(f"ranked among those of equal size ({evaluation.size})")
    plain.set_ylabel("share of the named that is reached")
    for axes in (plain, equal):
        axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, label="chance")
        axes.axvline(ATTENTION, color="#dddddd", linewidth=1)
        axes.set_xlabel("share of the list that is looked at")
        _finish(axes)
    figure.savefig(path, dpi=120)


def strengths(
    recall: Mapping[str, Mapping[float, float]],
    path: Path,
    *,
    title: str = "Recall against strength",
    bold: Sequence[str] = (),
) -> None:
    """Recall within the attention, against the strength of what was planted, a line a kind; `bold` ones stand out."""
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for kind, values in sorted(recall.items()):
        xs = sorted(values)
        strong = kind in bold
        axes.plot(xs, [values[x] for x in xs], marker="o", label=kind.replace("_", " "), linewidth=3.0 if strong else 1.0,
                  color="black" if strong else None)  # fmt: skip
    axes.set_xscale("log", base=2)
    ticks = sorted({x for values in recall.values() for x in values})
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("strength")
    axes.set_ylabel("share that is reached")
    axes.set_title(title)
    _finish(axes)
    figure.savefig(path, dpi=120)


def _finish(axes: Axes) -> None:
    axes.grid(color="#eeeeee")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8)
