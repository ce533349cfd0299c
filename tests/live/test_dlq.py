"""Rejects on a real broker: as they came, listed without what they say, sent back once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from kafka import KafkaProducer

from streams.cli.dlq import command
from streams.errors import Refused
from streams.kafka import clients, redrive
from streams.kafka.dlq import MESSAGE, REASON, REDRIVES, Position, dead_letter
from streams.kafka.redrive import Redrive, Selection, list_rejects, plan_redrive
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, REJECTS, Layout
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, Reject

LONG_AGO = 1_600_000_000_000


class Ground:
    """A source, its rejects, and what a router would write into them."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self.connection = connection
        self.layout = layout
        self.source = layout.name(EVENTS)
        self.rejects = layout.name(REJECTS)

    def reject(self, value: bytes, reason: str = "not_json", *, source: str | None = None, offset: int = 0,
               row: str | None = None, timestamp: int | None = None, headers: Sequence[tuple[str, bytes]] = (),
               sentence: str = "The line is not JSON.") -> Any:  # fmt: skip
        why = Reject.of(value, source="x", line=1, reason_code=reason, sentence=sentence, row=row)
        record = dead_letter(
            why, Position(source or self.source, 1, offset), key=b"person-1", value=value,
            timestamp_ms=timestamp or self.now(), headers=headers,
        )  # fmt: skip
        producer = KafkaProducer(**self.connection.producer())
        sent = producer.send(
            self.rejects,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            timestamp_ms=record.timestamp_ms,
        ).get(30)
        producer.close()
        return sent

    @staticmethod
    def now() -> int:
        return int(time.time() * 1000)

    def read(self, topic: str) -> list[Any]:
        with clients.consumer(self.connection, isolation_level="read_committed") as consumer:
            return list(redrive._records(consumer, topic))

    def redrive(self, selection: Selection = Selection()) -> int:  # noqa: B008 it is frozen
        with Redrive(self.connection, self.rejects) as right:
            return right.send(plan_redrive(self.connection, self.rejects, selection))

    def run(self, *arguments: str, given: str = "") -> Any:
        where = ["--brokers", ",".join(self.connection.bootstrap), "--prefix", self.layout.prefix]
        return CliRunner().invoke(command, [*arguments, *where], input=given, catch_exceptions=False)


@pytest.fixture
def ground(connection: Connection, layout: Layout) -> Ground:
    return Ground(connection, layout)


def test_a_message_goes_back_as_it_came_with_one_more_redrive(ground: Ground) -> None:
    when = ground.now() - 60_000
    ground.reject(b"{broken \xff", timestamp=when, headers=[("trace", b"t-1")])
    assert ground.redrive() == 1
    (back,) = ground.read(ground.source)
    assert (back.key, back.value, back.timestamp, back.partition) == (b"person-1", b"{broken \xff", when, 1)
    assert list(back.headers) == [("trace", b"t-1"), (REDRIVES, b"1")]


def test_a_second_call_sends_nothing_again_and_what_came_since(ground: Ground) -> None:
    ground.reject(b"one", offset=1)
    assert ground.redrive() == 1
    assert ground.redrive() == 0
    ground.reject(b"two", offset=2)
    assert ground.redrive() == 1
    assert [record.value for record in ground.read(ground.source)] == [b"one", b"two"]


def test_a_reason_sent_back_is_left_when_all_are_and_the_reverse(ground: Ground) -> None:
    for number, reason in enumerate(("not_json", "no_kind", "not_json")):
        ground.reject(b"%d" % number, reason, offset=number)
    assert ground.redrive(Selection(reasons=frozenset({"not_json"}))) == 2
    assert ground.redrive() == 1
    assert ground.redrive(Selection(reasons=frozenset({"no_kind"}))) == 0


def test_a_message_rejected_again_can_be_sent_again_and_counts(ground: Ground) -> None:
    ground.reject(b"x", offset=1)
    ground.redrive()
    (back,) = ground.read(ground.source)
    ground.reject(b"x", offset=back.offset + 100, headers=back.headers)
    assert ground.redrive() == 1
    assert dict(ground.read(ground.source)[-1].headers)[REDRIVES] == b"2"


def test_what_cannot_go_back_stays_and_is_counted_by_why(ground: Ground) -> None:
    ground.reject(b"row", "bad_value", offset=1, row="input.feedetail[1]")
    ground.reject(b"elsewhere", source="supervision.alerts", offset=2)
    ground.reject(b"z" * (LONGEST_MESSAGE + 1), "too_long", offset=3)
    ground.reject(b"twice", offset=4)
    ground.reject(b"twice", offset=4)
    plan = plan_redrive(ground.connection, ground.rejects, Selection())
    assert len(plan.send) == 1
    assert dict(plan.left) == {"row": 1, "foreign": 1, "cut": 1, "repeated": 1}
    cut = ground.read(ground.rejects)[2]
    assert len(cut.value) == LONGEST_RAW
    assert dict(cut.headers)["fundwatch.length"] == str(LONGEST_MESSAGE + 1).encode()


def test_a_later_redrive_stops_an_earlier_one_and_nothing_goes_twice(ground: Ground) -> None:
    ground.reject(b"one", offset=1)
    with Redrive(ground.connection, ground.rejects) as earlier:
        plan = plan_redrive(ground.connection, ground.rejects, Selection())
        assert ground.redrive() == 1
        with pytest.raises(Refused, match="Another redrive of these rejects has begun"):
            earlier.send(plan)
    assert [record.value for record in ground.read(ground.source)] == [b"one"]


def test_a_redrive_that_dies_before_its_commit_is_made_good_by_the_next(ground: Ground) -> None:
    ground.reject(b"one", offset=1)
    with Redrive(ground.connection, ground.rejects) as dying:
        dying._producer.begin_transaction()
        dying._producer.send(ground.source, value=b"one", partition=1).get(10)
        assert ground.redrive() == 1
    assert [record.value for record in ground.read(ground.source)] == [b"one"]


def test_many_go_back_in_several_transactions(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive, "MOST_RECORDS", 3)
    for number in range(8):
        ground.reject(b"%d" % number, offset=number)
    assert ground.redrive() == 8
    assert ground.redrive() == 0
    assert [record.value for record in ground.read(ground.source)] == [b"%d" % number for number in range(8)]


def test_a_message_older_than_its_topic_keeps_goes_back_with_a_new_time(ground: Ground) -> None:
    ground.reject(b"old", timestamp=LONG_AGO)
    ground.redrive()
    assert ground.read(ground.source)[0].timestamp > LONG_AGO


@pytest.mark.usefixtures("wide")
def test_the_list_shows_why_and_where_and_nothing_of_the_message(ground: Ground) -> None:
    ground.reject(
        b'{"psn_name": "Zhang"}', "bad_value", offset=17,
        sentence='input.data.brdy is "1970-13-45 Zhang", which is not a date.',
    )  # fmt: skip
    shown = ground.run("list").output
    for text in ("bad_value", "input.data.brdy", "1:17", "1 rejects wait"):
        assert text in shown, text
    for secret in ("Zhang", "1970", "person-1", "psn_name"):
        assert secret not in shown, secret


def test_the_list_counts_all_by_reason_and_shows_the_newest(ground: Ground) -> None:
    for number in range(4):
        ground.reject(b"%d" % number, "no_kind" if number else "not_json", offset=number)
    ground.redrive(Selection(positions=frozenset({(0, 1)})))
    listing = list_rejects(ground.connection, ground.rejects, Selection(), limit=2)
    assert dict(listing.waiting) == {"not_json": 1, "no_kind": 2}
    assert [one.at.offset for one in listing.newest] == [2, 3]
    assert listing.redriven == 1
    assert "1 rejects wait" in ground.run("list", "--reason", "not_json").output


def test_a_record_of_others_is_listed_as_unknown(ground: Ground) -> None:
    producer = KafkaProducer(**ground.connection.producer())
    producer.send(ground.rejects, value=b"?", headers=[(REASON, b"\xff\xfe"), (MESSAGE, b"a\x1b[31mb")]).get(
        30
    )
    producer.send(ground.rejects, key=b"k", value=None, headers=[]).get(30)
    producer.close()
    shown = ground.run("list").output
    assert "unknown" in shown
    assert "\x1b[31mb" not in shown


def test_the_command_sends_what_was_confirmed_by_its_number(ground: Ground) -> None:
    for number in range(2):
        ground.reject(b"%d" % number, offset=number)
    assert "2 messages to send back" in ground.run("redrive", "--dry-run").output
    with pytest.raises(Refused, match="not 3; nothing was sent"):
        ground.run("redrive", given="3\n")
    assert ground.read(ground.source) == []
    with pytest.raises(Refused, match="not 1; nothing was sent"):
        ground.run("redrive", "--confirm", "1")
    assert "2 messages were sent back" in ground.run("redrive", given="2\n").output
    again = ground.run("redrive")
    assert "0 messages to send back" in again.output
    assert "2 stay: sent back before." in again.output
    assert len(ground.read(ground.source)) == 2


def test_a_place_without_a_reject_is_refused(ground: Ground) -> None:
    with pytest.raises(Refused, match="has no reject at 0:99"):
        ground.run("redrive", "--offset", "0:99")


def test_a_topic_that_is_none_of_rejects_is_refused(ground: Ground) -> None:
    with pytest.raises(Refused, match=r"does not end in \.dlq"):
        ground.run("redrive", "--topic", ground.source)
