"""What holds for every model: the same data and seed give the same; a row's score is its own; nothing raises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from detectors.anomaly import featurefile, model
from detectors.anomaly.model import SCORES, Model, ModelSet
from tests.detectors.anomaly.small import features_of, trained
from tests.promises.kernel import facts_of, knowledge, models, world_lines

NAMES = sorted(models().models)


@cache
def features() -> Mapping[str, pa.Table]:
    return features_of(facts_of(world_lines()), knowledge())


def scores(of: ModelSet, name: str, given: Mapping[str, pa.Table] | None = None) -> pa.Table:
    return of.score(features() if given is None else given)[name]


def by_key(table: pa.Table) -> dict[tuple[str, str, str], dict[str, object]]:
    return {(row["subject_type"], row["subject"], row["period"]): row for row in table.to_pylist()}


@pytest.fixture(scope="module", params=NAMES)
def one(request: pytest.FixtureRequest) -> Model:
    return models().models[request.param]


def test_scores_are_of_the_schema_and_between_nothing_and_one(one: Model) -> None:
    found = scores(models(), one.name)
    assert found.schema == SCORES
    assert found.num_rows
    known = pc.is_valid(found["score"])
    assert pc.equal(known, pc.is_null(found["not_enough"])).to_numpy().all(), "a score, or why there is none"
    numbers = found.filter(known)["score"].to_numpy()
    assert (numbers >= 0).all()
    assert (numbers <= 1).all()
    assert set(pc.unique(found["subject_type"]).to_pylist()) <= set(one.subjects)
    assert len(by_key(found)) == found.num_rows, "one row a subject and period"
    assert max(pc.list_value_length(found["drivers"]).to_pylist()) <= 3
    assert max(pc.list_value_length(found["shown"]).to_pylist()) <= 10
    assert pc.equal(pc.is_valid(found["reason"]), known).to_numpy().all(), "every score has a sentence"


def test_the_same_data_and_seed_give_the_same_model(one: Model) -> None:
    again = trained(features()).models[one.name]
    assert again.hash == one.hash


def test_the_order_of_the_rows_changes_neither_the_model_nor_its_scores(one: Model) -> None:
    chance = np.random.default_rng(5)
    shuffled = {
        unit: table.take(pa.array(chance.permutation(table.num_rows))) for unit, table in features().items()
    }
    assert trained(shuffled).models[one.name].hash == one.hash
    assert by_key(scores(models(), one.name, shuffled)) == by_key(scores(models(), one.name))


def test_a_subject_alone_scores_as_among_others(one: Model) -> None:
    """Each unit's rows of one subject and nothing else: as in a shard that knows nobody else."""
    together = by_key(scores(models(), one.name))
    if "stay" not in one.subjects:
        pytest.skip("its subjects are many rows of several units; see its own tests")
    stays = features()["stay"]
    for number in range(0, stays.num_rows, 7):
        alone = {unit: table.slice(0, 0) for unit, table in features().items()}
        alone["stay"] = stays.slice(number, 1)
        for key, row in by_key(scores(models(), one.name, alone)).items():
            assert row == together[key]


def test_nothing_to_score_gives_no_scores(one: Model) -> None:
    nothing = {unit: table.slice(0, 0) for unit, table in features().items()}
    found = scores(models(), one.name, nothing)
    assert found.num_rows == 0
    assert found.schema == SCORES


def test_missing_values_and_unseen_categories_give_a_score_or_say_why_not(one: Model) -> None:
    files = featurefile.load()
    for unit in one.units:
        table = features()[unit]
        for name in table.column_names:
            if name in files[unit].key:
                continue
            place, kind = table.column_names.index(name), table.schema.field(name).type
            variants = [pa.nulls(table.num_rows, kind)]
            if pa.types.is_string(kind):
                variants.append(pa.array(["never seen"] * table.num_rows))
            for values in variants:
                changed = {**features(), unit: table.set_column(place, name, values)}
                found = scores(models(), one.name, changed)
                known = pc.is_valid(found["score"])
                assert pc.equal(known, pc.is_null(found["not_enough"])).to_numpy().all(), (unit, name)


def test_what_is_saved_is_loaded_again_and_scores_the_same(one: Model, tmp_path: Path) -> None:
    model.save(tmp_path, models())
    again = model.load(tmp_path)
    assert again.models[one.name].hash == one.hash
    assert again.hash == models().hash
    assert scores(again, one.name).equals(scores(models(), one.name))
