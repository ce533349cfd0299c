"""docs/asyncapi.yaml says what the code writes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from streams.changes import HEADERS, Change, encode, headers
from streams.kafka import asyncapi
from streams.kafka.topics import ALERTS, CHANGES, EVENTS
from tests.streams.said import a_change, a_fact, a_retraction


def properties(name: str) -> dict[str, Any]:
    """Fields of a schema, those of all its parts."""
    schema = asyncapi.document()["components"]["schemas"][name]
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties(part["$ref"].rsplit("/", 1)[1])
    return found


def test_the_document_is_up_to_date() -> None:
    written = asyncapi.PAGE.read_text(encoding="utf-8")
    assert written == asyncapi.text(), "docs/asyncapi.yaml is old: run `python -m streams.kafka.asyncapi`"


def test_it_names_the_topics_that_others_write_to_or_read() -> None:
    channels = asyncapi.document()["channels"]
    assert {one["address"] for one in channels.values()} == {EVENTS.name, ALERTS.name, CHANGES.name}


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi.document()
    for reference in re.findall(r"\$ref: '?#/([\w/]+)", asyncapi.text()):
        place: Any = document
        for step in reference.split("/"):
            place = place[step]


@pytest.mark.parametrize(
    "change", [a_change(facts=[a_fact("m1"), a_fact("m2", row_no=None)]), a_change(2), a_retraction(3)]
)
def test_what_is_written_has_the_fields_of_the_document(change: Change) -> None:
    assert list(json.loads(encode(change, with_facts=True))) == list(properties("Change"))
    assert [name for name, _ in headers(change)] == list(properties("Headers")) == list(HEADERS)
    for fact in json.loads(encode(change, with_facts=True))["facts"]:
        assert list(fact) == list(properties("Fact"))
