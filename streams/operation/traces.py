"""Exceptions as a log may tell them: types and places. Their messages may quote data and stay out."""

from __future__ import annotations

import errno
import re
import sqlite3
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

#: Most places of one exception, the innermost; most exceptions of one chain.
PLACES, CHAIN = 12, 6

_NAME = re.compile(r"[A-Za-z_<][A-Za-z0-9_.<>]{0,99}")


def told(error: BaseException) -> list[dict[str, Any]]:
    """An exception, then what it came from: each with `type`, `code` where the system or SQLite gives one, and
    `places` (module:function:line, outermost first)."""
    return [
        {
            "type": _type(one),
            **({"code": code} if (code := _code(one)) else {}),
            "places": _places(one.__traceback__),
        }
        for one in _chain(error)
    ]


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < CHAIN:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        before = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if before is not None:
            waiting.append(before)


def _type(error: BaseException) -> str:
    kind = type(error)
    module, name = kind.__module__, kind.__qualname__
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not kind:
        return "?"  # no class of the code: its name may be made of data
    return name if module == "builtins" else f"{module}.{name}"


def _code(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno)
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", None)
    return None


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        frame = trace.tb_frame
        module = _plain(str(frame.f_globals.get("__name__", "?")))
        places.append(f"{module}:{_plain(frame.f_code.co_name)}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-PLACES:]


def _plain(name: str) -> str:
    return name if _NAME.fullmatch(name) else "?"
