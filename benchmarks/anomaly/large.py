"""Training on very many stays: `python -m benchmarks.anomaly.large STAYS INSTITUTIONS DAYS KEEP`; one line of JSON.

A county is copied until there are so many stays: each copy's institutions, doctors, persons and stays are others, and its costs and counts
move by a tenth, so that no two stays are equal.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.anomaly.worlds import county, world
from streams.anomaly.training import fit_all

#: Columns that name somebody or something.
_NAMES = frozenset(("fixmedins_code", "dr_code", "atddr_no", "mdtrt_id", "psn_no", "subject"))

#: What moves by a tenth.
_MOVING = frozenset(("cost", "items"))


def copied(table: pa.Table, copies: int) -> pa.Table:
    """The table so many times over, with other names and other numbers."""
    parts = []
    for number in range(copies):
        rng = np.random.default_rng(number)
        columns = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if name in _NAMES:
                columns.append(
                    pc.binary_join_element_wise(column.cast(pa.string()), pa.scalar(str(number)), "-")
                )
            elif name in _MOVING:
                moved = pc.multiply(column.cast(pa.float64()), pa.array(rng.uniform(0.9, 1.1, len(column))))
                columns.append(
                    moved
                    if pa.types.is_floating(column.type)
                    else pc.round(moved).cast(column.type, safe=False)
                )
            else:
                columns.append(column)
        parts.append(pa.table(columns, names=table.column_names))
    return pa.concat_tables(parts, promote_options="permissive")


def main(stays: int, institutions: int, days: int, keep: Path) -> None:
    here = county(world(1, fraud=True, institutions=institutions, days=days), keep)
    copies = -(-stays // here.features["stay"].num_rows)
    features = {
        unit: copied(table, copies if unit != "shown" else 1) for unit, table in here.features.items()
    }
    begun = time.perf_counter()

    def said(stage: str, *_: int) -> None:
        sys.stderr.write(f"{time.perf_counter() - begun:6.0f} s  {stage}\n")

    trained = fit_all(features, here.as_of, seed=1, on_progress=said)
    told = {
        "stays": features["stay"].num_rows,
        "institutions": len(pc.unique(features["stay"]["fixmedins_code"])),
        "seconds": dict(trained.seconds),
        "skipped": dict(trained.skipped),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
