"""What can go wrong in the kernel."""

from __future__ import annotations


class RuleError(Exception):
    """A rule broke its contract: which rule, and what to change in it."""
