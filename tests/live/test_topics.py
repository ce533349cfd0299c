"""The topics on a real broker: made once, never changed, differences told."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner
from kafka import KafkaProducer

from streams.cli.topics import command
from streams.errors import Refused
from streams.kafka import clients, topics
from streams.kafka.settings import Connection
from streams.kafka.topics import TOPICS, Layout


def test_making_the_topics_twice_changes_nothing_and_differs_in_nothing(
    connection: Connection, layout: Layout
) -> None:
    with clients.admin(connection) as admin:
        again = topics.create(admin, layout)
        found = topics.found(admin, layout)
    assert again == topics.Report((), tuple(map(layout.name, TOPICS)), ())
    assert {topic: has.partitions for topic, has in found.items()} == {
        topic: layout.partitions(topic) for topic in TOPICS
    }


def test_a_topic_that_is_there_stays_as_it_is_and_its_differences_are_told(
    connection: Connection, prefix: str
) -> None:
    layout = Layout(prefix)
    name = layout.name(topics.EVENTS)
    with clients.admin(connection) as admin:
        admin.create_topics(
            {name: {"num_partitions": 3, "replication_factor": 1, "configs": {"retention.ms": "1000"}}}
        )
        admin.wait_for_topics([name])
        report = topics.create(admin, layout)
    assert report.existing == (name,)
    assert len(report.created) == len(TOPICS) - 1
    told = {one.setting: (one.wanted, one.found) for one in report.differences}
    assert told["partitions"] == ("8", "3")
    assert told["retention.ms"] == (str(30 * 86_400_000), "1000")
    assert report.differences[0].sentence == f"{name}: partitions is 3, 8 is meant."


def test_a_topic_that_the_broker_will_not_make_is_refused_in_one_sentence(
    connection: Connection, prefix: str
) -> None:
    with (
        clients.admin(connection) as admin,
        pytest.raises(Refused, match="does not make the topic") as refused,
    ):
        topics.create(admin, Layout(prefix, replication=3))
    assert len(str(refused.value).splitlines()) == 1


def test_a_message_of_eight_mebibytes_passes(connection: Connection, layout: Layout) -> None:
    name = layout.name(topics.EVENTS)
    value = os.urandom(8 << 20)
    producer = KafkaProducer(**connection.producer())
    producer.send(name, key=b"k", value=value, headers=[("h", b"x" * 1000)]).get(30)
    producer.close()
    with clients.consumer(connection) as consumer:
        consumer.subscribe([name])
        seen = []
        while not seen:
            for records in consumer.poll(timeout_ms=500).values():
                seen.extend(records)
    assert seen[0].value == value


@pytest.mark.usefixtures("wide")
def test_the_commands_make_and_show_the_topics(connection: Connection, prefix: str) -> None:
    where = ["--brokers", ",".join(connection.bootstrap), "--prefix", prefix]
    shown = CliRunner().invoke(command, ["show", *where])
    assert shown.exit_code == 1
    assert "6 of 6 topics are not there" in shown.output
    made = CliRunner().invoke(command, ["create", *where])
    assert made.exit_code == 0, made.output
    assert made.output.count("created") == len(TOPICS)
    shown = CliRunner().invoke(command, ["show", *where])
    assert shown.exit_code == 0, shown.output
    assert "last of each key" in shown.output


def test_where_no_broker_is_a_command_says_so() -> None:
    with pytest.raises(Refused, match="No broker answers at 127"):
        CliRunner().invoke(
            command,
            ["show", "--brokers", "127.0.0.1:9", "--kafka", "bootstrap_timeout_ms=300"],
            catch_exceptions=False,
        )
