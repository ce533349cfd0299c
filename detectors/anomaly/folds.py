"""Folds by institution: nobody is measured by a standard that it set itself."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly.encoding import Codes

#: In how many parts the institutions are cut; each part is measured by what the others do.
FOLDS = 5


def assign(institutions: pa.ChunkedArray, most: int = FOLDS) -> dict[str, int]:
    """The fold of each institution: the largest first, each to the fold that has the fewest cases so far."""
    counted = pc.value_counts(pc.fill_null(institutions, "")).to_pylist()
    ordered = sorted(counted, key=lambda one: (-one["counts"], one["values"]))
    sizes = [0] * max(min(most, len(ordered)), 1)
    folds: dict[str, int] = {}
    for one in ordered:
        fold = sizes.index(min(sizes))
        folds[one["values"]] = fold
        sizes[fold] += one["counts"]
    return folds


def of(institutions: pa.ChunkedArray, known: Mapping[str, int], folds: int) -> Codes:
    """The fold of each row. An institution that was not trained on has no fold that has seen it; it takes one that its
    code alone decides, so that it is measured as the others are: by one fold's model, whose spread is known. (The mean
    of all folds would be steadier than what the known are measured by, and the scores no longer comparable.)"""
    distinct: Sequence[str] = pc.unique(pc.fill_null(institutions, "")).to_pylist()
    by_place = np.array(
        [known[one] if one in known else zlib.crc32(one.encode()) % folds for one in distinct],
        dtype=np.int64,
    )
    at = pc.index_in(pc.fill_null(institutions, ""), value_set=pa.array(distinct, pa.string()))
    return by_place[np.asarray(at.combine_chunks(), dtype=np.int64)]
