"""Checks of the cases beside a rule: enough of them, every severity, every exemption."""

from __future__ import annotations

from collections.abc import Iterator

from rules.lint.issue import (
    CasesMissing,
    ExemptionUndeclared,
    ExemptionUnproved,
    Issue,
    SeverityUndeclared,
    SeverityUnproved,
)
from rules.lint.subject import Subject

FIRING, SILENT = 1, 2


def check_cases(subject: Subject) -> Iterator[Issue]:
    """All of them. Raises `SourceError` where the file of cases is wrong."""
    rule, cases = subject.rule, subject.cases
    path = rule.path.with_suffix(".cases.yaml")
    firing = sum(bool(case.expect) for case in cases)
    if firing < FIRING or len(cases) - firing < SILENT:
        yield CasesMissing(path, 1, f"{firing} that fire, {len(cases) - firing} that do not")
    for case in cases:
        for row in case.expect:
            if row["severity"] not in rule.severity:
                yield SeverityUndeclared(path, case.line, f"{row['severity']} in '{case.name}'")
        if case.exempt is not None and case.exempt not in rule.exempt:
            yield ExemptionUndeclared(path, case.line, case.exempt)
    shown = {row["severity"] for case in cases for row in case.expect}
    for severity in rule.severity:
        if severity not in shown:
            yield SeverityUnproved(rule.path, rule.document.line("severity"), str(severity))
    proved = {case.exempt for case in cases}
    for name in rule.exempt:
        if name not in proved:
            yield ExemptionUnproved(rule.path, rule.document.line("exempt", name), name)
