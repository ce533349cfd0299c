"""The log: lines of time, level, service, event and fields, on standard error; and a guard that lets no identity out.

Services write `log.info(Event.BATCH, events=2000, seconds=0.3)`. What others write (libraries, warnings, exceptions that nobody
caught) becomes a line too, with where it was said, and with its text only where that is a constant of the code.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Any, TextIO

from streams.operation import traces
from streams.operation.events import Event, Value, allowed
from streams.operation.settings import Logging

NAME = "fundwatch"
_EVENT, _FIELDS = "_fundwatch_event", "_fundwatch_fields"

WITHHELD = "withheld"
"""Stands for a value that may not get out."""


class Log:
    """What a service writes with. Only an `Event` and allowed fields; see `events.FIELDS`."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: Event, **fields: Value) -> None:
        """Of use to somebody who looks for a fault."""
        self._say(logging.DEBUG, event, None, fields)

    def info(self, event: Event, **fields: Value) -> None:
        """What happens on an ordinary day."""
        self._say(logging.INFO, event, None, fields)

    def warning(self, event: Event, **fields: Value) -> None:
        """What somebody should look at."""
        self._say(logging.WARNING, event, None, fields)

    def error(self, event: Event, error: BaseException | None = None, **fields: Value) -> None:
        """What keeps the service from its work; of `error` types and places are told."""
        self._say(logging.ERROR, event, error, fields)

    def _say(
        self, level: int, event: Event, error: BaseException | None, fields: Mapping[str, Value]
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "", exc_info=error, extra={_EVENT: event, _FIELDS: fields})


class Guard(logging.Filter):
    """Lets through what is allowed, and marks what it withheld. `words`: field → words that the service knows."""

    def __init__(self, words: Mapping[str, Iterable[str]] | None = None) -> None:
        super().__init__()
        self._allowed = allowed(words or {})

    def filter(self, record: logging.LogRecord) -> bool:
        """Put what may be written into the record's `told`."""
        event = getattr(record, _EVENT, None)
        if isinstance(event, Event):
            told = {"event": event.value, **self._fields(getattr(record, _FIELDS, {}))}
        else:
            told = {"event": Event.LIBRARY.value, "logger": _code_name(record.name), "line": record.lineno}
            text = _constant(record)
            if text is not None:
                told["text"] = text
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told["error"] = traces.told(error)
        record.told = told
        return True

    def _fields(self, fields: Mapping[str, Value]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        withheld = 0
        for name, value in fields.items():
            check = self._allowed.get(name)
            if check is None:
                withheld += 1
            elif value is not None:
                told[name] = _written(value) if check(value) else WITHHELD
        return {**told, "withheld_fields": withheld} if withheld else told


class _Lines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def head(self, record: logging.LogRecord) -> tuple[str, str, str]:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return moment.replace("+00:00", "Z"), record.levelname.lower(), self._service


class JsonLines(_Lines):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`{"time": …, "level": …, "service": …, "event": …, fields…}`."""
        moment, level, service = self.head(record)
        told: dict[str, Any] = getattr(record, "told", {})
        return json.dumps({"time": moment, "level": level, "service": service, **told})


class TextLines(_Lines):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """`2026-11-26T09:00:00.000Z info worker batch done events=2000 seconds=0.3`."""
        told: dict[str, Any] = dict(getattr(record, "told", {}))
        event, errors = told.pop("event", "?"), told.pop("error", [])
        words = [*self.head(record), str(event)]
        words += [f"{name}={json.dumps(value) if name == 'text' else value}" for name, value in told.items()]
        lines = [" ".join(words)]
        for error in errors:
            code = f" {error['code']}" if "code" in error else ""
            lines.append(f"    {error['type']}{code} at {' > '.join(error['places'])}")
        return "\n".join(lines)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 named by the library
        """A line that cannot be written is lost; its content is not printed in another way."""


def setup(
    settings: Logging,
    service: str,
    *,
    words: Mapping[str, Iterable[str]] | None = None,
    stream: TextIO | None = None,
) -> Log:
    """Make all logging of this process go through the guard, to `stream` (default: standard error).

    `words`: what the fields `topic`, `rule_id`, `place` and `version` may say. Exceptions that nobody catches, in any
    thread, and Python's warnings become lines too.
    """
    handler = _Handler(stream or sys.stderr)
    handler.addFilter(Guard(words))
    handler.setFormatter(JsonLines(service) if settings.format == "json" else TextLines(service))
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, _level(settings)))
    logger = logging.getLogger(NAME)
    logger.setLevel(_level(settings))
    logging.captureWarnings(True)
    log = Log(logger)
    sys.excepthook = _hook(log)
    threading.excepthook = _thread_hook(log)
    return log


def _thread_hook(log: Log) -> Callable[[threading.ExceptHookArgs], object]:
    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            log.error(Event.FAILED, args.exc_value)

    return hook


def _hook(log: Log) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def hook(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        log.error(Event.FAILED, error)

    return hook


def _level(settings: Logging) -> int:
    return logging.getLevelNamesMapping()[settings.level.upper()]


def _written(value: Value) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value


def _code_name(name: str) -> str:
    """A logger's name where it is a module's that is loaded; else nothing is known of where it came from."""
    return name if name in sys.modules or name in (NAME, "root", "py.warnings") else WITHHELD


def _constant(record: logging.LogRecord) -> str | None:
    """The text of a record, without its arguments, where the function that logged it has that text as a constant."""
    if not isinstance(record.msg, str) or len(record.msg) > 500:
        return None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return record.msg if record.msg in code.co_consts else None
        frame = frame.f_back
    return None
