"""Reading a store: what holds, page by page; counts; one alert with all that was ever said of it, and its evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, func, select

from detectors.alert import Alert
from streams.changes import Change, Fact
from streams.errors import Refused
from streams.store import opening
from streams.store.query import OPEN, PAGE, Filter, Order, after, from_token, key_columns, ordering, to_token
from streams.store.tables import alert, evidence, fact, revision

_decoder = msgspec.json.Decoder(Alert)


@dataclass(frozen=True)
class Held:
    """An alert as it stands: what it says (of a retracted one, what it said last), and the number of the last change.

    `opened_seq`: the change that opened it, the last time if it was opened more than once; 0 where that is not known.
    """

    alert: Alert
    seq: int
    opened_seq: int
    status: str
    reason: str | None
    reason_msgid: str | None

    @property
    def amount(self) -> Decimal:
        """Money at risk, CNY."""
        return Decimal(self.alert.vola_amt)


@dataclass(frozen=True)
class Page:
    """Alerts in the order asked for, and the token of the next page where there is one."""

    alerts: list[Held]
    after: str | None


@dataclass(frozen=True)
class Count:
    """Alerts of a rule that pass a filter, also by severity."""

    rule_code: str
    rule_id: str
    rule_name: str
    alerts: int
    by_severity: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Revision:
    """One change of an alert, as it was said."""

    seq: int
    kind: str
    alert: Alert
    reason: str | None
    reason_msgid: str | None
    speaker: str
    rulebook: str


class AlertReader(opening.Opened):
    """A store to be read. It cannot change it, and does not hold up who writes."""

    def __init__(self, url: str = opening.DEFAULT) -> None:
        """Open a store that is there. Raises `StoreError`, as every method does."""
        super().__init__(*opening.for_reading(url))

    def page(
        self,
        chosen: Filter = OPEN,
        order: Order = Order.SEVERITY,
        limit: int = PAGE,
        after_token: str | None = None,
    ) -> Page:
        """A page of alerts. Cost does not grow with the number of pages before it."""
        query = _held().where(*chosen.conditions()).order_by(*ordering(order)).limit(limit + 1)
        if after_token is not None:
            query = query.where(after(order, from_token(order, after_token)))
        with self._transaction() as con:
            rows = con.execute(query).all()
        more = len(rows) > limit
        token = None
        if more and limit:
            last = rows[limit - 1]._mapping
            token = to_token(order, [last[name] for name in key_columns(order)])
        return Page([_as_held(row) for row in rows[:limit]], token)

    def every(self, chosen: Filter = OPEN, order: Order = Order.SEVERITY) -> Iterator[Held]:
        """All alerts that pass, fetched as they are taken: one picture of the store, however long it takes."""
        query = _held().where(*chosen.conditions()).order_by(*ordering(order))
        with self._transaction() as con:
            for row in con.execution_options(yield_per=500).execute(query):
                yield _as_held(row)

    def counts(self, chosen: Filter = OPEN) -> list[Count]:
        """How many alerts pass, by rule; money is not added up here, for a yuan may stand in several alerts."""
        columns = (alert.c.rule_code, alert.c.rule_id, alert.c.sev_deg)
        query = (
            select(*columns, func.max(alert.c.rule_name), func.count())
            .where(*chosen.conditions())
            .group_by(*columns)
        )
        found: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        names: dict[tuple[str, str], str] = {}
        with self._transaction() as con:
            for code, rule_id, severity, name, number in con.execute(query):
                found[code, rule_id][severity] = number
                names[code, rule_id] = max(name, names.get((code, rule_id), ""))
        return [
            Count(code, rule_id, names[code, rule_id], sum(numbers.values()), dict(sorted(numbers.items())))
            for (code, rule_id), numbers in sorted(found.items())
        ]

    def total(self, chosen: Filter = OPEN) -> int:
        """How many alerts pass."""
        with self._transaction() as con:
            return int(
                con.execute(select(func.count()).select_from(alert).where(*chosen.conditions())).scalar_one()
            )

    def find(self, jr_id: str) -> Held:
        """The alert, open or retracted, whose id begins so. Refuses where none does, or several."""
        beginning = alert.c.jr_id.startswith(jr_id, autoescape=True)
        if jr_id:
            # Ids are hexadecimal: between these two an index finds them, which LIKE does not.
            beginning = and_(beginning, alert.c.jr_id >= jr_id, alert.c.jr_id < f"{jr_id}g")
        with self._transaction() as con:
            rows = con.execute(_held().where(beginning).limit(2)).all()
            if len(rows) > 1:
                exact = [row for row in rows if row._mapping["jr_id"] == jr_id]
                number = con.execute(select(func.count()).select_from(alert).where(beginning)).scalar_one()
                if not exact:
                    raise Refused(f"{number} alerts begin with {jr_id}; give more of the id.")
                rows = exact
        if not rows:
            raise Refused(
                f"no alert {jr_id} in the alert store {self.place}; fundwatch alerts lists what is there."
            )
        return _as_held(rows[0])

    def history(self, jr_id: str) -> list[Revision]:
        """Everything that was said of an alert, in order; empty where nothing was."""
        query = select(revision).where(revision.c.jr_id == jr_id).order_by(revision.c.seq)
        with self._transaction() as con:
            return [
                Revision(
                    row.seq,
                    row.kind,
                    _decoder.decode(row.content),
                    row.reason,
                    row.reason_msgid,
                    row.speaker,
                    row.rulebook,
                )
                for row in con.execute(query)
            ]

    def evidence(self, jr_id: str, seq: int) -> list[Fact]:
        """The facts of a revision, by message, table and row; empty where none came with it."""
        query = (
            select(fact)
            .join(evidence, evidence.c.fact_id == fact.c.fact_id)
            .where(evidence.c.jr_id == jr_id, evidence.c.seq == seq)
        )
        with self._transaction() as con:
            facts = [
                Fact(row.msgid, row.table_name, row.row_no, row.inf_time, row.data)
                for row in con.execute(query)
            ]
        return sorted(facts, key=lambda one: (one.msgid, one.table, one.row_no or 0, one.data))

    def last_said(self, speaker: str) -> dict[str, Change]:
        """The last change of every alert that a speaker said it of, without its facts."""
        said = and_(revision.c.jr_id == alert.c.jr_id, revision.c.seq == alert.c.seq)
        query = select(revision).join_from(alert, revision, said).where(revision.c.speaker == speaker)
        with self._transaction() as con:
            return {
                row.jr_id: Change(
                    jr_id=row.jr_id,
                    seq=row.seq,
                    kind=row.kind,
                    alert=_decoder.decode(row.content),
                    reason=row.reason,
                    reason_msgid=row.reason_msgid,
                    speaker=row.speaker,
                    rulebook=row.rulebook,
                )
                for row in con.execute(query)
            }

    def sizes(self) -> dict[str, int]:
        """Rows of each table of what was said: alerts, revisions, facts."""
        tables = (alert, revision, fact)
        with self._transaction() as con:
            return {
                table.name: int(con.execute(select(func.count()).select_from(table)).scalar_one())
                for table in tables
            }

    def persons(self) -> list[str]:
        """`psn_no` of every person that an alert concerns."""
        query = select(alert.c.patn_id).where(alert.c.patn_id.is_not(None)).distinct()
        with self._transaction() as con:
            return [str(row.patn_id) for row in con.execute(query)]


def _held() -> Select[Any]:
    said = and_(revision.c.jr_id == alert.c.jr_id, revision.c.seq == alert.c.seq)
    return select(
        alert.c.jr_id,
        alert.c.seq,
        alert.c.opened_seq,
        alert.c.status,
        alert.c.reason,
        alert.c.reason_msgid,
        alert.c.sev_deg,
        alert.c.vola_amt,
        alert.c.occurred_at,
        alert.c.detected_at,
        revision.c.content,
    ).join_from(alert, revision, said)


def _as_held(row: Row[Any]) -> Held:
    return Held(
        _decoder.decode(row.content), row.seq, row.opened_seq, row.status, row.reason, row.reason_msgid
    )
