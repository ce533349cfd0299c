"""The persons of a shard: whether all of theirs is held, and when to look at them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A person to be looked at again. `with_past`: with everything that the lake has."""

    psn_no: str
    complete: bool
    with_past: bool


class Persons:
    """The table `person` of a state file. Writes belong to the caller's transaction; times are microseconds."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con

    def complete(self, persons: Collection[str]) -> dict[str, bool]:
        """Of the persons that are known: whether all of theirs is held."""
        rows = self._con.execute(
            "select psn_no, complete from person where psn_no in (select value from json_each(?))",
            (json.dumps(sorted(persons)),),
        )
        return {psn_no: bool(complete) for psn_no, complete in rows}

    def waiting(self, now: int, most: int) -> list[Waiting]:
        """Persons of whom something has come due by now, or who are to be looked at again."""
        rows = self._con.execute(
            "select psn_no, complete, again from ("
            " select * from (select psn_no, complete, again from person where due <= ?1 order by due limit ?2)"
            " union select * from (select psn_no, complete, again from person where again > 0 limit ?2)"
            ") limit ?2",
            (now, most),
        ).fetchall()
        return [
            Waiting(psn_no, bool(complete), bool(again) and not complete) for psn_no, complete, again in rows
        ]

    def heard(self, psn_no: str, *, complete: bool, due: int | None, oldest: int | None) -> None:
        """Note a person of whom something came. `oldest`: when the first of it was seen."""
        self._con.execute(
            "insert into person (psn_no, complete, due, oldest, again) values (?1, ?2, ?3, ?4, 0) "
            "on conflict do update set complete = ?2, due = ?3,"
            " oldest = min(coalesce(oldest, ?4), coalesce(?4, oldest))",
            (psn_no, complete, due, oldest),
        )

    def looked_at(self, psn_no: str, due: int | None) -> None:
        """Note that a person needs not be looked at before `due`."""
        self._con.execute("update person set due = ?2, again = 0 where psn_no = ?1", (psn_no, due))

    def look_again(self, persons: Iterable[str], *, complete: bool) -> None:
        """Have persons looked at again, with all that the lake has; `complete` is noted of those that are not known."""
        self._con.executemany(
            "insert into person (psn_no, complete, again) values (?1, ?2, 1) on conflict do update set again = 1",
            [(psn_no, complete) for psn_no in sorted(persons)],
        )

    def look_at_all_again(self) -> None:
        """Have everyone looked at again, with all that the lake has."""
        self._con.execute("update person set again = 1")

    def all_incomplete(self) -> None:
        """Something was left out of everyone's facts; they are looked at again with all that the lake has."""
        self._con.execute("update person set complete = 0, again = 1")

    def with_older_than(self, horizon: int, most: int) -> set[str]:
        """Persons of whom something lies beyond the horizon, those with the oldest first."""
        rows = self._con.execute(
            "select psn_no from person where oldest < ? order by oldest limit ?", (horizon, most)
        )
        return {psn_no for (psn_no,) in rows}

    def evicted(self, psn_no: str, oldest: int | None, *, lost: bool) -> None:
        """Note what is left of a person; `lost`: it is not all any more."""
        self._con.execute(
            "update person set oldest = ?2, complete = complete and not ?3 where psn_no = ?1",
            (psn_no, oldest, lost),
        )

    @property
    def count(self) -> int:
        """Persons that are known."""
        return int(self._con.execute("select count(*) from person").fetchone()[0])
