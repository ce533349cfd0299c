"""Time as whole seconds since 1900-01-01 00:00:00 Shanghai, and its text by table lookup.

Every message carries several times; formatting them through `datetime` would be a third of the run.
"""

from __future__ import annotations

from datetime import date

import numpy as np

MINUTE = 60
HOUR = 3600
DAY = 86400

_EPOCH = date(1900, 1, 1)
_LAST = date(2100, 1, 1)

#: "2026-01-05" by day number (days since 1900-01-01).
DATE: list[str] = np.datetime_as_string(
    np.arange(_EPOCH.isoformat(), _LAST.isoformat(), dtype="datetime64[D]")
).tolist()
#: "20260105" by day number.
DATE_DIGITS: list[str] = [text.replace("-", "") for text in DATE]

_TWO = [f"{n:02d}" for n in range(60)]
#: "09:30:00" by second of the day.
TIME: list[str] = [f"{h}:{m}:{s}" for h in _TWO[:24] for m in _TWO for s in _TWO]
#: "093000" by second of the day.
TIME_DIGITS: list[str] = [f"{h}{m}{s}" for h in _TWO[:24] for m in _TWO for s in _TWO]


def day_number(day: date) -> int:
    """Days since 1900-01-01."""
    return day.toordinal() - _EPOCH.toordinal()


def calendar_day(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(number + _EPOCH.toordinal())


def weekday(number: int) -> int:
    """0 Monday to 6 Sunday, of a day number (1900-01-01 was a Monday)."""
    return number % 7


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    """Seconds of a time on a day number."""
    return day * DAY + hour * HOUR + minute * MINUTE + second


def stamp(t: int) -> str:
    """`yyyy-MM-dd HH:mm:ss` of a time in seconds."""
    day, second = divmod(t, DAY)
    return f"{DATE[day]} {TIME[second]}"


def year_of(day: int) -> int:
    """Calendar year of a day number."""
    return int(DATE[day][:4])
