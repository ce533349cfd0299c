"""What a store answers: filters, orders and pages, counts, one alert with its history and its evidence."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from detectors.alert import Alert
from streams.changes import Change
from streams.errors import Refused
from streams.store.query import Filter, Order
from streams.store.reading import AlertReader, Count
from streams.store.writing import AlertStore
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded

RULES = {
    "GB-07": ("ghost_bed.charged_outside_stay", "住院时间以外计费"),
    "GB-03": ("ghost_bed.settled_elsewhere_while_admitted", "住院期间他处就医"),
    "FR-01": ("fake_receipt.receipt_used_twice", "票据重复使用"),
}


def alerts() -> list[Alert]:
    """Thirty alerts that differ in everything, some in nothing but their id."""
    dice = random.Random(5)
    made = []
    for number in range(30):
        code = dice.choice(list(RULES))
        rule_id, name = RULES[code]
        made.append(
            an_alert(
                number,
                rule_id=rule_id,
                rule_code=code,
                rule_name=name,
                sev_deg=dice.choice("123"),
                vola_amt=dice.choice(["0.00", "17.03", "999.99", "1000.00", "123456.78"]),
                fixmedins_code=dice.choice(["H1", "H2", None]),
                patn_id=dice.choice(["P1", "P2", None]),
                subject_type=dice.choice(["visit", "person"]),
                mode=dice.choice(["live", "live", "shadow"]),
                route=dice.choice(["supervision", "agency"]),
                occurred_at=f"2026-0{dice.randint(1, 3)}-10 00:00:00",
                detected_at=f"2026-04-{dice.randint(10, 12)} 08:00:00",
                vola_cont=dice.choice(["100%多收_费", "100元多收费", "Over Charged\\x", "别的"]),
            )
        )
    return made


def told() -> list[Change]:
    made: list[Change] = []
    for number, alert in enumerate(alerts()):
        made.append(a_change(1, alert))
        if number % 5 == 0:
            made.append(a_retraction(2, alert))
    return made


RETRACTED = {alert.jr_id for number, alert in enumerate(alerts()) if number % 5 == 0}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertReader]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('read')}/alerts.db"
    else:
        url = request.getfixturevalue("server").url()
    with AlertStore(url) as store:
        store.apply(told())
    with AlertReader(url) as opened:
        yield opened


def is_open(alert: Alert) -> bool:
    return alert.jr_id not in RETRACTED


FILTERS: list[tuple[Filter, Callable[[Alert], Any]]] = [
    (Filter(), is_open),
    (Filter(statuses=("retracted",)), lambda a: not is_open(a)),
    (Filter(statuses=()), lambda _: True),
    (Filter(statuses=(), rules=("GB-07",)), lambda a: a.rule_code == "GB-07"),
    (Filter(statuses=(), rules=("GB-07", "fake_receipt.receipt_used_twice")), lambda a: a.rule_code != "GB-03"),
    (Filter(statuses=(), families=("GB",)), lambda a: a.rule_code[:2] == "GB"),
    (Filter(statuses=(), families=("ghost_bed", "FR")), lambda _: True),
    (Filter(statuses=(), families=("fake_receipt",)), lambda a: a.rule_code == "FR-01"),
    (Filter(statuses=(), families=("%", "_")), lambda _: False),
    (Filter(statuses=(), severities=("1", "3")), lambda a: a.sev_deg != "2"),
    (Filter(statuses=(), institutions=("H1",)), lambda a: a.fixmedins_code == "H1"),
    (Filter(statuses=(), persons=("P1", "P2")), lambda a: a.patn_id is not None),
    (Filter(statuses=(), subject_types=("person",)), lambda a: a.subject_type == "person"),
    (Filter(statuses=(), subjects=("M3", "M4")), lambda a: a.subject in ("M3", "M4")),
    (Filter(statuses=(), modes=("shadow",)), lambda a: a.mode == "shadow"),
    (Filter(statuses=(), routes=("agency",)), lambda a: a.route == "agency"),
    (Filter(statuses=(), since="2026-02-10 00:00:00"), lambda a: a.occurred_at >= "2026-02-10"),
    (Filter(statuses=(), until="2026-02-10 00:00:00"), lambda a: a.occurred_at < "2026-02-10"),
    (Filter(statuses=(), detected_since="2026-04-11 08:00:00"), lambda a: a.detected_at >= "2026-04-11"),
    (Filter(statuses=(), detected_until="2026-04-11 08:00:00"), lambda a: a.detected_at < "2026-04-11"),
    (Filter(statuses=(), least=Decimal("1000")), lambda a: Decimal(a.vola_amt) >= 1000),
    (Filter(statuses=(), most=Decimal("999.99")), lambda a: Decimal(a.vola_amt) < 1000),
    (Filter(statuses=(), text="%多收_"), lambda a: "%" in a.vola_cont),
    (Filter(statuses=(), text="over charged\\"), lambda a: "Over" in a.vola_cont),
    (Filter(statuses=(), text="票据"), lambda a: a.rule_code == "FR-01"),
    (Filter(statuses=(), text="'; drop table alert; --"), lambda _: False),
    (Filter(rules=("GB-07",), least=Decimal(1), since="2026-02-01 00:00:00"),
     lambda a: is_open(a) and a.rule_code == "GB-07" and a.vola_amt != "0.00" and a.occurred_at > "2026-02"),
]  # fmt: skip


@pytest.mark.parametrize(("chosen", "passes"), FILTERS)
def test_a_filter_lets_through_what_it_says(
    chosen: Filter, passes: Callable[[Alert], Any], reader: AlertReader
) -> None:
    expected = {alert.jr_id for alert in alerts() if passes(alert)}
    assert {held.alert.jr_id for held in reader.every(chosen)} == expected
    assert reader.total(chosen) == len(expected)
    assert sum(one.alerts for one in reader.counts(chosen)) == len(expected)


KEYS: dict[Order, Callable[[Alert], Any]] = {
    Order.SEVERITY: lambda a: (a.sev_deg, -Decimal(a.vola_amt), a.jr_id),
    Order.MONEY: lambda a: (-Decimal(a.vola_amt), a.jr_id),
    Order.TIME: lambda a: (-int(a.occurred_at[5:7]), a.jr_id),
    Order.DETECTED: lambda a: (-int(a.detected_at[8:10]), a.jr_id),
}


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("limit", [1, 4, 30, 99])
def test_pages_follow_each_other_without_gap_or_repetition(
    order: Order, limit: int, reader: AlertReader
) -> None:
    expected = [alert.jr_id for alert in sorted(alerts(), key=KEYS[order])]
    found: list[str] = []
    token: str | None = None
    while True:
        page = reader.page(Filter(statuses=()), order, limit, token)
        assert len(page.alerts) <= limit
        found += [held.alert.jr_id for held in page.alerts]
        token = page.after
        if token is None:
            break
    assert found == expected
    assert [held.alert.jr_id for held in reader.every(Filter(statuses=()), order)] == expected


@pytest.mark.parametrize("token", ["", "x", "!!!", "WyJtb25leSJd", "bnVsbA", "eyJhIjoxfQ"])
def test_a_token_that_is_none_is_refused(token: str, reader: AlertReader) -> None:
    with pytest.raises(Refused, match="no place in the list"):
        reader.page(after_token=token)


def test_a_token_of_another_order_is_refused(reader: AlertReader) -> None:
    token = reader.page(order=Order.MONEY, limit=2).after
    with pytest.raises(Refused, match="no place in the list by time"):
        reader.page(order=Order.TIME, after_token=token)


def test_alerts_are_counted_by_rule_and_severity(reader: AlertReader) -> None:
    found = reader.counts(Filter(statuses=()))
    assert [one.rule_code for one in found] == sorted(RULES)
    for one in found:
        mine = [alert for alert in alerts() if alert.rule_code == one.rule_code]
        by_severity = {
            severity: number
            for severity in "123"
            if (number := sum(alert.sev_deg == severity for alert in mine))
        }
        assert one == Count(one.rule_code, *RULES[one.rule_code], len(mine), by_severity)


def test_an_alert_is_found_by_the_beginning_of_its_id(reader: AlertReader) -> None:
    alert = alerts()[7]
    for beginning in (alert.jr_id, alert.jr_id[:12]):
        held = reader.find(beginning)
        assert (held.alert, held.seq, held.amount) == (alert, 1, Decimal(alert.vola_amt))
    assert reader.find(alerts()[0].jr_id).status == "retracted"


@pytest.mark.parametrize(
    ("jr_id", "sentence"),
    [("nosuch", "no alert nosuch in the alert store"), ("", "30 alerts begin with"), ("%", "no alert %")],
)
def test_an_id_that_names_none_or_several_is_refused(jr_id: str, sentence: str, reader: AlertReader) -> None:
    with pytest.raises(Refused, match=sentence):
        reader.find(jr_id)


def test_persons_are_those_whom_alerts_concern(reader: AlertReader) -> None:
    assert sorted(reader.persons()) == ["P1", "P2"]


def test_the_history_says_who_said_what_and_why(url: str) -> None:
    first, second = an_alert(), reworded(an_alert(), sev_deg="3")
    changes = [
        a_change(1, first, facts=[a_fact("m2"), a_fact("m1")], rulebook="one"),
        a_change(2, second, facts=[a_fact("m1")], rulebook="two", speaker="sweeper"),
        a_retraction(3, second),
    ]
    with AlertStore(url) as store:
        store.apply(changes)
    with AlertReader(url) as reader:
        assert [
            (one.seq, one.kind, one.alert, one.reason, one.reason_msgid, one.speaker, one.rulebook)
            for one in reader.history(first.jr_id)
        ] == [(c.seq, c.kind, c.alert, c.reason, c.reason_msgid, c.speaker, c.rulebook) for c in changes]
        assert reader.evidence(first.jr_id, 1) == [a_fact("m1"), a_fact("m2")]
        assert reader.evidence(first.jr_id, 2) == [a_fact("m1")]
        assert reader.evidence(first.jr_id, 3) == []
        assert reader.history("none") == []
