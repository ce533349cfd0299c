"""What a person is told: one sentence that says what is wrong and what to do."""

from __future__ import annotations


class Refused(Exception):
    """The work cannot be done as asked. The message is for the person at the terminal."""
