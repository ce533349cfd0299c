"""What is said of a stay outside its expectation: one sentence in Chinese, one in English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.anomaly import explain, featurefile
from detectors.anomaly.design import TARGETS
from detectors.anomaly.encoding import Floats
from detectors.anomaly.rings import said as rings_said

#: From this score on a stay's numbers are told; below it is as expected.
TOLD = 0.9

#: Units as they are read.
UNITS = MappingProxyType({"CNY": "元", "days": "天"})

#: What is said below.
AS_EXPECTED = "在同类病例的预期范围内"
AS_EXPECTED_EN = "within what is expected of such a stay"


def stay_sentences(
    targets: Sequence[str],
    diagnoses: Sequence[str | None],
    scores: Floats,
    observed: Floats,
    expected: Floats,
    known: npt.NDArray[np.bool_],
    order: npt.NDArray[np.int64],
    cases: npt.NDArray[np.int64],
) -> tuple[list[str | None], list[str | None]]:
    """A sentence for each stay, Chinese and English; none where there is no score.

    The arrays have a row a stay and a column a target; `order` has the most telling target first.
    """
    scored = ~np.isnan(scores)
    told: list[str | None] = [AS_EXPECTED if one else None for one in scored]
    told_en: list[str | None] = [AS_EXPECTED_EN if one else None for one in scored]
    for row in np.flatnonzero(scored & (np.nan_to_num(scores) >= TOLD)).tolist():
        there = [number for number in range(len(targets)) if known[row, number]]
        lead = int(order[row, 0])
        words = [TARGETS[targets[number]] for number in there]
        seen = [_plain(observed[row, number]) for number in there]
        wanted = [_plain(expected[row, number]) for number in there]
        times = f"{observed[row, lead] / expected[row, lead]:.1f}"
        name, _, name_en, _ = TARGETS[targets[lead]]
        told[row] = (
            "、".join(f"{word[0]}{one}{word[1]}" for word, one in zip(words, seen, strict=True))
            + "；同类病例预计"
            + "、".join(f"{one}{word[1]}" for word, one in zip(words, wanted, strict=True))
            + f"；最突出的是{name}，为预计的{times}倍（诊断{diagnoses[row]}，其他机构{cases[row]:,}例）"
        )
        told_en[row] = (
            ", ".join(f"{word[2]} {one} {word[3]}" for word, one in zip(words, seen, strict=True))
            + "; expected of such stays "
            + ", ".join(f"{one} {word[3]}" for word, one in zip(words, wanted, strict=True))
            + f"; most telling is {name_en}, {times} times what is expected "
            + f"(diagnosis {diagnoses[row]}, {cases[row]:,} cases elsewhere)"
        )
    return told, told_en


def _plain(value: float | None) -> str:
    """A number as it is read: whole, or with one decimal where it is small."""
    if value is None or np.isnan(value):
        return "—"
    return f"{value:,.0f}" if value >= 20 or value == round(value) else f"{value:,.1f}"


def small_table(drivers: Sequence[Mapping[str, Any]]) -> str:
    """The drivers of a score as a table in text, a line an indicator, the most telling first."""
    lines = ["指标｜实际｜预计｜同类范围｜同类例数"]
    for one in drivers:
        name = one["indicator"]
        compared = name in explain.known()
        told, called = (
            (partial(explain.number, name), explain.word(name)) if compared else (_plain, word(name))
        )
        low, high = told(one["low"]), told(one["high"])
        numbers = f"{told(one['observed'])}｜{told(one['expected'])}｜{low}–{high}｜{one['cases']}"
        lines.append(f"{called}｜{numbers}")
    return "\n".join(lines)


@cache
def word(indicator: str) -> str:
    """What an indicator is called: the first words of its meaning in the feature file that has it."""
    if indicator in rings_said.WORDS:
        return rings_said.WORDS[indicator]
    for one in featurefile.load().values():
        if indicator in one.columns and one.columns[indicator].role in ("value", "rate"):
            column = one.columns[indicator]
            name = re.split("[；，：（]", column.meaning, maxsplit=1)[0]
            return f"{name}（{UNITS[column.unit]}）" if column.unit in UNITS else name
    return indicator
