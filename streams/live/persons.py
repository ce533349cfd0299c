"""The persons of a shard: what of theirs is held, and when to look at them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

#: Persons that are judged together: more would not fit well into memory, fewer would cost more each.
PERSONS_AT_ONCE = 2000


class Held(IntEnum):
    """How much of a person's facts the history has."""

    UNSURE = 0
    """Anything may be missing: the lake has to be read before the person is judged."""

    RECENT = 1
    """Missing is only what was let go of, beyond the horizon."""

    ALL = 2


@dataclass(frozen=True)
class Waiting:
    """A person to be looked at again. `asked`: not because something came due."""

    psn_no: str
    held: Held
    asked: bool


class Persons:
    """The table `person` of a state file. Writes belong to the caller's transaction; times are microseconds."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con

    def held(self, persons: Collection[str]) -> dict[str, Held]:
        """How much is held of those persons that are known."""
        rows = self._con.execute(
            "select psn_no, held from person where psn_no in (select value from json_each(?))",
            (json.dumps(sorted(persons)),),
        )
        return {psn_no: Held(held) for psn_no, held in rows}

    def waiting(self, now: int, most: int) -> list[Waiting]:
        """Persons of whom something has come due by now, or who are to be looked at again."""
        rows = self._con.execute(
            "select psn_no, held, again from ("
            " select * from (select psn_no, held, again from person where due <= ?1 order by due limit ?2)"
            " union select * from (select psn_no, held, again from person where again > 0 limit ?2)"
            ") limit ?2",
            (now, most),
        ).fetchall()
        return [Waiting(psn_no, Held(held), bool(again)) for psn_no, held, again in rows]

    def due(self, now: int, most: int) -> list[Waiting]:
        """Persons of whom something has come due by now, and of whom the history has enough to judge that."""
        rows = self._con.execute(
            "select psn_no, held from person where due <= ? and again = 0 and held <> ? order by due limit ?",
            (now, Held.UNSURE, most),
        ).fetchall()
        return [Waiting(psn_no, Held(held), False) for psn_no, held in rows]

    def heard(self, levels: Mapping[str, Held], *, due: Mapping[str, int], oldest: Mapping[str, int]) -> None:
        """Note persons of whom something came. `oldest`: when the first of it was seen."""
        self._con.executemany(
            "insert into person (psn_no, held, due, oldest, again) values (?1, ?2, ?3, ?4, 0) "
            "on conflict do update set held = ?2, due = ?3,"
            " oldest = min(coalesce(oldest, ?4), coalesce(?4, oldest))",
            [(psn_no, held, due.get(psn_no), oldest.get(psn_no)) for psn_no, held in sorted(levels.items())],
        )

    def looked_at(
        self, levels: Mapping[str, Held], *, due: Mapping[str, int], oldest: Mapping[str, int]
    ) -> None:
        """Note that persons were looked at again and need not be before they are `due`."""
        self.heard(levels, due=due, oldest=oldest)
        self._con.executemany(
            "update person set again = 0 where psn_no = ?", [(psn_no,) for psn_no in sorted(levels)]
        )

    def look_again(self, persons: Iterable[str], unknown: Held) -> None:
        """Have persons looked at again, with all that the lake has. `unknown`: what is held of those not known."""
        self._con.executemany(
            "insert into person (psn_no, held, again) values (?1, ?2, 1) on conflict do update set again = 1",
            [(psn_no, unknown) for psn_no in sorted(persons)],
        )

    def unsure(self, persons: Iterable[str]) -> None:
        """Something may be missing of these persons, whatever was thought; they are looked at again with the lake."""
        self._con.executemany(
            "insert into person (psn_no, held, again) values (?1, ?2, 1) on conflict do update set held = ?2, again = 1",
            [(psn_no, Held.UNSURE) for psn_no in sorted(persons)],
        )

    def look_at_all_again(self) -> None:
        """Have everyone looked at again, with all that the lake has."""
        self._con.execute("update person set again = 1")

    def all_unsure(self) -> None:
        """Something was left out of everyone's facts; they are looked at again with all that the lake has."""
        self._con.execute("update person set held = ?, again = 1", (Held.UNSURE,))

    def recent_unsure(self) -> None:
        """The horizon lies further back than before: of whom visits were let go of, too many may have been."""
        self._con.execute("update person set held = ? where held = ?", (Held.UNSURE, Held.RECENT))

    def with_older_than(self, horizon: int, most: int) -> set[str]:
        """Persons of whom something lies beyond the horizon, those with the oldest first."""
        rows = self._con.execute(
            "select psn_no from person where oldest < ? order by oldest limit ?", (horizon, most)
        )
        return {psn_no for (psn_no,) in rows}

    def evicted(self, oldest: Mapping[str, int | None], lost: Collection[str]) -> None:
        """Note what is left of persons; of those lost something was let go of."""
        self._con.executemany(
            "update person set oldest = ?2, held = min(held, ?3) where psn_no = ?1",
            [(psn_no, when, Held.RECENT if psn_no in lost else Held.ALL) for psn_no, when in oldest.items()],
        )

    @property
    def count(self) -> int:
        """Persons that are known."""
        return int(self._con.execute("select count(*) from person").fetchone()[0])


def of_level(levels: Mapping[str, Held], level: Held) -> set[str]:
    """The persons of whom just so much is held."""
    return {psn_no for psn_no, held in levels.items() if held is level}


def groups(persons: Collection[str]) -> Iterator[set[str]]:
    """The persons in sets that are judged together."""
    ordered = sorted(persons)
    for start in range(0, len(ordered), PERSONS_AT_ONCE):
        yield set(ordered[start : start + PERSONS_AT_ONCE])
