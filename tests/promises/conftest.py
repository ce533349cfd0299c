"""The world on which the promises are kept: small, full of disorder, with every rule firing and retracting in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from detectors.alert import Alert
from streams.simulate import World, simulate
from tests.promises.kernel import alerts_of, rulebook, watermark_of


@dataclass(frozen=True)
class Judged:
    """The messages of a world in their order of arrival, the watermark at their end, and what the kernel says."""

    lines: list[bytes]
    watermark: datetime | None
    alerts: list[Alert]


@pytest.fixture(scope="session")
def world() -> Judged:
    lines = [bytes(line) for line in simulate(World(persons=300, days=120, seed=7)).events]
    mark = watermark_of(lines)
    judged = Judged(lines, mark, alerts_of(lines, mark))
    silent = {rule.code for rule in rulebook().rules} - {alert.rule_code for alert in judged.alerts}
    assert not silent, (
        f"these rules say nothing in this world, so nothing is tested of them: {sorted(silent)}"
    )
    return judged
