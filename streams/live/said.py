"""What a speaker has said of its alerts, and the changes it has still to send."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from detectors.alert import Alert
from detectors.diff import Difference
from streams import changes
from streams.changes import RETRACTED, Change, Fact

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Alert).decode


class _Revision(msgspec.Struct):
    revision: str


_revision = msgspec.json.Decoder(_Revision).decode


@dataclass(frozen=True)
class _Held:
    """What is held of an alert; `revision` None: it was retracted."""

    owner: str
    seq: int
    revision: str | None

    def is_last(self, change: Change | None) -> bool:
        """Whether that change is what is held."""
        if change is None or change.seq != self.seq:
            return False
        return self.revision == (None if change.kind == RETRACTED else change.alert.revision)


class Said:
    """The tables `said` and `outbox` of a state file. Writes belong to the caller's transaction."""

    def __init__(self, con: sqlite3.Connection, *, speaker: str, rulebook: str) -> None:
        self._con = con
        self._speaker = speaker
        self._rulebook = rulebook

    def open_of(self, owners: Collection[str] | None = None) -> list[Alert]:
        """The open alerts of these owners (a worker's are persons); None: all."""
        if owners is None:
            rows = self._con.execute("select alert from said where open = 1").fetchall()
        else:
            rows = self._con.execute(
                "select alert from said where open = 1 and owner in (select value from json_each(?))",
                (json.dumps(sorted(owners)),),
            ).fetchall()
        return [_decode(alert) for (alert,) in rows]

    def changes(self, difference: Difference, facts: dict[str, list[Fact]]) -> list[Change]:
        """The difference as changes, each with its number. `facts`: the evidence of each alert."""
        ids = [alert.jr_id for alert in difference.opened]
        ids += [alert.jr_id for _, alert in difference.changed]
        ids += [gone.alert.jr_id for gone in difference.retracted]
        last = dict(
            self._con.execute(
                "select jr_id, seq from said where jr_id in (select value from json_each(?))",
                (json.dumps(ids),),
            ).fetchall()
        )

        def change(kind: str, alert: Alert, reason: str | None = None, msgid: str | None = None) -> Change:
            return Change(
                jr_id=alert.jr_id,
                seq=last.get(alert.jr_id, 0) + 1,
                kind=kind,
                alert=alert,
                reason=reason,
                reason_msgid=msgid,
                speaker=self._speaker,
                rulebook=self._rulebook,
                facts=facts.get(alert.jr_id, []) if kind != RETRACTED else [],
            )

        return [
            *(change("opened", alert) for alert in difference.opened),
            *(change("changed", alert) for _, alert in difference.changed),
            *(
                change("retracted", gone.alert, gone.reason.value, gone.msgid)
                for gone in difference.retracted
            ),
        ]

    def note(self, said: Iterable[Change], owner_of: dict[str, str]) -> None:
        """Hold these changes as said, and as to be sent."""
        for change in said:
            self._hold(change, owner_of[change.jr_id])
            self._con.execute(
                "insert into outbox (rule_code, kind, change) values (?, ?, ?)",
                (change.alert.rule_code, change.kind, changes.encode(change, with_facts=True)),
            )

    def _hold(self, change: Change, owner: str) -> None:
        is_open = change.kind != RETRACTED
        self._con.execute(
            "insert or replace into said values (?, ?, ?, ?, ?, ?, ?)",
            (
                change.jr_id,
                owner,
                change.seq,
                is_open,
                change.alert.rule_code,
                change.alert.occurred_at,
                _encode(change.alert) if is_open else None,
            ),
        )

    def succeed(self, said: Mapping[str, Change], owner_of: Callable[[Change], str]) -> set[str]:
        """Hold what was said last, by whomever, in place of what is held here; nothing is left to be sent. Returns
        the owners of the alerts of which something else was held."""
        held = self._held()
        differing = set()
        for jr_id, one in held.items():
            if not one.is_last(said.get(jr_id)):
                differing.add(one.owner)
                self._con.execute("delete from said where jr_id = ?", (jr_id,))
        for jr_id, last in said.items():
            known = held.get(jr_id)
            if known is None or not known.is_last(last):
                owner = owner_of(last)
                differing.add(owner)
                self._hold(last, owner)
        self._con.execute("delete from outbox")
        return differing

    def resume(self, said: Mapping[str, Change]) -> bool:
        """Forget of the outbox what was said already, as by one who died before he could note it. `said`: what was said
        last of each alert. Returns whether, but for the rest of the outbox, that is what is held here; if not: `succeed`.
        """
        first: dict[str, int] = {}
        for number, change in self._outbox():
            last = said.get(change.jr_id)
            if last is not None and last.seq >= change.seq:
                self._con.execute("delete from outbox where n = ?", (number,))
            else:
                first.setdefault(change.jr_id, change.seq)
        held = self._held()
        if not said.keys() <= held.keys():
            return False
        for jr_id, one in held.items():
            last = said.get(jr_id)
            if jr_id in first:
                if (last.seq if last else 0) != first[jr_id] - 1:
                    return False
            elif not one.is_last(last):
                return False
        return True

    def _held(self) -> dict[str, _Held]:
        rows = self._con.execute("select jr_id, owner, seq, alert from said where open = 1")
        held = {jr_id: _Held(owner, seq, _revision(alert).revision) for jr_id, owner, seq, alert in rows}
        for jr_id, owner, seq in self._con.execute("select jr_id, owner, seq from said where open = 0"):
            held[jr_id] = _Held(owner, seq, None)
        return held

    def _outbox(self) -> list[tuple[int, Change]]:
        rows = self._con.execute("select n, change from outbox order by n").fetchall()
        return [(number, changes.decode(change)) for number, change in rows]

    def waiting(self, most: int = 1000) -> tuple[int, list[Change]]:
        """The oldest changes that are to be sent, and the number to give to `sent` when they are confirmed."""
        rows = self._con.execute("select n, change from outbox order by n limit ?", (most,)).fetchall()
        return (rows[-1][0] if rows else 0), [changes.decode(change) for _, change in rows]

    def sent(self, number: int) -> None:
        """Forget the changes up to this number: they were confirmed."""
        self._con.execute("delete from outbox where n <= ?", (number,))

    @property
    def first_waiting(self) -> int | None:
        """The number of the oldest change that waits to be sent."""
        number = self._con.execute("select min(n) from outbox").fetchone()[0]
        return None if number is None else int(number)

    @property
    def last_number(self) -> int:
        """The number of the latest change that ever waited to be sent."""
        row = self._con.execute("select seq from sqlite_sequence where name = 'outbox'").fetchone()
        return 0 if row is None else int(row[0])

    @property
    def depth(self) -> int:
        """Changes that wait to be sent."""
        return int(self._con.execute("select count(*) from outbox").fetchone()[0])

    def waiting_by_rule(self) -> dict[str, dict[str, int]]:
        """How many changes wait, by rule code and kind."""
        found: dict[str, dict[str, int]] = {}
        for code, kind, count in self._con.execute(
            "select rule_code, kind, count(*) from outbox group by rule_code, kind order by rule_code, kind"
        ):
            found.setdefault(code, {})[kind] = count
        return found

    def counts(self) -> Sequence[tuple[str, int]]:
        """Open alerts by rule."""
        return self._con.execute(
            "select rule_code, count(*) from said where open = 1 group by rule_code order by rule_code"
        ).fetchall()
