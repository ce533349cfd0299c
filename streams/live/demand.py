"""What a history is kept for: the fact tables that are read of it, and how far back."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Demand:
    """`reads`: fact tables; rows of others were never kept. `reach`: from the watermark back to the horizon."""

    reads: frozenset[str]
    reach: timedelta

    @staticmethod
    def held(con: sqlite3.Connection) -> Demand | None:
        """What the state was kept for last; None: it is new."""
        row = con.execute("select value from meta where key = 'demand'").fetchone()
        if row is None:
            return None
        reads, seconds = json.loads(row[0])
        return Demand(frozenset(reads), timedelta(seconds=seconds))

    def hold(self, con: sqlite3.Connection) -> None:
        """Note that the state is kept for this from now on. Within the caller's transaction."""
        text = json.dumps([sorted(self.reads), self.reach.total_seconds()])
        con.execute("insert or replace into meta values ('demand', ?)", (text,))
