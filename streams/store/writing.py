"""Filling a store with changes: whole batches in one transaction, in any order and as often as they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from detectors import alert as alerts
from streams.changes import OPENED, RETRACTED, Change, Fact
from streams.store import opening
from streams.store.errors import StoreError
from streams.store.reading import AlertReader
from streams.store.tables import (
    alert,
    evidence,
    fact,
    known_cancellation,
    loaded_run,
    revision,
    source_position,
    unmasked,
)
from streams.unmasking import note

#: Who says what a replay found.
REPLAY = "replay"

#: Changes after which SQLite looks at its indexes again.
_COUNTED = 100_000

#: Keys asked for in one statement.
_ASKED = 400

#: What a later change says anew.
_TOLD = tuple(column.key for column in alert.columns if column.key not in ("jr_id", "opened_seq"))

#: What is to become of a row whose key is there already. The insert is SQLite's or PostgreSQL's, which agree in this.
OnConflict = Callable[[Any], Any]

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class Applied:
    """What became of a batch: changes that were new, told before, and told before with other words.

    The last should not be: a number of an alert stands for one change. What was said first stands.
    """

    added: int = 0
    repeated: int = 0
    contradicted: int = 0


@dataclass(frozen=True)
class Head:
    """The last that was said of an alert."""

    seq: int
    status: str
    revision: str


class AlertStore(AlertReader):
    """A store to be written to, and read. One writer at a time: a second waits for the first one's transaction."""

    def __init__(self, url: str = opening.DEFAULT) -> None:
        """Open, make or migrate the store. Raises `StoreError`, as every method does."""
        opening.Opened.__init__(self, *opening.for_writing(url))
        self._uncounted = 0

    def apply(
        self, changes: Sequence[Change], positions: Mapping[tuple[str, int], int] | None = None
    ) -> Applied:
        """Take changes in, and with them how far their source was read: (topic, partition) → offset of the next record.

        All in one transaction, all or nothing. A change is placed by (`jr_id`, `seq`): whatever the order, the
        repetition and the cutting into batches, the same changes make the same store.
        """
        distinct: dict[tuple[str, int], Change] = {}
        for change in changes:
            distinct.setdefault((change.jr_id, change.seq), change)
        # Everybody takes rows in one order.
        ordered = [distinct[key] for key in sorted(distinct)]
        with self._transaction() as con:
            added = _add(con, revision, [_revision_row(change) for change in ordered])
            contradicted = 0
            if added < len(ordered):
                contradicted = _contradictions(con, changes)
            _place(con, ordered)
            _rest_on(con, ordered)
            _set_positions(con, positions or {})
        self._uncounted += added
        if self._uncounted >= _COUNTED:
            self._count()
        return Applied(added, len(changes) - added - contradicted, contradicted)

    def close(self) -> None:
        """Give its connections back."""
        if self._uncounted:
            with suppress(StoreError):
                self._count()
        super().close()

    def _count(self) -> None:
        """Have SQLite sample its indexes, so that it chooses among them well; PostgreSQL does so by itself."""
        self._uncounted = 0
        if self.location.file is not None:
            with self._transaction() as con:
                con.exec_driver_sql("pragma analysis_limit = 1000")
                con.exec_driver_sql("analyze")

    def positions(self, topic: str) -> dict[int, int]:
        """Partition → offset of the next record to read; partitions never read are not in it."""
        chosen = select(source_position.c.partition, source_position.c.next_offset)
        with self._transaction() as con:
            rows = con.execute(chosen.where(source_position.c.topic == topic)).all()
        return {row.partition: row.next_offset for row in rows}

    def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Set how far sources were read, without changes: (topic, partition) → offset of the next record."""
        self.apply((), positions)

    def heads(self) -> dict[str, Head]:
        """The last that was said of every alert, retracted ones included."""
        with self._transaction() as con:
            rows = con.execute(select(alert.c.jr_id, alert.c.seq, alert.c.status, alert.c.revision))
            return {jr_id: Head(seq, status, held) for jr_id, seq, status, held in rows}

    def only_live(self) -> None:
        """Refuse to be filled by the live system where runs were loaded: their numbers would meet."""
        with self._transaction() as con:
            if con.execute(select(exists().select_from(loaded_run))).scalar():
                raise StoreError(
                    f"The alert store {self.place} holds loaded runs: fill another one with live alerts."
                )

    def only_loaded(self) -> None:
        """Refuse to load a run where the live system speaks: a replay would end what it says."""
        with self._transaction() as con:
            live = con.execute(select(exists().where(alert.c.speaker != REPLAY))).scalar()
            if live or con.execute(select(exists().select_from(source_position))).scalar():
                raise StoreError(
                    f"The alert store {self.place} holds live alerts: load runs into another one."
                )

    def last_run(self) -> dict[str, Any] | None:
        """`run.json` of the run that was loaded last; None where none was."""
        newest = select(loaded_run.c.run).order_by(loaded_run.c.number.desc()).limit(1)
        with self._transaction() as con:
            text = con.execute(newest).scalar_one_or_none()
        return None if text is None else dict(json.loads(text))

    def known_cancellations(self) -> set[str]:
        """`msgid`s of the cancellations that loaded runs knew."""
        with self._transaction() as con:
            return {str(row.msgid) for row in con.execute(select(known_cancellation.c.msgid))}

    def note_run(self, described: Mapping[str, Any], cancellations: Iterable[str]) -> None:
        """Remember that a run was loaded to its end, and the `msgid`s of the cancellations that it knew."""
        with self._transaction() as con:
            last = con.execute(select(func.max(loaded_run.c.number))).scalar() or 0
            text = json.dumps(described, ensure_ascii=False)
            con.execute(loaded_run.insert(), {"number": last + 1, "run": text})
            _add(con, known_cancellation, [{"msgid": msgid} for msgid in sorted(set(cancellations))])

    def record_unmasking(self, what: str, reason: str) -> None:
        """Note who was shown in clear, what, and why."""
        told = note(what, reason)
        told["by_whom"] = told.pop("by")
        with self._transaction() as con:
            con.execute(unmasked.insert(), told)


def _add(con: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert those rows whose key is not there yet. Returns their number."""
    return _put(con, table, rows, lambda insert: insert.on_conflict_do_nothing())


def _put(con: Connection, table: Table, rows: Sequence[Mapping[str, Any]], conflict: OnConflict) -> int:
    """Insert rows, which have the same columns; `conflict` says what becomes of those whose key is there already."""
    if not rows:
        return 0
    counted = con.execution_options(preserve_rowcount=True)
    if con.dialect.name == "sqlite":
        return int(counted.execute(conflict(sqlite.insert(table)), rows).rowcount)
    # PostgreSQL takes columns at once, several times faster than rows one by one.
    columns = [table.c[name] for name in rows[0]]
    arrays = (literal([row[column.key] for row in rows], postgresql.ARRAY(column.type)) for column in columns)
    given = func.unnest(*arrays).table_valued(*(column.key for column in columns)).render_derived("given")
    insert = postgresql.insert(table).from_select(columns, select(*given.c))
    return int(counted.execute(conflict(insert)).rowcount)


def _revision_row(change: Change) -> dict[str, Any]:
    return {
        "jr_id": change.jr_id,
        "seq": change.seq,
        "kind": change.kind,
        "revision": change.alert.revision,
        "reason": change.reason,
        "reason_msgid": change.reason_msgid,
        "speaker": change.speaker,
        "rulebook": change.rulebook,
        "content": alerts.encode(change.alert).decode(),
    }


def _contradictions(con: Connection, changes: Sequence[Change]) -> int:
    """How many of the changes say other things than what is stored under their number."""
    keys = sorted({(change.jr_id, change.seq) for change in changes})
    stored: dict[tuple[str, int], tuple[str, str, str | None]] = {}
    columns = (revision.c.jr_id, revision.c.seq, revision.c.kind, revision.c.revision, revision.c.reason)
    for begin in range(0, len(keys), _ASKED):
        asked = tuple_(revision.c.jr_id, revision.c.seq).in_(keys[begin : begin + _ASKED])
        for jr_id, seq, *said in con.execute(select(*columns).where(asked)):
            stored[jr_id, seq] = (said[0], said[1], said[2])
    return sum(
        stored[change.jr_id, change.seq] != (change.kind, change.alert.revision, change.reason)
        for change in changes
    )


def _place(con: Connection, changes: Sequence[Change]) -> None:
    """Have the alerts say what the change with the highest number says. `changes`: by jr_id, then seq."""
    last: dict[str, Change] = {}
    opened: dict[str, int] = {}
    for change in changes:
        last[change.jr_id] = change
        if change.kind == OPENED:
            opened[change.jr_id] = change.seq
    if not last:
        return
    rows = [{**_alert_row(change), "opened_seq": opened.get(change.jr_id, 0)} for change in last.values()]
    placed = _put(con, alert, rows, _told_later)
    if placed < len(rows) and opened:
        # Some came after what followed them: an opening among these may be the last there was.
        known = update(alert).where(
            alert.c.jr_id == bindparam("of"), alert.c.opened_seq < bindparam("opened", type_=BigInteger)
        )
        con.execute(
            known.values(opened_seq=bindparam("opened", type_=BigInteger)),
            [{"of": jr_id, "opened": seq} for jr_id, seq in opened.items()],
        )


def _told_later(insert: Any) -> Any:
    """Of an alert that is there already, what has the higher number holds."""
    told = {name: insert.excluded[name] for name in _TOLD}
    before, now = alert.c.opened_seq, insert.excluded.opened_seq
    return insert.on_conflict_do_update(
        index_elements=[alert.c.jr_id],
        set_={**told, "opened_seq": case((now > before, now), else_=before)},
        where=alert.c.seq < insert.excluded.seq,
    )


def _alert_row(change: Change) -> dict[str, Any]:
    said = change.alert
    ended = change.kind == RETRACTED
    return {
        "jr_id": change.jr_id,
        "seq": change.seq,
        "status": change.status,
        "reason": change.reason if ended else None,
        "reason_msgid": change.reason_msgid if ended else None,
        "speaker": change.speaker,
        "revision": said.revision,
        "mode": said.mode,
        "rule_code": said.rule_code,
        "rule_id": said.rule_id,
        "family": said.rule_id.partition(".")[0],
        "rule_name": said.rule_name,
        "sev_deg": said.sev_deg,
        "subject_type": said.subject_type,
        "subject": said.subject,
        "patn_id": said.patn_id,
        "fixmedins_code": said.fixmedins_code,
        "vola_amt": said.vola_amt,
        "vola_cont": said.vola_cont,
        "route": said.route,
        "stage": said.stage,
        "occurred_at": said.occurred_at,
        "detected_at": said.detected_at,
    }


def _rest_on(con: Connection, changes: Sequence[Change]) -> None:
    """Store the facts of the changes: each content once, whatever rests on it."""
    facts: dict[bytes, Fact] = {}
    links: dict[tuple[str, int, bytes], None] = {}
    for change in changes:
        for one in change.facts:
            fact_id = _fact_id(one)
            facts[fact_id] = one
            links[change.jr_id, change.seq, fact_id] = None
    _add(
        con,
        fact,
        [
            {
                "fact_id": fact_id,
                "msgid": one.msgid,
                "table_name": one.table,
                "row_no": one.row_no,
                "inf_time": one.inf_time,
                "data": one.data,
            }
            for fact_id, one in sorted(facts.items())
        ],
    )
    _add(
        con,
        evidence,
        [{"jr_id": jr_id, "seq": seq, "fact_id": fact_id} for jr_id, seq, fact_id in sorted(links)],
    )


def _fact_id(one: Fact) -> bytes:
    """The hash of its content, 16 bytes."""
    return hashlib.sha256(_encoder.encode(one)).digest()[:16]


def _set_positions(con: Connection, positions: Mapping[tuple[str, int], int]) -> None:
    _put(
        con,
        source_position,
        [
            {"topic": topic, "partition": partition, "next_offset": offset}
            for (topic, partition), offset in sorted(positions.items())
        ],
        lambda insert: insert.on_conflict_do_update(
            index_elements=[source_position.c.topic, source_position.c.partition],
            set_={"next_offset": insert.excluded.next_offset},
        ),
    )
