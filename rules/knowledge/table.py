"""One knowledge table: a CSV and its declaration, read into Arrow with declared types."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from rules.yamltext import SourceError, read

#: What an empty date means, so that a rule may write `between effective_from and effective_to`.
OPEN_ENDED = MappingProxyType({"effective_from": date(1900, 1, 1), "effective_to": date(9999, 12, 31)})

_TYPES = MappingProxyType(
    {
        "varchar": pa.string(),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }
)


@dataclass(frozen=True)
class Column:
    """A column of a knowledge table; `type` as SQL names it."""

    name: str
    type: str
    meaning: str
    unit: str | None = None

    @property
    def arrow(self) -> pa.DataType:
        """Its Arrow type."""
        return arrow_type(self.type)


@dataclass(frozen=True)
class Declaration:
    """What a knowledge table means, where it comes from, and its columns in order."""

    meaning: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a declared one. Raises ValueError for others."""
    if (match := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", name)) is not None:
        return pa.decimal128(int(match[1]), int(match[2]))
    if name not in _TYPES:
        raise ValueError(f"type '{name}'; use {', '.join(_TYPES)} or decimal(p,s)")
    return _TYPES[name]


def read_table(path: Path) -> tuple[Declaration, pa.Table]:
    """Read `<name>.csv` as its `<name>.yaml` declares it. Raises `SourceError` with the line."""
    declaration = read_declaration(path.with_suffix(".yaml"))
    names = [column.name for column in declaration.columns]
    values: dict[str, list[Any]] = {name: [] for name in names}
    seen: dict[tuple[Any, ...], int] = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        if (header := next(lines, [])) != names:
            raise SourceError(path, 1, f"columns are {', '.join(header)}; declared are {', '.join(names)}")
        for cells in lines:
            if len(cells) != len(names):
                raise SourceError(
                    path, lines.line_num, f"{len(cells)} cells, {len(names)} columns; quote commas"
                )
            row = {
                column.name: _cell(path, lines.line_num, column, text)
                for column, text in zip(declaration.columns, cells, strict=True)
            }
            key = tuple(row[name] for name in declaration.key)
            if key in seen:
                raise SourceError(
                    path, lines.line_num, f"same {', '.join(declaration.key)} as line {seen[key]}"
                )
            seen[key] = lines.line_num
            for name, value in row.items():
                values[name].append(value)
    schema = pa.schema([(column.name, column.arrow) for column in declaration.columns])
    return declaration, pa.table(values, schema=schema)


def read_declaration(path: Path) -> Declaration:
    """Read the `<name>.yaml` of a table. Raises `SourceError`."""
    if not path.exists():
        raise SourceError(path, 1, "this declaration is missing; see rules/knowledge/README.md for its form")
    document = read(path)
    data = document.data
    if not isinstance(data, dict):
        raise document.error("must be a mapping of meaning, source, key and columns")
    if unknown := sorted(set(data) - {"meaning", "source", "key", "columns"}):
        raise document.error(f"unknown field '{unknown[0]}'", unknown[0])
    for field in ("meaning", "source"):
        if not isinstance(data.get(field), str):
            raise document.error(f"'{field}' must be a text", field)
    if not isinstance(data.get("columns"), dict) or not data["columns"]:
        raise document.error("'columns' must map each column to {type, meaning}", "columns")
    columns = []
    for name, entry in data["columns"].items():
        if not isinstance(entry, dict) or not {"type", "meaning"} <= set(entry) <= {
            "type",
            "meaning",
            "unit",
        }:
            raise document.error(
                f"column '{name}' must be {{type, meaning}}, with unit where it has one", "columns", name
            )
        try:
            arrow_type(entry["type"])
        except ValueError as error:
            raise document.error(f"column '{name}': {error}", "columns", name) from error
        columns.append(Column(name, entry["type"], str(entry["meaning"]), entry.get("unit")))
    known = {column.name for column in columns}
    key = data.get("key") or [column.name for column in columns]
    if not isinstance(key, list) or not set(key) <= known:
        raise document.error("'key' must list columns of the table", "key")
    return Declaration(data["meaning"].strip(), data["source"].strip(), tuple(key), tuple(columns))


def _cell(path: Path, line: int, column: Column, text: str) -> Any:
    """A cell's value; an empty one is null, or an open end."""
    if text == "":
        return OPEN_ENDED.get(column.name) if column.type == "date" else None
    try:
        match column.type:
            case "varchar":
                return text
            case "integer":
                return int(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "date":
                return date.fromisoformat(text)
            case "timestamp":
                return datetime.fromisoformat(text)
            case _:
                return Decimal(text)
    except (ValueError, KeyError, InvalidOperation) as error:
        raise SourceError(path, line, f"{column.name}: {text!r} is no {column.type}") from error


def columns_by_name(declaration: Declaration) -> Mapping[str, Column]:
    """Column name → column."""
    return {column.name: column for column in declaration.columns}
