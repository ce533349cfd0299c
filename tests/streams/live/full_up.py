"""A `fundwatch up` for one of whose SQLite files the disk is full: `python -m … FILE COMMAND…`."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any

from streams.cli import main

connect = sqlite3.connect


def full(path: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
    """Connect; the file may not become larger than it is."""
    con = connect(path, *args, **kwargs)
    if sys.argv[1] in str(path):
        con.execute("pragma max_page_count = 1")
    return con


if __name__ == "__main__":
    sqlite3.connect = full  # type: ignore[assignment]
    main(sys.argv[2:])
