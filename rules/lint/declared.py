"""Checks of the header against the SQL and against what is published: parameters, exemptions, law, national rule."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from rules.lint.issue import (
    ExemptionUnapplied,
    ExemptionUndeclared,
    FamilyWrong,
    Issue,
    LawTooLong,
    LawUnknown,
    OfficialUnknown,
    ParamUndeclared,
    ParamUnused,
)
from rules.lint.subject import Subject
from rules.sqltext import parameter_line, parameters

#: Longest vola_evid, characters (platform interface, transaction 3101).
EVIDENCE_LIMIT = 500

#: Folder → the letters of its rules' codes.
FAMILIES = MappingProxyType(
    {
        "ghost_bed": "GB",
        "induced": "IN",
        "fake_patient": "FP",
        "fake_illness": "FI",
        "fake_receipt": "FR",
        "personal_account": "PA",
        "benefit": "BA",
        "physician": "MD",
        "anomaly": "AN",
    }
)


def check_header(subject: Subject) -> Iterator[Issue]:
    """All of them."""
    yield from _params(subject)
    yield from _exemptions(subject)
    yield from _law(subject)
    yield from _official(subject)
    rule = subject.rule
    if FAMILIES.get(rule.family, rule.code[:2]) != rule.code[:2]:
        yield FamilyWrong(rule.path, rule.document.line("code"), f"{rule.code} in {rule.family}")


def _params(subject: Subject) -> Iterator[Issue]:
    rule = subject.rule
    for name in sorted(rule.used - set(rule.params) - {"lookback"}):
        in_sql = name in parameters(rule.sql)
        line = rule.sql_line + parameter_line(rule.sql, name) if in_sql else rule.document.line("judges")
        yield ParamUndeclared(rule.path, line, f"${name}")
    for name in rule.params:
        if name not in rule.used:
            yield ParamUnused(rule.path, rule.document.line("params", name), f"${name}")


def _exemptions(subject: Subject) -> Iterator[Issue]:
    rule = subject.rule
    applied = dict(subject.tree.exemptions())
    for name in rule.exempt:
        if name not in applied:
            yield ExemptionUnapplied(rule.path, rule.document.line("exempt", name), name)
    for name, line in applied.items():
        if name not in rule.exempt:
            yield ExemptionUndeclared(rule.path, line, name)


def _law(subject: Subject) -> Iterator[Issue]:
    rule, law = subject.rule, subject.known.law
    line = rule.document.line("law")
    for key in rule.law:
        if key not in law:
            yield LawUnknown(rule.path, line, key)
    length = len("；".join([*(law.get(key, "") for key in rule.law), rule.basis or ""]))
    if length > EVIDENCE_LIMIT:
        yield LawTooLong(rule.path, line, f"{length} characters")


def _official(subject: Subject) -> Iterator[Issue]:
    rule = subject.rule
    if rule.official is None:
        return
    published = subject.known.tables["official_rules"].to_pylist()
    if {"code": rule.official_code, "name": rule.official_name} not in published:
        named = next((row for row in published if rule.official_name == row["name"]), None)
        coded = next((row for row in published if row["code"] and rule.official_code == row["code"]), None)
        meant = named or coded
        hint = f"; meant is perhaps {meant['code'] or ''} {meant['name']}".replace("  ", " ") if meant else ""
        yield OfficialUnknown(rule.path, rule.document.line("official"), rule.official + hint)
