"""What a person is told: one sentence that says what is wrong and what to do."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 an answer, not a fault
    """The work cannot be done as asked. The message is for the person at the terminal."""
