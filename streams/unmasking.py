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
    with (folder / UNMASKED).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(note(what, reason), ensure_ascii=False) + "\n")


def note(what: str, reason: str) -> dict[str, str]:
    """When, by whom, what and why, as it is recorded."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": _user(),
        "what": what,
        "reason": reason,
    }


def _user() -> str:
    """Who is at the terminal; in a container the user may have a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
