"""What every model is, and how it is kept: plain arrays and plain words, no pickle, and a hash over all that decides a score."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

import numpy as np
import pyarrow as pa

from detectors.anomaly import featurefile

#: Version of the folder's layout; a reader refuses another.
FORMAT = 1

MODELS = "models.json"
CARDS = "cards"

#: Days after a month's end until it is closed: late uploads have come, and baselines may rest on it.
CLOSING_DAYS = 10

#: One driver of a score: an indicator, what was seen, what was expected, the range of the peers.
DRIVER = pa.struct(
    [
        ("indicator", pa.string()),
        ("observed", pa.float64()),
        ("expected", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("cases", pa.int64()),
        ("z", pa.float64()),
    ]
)

#: The scores of every model. `score` is 0 to 1, higher = look here first; NULL where `not_enough` says why.
SCORES = pa.schema(
    [
        ("subject_type", pa.string()),  # stay, institution, practitioner, ring, person
        ("subject", pa.string()),
        ("period", pa.string()),  # 2026-03, 2026-Q1, a stay's day of discharge, `all`
        ("model", pa.string()),
        ("score", pa.float64()),
        ("cases", pa.int64()),
        ("observed", pa.float64()),
        ("expected", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("reason", pa.string()),  # one Chinese sentence
        ("reason_en", pa.string()),
        ("not_enough", pa.string()),
        ("drivers", pa.list_(DRIVER)),  # most telling first, three at the most
        ("shown", pa.list_(pa.string())),  # up to ten mdtrt_id that show it best
    ]
)

#: The period of a subject's row for the whole of the data.
WHOLE = "all"

#: Where the class of a saved model is: a module with `restore(state) -> Model`.
MODULES = MappingProxyType(
    {
        "expectation": "detectors.anomaly.expectation",
        "peers": "detectors.anomaly.peers",
        "forest": "detectors.anomaly.forest",
        "rings": "detectors.anomaly.rings",
        "ranking": "detectors.anomaly.ranking",
        "overall": "detectors.anomaly.overall",
    }
)


class ModelError(Exception):
    """Models that cannot be used as they are: damaged, of another version, or for other features."""


@dataclass(frozen=True)
class State:
    """All that a model is: `meta` can be written as JSON, `arrays` hold numbers or fixed-width texts, never objects."""

    meta: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


#: Feature tables by unit; a model that stands on others finds their scores under `model.<name>`.
Features = Mapping[str, pa.Table]


class Model(Protocol):
    """A fitted model. One row's score does not depend on which other rows are scored with it."""

    @property
    def name(self) -> str:
        """As in `MODULES`."""
        ...

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over all that decides a score (`hash_of`)."""
        ...

    @property
    def units(self) -> tuple[str, ...]:
        """The feature tables that it reads."""
        ...

    @property
    def after(self) -> tuple[str, ...]:
        """The models whose scores it reads."""
        ...

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subject types that it scores."""
        ...

    def score(self, features: Features) -> pa.Table:
        """Scores of everyone in the features, by the schema `SCORES`, sorted by subject type, subject and period."""
        ...

    def state(self) -> State:
        """All that the model is, so that `restore` of its module makes the same again."""
        ...


class Fitting(Protocol):
    """How a model is made."""

    def fit(self, features: Features, as_of: datetime, *, seed: int) -> Model:
        """Fit on features as of a time (Asia/Shanghai); baselines rest on months closed by then. Raises `ModelError`
        where the data do not suffice."""
        ...


@dataclass(frozen=True)
class ModelSet:
    """Models that were trained together. `window`: first and last day of the cases that they were trained on.

    `features`: the hash of each feature file that they stand on.
    """

    models: Mapping[str, Model]
    as_of: datetime
    seed: int
    features: Mapping[str, str]
    window: tuple[date, date] | None = None

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over the models and their features."""
        parts = [
            self.as_of.isoformat(),
            *(f"{name}={model.hash}" for name, model in sorted(self.models.items())),
            *(f"{unit}={one}" for unit, one in sorted(self.features.items())),
        ]
        return _digest(parts)

    def of_subjects(self, subjects: frozenset[str]) -> tuple[Model, ...]:
        """The models that score such subjects, and those whose scores they read, each after what it stands on.

        Raises `ModelError` where one stands on a model that is not there.
        """
        ordered: dict[str, Model] = {}

        def add(name: str) -> None:
            if name in ordered:
                return
            if name not in self.models:
                raise ModelError(f"The models lack '{name}', on which others stand. Train them again.")
            for other in self.models[name].after:
                add(other)
            ordered[name] = self.models[name]

        for name in sorted(self.models):
            if subjects.intersection(self.models[name].subjects):
                add(name)
        return tuple(ordered.values())

    def score(self, features: Features, subjects: frozenset[str] | None = None) -> dict[str, pa.Table]:
        """The scores of each model by name, of models of these subject types only (None: of all)."""
        every = frozenset(kind for model in self.models.values() for kind in model.subjects)
        known: dict[str, pa.Table] = dict(features)
        scores: dict[str, pa.Table] = {}
        for model in self.of_subjects(every if subjects is None else subjects):
            scores[model.name] = checked(model, model.score(known))
            known[f"model.{model.name}"] = scores[model.name]
        return scores


def closed_before(as_of: datetime) -> date:
    """The first day of the first month that is not closed yet: baselines rest on the months before it."""
    first = as_of.date().replace(day=1)
    if as_of.date() < first + timedelta(days=CLOSING_DAYS):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def checked(model: Model, scores: pa.Table) -> pa.Table:
    """The scores, if they are of the schema. Raises `ModelError`."""
    if scores.schema.names != SCORES.names:
        raise ModelError(f"The scores of '{model.name}' are not of the schema SCORES.")
    return scores.cast(SCORES)


def feature_hashes(models: Sequence[Model]) -> dict[str, str]:
    """The hash of each feature file that these models read."""
    files = featurefile.load()
    return {unit: files[unit].hash for model in models for unit in model.units}


def hash_of(name: str, state: State) -> str:
    """The hash of a model: over its name, its meta as canonical JSON and its arrays, byte by byte."""
    digest = hashlib.sha256(f"{name}\0{_canonical(state.meta)}".encode())
    for key, array in sorted(state.arrays.items()):
        if array.dtype.hasobject:
            raise ModelError(f"'{name}' keeps objects in {key}; keep numbers and texts only.")
        plain = np.ascontiguousarray(array)
        digest.update(f"\0{key}\0{plain.dtype.str}\0{plain.shape}\0".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()[:16]


def save(folder: Path, models: ModelSet) -> None:
    """Write a model set into a folder (made where it is not there): the same set gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARDS).mkdir(exist_ok=True)
    for name, model in models.models.items():
        state = model.state()
        (folder / f"{name}.npz").write_bytes(_packed(state.arrays))
        (folder / f"{name}.json").write_text(_pretty(state.meta), encoding="utf-8")
    described = {
        "format": FORMAT,
        "as_of": models.as_of.isoformat(sep=" "),
        "window": [day.isoformat() for day in models.window] if models.window else None,
        "seed": models.seed,
        "hash": models.hash,
        "models": {name: model.hash for name, model in models.models.items()},
        "features": dict(models.features),
    }
    (folder / MODELS).write_text(_pretty(described), encoding="utf-8")


def load(folder: Path) -> ModelSet:
    """Read a model set. Raises `ModelError`, with one sentence, where it is damaged, of another version, or where a
    feature file has changed since it was trained."""
    described = _read_json(folder / MODELS)
    if described.get("format") != FORMAT:
        raise ModelError(
            f"{folder} has model format {described.get('format')}; this fundwatch reads {FORMAT}. Train again."
        )
    files = featurefile.load()
    for unit, wanted in described["features"].items():
        if unit not in files or files[unit].hash != wanted:
            raise ModelError(f"The features '{unit}' have changed since {folder} was trained. Train again.")
    models: dict[str, Model] = {}
    for name, wanted in described["models"].items():
        state = State(_read_json(folder / f"{name}.json"), _unpacked(folder / f"{name}.npz"))
        if name not in MODULES or hash_of(name, state) != wanted:
            raise ModelError(
                f"{folder / name} is not what {MODELS} says it is. Take the models from where they were trained."
            )
        models[name] = cast(Model, importlib.import_module(MODULES[name]).restore(state))
    window = described["window"]
    return ModelSet(
        models=models,
        as_of=datetime.fromisoformat(described["as_of"]),
        seed=described["seed"],
        features=described["features"],
        window=(date.fromisoformat(window[0]), date.fromisoformat(window[1])) if window else None,
    )


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An `.npz` of which the bytes depend on the arrays alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key, array in sorted(arrays.items()):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue())
    return buffer.getvalue()


def _unpacked(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read: it is missing or damaged.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: it is missing or damaged.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} is damaged: it holds no mapping.")
    return found


def _canonical(meta: Mapping[str, Any]) -> str:
    return json.dumps(meta, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _pretty(meta: Mapping[str, Any]) -> str:
    return json.dumps(meta, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
