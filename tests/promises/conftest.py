"""The world of the promises, judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from detectors.alert import Alert
from tests.promises.kernel import alerts_of, rulebook, watermark_of, world_lines


@dataclass(frozen=True)
class Judged:
    """The messages of a world in their order of arrival, the watermark at their end, and what the kernel says."""

    lines: list[bytes]
    watermark: datetime | None
    alerts: list[Alert]


@pytest.fixture(scope="session")
def world() -> Judged:
    lines = list(world_lines())
    mark = watermark_of(lines)
    judged = Judged(lines, mark, alerts_of(lines, mark))
    silent = {rule.code for rule in rulebook().rules} - {alert.rule_code for alert in judged.alerts}
    assert not silent, (
        f"these rules say nothing in this world, so nothing is tested of them: {sorted(silent)}"
    )
    return judged
