"""Checks of what a rule reads: tables that are there, declared, allowed, and only as far as its lookback."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.lint.issue import (
    Issue,
    LookbackMissing,
    LookbackUndeclared,
    LookbackUnused,
    NeedUnknown,
    NeedUnused,
    PopulationUnread,
    ReadsAllUnused,
    StepUnexplained,
    TableForbidden,
    TableUndeclared,
    TableUnknown,
)
from rules.lint.subject import Subject
from rules.schema import MODEL, ledger_columns, ledger_names, model_columns, table_of

#: What was taken back: only for rules that say so.
ALL_TABLES = frozenset({"fee_line_all", "settlement_all", "cancellation"})

#: Names of the tables and columns that the source supplies: what never comes from somewhere tells nothing.
PROVIDED = "provided"

#: Not events: they hold for a time, so a lookback does not bound them.
REGISTRIES = frozenset(
    {"insured", "institution", "practitioner", "death", "family", "catalogue", "chronic_registration"}
)

#: Rules whose anchor has no time of its own look back without end.
_TIMELESS_KEYS = frozenset({"bill", "trace_code"})


def check_reading(subject: Subject) -> Iterator[Issue]:
    """All of them."""
    yield from _tables(subject)
    yield from _needs(subject)
    yield from _lookback(subject)
    yield from _steps(subject)


def _read(subject: Subject) -> dict[str, int]:
    """Tables read by the query or by the population, with lines."""
    rule = subject.rule
    tables = dict(subject.tree.tables)
    words = re.findall(r"\b(?:from|join)\s+([\w.]+)|^\s*(\w+)", f"{rule.judges.rows('*', judged=True)}")
    line = rule.document.line("judges")
    for name in {first or second for first, second in words} - {"select"}:
        if name in ledger_columns() or "." in name:
            tables.setdefault(name, line)
    return tables


def _tables(subject: Subject) -> Iterator[Issue]:
    rule = subject.rule
    declared = {table_of(name) for name in (*rule.needs, *rule.may_use)}
    read = _read(subject)
    for name, line in read.items():
        if name.startswith("knowledge."):
            if name.removeprefix("knowledge.") not in subject.known.tables:
                yield TableUnknown(rule.path, line, name)
        elif name == PROVIDED:
            continue
        elif name.startswith(f"{MODEL}."):
            if name not in model_columns():
                yield TableUnknown(rule.path, line, name)
            elif name not in declared:
                yield TableUndeclared(rule.path, line, name)
        elif name == "message" or name.startswith("fact."):
            yield TableForbidden(rule.path, line, name)
        elif name not in ledger_columns():
            yield TableUnknown(rule.path, line, name)
        elif name in ALL_TABLES and not rule.reads_all:
            yield TableForbidden(rule.path, line, name)
        elif name not in declared:
            yield TableUndeclared(rule.path, line, name)
    if rule.reads_all and not ALL_TABLES & set(read):
        yield ReadsAllUnused(rule.path, rule.document.line("reads_all"), "reads_all")


def _needs(subject: Subject) -> Iterator[Issue]:
    rule, read = subject.rule, _read(subject)
    words = set(re.findall(r"\w+", rule.query))
    for field in ("needs", "may_use"):
        for name in getattr(rule, field):
            table = table_of(name)
            column = name.removeprefix(table).removeprefix(".")
            line = rule.document.line(field)
            if name not in ledger_names() and name not in model_columns():
                yield NeedUnknown(rule.path, line, name)
            elif table not in read or (column and column not in words):
                yield NeedUnused(rule.path, line, name)
    for name in sorted(set(rule.needs) & set(rule.may_use)):
        yield NeedUnused(rule.path, rule.document.line("may_use"), f"{name} stands in needs already")


def _lookback(subject: Subject) -> Iterator[Issue]:
    rule = subject.rule
    line = rule.document.line("lookback")
    events = {name for name in _read(subject) if name in ledger_columns() and name not in REGISTRIES}
    if rule.lookback is None:
        if rule.key not in _TIMELESS_KEYS:
            yield LookbackMissing(rule.path, line, f"key {rule.key}")
        if "lookback" in rule.used:
            yield LookbackUndeclared(rule.path, line, "$lookback")
    elif "lookback" not in rule.used and events - {rule.judges.table}:
        yield LookbackUnused(rule.path, line, ", ".join(sorted(events - {rule.judges.table})))


def _steps(subject: Subject) -> Iterator[Issue]:
    rule, tree = subject.rule, subject.tree
    for step in tree.steps[:-1]:
        if not step.comment:
            yield StepUnexplained(rule.path, step.line, step.name)
    if not re.search(r"\bjudged\b", rule.sql):
        yield PopulationUnread(rule.path, rule.sql_line, "judged")
