"""Closed months: over for long enough that late uploads have come, so that a baseline may rest on them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from detectors.anomaly.model import CLOSING_DAYS


def last_closed(as_of: datetime) -> date:
    """The first day of the last month that is closed by then.

    >>> last_closed(datetime(2026, 4, 9)), last_closed(datetime(2026, 4, 11))
    (datetime.date(2026, 2, 1), datetime.date(2026, 3, 1))
    """
    settled = (as_of - timedelta(days=CLOSING_DAYS)).date()
    return (settled.replace(day=1) - timedelta(days=1)).replace(day=1)


def closed(table: pa.Table, as_of: datetime) -> pa.Table:
    """The rows of closed months of a feature table."""
    return table.filter(pc.less_equal(table["month"], pa.scalar(last_closed(as_of), pa.date32())))
