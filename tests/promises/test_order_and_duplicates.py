"""Promises 1 and 2: any permutation, any repetition, the same alerts."""

from __future__ import annotations

import random

import pytest

from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, as_bytes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_permutation_of_the_log_gives_the_same_alerts(world: Judged, seed: int) -> None:
    lines = random.Random(seed).sample(world.lines, len(world.lines))
    assert as_bytes(alerts_of(lines, world.watermark)) == as_bytes(world.alerts)


@pytest.mark.parametrize("seed", [1, 2])
def test_repeating_any_events_changes_nothing(world: Judged, seed: int) -> None:
    chance = random.Random(seed)
    lines = [*world.lines, *chance.choices(world.lines, k=len(world.lines) // 2)]
    chance.shuffle(lines)
    assert as_bytes(alerts_of(lines, world.watermark)) == as_bytes(world.alerts)
