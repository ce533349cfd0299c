"""Whatever the bytes: nothing raises, and every line is accounted for."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.facts import fact_schemas
from streams.wire import decode
from tests.streams.wire.samples import KEY, SAMPLES, lines

LINES = lines(*SAMPLES.values())
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "",
            "null",
            "0",
            "1.005",
            "2026-11-01",
            "9999-12-31",
            "0000-00-00 00:00:00",
            "1e999",
            "\0",
            "\ud800",
            "ａ",
        ]
    )
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


def accounted_for(raw: list[bytes]) -> None:
    result = decode(raw, source="fuzz", first_line=1, first_seq=0, key=KEY)
    counts = result.counts
    assert counts.read == sum(1 for line in raw if line.strip())
    assert counts.read == sum((counts.facts + counts.rejected).values()) + sum(counts.not_facts.values())
    assert len(result.rejects) == sum((counts.rejected + counts.rejected_rows).values())
    messages = result.tables["message"].num_rows if "message" in result.tables else 0
    assert messages == sum(counts.facts.values())
    for name, table in result.tables.items():
        assert table.schema == fact_schemas()[name]
        table.validate(full=True)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_bytes_changed_anywhere(data: st.DataObject) -> None:
    line = bytearray(data.draw(st.sampled_from(LINES)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(line) - 1))
        line[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    accounted_for(
        [LINES[0], *bytes(line).split(b"\n"), *data.draw(st.lists(st.sampled_from(LINES), max_size=2))]
    )


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _put(value[path[0]], path[1:], new)
    return copied


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_values_changed_anywhere(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(list(SAMPLES.values())))
    for _ in range(data.draw(st.integers(1, 3))):
        message = _put(message, data.draw(st.sampled_from(_places(message))), data.draw(VALUE))
    text = re.sub(r"\bNaN\b|-?\bInfinity\b", "1e400", json.dumps(message))
    accounted_for([text.encode(), LINES[3], LINES[10]])


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"", b"{}", b"[]", b'{"infno":"2304"}']), max_size=8)
)
@settings(max_examples=100, deadline=None)
def test_bytes_of_any_kind(raw: list[bytes]) -> None:
    accounted_for(b"\n".join(raw).split(b"\n"))
