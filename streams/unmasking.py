"""Who was shown in clear, by whom, and why: noted beside what was shown."""

from __future__ import annotations

import getpass
import json
import os
from datetime import UTC, datetime
from pathlib import Path

UNMASKED = "unmasked.jsonl"


def record(folder: Path, what: str, reason: str) -> None:
    """Add a line to `unmasked.jsonl` of a run or ledger folder. `what` names the alert, rule and subject, or workbook."""
    note = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": _user(),
        "what": what,
        "reason": reason,
    }
    with (folder / UNMASKED).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(note, ensure_ascii=False) + "\n")


def _user() -> str:
    """Who is at the terminal; in a container the user may have a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
