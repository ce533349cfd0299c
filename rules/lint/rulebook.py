"""Checks across rules: what only all of them together can get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.lint.issue import IdentityTaken, Issue
from rules.rulebook import Rule


def check_rulebook(rules: Sequence[Rule]) -> Iterator[Issue]:
    """Codes and names are unique."""
    for field in ("code", "name"):
        first: dict[str, Rule] = {}
        for rule in rules:
            value = getattr(rule, field)
            other = first.setdefault(value, rule)
            if other is not rule:
                yield IdentityTaken(rule.path, rule.document.line(field), f"{value} is that of {other.path}")
