"""Reading and writing single messages of a simulated log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

Message = dict[str, Any]


def message(line: bytes) -> Message | None:
    """A line as JSON; None for one of the broken ones."""
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) and "msgid" in read and seen(read) else None


def seen(read: Message) -> datetime | None:
    """When the platform saw it; None where that is no time."""
    try:
        return datetime.fromisoformat(str(read.get("inf_time")))
    except ValueError:
        return None


def line(read: Message) -> bytes:
    """A message as a line of a log."""
    return json.dumps(read, ensure_ascii=False).encode()


def changed(read: Message, msgid: str, when: datetime, **fields: Any) -> Message:
    """The same message under another msgid, seen at another time, some of its fields replaced."""
    return {**read, "msgid": msgid, "inf_time": f"{when:%Y-%m-%d %H:%M:%S}", **fields}


def succeeded(read: Message, infno: str) -> bool:
    """Whether it is a transaction of that kind, and no failed one."""
    return read.get("infno") == infno and str(read["response"].get("infcode")) == "0"


def named(read: Any, name: str) -> Iterator[str]:
    """Every value under this name, however deep."""
    if isinstance(read, dict):
        if read.get(name):
            yield str(read[name])
        for value in read.values():
            yield from named(value, name)
    elif isinstance(read, list):
        for value in read:
            yield from named(value, name)


def first(read: Message, name: str) -> str | None:
    """The first value under this name."""
    return next(named(read, name), None)


def span(lines: list[bytes]) -> tuple[datetime, datetime]:
    """The earliest and the latest time of the platform in a log."""
    times = [time for one in lines if (read := message(one)) and (time := seen(read))]
    return min(times), max(times)


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)
