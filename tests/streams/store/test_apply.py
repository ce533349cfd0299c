"""Changes into the store: whatever their order, their repetition and their cutting into batches, it ends the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.changes import CHANGED, OPENED, RETRACTED, Change
from streams.store.query import Filter
from streams.store.reading import AlertReader, Held
from streams.store.writing import AlertStore, Applied, Head
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded

EVERYTHING = Filter(statuses=())


@dataclass
class State:
    """All that a store says."""

    held: list[Held]
    history: dict[str, list[Any]]
    evidence: dict[tuple[str, int], list[Any]]


def state(url: str) -> State:
    with AlertReader(url) as reader:
        held = list(reader.every(EVERYTHING))
        history: dict[str, list[Any]] = {one.alert.jr_id: reader.history(one.alert.jr_id) for one in held}
        evidence = {
            (jr_id, one.seq): reader.evidence(jr_id, one.seq)
            for jr_id, said in history.items()
            for one in said
        }
    return State(held, history, evidence)


def filled(url: str, *batches: Sequence[Change]) -> State:
    with AlertStore(url) as store:
        for batch in batches:
            store.apply(batch)
    return state(url)


def lives(seed: int, alerts: int = 6, longest: int = 5) -> list[Change]:
    """The lives of some alerts, in order: opened, changed, retracted, opened again, with evidence that they share."""
    dice = random.Random(seed)
    told: list[Change] = []
    for number in range(alerts):
        alert, held = an_alert(number), False
        for seq in range(1, dice.randint(1, longest) + 1):
            kind = dice.choice([CHANGED, CHANGED, RETRACTED]) if held else OPENED
            held = kind != RETRACTED
            if kind == RETRACTED:
                told.append(a_retraction(seq, alert, reason_msgid=f"back-{seed}-{number}"))
                continue
            alert = reworded(
                alert, vola_amt=f"{dice.randint(0, 10**8) / 100:.2f}", sev_deg=dice.choice("123"), opter=dice.choice([None, "a\0b"])
            )  # fmt: skip
            facts = [
                a_fact(f"m{dice.randint(1, 6)}", row_no=dice.choice([None, 0, 1]))
                for _ in range(dice.randint(0, 3))
            ]
            told.append(a_change(seq, alert, kind, facts=facts))
    return told


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)  # fmt: skip
@given(seed=st.integers(0, 10**6), data=st.data())
def test_any_order_any_repetition_any_batches_end_the_same(
    new_url: Callable[[], str], seed: int, data: st.DataObject
) -> None:
    told = lives(seed)
    expected = filled(new_url(), told)
    again = data.draw(st.lists(st.sampled_from(told), max_size=8), label="repeated")
    shuffled = data.draw(st.permutations([*told, *again]), label="order")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled)), max_size=5), label="cuts"))
    edges = [0, *cuts, len(shuffled)]
    batches = [shuffled[begin:end] for begin, end in pairwise(edges)]
    assert filled(new_url(), *batches) == expected


def test_both_engines_say_the_same(tmp_path: Any, server: Any) -> None:
    told = lives(17, alerts=30)
    assert filled(f"sqlite:///{tmp_path}/a.db", told) == filled(server.url(), told)


def test_an_alert_is_what_its_last_change_says(url: str) -> None:
    first, second = an_alert(vola_amt="17.03"), reworded(an_alert(), vola_amt="1234567890123.45", sev_deg="2")
    held = filled(url, [a_change(2, second), a_change(1, first)]).held
    assert held == [Held(second, 2, 1, "open", None, None)]


def test_a_retracted_alert_says_why_and_what_it_said_last(url: str) -> None:
    alert = an_alert()
    found = filled(url, [a_change(1, alert), a_retraction(2, alert, reason_msgid="back-9")])
    assert found.held == [Held(alert, 2, 1, "retracted", "cancelled", "back-9")]
    assert [(one.seq, one.kind, one.reason) for one in found.history[alert.jr_id]] == [
        (1, "opened", None),
        (2, "retracted", "cancelled"),
    ]


def test_opened_again_it_is_open_and_no_reason_stands_by_it(url: str) -> None:
    alert = an_alert()
    told = [a_change(1, alert), a_retraction(2, alert), a_change(3, alert, OPENED)]
    assert filled(url, told).held == [Held(alert, 3, 3, "open", None, None)]


def test_what_was_new_and_what_was_repeated_is_counted(store: AlertStore) -> None:
    told = [a_change(1, an_alert(number)) for number in range(5)]
    assert store.apply(told[:3]) == Applied(added=3)
    assert store.apply([*told, told[4]]) == Applied(added=2, repeated=4)
    assert store.apply([]) == Applied()


def test_a_number_used_twice_is_counted_and_the_first_stands(store: AlertStore, url: str) -> None:
    first, second = an_alert(vola_amt="1.00"), an_alert(vola_amt="2.00")
    store.apply([a_change(1, first)])
    assert store.apply([a_change(1, second), a_change(2, second)]) == Applied(added=1, contradicted=1)
    assert [one.alert for one in state(url).history[first.jr_id]] == [first, second]


def test_evidence_that_comes_later_is_added_to_its_revision(url: str) -> None:
    facts = [a_fact("m1"), a_fact("m2", row_no=None)]
    bare, whole = a_change(1), a_change(1, facts=facts)
    assert filled(url, [bare], [whole]).evidence == {(bare.jr_id, 1): facts}


def test_what_revisions_share_is_stored_once(store: AlertStore, url: str) -> None:
    shared = [a_fact("m1"), a_fact("m2")]
    store.apply(
        [a_change(1, an_alert(number), facts=[*shared, a_fact(f"own-{number}")]) for number in range(10)]
    )
    store.apply([a_change(2, reworded(an_alert(1), opter="B"), facts=shared)])
    with AlertReader(url) as reader:
        assert reader.evidence(an_alert(1).jr_id, 2) == shared
        assert len(reader.evidence(an_alert(1).jr_id, 1)) == 3
        assert reader.sizes()["fact"] == 12


def test_positions_are_kept_with_the_changes(store: AlertStore) -> None:
    store.apply([a_change()], {("topic", 0): 17, ("topic", 1): 2**40, ("other", 0): 1})
    store.set_positions({("topic", 0): 16})
    assert store.positions("topic") == {0: 16, 1: 2**40}
    assert store.positions("none") == {}


def test_a_batch_that_fails_leaves_nothing_not_even_its_positions(store: AlertStore, url: str) -> None:
    bad = msgspec.structs.replace(a_change(1, an_alert(2)), kind=None)
    with pytest.raises(Exception, match="refused a statement"):
        store.apply([a_change(1, facts=[a_fact("m")]), bad], {("topic", 0): 9})
    assert store.positions("topic") == {}
    assert state(url).held == []


def test_heads_are_the_last_that_was_said(store: AlertStore) -> None:
    kept, gone = an_alert(1), an_alert(2)
    store.apply([a_change(1, kept), a_change(1, gone), a_retraction(2, gone)])
    assert store.heads() == {
        kept.jr_id: Head(1, "open", kept.revision),
        gone.jr_id: Head(2, "retracted", gone.revision),
    }
