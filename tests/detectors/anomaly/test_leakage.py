"""No feature knows the future: what the platform saw after T changes nothing that is computed as of T."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

import pyarrow as pa
import pytest

from detectors.facts import Facts
from rules import knowledge
from streams.simulate import World, simulate
from streams.wire import decode
from tests.detectors.anomaly.small import features_of

_INF_TIME = re.compile(rb'"inf_time":"([^"]{19})"')
_NEVER_LATE = (b'"registry":"institution"', b'"registry":"practitioner"')


@cache
def _lines() -> tuple[bytes, ...]:
    """A small disorderly world; broken lines are left out."""
    log = simulate(World(persons=120, days=120, seed=6, noise=2.0))
    return tuple(line for line in log.events if _INF_TIME.search(line) and line.endswith(b"}"))


def _facts(lines: Sequence[bytes]) -> Facts:
    decoded = decode(lines, source="log", first_line=1, first_seq=1, key=b"leakage " * 4)
    return Facts.of(decoded.tables)


def _features(facts: Facts) -> dict[str, pa.Table]:
    return features_of(facts, knowledge.load())


@pytest.mark.parametrize("seed", [1, 2])
def test_facts_that_come_late_do_not_exist_before_they_come(seed: int) -> None:
    """One message in five, of any kind, is seen only after T, whatever time it speaks of."""
    moment = "2026-04-05 08:00:00"
    chance = random.Random(seed)
    kept: list[bytes] = []
    late: list[bytes] = []
    for line in _lines():
        if chance.random() < 0.2 and not any(name in line for name in _NEVER_LATE):
            late.append(_INF_TIME.sub(b'"inf_time":"2026-04-05 08:00:01"', line))
        else:
            kept.append(line)
    before = replace(_facts(kept), as_of=datetime.fromisoformat(moment))
    both = replace(_facts([*kept, *late]), as_of=datetime.fromisoformat(moment))
    expected = _features(before)
    assert expected["stay"].num_rows
    for unit, table in _features(both).items():
        assert table.equals(expected[unit]), unit
