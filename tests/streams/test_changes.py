"""Changes of alerts on the wire: what is written is read, today's format for ever, tomorrow's fields passed over."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.changes import CHANGED, OPENED, RETRACTED, Change, Fact, NotAChange, decode, encode, headers
from tests.streams.said import a_change, a_fact, a_retraction, an_alert, reworded

GOLDEN = Path(__file__).parent / "golden"

#: What the golden files say. A file is never edited: another format is another file, and both are read.
GOLDEN_CHANGES = {
    "change-1-opened.json": a_change(facts=[a_fact("in-1", "admission", None), a_fact("out-1")]),
    "change-1-changed.json": a_change(3, reworded(an_alert(), vola_amt="5.00", patn_id=None, opter=None)),
    "change-1-retracted.json": a_retraction(4, speaker="sweeper"),
}

text = st.text(max_size=20)
facts = st.builds(
    Fact, msgid=text, table=text, row_no=st.none() | st.integers(0, 99), inf_time=text, data=text
)
changes = st.builds(
    lambda seq, kind, number, amount, **more: a_change(
        seq, an_alert(number, vola_amt=amount, score=0.25), kind, **more
    ),
    seq=st.integers(1, 2**40),
    kind=st.sampled_from([OPENED, CHANGED, RETRACTED]),
    number=st.integers(0, 9),
    amount=st.decimals(0, 10**9, places=2).map(str),
    reason=st.none() | text,
    reason_msgid=st.none() | text,
    speaker=text,
    rulebook=text,
    facts=st.lists(facts, max_size=3),
)


@given(changes)
def test_what_is_written_is_read(change: Change) -> None:
    assert decode(encode(change, with_facts=True)) == change


@given(changes)
def test_the_topic_of_what_holds_carries_no_facts(change: Change) -> None:
    value = encode(change, with_facts=False)
    assert "facts" not in json.loads(value)
    assert decode(value).facts == []


@pytest.mark.parametrize("name", GOLDEN_CHANGES)
def test_a_change_written_once_is_read_for_ever(name: str) -> None:
    assert decode((GOLDEN / name).read_bytes()) == GOLDEN_CHANGES[name]


def test_every_golden_file_is_read() -> None:
    assert {path.name for path in GOLDEN.glob("change-*")} == set(GOLDEN_CHANGES)


@pytest.mark.parametrize("name", GOLDEN_CHANGES)
def test_fields_that_a_newer_one_added_are_passed_over(name: str) -> None:
    record = json.loads((GOLDEN / name).read_bytes())
    newer = {"tomorrow": {"a": [1]}, **record, "facts": [{**fact, "b": 2} for fact in record["facts"]]}
    assert decode(json.dumps(newer).encode()) == GOLDEN_CHANGES[name]


@pytest.mark.parametrize(
    ("change", "status"), [(a_change(), "open"), (a_change(2), "open"), (a_retraction(), "retracted")]
)
def test_the_status_on_the_wire_is_that_of_the_alert_after_the_change(change: Change, status: str) -> None:
    assert json.loads(encode(change, with_facts=False))["status"] == status == change.status
    assert decode(encode(change, with_facts=False)).alert.status == "open"


def without(name: str) -> bytes:
    record = json.loads(encode(a_change(), with_facts=True))
    del record[name]
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "not a change"),
        (b"{}", "jr_id"),
        (b"\xff\xfe", "not a change"),
        (without("seq"), "seq"),
        (without("kind"), "kind"),
        (without("revision"), "revision"),
        (encode(a_change(0), with_facts=False), "seq"),
        (encode(a_change(1, kind="vanished"), with_facts=False), "kind"),
    ],
)
def test_what_is_no_change_is_refused_with_the_field(value: bytes, sentence: str) -> None:
    with pytest.raises(NotAChange, match=sentence):
        decode(value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (a_change(1), {"ce_type": "fundwatch.alert.opened", "ce_source": "/fundwatch/worker"}),
        (a_retraction(2), {"ce_type": "fundwatch.alert.retracted"}),
        (a_change(1, speaker=""), {"ce_source": "/fundwatch"}),
    ],
)
def test_headers_are_those_of_a_cloud_event(change: Change, expected: dict[str, Any]) -> None:
    read = {name: value.decode() for name, value in headers(change)}
    assert len(read) == len(headers(change))
    assert read["ce_specversion"] == "1.0"
    assert read["ce_id"] == f"{change.jr_id}:{change.seq}"
    assert read["ce_subject"] == change.jr_id
    assert read["content-type"] == "application/json"
    assert read["fundwatch_rulebook"] == change.rulebook
    assert datetime.fromisoformat(read["ce_time"]).isoformat() == "2026-04-01T14:00:00+08:00"
    assert expected.items() <= read.items()
