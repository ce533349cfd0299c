"""The clock of a shard is that of a replay, whatever it hears, in whatever order."""

from __future__ import annotations

import random
from datetime import timedelta

import pyarrow as pa
import pytest

from detectors.facts import Facts
from streams.live.clock import Clock
from streams.live.packets import clock_of
from tests.promises.kernel import watermark_of_facts
from tests.streams.live import town
from tests.streams.live.site import tables_of


@pytest.mark.parametrize("seed", range(6))
def test_the_watermark_is_that_of_a_replay(seed: int) -> None:
    chance = random.Random(seed)
    hospitals = [f"H{number}" for number in range(chance.randint(1, 6))]
    lines = [town.checked(chance.uniform(0, 90), hospital=chance.choice(hospitals)) for _ in range(60)]
    lines.append(town.died(1, seen=1000))
    clock = Clock()
    for start in range(0, len(lines), 7):
        before = clock.watermark
        moved = clock.advance(clock_of(tables_of(lines[start : start + 7])))
        assert all(clock.latest[code] == time for code, time in moved.items())
        told = watermark_of_facts(Facts.of(tables_of(lines[: start + 7])))
        assert clock.watermark == told
        # with less than three institutions it is the lowest, so a new one may set it back
        assert before is None or told is None or told >= before or len(clock.latest) <= 3


def test_nothing_heard_has_no_watermark_and_registries_have_no_clock() -> None:
    assert Clock().watermark is None
    assert clock_of({}) == {}
    assert clock_of(tables_of([town.died(1, seen=2)])) == {}


def test_one_clock_that_runs_ahead_moves_nothing() -> None:
    clock = Clock({f"H{number}": town.at(10) for number in range(3)}, timedelta(hours=1))
    assert clock.advance({"H9": town.at(4000)}) == {"H9": town.at(4000)}
    assert clock.advance({"H9": town.at(3000)}) == {}
    assert clock.watermark == town.at(10) - timedelta(hours=1)


def test_a_clock_of_no_institution_does_not_count() -> None:
    table = tables_of([town.checked(1)])["message"]
    nobody = table.set_column(
        table.schema.get_field_index("fixmedins_code"), "fixmedins_code", pa.nulls(1, pa.string())
    )
    assert clock_of({"message": nobody}) == {}
