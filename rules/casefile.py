"""The cases beside a rule: small tables in, expected violations out, as their file states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rules.rulebook import Rule
from rules.yamltext import Document, read

_FIELDS = frozenset({"name", "given", "expect", "watermark", "params", "exempt"})


@dataclass(frozen=True)
class Case:
    """One case: its name, where it stands, rows in, violations out."""

    name: str
    path: Path
    line: int
    given: Mapping[str, Sequence[Mapping[str, Any]]]
    expect: Sequence[Mapping[str, Any]]
    watermark: datetime | None
    params: Mapping[str, Any]
    exempt: str | None
    document: Document
    number: int


def cases_path(rule: Rule) -> Path:
    """The file of a rule's cases."""
    return rule.path.with_suffix(".cases.yaml")


def read_cases(rule: Rule) -> tuple[Case, ...]:
    """The cases beside a rule, empty where it has none. Raises `SourceError`, with file and line."""
    path = cases_path(rule)
    if not path.exists():
        return ()
    document = read(path)
    if not isinstance(document.data, list):
        raise document.error("must be a list of cases: - name: …")
    return tuple(_case(document, number, entry) for number, entry in enumerate(document.data))


def _case(document: Document, number: int, entry: Any) -> Case:
    if not isinstance(entry, dict) or not {"name", "given", "expect"} <= set(entry):
        raise document.error("a case needs name, given and expect", number)
    if unknown := sorted(set(entry) - _FIELDS):
        raise document.error(f"unknown field '{unknown[0]}'", number, unknown[0])
    given, expect, watermark = entry["given"] or {}, entry["expect"] or [], entry.get("watermark")
    if not isinstance(given, dict) or not all(isinstance(rows, list) for rows in given.values()):
        raise document.error("'given' must map tables to lists of rows", number, "given")
    for table, rows in given.items():
        if not all(isinstance(row, dict) for row in rows):
            raise document.error(
                f"'{table}' must be a list of rows {{column: value}}", number, "given", table
            )
    if not isinstance(expect, list) or not all(isinstance(row, dict) and "severity" in row for row in expect):
        raise document.error(
            "'expect' must be a list of violations, each with its severity", number, "expect"
        )
    if watermark is not None and not isinstance(watermark, datetime):
        raise document.error("'watermark' must be a time: 2026-03-01 00:00:00", number, "watermark")
    params = entry.get("params") or {}
    if not isinstance(params, dict):
        raise document.error("'params' must map parameters to values", number, "params")
    line = document.line(number)
    name = str(entry["name"])
    return Case(
        name, document.path, line, given, expect, watermark, params, entry.get("exempt"), document, number
    )
