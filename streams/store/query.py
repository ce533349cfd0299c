"""What is asked of a store: which alerts, in which order, from where on."""

from __future__ import annotations

import base64
import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.sql.elements import UnaryExpression

from streams.errors import Refused
from streams.store.tables import alert

#: What an alert can be, and what a rule that speaks can be.
STATUSES = ("open", "retracted")
MODES = ("live", "shadow")

#: Alerts of a page, unless said otherwise.
PAGE = 50


@dataclass(frozen=True)
class Filter:
    """Which alerts: each field narrows further, within a field any value will do; empty or None does not ask.

    `rules`: codes or ids. `families`: as in ids (`ghost_bed`) or codes (`GB`). `persons`: `psn_no` of the person
    concerned. `since`, `until`: `occurred_at`, from the first on, before the second; `detected_since`,
    `detected_until` likewise; `yyyy-MM-dd HH:mm:ss`. Amounts: CNY, both ends included. `text`: stands in the
    sentence, the rule's name or the subject, in whatever case.
    """

    rules: Sequence[str] = ()
    families: Sequence[str] = ()
    severities: Sequence[str] = ()
    institutions: Sequence[str] = ()
    persons: Sequence[str] = ()
    subject_types: Sequence[str] = ()
    subjects: Sequence[str] = ()
    statuses: Sequence[str] = ("open",)
    modes: Sequence[str] = ()
    routes: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    detected_since: str | None = None
    detected_until: str | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions on the table of alerts, values bound."""
        columns = alert.c
        found: list[ColumnElement[bool]] = []
        for values, column in (
            (self.severities, columns.sev_deg),
            (self.institutions, columns.fixmedins_code),
            (self.persons, columns.patn_id),
            (self.subject_types, columns.subject_type),
            (self.subjects, columns.subject),
            (self.statuses, columns.status),
            (self.modes, columns.mode),
            (self.routes, columns.route),
        ):
            if values:
                found.append(column == values[0] if len(values) == 1 else column.in_(values))
        if self.rules:
            found.append(or_(columns.rule_code.in_(self.rules), columns.rule_id.in_(self.rules)))
        if self.families:
            found.append(
                or_(
                    columns.family.in_(self.families),
                    *(
                        columns.rule_code.startswith(f"{family}-", autoescape=True)
                        for family in self.families
                    ),
                )
            )
        for bound, compare, column in (
            (self.since, operator.ge, columns.occurred_at),
            (self.until, operator.lt, columns.occurred_at),
            (self.detected_since, operator.ge, columns.detected_at),
            (self.detected_until, operator.lt, columns.detected_at),
            (self.least, operator.ge, columns.vola_amt),
            (self.most, operator.le, columns.vola_amt),
        ):
            if bound is not None:
                found.append(compare(column, bound))
        if self.text:
            found.append(
                or_(
                    *(
                        column.icontains(self.text, autoescape=True)
                        for column in (columns.vola_cont, columns.rule_name, columns.subject)
                    )
                )
            )
        return found


#: What holds.
OPEN = Filter()


class Order(StrEnum):
    """Gravest first (then the most money), most money first, latest first by occurrence or by detection."""

    SEVERITY = "severity"
    MONEY = "money"
    TIME = "time"
    DETECTED = "detected"


#: Order → columns and whether each falls; `jr_id`, which rises, decides between equals.
_KEYS: dict[Order, tuple[tuple[ColumnElement[Any], bool], ...]] = {
    Order.SEVERITY: ((alert.c.sev_deg, False), (alert.c.vola_amt, True), (alert.c.jr_id, False)),
    Order.MONEY: ((alert.c.vola_amt, True), (alert.c.jr_id, False)),
    Order.TIME: ((alert.c.occurred_at, True), (alert.c.jr_id, False)),
    Order.DETECTED: ((alert.c.detected_at, True), (alert.c.jr_id, False)),
}


def ordering(order: Order) -> list[UnaryExpression[Any]]:
    """The ORDER BY."""
    return [column.desc() if falls else column.asc() for column, falls in _KEYS[order]]


def key_columns(order: Order) -> list[str]:
    """Names of the columns that make the key of a row in that order."""
    return [column.key for column, _ in _KEYS[order] if column.key]


def after(order: Order, key: Sequence[Any]) -> ColumnElement[bool]:
    """The rows that come after the row of that key."""
    steps: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (column, falls), value in zip(_KEYS[order], key, strict=True):
        steps.append(and_(*equal, column < value if falls else column > value))
        equal.append(column == value)
    column, falls = _KEYS[order][0]
    # Said once more alone, so that an index is entered at the right place.
    return and_(column <= key[0] if falls else column >= key[0], or_(*steps))


def to_token(order: Order, key: Sequence[Any]) -> str:
    """A key as text that names the place in a list, for a next page."""
    parts = [order.value, *(str(value) for value in key)]
    return base64.urlsafe_b64encode(json.dumps(parts, ensure_ascii=False).encode()).decode().rstrip("=")


def from_token(order: Order, token: str) -> list[Any]:
    """The key of a token. Refuses what `to_token` did not make for that order."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        parts = json.loads(text)
        names = key_columns(order)
        if not isinstance(parts, list) or len(parts) != len(names) + 1 or parts[0] != order.value:
            raise ValueError
        values = [str(part) for part in parts[1:]]
        return [
            Decimal(value) if name == "vola_amt" else value for name, value in zip(names, values, strict=True)
        ]
    except (ValueError, ArithmeticError):
        raise Refused(
            f"This is no place in the list by {order.value}: take it from the end of the page before."
        ) from None
