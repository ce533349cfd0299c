"""The linter: refuses what could break "an alert is a pure function of the facts", and what a rule leaves unsaid.

A check is a function of one rule that yields issues; an issue is a small class with file, line and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rules import knowledge
from rules.lint.casework import check_cases
from rules.lint.declared import check_header
from rules.lint.determinism import check_determinism
from rules.lint.issue import Issue, Unparsable, Unreadable
from rules.lint.reading import check_reading
from rules.lint.result import check_result
from rules.lint.rulebook import check_rulebook
from rules.lint.subject import Subject
from rules.rulebook import FOLDER, Rule, read_rule, rule_files
from rules.yamltext import SourceError

__all__ = ["Issue", "lint", "lint_rule"]

_CHECKS: tuple[Callable[[Subject], Iterable[Issue]], ...] = (
    check_header,
    check_determinism,
    check_reading,
    check_result,
    check_cases,
)


def lint(folder: Path | None = None, known: knowledge.Knowledge | None = None) -> list[Issue]:
    """Every issue of the rules under a folder (default: the rules that come with fundwatch), by file and line.

    `known`: the knowledge that they may join with (default: that of fundwatch). Raises `SourceError` where there is
    no such folder.
    """
    issues: list[Issue] = []
    rules: list[Rule] = []
    known = known or knowledge.load()
    for path in rule_files(folder or FOLDER):
        try:
            rule = read_rule(path)
        except SourceError as error:
            issues.append(Unreadable(error.path, error.line, error.message))
            continue
        rules.append(rule)
        issues.extend(lint_rule(rule, known))
    issues.extend(check_rulebook(rules))
    return sorted(issues, key=lambda issue: (str(issue.path), issue.line, issue.name))


def lint_rule(rule: Rule, known: knowledge.Knowledge) -> Iterator[Issue]:
    """The issues of one rule by itself."""
    try:
        subject = Subject(rule, known)
    except ValueError as error:
        yield Unparsable(rule.path, rule.sql_line, str(error))
        return
    for check in _CHECKS:
        try:
            yield from check(subject)
        except SourceError as error:
            yield Unreadable(error.path, error.line, error.message)
