"""The models, fitted on a county and asked about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.anomaly.worlds import County
from detectors.anomaly.model import WHOLE
from streams.anomaly.reading import Scored
from streams.anomaly.training import fit_all

Scores = Mapping[str, pa.Table]


def scored(county: County, seed: int = 1) -> Scores:
    """What all models say of the county they were trained on, by model."""
    return fit_all(county.features, county.as_of, seed=seed).scores


def rows(county: County, scores: pa.Table, subject_type: str) -> list[Scored]:
    """The rows for the whole time, as `fundwatch evaluate` reads them."""
    chosen = scores.filter(
        pc.and_(pc.equal(scores["subject_type"], subject_type), pc.equal(scores["period"], WHOLE))
    )
    nothing = (np.nan, np.nan)
    return [
        Scored(
            row["subject"], np.nan if row["score"] is None else row["score"], row["cases"] or 0,
            *county.sizes.get((subject_type, row["subject"]), nothing),
        )
        for row in chosen.select(["subject", "score", "cases"]).to_pylist()
    ]  # fmt: skip
