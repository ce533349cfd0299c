"""Model sets on disk: the same bytes for the same models, and nothing that is not what it says it is."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.anomaly import model
from detectors.anomaly.model import ModelError, State, closed_before, hash_of
from tests.promises.kernel import models


def test_saved_twice_the_bytes_are_the_same(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        model.save(tmp_path / folder, models())
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).glob("*.*")}
        for folder in ("one", "two")
    )
    assert first == second
    assert {"models.json", "expectation.json", "expectation.npz"} <= first.keys()


def test_no_pickle_is_in_it(tmp_path: Path) -> None:
    model.save(tmp_path, models())
    for path in tmp_path.glob("*.npz"):
        with np.load(path, allow_pickle=False) as archive:
            assert all(not archive[key].dtype.hasobject for key in archive.files)
    with pytest.raises(ModelError, match="keep numbers and texts only"):
        hash_of("x", State({}, {"a": np.array([object()])}))


def changed(folder: Path, **fields: Any) -> None:
    path = folder / model.MODELS
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "models.json").unlink(), "missing or damaged"),
        (lambda folder: (folder / "expectation.npz").write_bytes(b"PK"), "missing or damaged"),
        (lambda folder: (folder / "expectation.json").write_text("[]"), "damaged"),
        (lambda folder: changed(folder, format=0), "model format 0"),
        (lambda folder: changed(folder, models={"expectation": "0" * 16}), "is not what models.json says"),
        (lambda folder: changed(folder, models={"unknown": "0" * 16}), "missing or damaged"),
        (lambda folder: changed(folder, features={"stay": "0" * 16}), "features 'stay' have changed"),
        (lambda folder: changed(folder, features={"gone": "0" * 16}), "features 'gone' have changed"),
    ],
)
def test_what_is_damaged_or_for_other_features_is_refused(tmp_path: Path, damage: Any, said: str) -> None:
    model.save(tmp_path, models())
    damage(tmp_path)
    with pytest.raises(ModelError, match=said):
        model.load(tmp_path)


def test_a_model_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    model.save(tmp_path, models())
    path = tmp_path / "expectation.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(meta | {"seed": 99}), encoding="utf-8")
    with pytest.raises(ModelError, match="is not what"):
        model.load(tmp_path)


@pytest.mark.parametrize(
    ("as_of", "first_open"),
    [
        ("2026-03-20", date(2026, 3, 1)),
        ("2026-03-11", date(2026, 3, 1)),
        ("2026-03-10", date(2026, 2, 1)),
        ("2026-01-05", date(2025, 12, 1)),
    ],
)
def test_a_month_is_closed_ten_days_after_its_end(as_of: str, first_open: date) -> None:
    assert closed_before(datetime.fromisoformat(as_of)) == first_open
