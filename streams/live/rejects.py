"""`rejects.jsonl` of a data folder: every reject once, through kills and restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streams.live.journal import Journal

_encode = msgspec.json.Encoder().encode

#: Under which the journal notes how much of the file counts.
_BYTES = "rejects_bytes"


class RejectsFile:
    """Lines are written first, then noted as written; what was written and not noted is cut off and written again.

    The file may be moved away at any time; a new one begins.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal
        if self._path.exists():
            with path.open("r+b") as file:
                file.truncate(min(journal.noted(_BYTES), path.stat().st_size))

    def add(self, records: Iterable[Mapping[str, Any]], numbers: Mapping[str, int]) -> None:
        """Write rejects, and note with them how far whoever found them has come."""
        lines = b"".join(_encode(record) + b"\n" for record in records)
        if lines:
            with self._path.open("ab") as file:
                os.fchmod(file.fileno(), 0o640)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
                numbers = {**numbers, _BYTES: file.tell()}
        self._journal.note(numbers)
