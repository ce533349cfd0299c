"""Worlds with fraud that no rule decides: who stands at the top of the list, at equal size, by kind and by strength."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.anomaly.models import rows, scored
from benchmarks.anomaly.settings import Settings
from benchmarks.anomaly.worlds import county, world
from streams.anomaly import figures, textplots
from streams.anomaly.evaluation import ATTENTION, Evaluation, evaluate
from streams.anomaly.measures import CUTS, among_equals, first

#: Shares of the list at which recall is told.
_LOOKED_AT = (0.05, 0.10, 0.20)


def run(settings: Settings, console: Console) -> dict[str, object]:
    """Judge worlds with fraud; tables, plots and the figures."""
    found: dict[tuple[str, str], list[Evaluation]] = defaultdict(list)
    kinds: dict[str, list[tuple[Evaluation, list[str], list[float]]]] = defaultdict(list)
    for seed in track(range(1, settings.fraud_seeds + 1), "with fraud", console=console, transient=True):
        here = county(
            world(seed, fraud=True, institutions=settings.institutions, days=settings.days), settings.keep
        )
        for name, table in scored(here).items():
            for kind in ("institution", "practitioner"):
                told, some = here.told(kind), rows(here, table, kind)
                if len({told[one.subject].label for one in some if one.subject in told}) < 2:
                    continue
                one = evaluate(some, told, subject_type=kind, model=name, repeats=0)
                found[kind, name].append(one)
                if name == "overall":
                    kinds[kind].append(
                        (one, [told[s].kind for s in one.subjects], [told[s].strength for s in one.subjects])
                    )
    figures_told: dict[str, object] = {}
    _quality(found, console, figures_told)
    for kind, judged in kinds.items():
        _reached(kind, judged, settings, console, figures_told)
    return figures_told


def _quality(
    found: dict[tuple[str, str], list[Evaluation]], console: Console, told: dict[str, object]
) -> None:
    worlds = max(len(some) for some in found.values())
    table = Table(title=f"fraud: means over {worlds} worlds", title_justify="left")
    for title in ("whose", "list", "AUC", "AUC, equal size", "average precision", "precision 5%", *(f"precision {cut:.0%}, equal size" for cut in CUTS),
                  "chance", "times chance at 5%"):  # fmt: skip
        table.add_column(title, justify="left" if title in ("whose", "list") else "right")
    for (kind, name), some in sorted(found.items()):
        for place, ranked in enumerate(some[0].lists):
            if place and name != "overall":
                continue  # the baselines are the same beside every model
            every = [one.lists[place].quality for one in some]
            cuts = [[one.cuts[n] for one in every] for n in range(len(CUTS))]
            chance = float(np.mean([cut.size_chance for cut in cuts[1]]))
            precisions = [float(np.mean([cut.size_precision for cut in some_cuts])) for some_cuts in cuts]
            means = [
                float(np.mean([getattr(one, field) for one in every]))
                for field in ("auc", "size_auc", "average_precision")
            ]
            means.append(float(np.mean([cut.precision for cut in cuts[1]])))
            times = precisions[1] / chance if chance else float("nan")
            table.add_row(
                kind,
                ranked.name,
                *(f"{value:.3f}" for value in (*means, *precisions, chance)),
                f"{times:.1f}",
            )
            told[f"{kind} {ranked.name}"] = {
                "auc": means[0], "auc_equal_size": means[1], "average_precision": means[2], "precision_at_5%": means[3],
                **{f"precision_at_{cut:.0%}_equal_size": value for cut, value in zip(CUTS, precisions, strict=True)},
                "chance": chance, "times_chance_at_5%": times,
            }  # fmt: skip
    console.print(table)


def _reached(
    kind: str,
    some: list[tuple[Evaluation, list[str], list[float]]],
    settings: Settings,
    console: Console,
    told: dict[str, object],
) -> None:
    """Recall by strength, and which honest ones stand in the first of the list."""
    reached: dict[float, dict[tuple[str, float], float]] = {share: defaultdict(float) for share in _LOOKED_AT}
    there: Counter[tuple[str, float]] = Counter()
    honest: Counter[str] = Counter()
    honest_first: dict[str, float] = defaultdict(float)
    for one, names, strengths in some:
        scores = one.lists[0].scores
        for share in _LOOKED_AT:
            taken = first(among_equals(scores, one.strata), max(1, round(share * len(scores))))
            for n, key in enumerate(zip(names, strengths, strict=True)):
                if one.truth[n]:
                    reached[share][key] += float(taken[n])
                    there[key] += share == _LOOKED_AT[0]
        plain = first(np.nan_to_num(scores, nan=-np.inf), max(1, round(ATTENTION * len(scores))))
        for n, name in enumerate(names):
            if not one.truth[n]:
                honest[name] += 1
                honest_first[name] += float(plain[n])
    console.print(
        f"\n{kind}s reached in the first of the list, at equal size, by strength of what was planted"
    )
    everything = {
        share: {
            strength: sum(v for (_, s), v in by.items() if s == strength)
            / sum(v for (_, s), v in there.items() if s == strength)
            for strength in sorted({s for _, s in there})
        }
        for share, by in reached.items()
    }
    lines = [
        (f"first {share:.0%} × {strength:g}", value, f"{value:.2f}")
        for share, values in everything.items()
        for strength, value in values.items()
    ]
    console.print(textplots.bars(lines))
    tenth = {
        name: {
            strength: reached[0.10][name, strength] / there[name, strength]
            for (other, strength) in there
            if other == name
        }
        for name in sorted({name for name, _ in there})
    }
    table = Table(
        title=f"{kind}s: share reached in the first 10 %, by kind and strength (how many were planted)",
        title_justify="left",
    )
    table.add_column("kind")
    columns = sorted({strength for _, strength in there})
    for strength in columns:
        table.add_column(f"× {strength:g}", justify="right")
    for name, values in tenth.items():
        table.add_row(name, *(f"{values[s]:.2f} ({there[name, s]})" if s in values else "–" for s in columns))
    console.print(table)
    path = settings.out / f"recall-{kind}.png"
    figures.strengths({**tenth, "all kinds": everything[0.10]}, path, bold=("all kinds",),
                      title=f"{kind}s: share reached in the first 10 % of the list, at equal size")  # fmt: skip
    console.print(
        f"honest ones in the first {ATTENTION:.0%} of the list: "
        + (
            ", ".join(
                f"{name} {honest_first[name]:.3g} of {honest[name]}"
                for name in sorted(honest)
                if honest_first[name]
            )
            or "none"
        )
        + f"; none of: {', '.join(name for name in sorted(honest) if not honest_first[name]) or '–'}\nplot: {path}",
        soft_wrap=True,
    )
    told[f"{kind} recall by strength"] = {f"{share:.0%}": values for share, values in everything.items()}
    told[f"{kind} honest in the first"] = {
        name: [honest_first[name], honest[name]] for name in sorted(honest)
    }
