"""Worlds without fraud: how many are raised all the same, and whether a truth that is shuffled tells anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binom

from benchmarks.anomaly.models import rows, scored
from benchmarks.anomaly.settings import Settings
from benchmarks.anomaly.worlds import county, world
from detectors.anomaly.model import WHOLE
from detectors.anomaly.peers import AT_LINE, FALSE_DISCOVERIES
from streams.anomaly.measures import auc, by_size, quality

#: Truths that are drawn in each world, and the share of them who are named.
_SHUFFLES, _NAMED = 50, 0.1


@dataclass
class _Families:
    """Comparisons of one period in one world: with how many subjects, and who was raised."""

    families: int = 0
    raised_in: int = 0
    subjects: int = 0
    raised: Counter[str] = field(default_factory=Counter)


def _family(period: str) -> str:
    """What is compared together: a month (2026-03), a quarter (2026-Q1), or the whole time."""
    return "whole" if period == WHOLE else ("quarter" if "Q" in period else "month")


def run(settings: Settings, console: Console) -> dict[str, object]:
    """Judge worlds without fraud; a table, and the figures."""
    found: dict[tuple[str, str, str], _Families] = {}
    aucs: list[float] = []
    size_aucs: list[float] = []
    for seed in track(range(1, settings.seeds + 1), "without fraud", console=console, transient=True):
        here = county(
            world(seed, fraud=False, institutions=settings.institutions, days=settings.days), settings.keep
        )
        scores = scored(here)
        for name, table in scores.items():
            for kind in ("institution", "practitioner"):
                told = here.told(kind)
                for period in pc.unique(table["period"]).to_pylist():
                    part = table.filter(
                        pc.and_(pc.equal(table["subject_type"], kind), pc.equal(table["period"], period))
                    )
                    judged = {
                        subject: score
                        for subject, score in zip(
                            part["subject"].to_pylist(), part["score"].to_pylist(), strict=True
                        )
                        if score is not None and subject in told
                    }
                    if not judged:
                        continue
                    family = found.setdefault((kind, name, _family(period)), _Families())
                    raised = [told[subject].kind for subject, score in judged.items() if score >= AT_LINE]
                    family.families += 1
                    family.raised_in += "ordinary" in raised
                    family.subjects += sum(told[subject].kind == "ordinary" for subject in judged)
                    family.raised.update(raised)
        rng = np.random.default_rng(seed)
        some = [
            row
            for row in rows(here, scores["overall"], "institution")
            if row.subject in here.told("institution")
        ]
        values = np.array([row.score for row in some])
        strata = by_size(np.array([row.patients for row in some]), 10)
        for _ in range(_SHUFFLES):
            truth = rng.permutation(np.arange(len(some)) < max(1, round(_NAMED * len(some))))
            aucs.append(auc(np.nan_to_num(values, nan=-1.0), truth))
            size_aucs.append(quality(values, truth, strata).size_auc)
    table = Table(
        title=f"no fraud: raised at a false discovery rate of {FALSE_DISCOVERIES:.0%}, {settings.seeds} worlds",
        title_justify="left",
    )
    for title in (
        "whose",
        "model",
        "family",
        "families",
        "with a discovery",
        "5 % allows",
        "subjects",
        "raised",
        "share",
        "unusual ones raised",
    ):
        table.add_column(title, justify="left" if title in ("whose", "model", "family") else "right")
    told_json = []
    for (kind, name, period), family in sorted(found.items()):
        allowed = int(binom.ppf(0.95, family.families, FALSE_DISCOVERIES))
        ordinary = family.raised["ordinary"]
        unusual = {one: count for one, count in sorted(family.raised.items()) if one != "ordinary"}
        table.add_row(
            kind, name, period, str(family.families), str(family.raised_in), f"≤ {allowed}", f"{family.subjects:,}", str(ordinary),
            f"{ordinary / max(1, family.subjects):.3%}", ", ".join(f"{one} {count}" for one, count in unusual.items()) or "none",
        )  # fmt: skip
        told_json.append(
            {
                "subject_type": kind, "model": name, "family": period, "families": family.families, "with_a_discovery": family.raised_in,
                "allowed_95": allowed, "subjects": family.subjects, "raised": ordinary, "unusual_raised": unusual,
            }
        )  # fmt: skip
    console.print(table)
    console.print(
        "A family is all comparisons of one period in one world. Nobody is guilty here, so every discovery among ordinary ones is false, and the "
        f"false discovery rate is the share of families that have one; allowed is what chance exceeds once in twenty times. "
        f"Shuffled truth: AUC {np.mean(aucs):.3f} (± {np.std(aucs) / np.sqrt(len(aucs)):.3f}), at equal size {np.nanmean(size_aucs):.3f}.",
        soft_wrap=True,
    )
    return {
        "families": told_json,
        "shuffled_auc": float(np.mean(aucs)),
        "shuffled_auc_equal_size": float(np.nanmean(size_aucs)),
    }
