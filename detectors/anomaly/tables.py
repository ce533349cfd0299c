"""What models say, as tables that rules read: `model.stay` and its like, filled anew for every evaluation."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

import duckdb
import numpy as np
import pyarrow as pa

from detectors import engine
from detectors.anomaly import compute, featurefile
from detectors.anomaly.featurefile import FeatureFile
from detectors.anomaly.model import Features, ModelSet
from detectors.anomaly.sentences import TOLD, small_table
from rules.rulebook import Rule, Rulebook

_MONTH = "try_cast(period || '-01' as date) as month"

#: Table of what models say → whose scores it holds, and how its own key columns come of subject and period.
TABLES = MappingProxyType(
    {
        "model.stay": ("stay", "subject as mdtrt_id"),
        "model.institution_month": ("institution", f"subject as fixmedins_code, {_MONTH}"),
        "model.practitioner_month": ("practitioner", f"subject as dr_code, {_MONTH}"),
        "model.ring": ("ring", "subject as ring, split_part(subject, ':', 1) as fixmedins_code"),
    }
)

#: What coverage says of a rule that reads such a table where no model fills it.
NO_MODEL = "缺少模型（{table}）"


def subjects_of(rules: Collection[Rule]) -> frozenset[str]:
    """The subject types whose scores these rules read."""
    return frozenset(TABLES[table][0] for rule in rules for table in rule.models)


def files_of(rules: Collection[Rule], models: ModelSet | None) -> tuple[FeatureFile, ...]:
    """The feature files that the models stand on whose scores these rules read."""
    wanted = subjects_of(rules)
    if models is None or not wanted:
        return ()
    units = {unit for model in models.of_subjects(wanted) for unit in model.units}
    files = featurefile.load()
    return tuple(files[unit] for unit in sorted(units))


def lacking(rule: Rule, models: ModelSet | None, provided: Collection[str]) -> tuple[str, ...]:
    """What a rule lacks of models, and they of the source, in the words of coverage; nothing where it reads none."""
    scored = frozenset(kind for model in models.models.values() for kind in model.subjects) if models else ()
    needed = sorted(rule.models.intersection(rule.needs))
    missing = [NO_MODEL.format(table=table) for table in needed if TABLES[table][0] not in scored]
    if missing:
        return tuple(missing)
    files = files_of((rule,), models)
    return tuple(sorted({name for one in files for name in compute.lacking(one, provided)}))


def fill(
    con: duckdb.DuckDBPyConnection, rulebook: Rulebook, models: ModelSet | None, provided: Collection[str]
) -> None:
    """Score a prepared ledger with the models that these rules read, into the empty tables of schema `model`."""
    able = [rule for rule in rulebook.rules if rule.models and not lacking(rule, models, provided)]
    if models is None or not able:
        return
    features: Features = {one.unit: compute.table(con, one) for one in files_of(able, models)}
    wanted = subjects_of(able)
    for name, scores in models.score(features, wanted).items():
        for table, (subject, key) in TABLES.items():
            if subject in wanted and subject in models.models[name].subjects:
                _insert(con, table, subject, key, models.models[name].hash, scores)


def _insert(
    con: duckdb.DuckDBPyConnection, table: str, subject: str, key: str, model_hash: str, scores: pa.Table
) -> None:
    with engine.given(con, "given_scores", scores.append_column("explanation", _explanations(scores))):
        con.execute(
            f"insert into {table} by name select {key}, $hash as model_hash, * exclude (subject_type, subject) "
            "from given_scores where subject_type = $subject",
            {"hash": model_hash, "subject": subject},
        )


def _explanations(scores: pa.Table) -> pa.Array:
    """The small table of each row that stands out, none of the others: nobody reads theirs."""
    told = np.flatnonzero(scores["score"].to_numpy() >= TOLD)
    texts: list[str | None] = [None] * scores.num_rows
    for row, drivers in zip(told.tolist(), scores["drivers"].take(told).to_pylist(), strict=True):
        texts[row] = small_table(drivers or [])
    return pa.array(texts, pa.string())
