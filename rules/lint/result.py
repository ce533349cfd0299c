"""Checks of what a rule returns: the database accepts it, kernel and sentence find their columns."""

from __future__ import annotations

import string
from collections.abc import Iterator
from types import MappingProxyType

import duckdb

from rules.lint.issue import ColumnMissing, ColumnMistyped, InvalidSql, Issue, PlaceholderUnknown
from rules.lint.subject import Subject

_WHOLE = (
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TINYINT",
    "HUGEINT",
    "UINTEGER",
    "UBIGINT",
    "USMALLINT",
    "UTINYINT",
)

_TYPES = MappingProxyType(
    {
        "severity": _WHOLE,
        "occurred_at": ("TIMESTAMP",),
        "due_at": ("TIMESTAMP",),
        "evidence": ("VARCHAR[]",),
        "mdtrt_ids": ("VARCHAR[]",),
        "setl_ids": ("VARCHAR[]",),
        "dr_codes": ("VARCHAR[]",),
        "psn_no": ("VARCHAR",),
        "fixmedins_code": ("VARCHAR",),
        "opter": ("VARCHAR",),
    }
)

#: What the macros of macros.sql make.
_ITEMS = (
    "STRUCT(mdtrt_id VARCHAR, setl_id VARCHAR, feedetl_sn VARCHAR, reim_id VARCHAR, "
    "part DECIMAL(9,6), violating BOOLEAN)[]"
)


def check_result(subject: Subject) -> Iterator[Issue]:
    """All of them."""
    rule = subject.rule
    line = subject.tree.steps[-1].line
    undeclared = set(rule.used) - set(rule.params) - {"lookback"}
    if undeclared:
        return  # said elsewhere; without values the database cannot judge
    try:
        result = subject.result
    except duckdb.Error as error:
        yield InvalidSql(rule.path, rule.sql_line, " ".join(str(error).split("\n\nLINE")[0].split()))
        return
    except RuntimeError as error:
        yield InvalidSql(rule.path, rule.sql_line, str(error))
        return
    for name in dict.fromkeys((*rule.anchor, rule.subject[1], "severity", "occurred_at", "evidence")):
        if name not in result:
            yield ColumnMissing(rule.path, line, name)
    for name, kind in result.items():
        if name in _TYPES and kind not in _TYPES[name] and kind != '"NULL"':
            yield ColumnMistyped(rule.path, line, f"{name} is {kind}, not {_TYPES[name][0]}")
        if name == "items" and kind.replace('"', "") != _ITEMS:
            yield ColumnMistyped(rule.path, line, "items are made by the item macros only")
    for _, placeholder, _, _ in string.Formatter().parse(rule.sentence):
        if placeholder is not None and placeholder not in result:
            yield PlaceholderUnknown(rule.path, rule.document.line("sentence"), placeholder)
