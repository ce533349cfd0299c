"""A table of scores against a truth, beside what anybody could do without a model: sort by money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.anomaly.measures import Floats, Ints, Quality, among_equals, by_size, first, quality
from streams.anomaly.reading import Scored, Told
from streams.errors import Refused

#: The plain baselines, by the name under which they are shown.
MONEY, MONEY_PER_PATIENT = "total money", "money per patient"

#: The first so much of the list is what is told of each kind of plant: the share of an inspector's attention.
ATTENTION = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of a bootstrap."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list, how good it is, and how sure that is (by the names that `figures` gives)."""

    name: str
    scores: Floats
    quality: Quality
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Found:
    """Of a kind of subject at a strength: how many there are, and how many (fractions at a tie) stand in the first `ATTENTION`."""

    kind: str
    strength: float
    label: bool
    subjects: int
    taken: float
    size_taken: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is told of a table of scores. `lists`: the model's first, then the baselines.

    `unscored`: in the table, without a score, ranked last. `unseen`: in the truth, not in the table, left out. `untold`: the reverse.
    """

    subject_type: str
    model: str
    subjects: tuple[str, ...]
    truth: NDArray[np.bool_]
    sizes: Floats
    size: str
    strata: Ints
    lists: tuple[Ranked, ...]
    found: tuple[Found, ...]
    unscored: int
    unseen: int
    untold: int
    seed: int
    repeats: int


def evaluate(
    scored: Sequence[Scored],
    told: Mapping[str, Told],
    *,
    subject_type: str = "institution",
    model: str = "overall",
    size: str = "patients",
    strata: int = 10,
    repeats: int = 500,
    seed: int = 1,
) -> Evaluation:
    """Compare. `size`: patients, money or cases, what "equal size" means; `strata`: so many groups of about equal size.

    Refuses where the truth does not name some of the scored subjects, and not others.
    """
    rows = sorted((one for one in scored if one.subject in told), key=lambda one: one.subject)
    truth = np.array([told[one.subject].label for one in rows], dtype=bool)
    if not truth.any() or truth.all():
        raise Refused(
            f"Of the {len(rows)} {subject_type} rows that are both scored and in the truth, {int(truth.sum())} are labelled yes; "
            "nothing can be compared without both kinds. Do the subjects have the same codes?"
        )
    money = np.array([one.money for one in rows])
    patients = np.array([one.patients for one in rows])
    sizes = {"patients": patients, "money": money, "cases": np.array([one.cases for one in rows])}[size]
    groups = by_size(sizes, strata)
    per_patient = np.divide(money, patients, out=np.full(len(rows), np.nan), where=patients > 0)
    orders = {model: np.array([one.score for one in rows]), MONEY: money, MONEY_PER_PATIENT: per_patient}
    intervals = _bootstrap(orders, truth, groups, repeats, seed)
    lists = tuple(
        Ranked(name, scores, quality(scores, truth, groups), intervals[name])
        for name, scores in orders.items()
    )
    return Evaluation(
        subject_type=subject_type, model=model, subjects=tuple(one.subject for one in rows), truth=truth, sizes=sizes, size=size,
        strata=groups, lists=lists, found=_by_kind(rows, told, orders[model], groups),
        unscored=int(np.isnan(orders[model]).sum()), unseen=len(set(told) - {one.subject for one in scored}),
        untold=len(scored) - len(rows), seed=seed, repeats=repeats,
    )  # fmt: skip


def figures(found: Quality) -> dict[str, float]:
    """The measures by name, as they stand in evaluation.json."""
    told = {"auc": found.auc, "average_precision": found.average_precision, "auc_equal_size": found.size_auc}
    for cut in found.cuts:
        at = f"{cut.share:.0%}".rstrip("%")
        told |= {
            f"precision_at_{at}": cut.precision, f"recall_at_{at}": cut.recall, f"lift_at_{at}": cut.lift,
            f"precision_at_{at}_equal_size": cut.size_precision, f"lift_at_{at}_equal_size": cut.size_lift,
        }  # fmt: skip
    return told


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """For evaluation.json: numbers that are not known are null."""
    return {
        "subject_type": evaluation.subject_type,
        "model": evaluation.model,
        "subjects": len(evaluation.subjects),
        "labelled_yes": int(evaluation.truth.sum()),
        "unscored": evaluation.unscored,
        "in_truth_only": evaluation.unseen,
        "scored_only": evaluation.untold,
        "equal_size": {"by": evaluation.size, "strata": len(np.unique(evaluation.strata))},
        "bootstrap": {"seed": evaluation.seed, "repeats": evaluation.repeats},
        "lists": {
            one.name: {
                name: {
                    "value": _known(value),
                    "low": _known(one.intervals[name].low),
                    "high": _known(one.intervals[name].high),
                }
                for name, value in figures(one.quality).items()
            }
            for one in evaluation.lists
        },
        "first_of_the_list": ATTENTION,
        "kinds": [
            {
                "kind": one.kind, "strength": one.strength, "label": int(one.label), "subjects": one.subjects,
                "in_first": round(one.taken, 4), "in_first_equal_size": round(one.size_taken, 4),
            }
            for one in evaluation.found
        ],
    }  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _bootstrap(
    orders: Mapping[str, Floats], truth: NDArray[np.bool_], groups: Ints, repeats: int, seed: int
) -> dict[str, dict[str, Interval]]:
    """Intervals of all measures of all lists, over the same samples of subjects."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, dict[str, list[float]]] = {name: {} for name in orders}
    for _ in range(repeats):
        sample = rng.integers(0, len(truth), len(truth))
        if not truth[sample].any() or truth[sample].all():
            continue
        for name, scores in orders.items():
            for measure, value in figures(quality(scores[sample], truth[sample], groups[sample])).items():
                drawn[name].setdefault(measure, []).append(value)
    measures = figures(quality(truth.astype(float), truth, groups))
    return {
        name: {measure: _middle(values.get(measure, [])) for measure in measures}
        for name, values in drawn.items()
    }


def _middle(values: Sequence[float]) -> Interval:
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(float(low), float(high))


def _by_kind(
    rows: Sequence[Scored], told: Mapping[str, Told], scores: Floats, groups: Ints
) -> tuple[Found, ...]:
    """Who of each kind and strength stands in the first `ATTENTION` of the list, and of the list among those of equal size."""
    if not any(told[one.subject].kind for one in rows):
        return ()
    count = max(1, int(np.ceil(ATTENTION * len(rows) - 1e-9)))
    taken = first(np.nan_to_num(scores, nan=-np.inf), count)
    size_taken = first(among_equals(scores, groups), count)
    kinds: dict[tuple[bool, str, float], list[int]] = {}
    for number, one in enumerate(rows):
        said = told[one.subject]
        kinds.setdefault((not said.label, said.kind, said.strength), []).append(number)
    return tuple(
        Found(kind, strength, not honest, len(some), float(taken[some].sum()), float(size_taken[some].sum()))
        for (honest, kind, strength), some in sorted(kinds.items())
    )
