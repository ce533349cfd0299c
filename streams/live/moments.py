"""Times of the platform as integers, for the state file."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np


def micros(moment: datetime) -> int:
    """A time of the platform as an integer that sorts like it: microseconds since 1970-01-01."""
    return int(np.datetime64(moment, "us").astype(np.int64))


def moment(number: int) -> datetime:
    """The time that `micros` made an integer of."""
    return datetime(1970, 1, 1) + timedelta(microseconds=number)  # noqa: DTZ001 the platform's time has no zone
