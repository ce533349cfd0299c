"""What a stay's expectation may know of it: the columns of the design matrix, and who cannot be scored."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly.encoding import Codes, Floats, codes

#: What is expected of a stay: column of the features → its name in a sentence, its unit, in English.
TARGETS = MappingProxyType(
    {
        "cost": ("医疗费用", "元", "cost", "CNY"),
        "days": ("住院天数", "天", "stay", "days"),
        "items": ("费用明细", "条", "fee lines", "lines"),
    }
)

#: Columns that are numbers already, and those that are categories.
NUMBERS = ("age", "sex", "operations", "emergency", "referred", "moved_on", "died", "newborn")
CATEGORIES = ("diagnosis", "operation", "level", "kind", "insurance", "med_type")

#: Why a stay has no score. The first that applies counts.
NO_ADMISSION = "缺少入院登记"
TOO_LONG = "住院超过追溯期"
NOT_DISCHARGED = "未出院"
NOT_SETTLED = "未结算"
INCOMPLETE = "明细不全"
NO_DIAGNOSIS = "缺少主要诊断"
FEW_CASES = "同诊断病例不足"
NOTHING_KNOWN = "缺少费用、天数与明细"

#: The number of each reason; 0: none, the stay can be compared.
REASONS = (
    "", NO_ADMISSION, TOO_LONG, NOT_DISCHARGED, NOT_SETTLED, INCOMPLETE, NO_DIAGNOSIS, FEW_CASES, NOTHING_KNOWN,
)  # fmt: skip

#: Cases of the diagnosis at other institutions, fewer than which say nothing (engineering default).
FEW = 10


def numbers(stays: pa.Table) -> Floats:
    """The columns `NUMBERS` as a matrix, missing values as NaN."""
    matrix = np.empty((stays.num_rows, len(NUMBERS)))
    for place, name in enumerate(NUMBERS):
        column = stays[name]
        if name == "sex":
            column = pc.if_else(pc.is_in(column, value_set=pa.array(["1", "2"])), column, None)
        matrix[:, place] = floats(column)
    return matrix


def floats(column: pa.ChunkedArray) -> Floats:
    """A column of numbers, truth values or digits as floats, missing values as NaN."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    plain = column.cast(pa.float64()).combine_chunks()
    return np.array(plain.to_numpy(zero_copy_only=False), dtype=np.float64)


def targets(stays: pa.Table) -> dict[str, Floats]:
    """The logarithm of each target, NaN where there is none or where it is not above zero."""
    found = {}
    for name in TARGETS:
        values = floats(stays[name])
        with np.errstate(divide="ignore", invalid="ignore"):
            found[name] = np.where(values > 0, np.log(values), np.nan)
    return found


def places(stays: pa.Table, known: Mapping[str, npt.NDArray[np.str_]]) -> dict[str, Codes]:
    """The place of each category in its vocabulary."""
    return {name: codes(stays[name], known[name]) for name in CATEGORIES}


def unfit(stays: pa.Table) -> Codes:
    """Why each stay cannot be compared, whatever the model, by number in `REASONS`; 0 where it can."""
    conditions = {
        NO_ADMISSION: pc.is_null(stays["begun_on"]),
        TOO_LONG: pc.fill_null(stays["too_long"], False),
        NOT_DISCHARGED: pc.is_null(stays["ended_on"]),
        NOT_SETTLED: pc.invert(pc.fill_null(stays["settled"], False)),
        INCOMPLETE: pc.fill_null(stays["incomplete"], False),
        NO_DIAGNOSIS: pc.equal(pc.fill_null(stays["diagnosis"], ""), ""),
    }
    reason = np.zeros(stays.num_rows, dtype=np.int64)
    for name, condition in reversed(conditions.items()):
        reason[np.asarray(condition.combine_chunks()).astype(bool)] = REASONS.index(name)
    return reason
