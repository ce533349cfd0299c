"""The header of a rule: what it is, whom it judges, on what, by which numbers. Unknown fields are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from rules.sqltext import split_where
from rules.yamltext import Document, SourceError

KEYS = ("person", "visit", "institution", "bed", "bill", "trace_code", "operator", "owner", "practitioner")
SUBJECTS = (*KEYS, "phone", "employer", "region")
STATUSES = ("draft", "shadow", "live", "retired")

#: Units of parameters, by how SQL sees them: an INTERVAL, an INTEGER, a DECIMAL, a VARCHAR.
INTERVALS = MappingProxyType({"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)})
INTEGERS = ("days", "nights", "count")
DECIMALS = ("CNY", "ratio", "km", "km/h")
TEXTS = ("text",)
UNITS = (*INTERVALS, *INTEGERS, *DECIMALS, *TEXTS)

#: What a parameter is bound as.
Bound = timedelta | int | Decimal | str


@dataclass(frozen=True)
class Param:
    """A number of a rule that a site may change between `minimum` and `maximum` (texts have none)."""

    name: str
    default: Bound
    minimum: Bound | None
    maximum: Bound | None
    unit: str
    source: str

    def value(self, given: object) -> Bound:
        """A given value (a number in the parameter's unit, or text) as it is bound.

        Raises ValueError, with a sentence, where it is no such value or lies outside minimum and maximum.
        """
        value = _bound(given, self.unit)
        if (self.minimum is not None and value < self.minimum) or (  # type: ignore[operator]
            self.maximum is not None and value > self.maximum  # type: ignore[operator]
        ):
            low, high = self.text(self.minimum), self.text(self.maximum)
            raise ValueError(f"{self.name} = {self.text(value)} is outside {low} to {high}")
        return value

    def text(self, value: Bound | None) -> str:
        """A value with its unit, as people read it: `24 h`."""
        if value is None:
            return "–"
        if isinstance(value, timedelta):
            second = timedelta(seconds=1)
            return f"{_plain(Decimal(value // second) / (INTERVALS[self.unit] // second))} {self.unit}"
        if self.unit == "text":
            return str(value)
        return f"{_plain(value) if isinstance(value, Decimal) else value} {self.unit}"


@dataclass(frozen=True)
class Population:
    """Whom a rule judges: rows of `source` that meet `where`, less those that lack a named thing.

    `missing`: name of what is lacking (Chinese) → the condition that says so; the first that applies counts.
    """

    source: str
    where: str | None
    missing: Mapping[str, str]

    @property
    def table(self) -> str:
        """The ledger table that the source begins with."""
        return re.split(r"[\s(]", self.source, maxsplit=1)[0]

    def rows(self, columns: str, *, judged: bool) -> str:
        """SELECT these columns of the population, all of it or what can be judged."""
        conditions = [f"({self.where})"] if self.where else []
        if judged:
            conditions += [f"not coalesce(({condition}), false)" for condition in self.missing.values()]
        where = "".join(f"\n      {'and' if n else 'where'} {one}" for n, one in enumerate(conditions))
        return f"select {columns} from {self.source}{where}".replace("\n      where", " where")


@dataclass(frozen=True)
class Header:
    """All fields of a header, typed. The names are those of the YAML."""

    code: str
    name: str
    key: str
    subject: tuple[str, str]
    anchor: tuple[str, ...]
    behaviour: str
    severity: tuple[int, ...]
    status: str
    version: int
    official: str | None
    law: tuple[str, ...]
    case_cause: tuple[int, ...]
    route: str
    money: str
    lookback: timedelta | None
    needs: tuple[str, ...]
    judges: Population
    sentence: str
    basis: str | None
    may_use: tuple[str, ...]
    reads_all: bool
    params: Mapping[str, Param]
    exempt: Mapping[str, str]


def read_header(document: Document) -> Header:
    """Check and type a header. Raises `SourceError` with the line of the field that is wrong."""
    fields = _Fields(document)
    header = Header(
        code=fields.matching("code", r"[A-Z]{2}-\d{2}", "two letters, a dash, two digits: GB-07"),
        name=fields.text("name"),
        key=fields.one_of("key", KEYS),
        subject=_subject(fields),
        anchor=fields.texts("anchor"),
        behaviour=fields.one_of("behaviour", ("encounter", "item")),
        severity=_severity(fields),
        status=fields.one_of("status", STATUSES),
        version=fields.whole("version"),
        official=fields.optional_text("official"),
        law=fields.texts("law"),
        case_cause=_case_cause(fields),
        route=fields.one_of("route", ("supervision", "agency")),
        money=fields.one_of("money", ("fund", "account")),
        lookback=_lookback(fields),
        needs=fields.texts("needs"),
        judges=_population(fields),
        sentence=fields.text("sentence"),
        basis=fields.optional_text("basis"),
        may_use=fields.texts("may_use", ()),
        reads_all=fields.flag("reads_all", False),
        params=_params(fields),
        exempt=fields.text_map("exempt"),
    )
    fields.finish()
    return header


class _Fields:
    """Takes fields from a mapping one by one; what is left over is an error."""

    def __init__(self, document: Document) -> None:
        if not isinstance(document.data, dict):
            raise document.error("the header must be a YAML mapping of fields")
        self.document = document
        self.left: dict[str, Any] = dict(document.data)

    def error(self, message: str, *address: str | int) -> SourceError:
        return self.document.error(message, *address)

    def take(self, name: str) -> Any:
        if name not in self.left:
            raise self.error(f"'{name}' is missing; add it to the header")
        return self.left.pop(name)

    def finish(self) -> None:
        for name in self.left:
            raise self.error(f"unknown field '{name}'; see the header fields in docs", name)

    def text(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"'{name}' must be a text", name)
        return value.strip()

    def optional_text(self, name: str) -> str | None:
        if self.left.get(name) is None:
            self.left.pop(name, None)
            return None
        return self.text(name)

    def matching(self, name: str, pattern: str, example: str) -> str:
        value = self.text(name)
        if not re.fullmatch(pattern, value):
            raise self.error(f"'{name}' is {value!r}, not {example}", name)
        return value

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        value = self.take(name)
        if value not in allowed:
            raise self.error(f"'{name}' is {value!r}; use one of {', '.join(allowed)}", name)
        return str(value)

    def whole(self, name: str) -> int:
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.error(f"'{name}' must be a whole number from 1", name)
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.left.pop(name, default)
        if not isinstance(value, bool):
            raise self.error(f"'{name}' must be true or false", name)
        return value

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self.take(name) if default is None else self.left.pop(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise self.error(f"'{name}' must be a list of texts: [a, b]", name)
        if default is None and not value:
            raise self.error(f"'{name}' must not be empty", name)
        if len(set(value)) != len(value):
            raise self.error(f"'{name}' names something twice", name)
        return tuple(value)

    def text_map(self, name: str) -> Mapping[str, str]:
        value = self.left.pop(name, None) or {}
        if not isinstance(value, dict) or not all(
            isinstance(one, str) for pair in value.items() for one in pair
        ):
            raise self.error(f"'{name}' must map names to texts", name)
        return MappingProxyType(value)


def _subject(fields: _Fields) -> tuple[str, str]:
    pair = fields.texts("subject")
    if len(pair) != 2 or pair[0] not in SUBJECTS:
        raise fields.error(
            f"'subject' must be [type, column], the type one of {', '.join(SUBJECTS)}", "subject"
        )
    return pair[0], pair[1]


def _severity(fields: _Fields) -> tuple[int, ...]:
    value = fields.take("severity")
    if not isinstance(value, list) or not value or any(one not in (1, 2, 3) for one in value):
        raise fields.error("'severity' must list the sev_deg values the query can return: [1, 3]", "severity")
    if sorted(set(value)) != value:
        raise fields.error("'severity' must be in order, each value once", "severity")
    return tuple(value)


def _case_cause(fields: _Fields) -> tuple[int, ...]:
    value = fields.take("case_cause")
    causes = value if isinstance(value, list) else [value]
    if not causes or any(not isinstance(one, int) or not 1 <= one <= 35 for one in causes):
        raise fields.error("'case_cause' must be a number from 1 to 35, or a list of them", "case_cause")
    return tuple(causes)


def _lookback(fields: _Fields) -> timedelta | None:
    value = fields.take("lookback")
    if value in ("none", None):
        return None
    match = re.fullmatch(r"(\d+) (min|h|d)", str(value))
    if match is None:
        raise fields.error(f"'lookback' is {value!r}; write '120 d', or none", "lookback")
    return int(match[1]) * INTERVALS[match[2]]


def _population(fields: _Fields) -> Population:
    value = fields.take("judges")
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("from"), str)
        or set(value) - {"from", "missing"}
    ):
        raise fields.error(
            "'judges' must have 'from' (a table, with a where) and may have 'missing'", "judges"
        )
    missing = value.get("missing") or {}
    if not isinstance(missing, dict):
        raise fields.error("'missing' must map names to conditions", "judges", "missing")
    for name, condition in missing.items():
        if not isinstance(name, str) or not isinstance(condition, str):
            raise fields.error(
                "'missing' must map names to conditions in SQL", "judges", "missing", str(name)
            )
    source, where = split_where(value["from"])
    return Population(source, where, MappingProxyType(missing))


def _params(fields: _Fields) -> Mapping[str, Param]:
    value = fields.left.pop("params", None) or {}
    if not isinstance(value, dict):
        raise fields.error("'params' must map names to {default, min, max, unit, source}", "params")
    return MappingProxyType({name: _param(fields, name, one) for name, one in value.items()})


def _param(fields: _Fields, name: str, value: Any) -> Param:
    def wrong(message: str, *address: str) -> SourceError:
        return fields.error(f"parameter '{name}': {message}", "params", name, *address)

    if not isinstance(value, dict):
        raise wrong("must be {default, min, max, unit, source}")
    if name == "lookback":
        raise wrong("$lookback is bound from the field 'lookback'; choose another name")
    if name == "model":
        raise wrong("an alert states under 'model' which model it rests on; choose another name")
    required = {"default", "unit", "source"} | (set() if value.get("unit") in TEXTS else {"min", "max"})
    if lacking := sorted(required - set(value)):
        raise wrong(f"{', '.join(lacking)} missing")
    if unknown := sorted(set(value) - required):
        raise wrong(f"unknown field '{unknown[0]}'", unknown[0])
    unit, source = value["unit"], value["source"]
    if unit not in UNITS:
        raise wrong(f"unit {unit!r}; use one of {', '.join(UNITS)}", "unit")
    if not isinstance(source, str) or not source.strip():
        raise wrong("'source' must say where the value comes from", "source")
    try:
        low, high = (_bound(value[field], unit) if field in value else None for field in ("min", "max"))
        param = Param(name, _bound(value["default"], unit), low, high, unit, source.strip())
        param.value(value["default"])
    except ValueError as error:
        raise wrong(str(error), "default") from error
    return param


def _bound(given: object, unit: str) -> Bound:
    """A number in its unit as SQL gets it. Raises ValueError where it is none."""
    if unit in TEXTS:
        if not isinstance(given, str):
            raise ValueError(f"{given!r} is not a text")
        return given
    try:
        number = Decimal(str(given)) if not isinstance(given, bool) else Decimal("nan")
        if not number.is_finite():
            raise ValueError(f"{given!r} is not a number")
    except ArithmeticError as error:
        raise ValueError(f"{given!r} is not a number of {unit}") from error
    if unit in DECIMALS:
        return number
    if unit in INTEGERS:
        if number != number.to_integral_value():
            raise ValueError(f"{given} is not a whole number of {unit}")
        return int(number)
    microseconds = number * (INTERVALS[unit] // timedelta(microseconds=1))
    if microseconds != microseconds.to_integral_value():
        raise ValueError(f"{given} {unit} is finer than a microsecond")
    return timedelta(microseconds=int(microseconds))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
