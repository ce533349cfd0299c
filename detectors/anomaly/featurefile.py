"""Feature files: one SELECT over the ledger for each unit, and a header that says what its columns mean."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rules.schema import ledger_names
from rules.sqltext import parameters, significant
from rules.yamltext import Document, SourceError, parse

FOLDER = Path(__file__).parent / "features"

ROLES = ("key", "size", "context", "rate", "value")
SUSPICIOUS = ("high", "low", "both")

_HEADER = re.compile(r"/\*\r?\n?(.*?)\*/", re.DOTALL)
_DAYS = re.compile(r"(\d+) d")
_FIELDS = frozenset({"unit", "key", "needs", "may_use", "rests_on", "cases", "lookback", "columns"})
_REQUIRED = ("unit", "key", "needs", "columns")
_OF_COLUMN = frozenset(
    {"meaning", "english", "unit", "role", "numerator", "denominator", "suspicious", "few", "basis"}
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a feature table.

    `suspicious`: the direction that is worth a look; `few`: fewer cases than that say nothing; `numerator` and
    `denominator`: the columns that a rate is made of; `basis`: where the indicator comes from; `english`: the meaning
    once more, for the English rendering of a reason.
    """

    name: str
    meaning: str
    unit: str
    role: str
    numerator: str | None = None
    denominator: str | None = None
    suspicious: str | None = None
    few: int | None = None
    basis: str | None = None
    english: str | None = None


@dataclass(frozen=True)
class FeatureFile:
    """A feature file. `rests_on`: other files, whose tables its query reads by their units. `cases`: the column that counts
    the cases of a row. `lookback`: how far from a row's own begin the facts may lie that it rests on, bound as `$lookback`
    (None: the file does not say)."""

    unit: str
    key: tuple[str, ...]
    needs: tuple[str, ...]
    may_use: tuple[str, ...]
    rests_on: tuple[FeatureFile, ...]
    cases: str | None
    lookback: timedelta | None
    columns: Mapping[str, Column]
    query: str
    path: Path
    hash: str

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the table: its key, then the others."""
        return (*self.key, *(name for name in self.columns if name not in self.key))

    @property
    def bound(self) -> dict[str, timedelta]:
        """What the query binds."""
        used = "lookback" in parameters(self.query) and self.lookback is not None
        return {"lookback": self.lookback} if used and self.lookback else {}

    @property
    def tables(self) -> frozenset[str]:
        """The ledger tables that it reads, itself or through others."""
        own = frozenset(name.partition(".")[0] for name in (*self.needs, *self.may_use))
        return own.union(*(one.tables for one in self.rests_on))

    @property
    def queries(self) -> tuple[str, ...]:
        """Its query, and those of what it rests on."""
        return (self.query, *(query for one in self.rests_on for query in one.queries))

    def of_role(self, role: str) -> tuple[Column, ...]:
        """The columns of a role, in the order of the file."""
        return tuple(column for column in self.columns.values() if column.role == role)


@cache
def load(folder: Path = FOLDER) -> Mapping[str, FeatureFile]:
    """Every feature file of a folder by its unit. Raises `SourceError`, with file and line, where one is wrong."""
    files: dict[str, FeatureFile] = {}
    for path in sorted(folder.glob("*.sql")):
        one = read(path)
        if one.unit != path.stem:
            raise SourceError(path, 1, f"unit '{one.unit}' must be the file's name, {path.stem}")
        files[one.unit] = one
    return MappingProxyType(files)


def read(path: Path) -> FeatureFile:
    """Read one feature file. Raises `SourceError`."""
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if match is None:
        raise SourceError(path, 1, "a feature file begins with its header, /* YAML */; add it")
    document = parse(match[1], path, first_line=1 + text[: match.start(1)].count("\n"))
    data = document.data
    if not isinstance(data, dict):
        raise document.error("the header must be a YAML mapping of fields")
    for name in data:
        if name not in _FIELDS:
            raise document.error(f"unknown field '{name}'", name)
    for name in _REQUIRED:
        if name not in data:
            raise document.error(f"'{name}' is missing; add it to the header")
    query = text[match.end() :].strip().removesuffix(";")
    key = _texts(document, "key")
    columns = _columns(document, data["columns"])
    needs, may_use = _texts(document, "needs"), _texts(document, "may_use") if "may_use" in data else ()
    rests_on = _others(document, path) if "rests_on" in data else ()
    _check_names(document, needs, may_use)
    cases = data.get("cases")
    if cases is not None and cases not in columns:
        raise document.error(f"'cases' names {cases!r}, which is no column", "cases")
    lookback = _lookback(document, data.get("lookback"))
    if bound := sorted(parameters(query) - ({"lookback"} if lookback else set())):
        raise document.error(
            f"the query binds ${bound[0]}; only $lookback, where the header has it, is bound"
        )
    return FeatureFile(
        unit=str(data["unit"]),
        key=key,
        needs=needs,
        may_use=may_use,
        rests_on=rests_on,
        cases=cases,
        lookback=lookback,
        columns=columns,
        query=query,
        path=path,
        hash=_hash(key, needs, may_use, [one.hash for one in rests_on], lookback, columns, query),
    )


def _hash(*parts: object) -> str:
    """Equal where the same ledger must give the same table under the same understanding of it."""
    *header, query = parts
    texts = [*(repr(dict(part)) if isinstance(part, Mapping) else repr(part) for part in header)]
    return hashlib.sha256("\0".join([*texts, significant(str(query))]).encode()).hexdigest()[:16]


def _check_names(document: Document, needs: tuple[str, ...], may_use: tuple[str, ...]) -> None:
    for field, names in (("needs", needs), ("may_use", may_use)):
        for name in names:
            if name not in ledger_names():
                raise document.error(f"the ledger has no '{name}'; ledger.sql lists its tables", field)


def _texts(document: Document, name: str) -> tuple[str, ...]:
    value = document.data[name]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise document.error(f"'{name}' must be a list of texts: [a, b]", name)
    return tuple(value)


def _others(document: Document, path: Path) -> tuple[FeatureFile, ...]:
    files = [path.with_name(f"{name}.sql") for name in _texts(document, "rests_on")]
    for file in files:
        if file == path or not file.is_file():
            raise document.error(
                f"'rests_on' names {file.stem}; there is no other such file here", "rests_on"
            )
    return tuple(map(read, files))


def _lookback(document: Document, value: object) -> timedelta | None:
    if value is None:
        return None
    match = _DAYS.fullmatch(str(value))
    if match is None:
        raise document.error(f"'lookback' is {value!r}; write '120 d'", "lookback")
    return timedelta(days=int(match[1]))


def _columns(document: Document, value: Any) -> Mapping[str, Column]:
    if not isinstance(value, dict) or not value:
        raise document.error("'columns' must map columns to {meaning, unit, role, …}", "columns")
    columns = {name: _column(document, name, one) for name, one in value.items()}
    for name, column in columns.items():
        for part in (column.numerator, column.denominator):
            if part is not None and part not in columns:
                raise document.error(f"column '{name}': {part!r} is no column", "columns", name)
    return MappingProxyType(columns)


def _column(document: Document, name: str, value: Any) -> Column:
    def wrong(message: str) -> SourceError:
        return document.error(f"column '{name}': {message}", "columns", name)

    if not isinstance(value, dict):
        raise wrong("must be {meaning, unit, role, …}")
    if unknown := sorted(set(value) - _OF_COLUMN):
        raise wrong(f"unknown field '{unknown[0]}'")
    if not isinstance(value.get("meaning"), str) or not isinstance(value.get("unit"), str):
        raise wrong("'meaning' and 'unit' must be texts")
    role = value.get("role") or ("rate" if "numerator" in value else "value")
    if role not in ROLES:
        raise wrong(f"role {role!r}; use one of {', '.join(ROLES)}")
    if role == "rate" and not (value.get("numerator") and value.get("denominator")):
        raise wrong("a rate names its numerator and its denominator")
    if value.get("suspicious") is not None and value["suspicious"] not in SUSPICIOUS:
        raise wrong(f"'suspicious' is {value['suspicious']!r}; use one of {', '.join(SUSPICIOUS)}")
    few = value.get("few")
    if few is not None and (not isinstance(few, int) or few < 1):
        raise wrong("'few' must be a whole number from 1")
    return Column(
        name,
        value["meaning"],
        value["unit"],
        role,
        value.get("numerator"),
        value.get("denominator"),
        value.get("suspicious"),
        few,
        value.get("basis"),
        value.get("english"),
    )
