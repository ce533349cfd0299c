"""Train: every model that the material suffices for, in the order in which they stand on each other, with their cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly import compute, fit_expectation, forest, model, overall, peers, rings
from detectors.anomaly.model import Model, ModelError, ModelSet, feature_hashes
from rules.knowledge import Knowledge
from streams.anomaly import cards
from streams.anomaly.material import Source, features, opened
from streams.errors import Refused
from streams.inputs import OnProgress
from streams.run import written_whole

#: The feature tables that some model reads.
UNITS = ("stay", *peers.UNITS, "person_quarter", *rings.UNITS)


@dataclass
class _Training:
    """What has been fitted so far, and what came of the baseline."""

    known: dict[str, pa.Table]
    as_of: datetime
    seed: int
    models: dict[str, Model] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, fit: Callable[[], Model]) -> None:
        """Fit a model and keep what it says of the baseline; one that the data do not suffice for is left out."""
        began = time.perf_counter()
        try:
            one = fit()
        except ModelError as error:
            self.skipped[name] = str(error)
            return
        self.models[name] = one
        self.known[f"model.{name}"] = one.score(self.known)
        self.seconds[name] = time.perf_counter() - began


@dataclass(frozen=True)
class Trained:
    """A model set, what was skipped and why, seconds by model, and the scores of the material it was trained on."""

    models: ModelSet
    skipped: Mapping[str, str]
    seconds: Mapping[str, float]
    scores: Mapping[str, pa.Table]
    rows: Mapping[str, int]


def fit_all(
    found: Mapping[str, pa.Table],
    as_of: datetime,
    *,
    seed: int,
    settings: fit_expectation.Settings | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> Trained:
    """Fit every model on feature tables. `settings`: of model 1, where not the usual. Raises `ModelError` where not one can be."""
    of_stays = settings or fit_expectation.Settings()
    training = _Training(compute.ordered(found), as_of, seed)
    known = training.known
    steps: tuple[tuple[str, Callable[[], Model]], ...] = (
        ("expectation", lambda: fit_expectation.ExpectationFitting(of_stays).fit(known, as_of, seed=seed)),
        ("peers", lambda: peers.fit(known, as_of, seed=seed)),
        ("forest", lambda: forest.fit(known, as_of, seed=seed, beside=_peers(training))),
        ("rings", lambda: rings.fit(known, as_of, seed=seed)),
        ("overall", lambda: overall.fit(known, as_of, seed=seed, lines=_lines(training))),
    )
    for done, (name, fit) in enumerate(steps, 1):
        on_progress(f"model {name}", done - 1, len(steps))
        training.add(name, fit)
    on_progress("models", len(steps), len(steps))
    if not training.models:
        raise ModelError(" ".join(training.skipped.values()))
    scores = {name: known[f"model.{name}"] for name in training.models}
    fitted = list(training.models.values())
    models = ModelSet(training.models, as_of, seed, feature_hashes(fitted), _window(found))
    rows = {unit: table.num_rows for unit, table in found.items()}
    return Trained(models, training.skipped, training.seconds, scores, rows)


def _peers(training: _Training) -> peers.Peers | None:
    one = training.models.get("peers")
    return one if isinstance(one, peers.Peers) else None


def _lines(training: _Training) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """The lines of the models that grade their evidence."""
    return {
        name: one.lines if isinstance(one, peers.Peers | forest.Forest) else rings.AT_LINE
        for name, one in training.models.items()
        if isinstance(one, peers.Peers | forest.Forest | rings.Rings)
    }


def _window(found: Mapping[str, pa.Table]) -> tuple[Any, Any] | None:
    """First and last day of the cases: of stays where there are any, else the months."""
    for unit, name in (("stay", "ended_on"), ("institution_month", "month")):
        if unit in found and found[unit].num_rows:
            span = pc.min_max(found[unit][name]).as_py()
            if span["min"] is not None:
                return span["min"], span["max"]
    return None


def train(
    source: Source, as_of: datetime, folder: Path, knowledge: Knowledge, *, seed: int, replace_it: bool = False,
    on_progress: OnProgress = lambda *_: None,
) -> Trained:  # fmt: skip
    """Train on a source as of a time into a new folder. Refuses, with a sentence, where nothing can be learned."""
    with opened(replace(source, as_of=as_of), knowledge, on_progress) as ledger:
        found = features(ledger, UNITS, on_progress)
        lines = ledger.rows("fee_line")
        described = ledger.described
    try:
        trained = fit_all(found, as_of, seed=seed, on_progress=on_progress)
    except ModelError as error:
        raise Refused(str(error)) from error
    with written_whole(folder, replace=replace_it, marker=model.MODELS) as new:
        model.save(new, trained.models)
        cards.write(new / model.CARDS, trained, described, fee_lines=lines)
    return trained
