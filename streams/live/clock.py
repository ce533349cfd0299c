"""How far event time has come, for one shard: the same number as a replay of the same messages reckons."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from detectors.watermark import LATENESS, RANK


class Clock:
    """The latest `inf_time` of each institution, and the watermark that follows (`detectors.watermark`)."""

    def __init__(self, latest: Mapping[str, datetime] | None = None, lateness: timedelta = LATENESS) -> None:
        self.latest = dict(latest or {})
        self.lateness = lateness

    def advance(self, clock: Mapping[str, datetime]) -> dict[str, datetime]:
        """Take in what was heard. Returns the institutions that it moved."""
        moved = {
            code: time for code, time in clock.items() if code not in self.latest or time > self.latest[code]
        }
        self.latest.update(moved)
        return moved

    @property
    def watermark(self) -> datetime | None:
        """`None`: no institution was heard of."""
        highest = heapq.nlargest(RANK, self.latest.values())
        return highest[-1] - self.lateness if highest else None
