"""What becomes of input that is no fact and no other message: kept, counted and explained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

LONGEST_MESSAGE = 8 * 1024 * 1024
"""Bytes. A longer line is rejected without being read as JSON."""
LONGEST_RAW = 64 * 1024
"""Bytes of a rejected line that are kept."""

REASONS = {
    "too_long": "the line is longer than a message may be",
    "bad_encoding": "the line is not clean UTF-8",
    "not_json": "the line is not one JSON object",
    "no_kind": "the object is neither a transaction nor a known registry event",
    "bad_shape": "a node or field has a shape that no reading makes sense of",
    "missing_field": "a required field is missing",
    "bad_value": "a field has an impossible value",
    "truncated_input": "a file ends or breaks off in the middle",
    "msgid_conflict": "the same msgid came with other content",
}
"""Reason codes, and what they mean."""


@dataclass(frozen=True)
class Reject:
    """One line, or one row of a line, that is not a fact.

    `line` counts from 1, `byte_offset` is where the line begins in the (uncompressed) source. `row` names the
    element of a list that is rejected alone; without it the whole line is. `raw` is at most `LONGEST_RAW` bytes of
    the line; `length` and `sha256` are the line's.
    """

    source: str
    line: int
    byte_offset: int | None
    reason_code: str
    sentence: str
    raw: bytes
    length: int
    sha256: str
    row: str | None = None
    msgid: str | None = None

    def at(self, byte_offset: int) -> Reject:
        """The same, with the place where its line begins in the source."""
        return replace(self, byte_offset=byte_offset)

    @staticmethod
    def of(
        line_bytes: bytes,
        *,
        source: str,
        line: int,
        reason_code: str,
        sentence: str,
        row: str | None = None,
        msgid: str | None = None,
    ) -> Reject:
        return Reject(
            source,
            line,
            None,
            reason_code,
            sentence,
            line_bytes[:LONGEST_RAW],
            len(line_bytes),
            hashlib.sha256(line_bytes).hexdigest(),
            row,
            msgid,
        )
