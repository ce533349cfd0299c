"""docs/kafka.md says what the code does."""

from __future__ import annotations

from streams.kafka.dlq import HEADERS
from streams.kafka.settings import SETTINGS
from streams.kafka.topics import LONGEST_RECORD, TOPICS, Layout
from tests.test_docs import codes, rows_of, section


def test_the_topics_are_listed_with_their_partitions_and_retention() -> None:
    text = section("kafka.md", "Topics")
    expected = [
        [
            topic.name,
            str(Layout().partitions(topic)),
            f"{topic.retention.days:,} days" if topic.retention else "last of each key",
            topic.purpose,
        ]
        for topic in TOPICS
    ]
    assert [[*codes(row[0]), *row[1:]] for row in rows_of(text)] == expected
    assert f"{LONGEST_RECORD >> 20} MiB" in text


def test_the_settings_of_the_connection_and_the_headers_of_rejects_are_listed() -> None:
    for heading, documented in (("The connection", SETTINGS), ("Rejects", HEADERS)):
        rows = rows_of(section("kafka.md", heading))
        assert {codes(name)[0]: meaning for name, meaning in rows} == dict(documented)
