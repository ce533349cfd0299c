"""The log says what is listed, and lets no identity out."""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
import sys
import threading
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from streams.errors import Refused
from streams.operation.events import FIELDS, Event, Word
from streams.operation.logging import Log, setup
from streams.operation.settings import Logging

NOON = datetime(2026, 11, 26, 12)  # noqa: DTZ001 platform times carry no zone

#: A person, a visit, a message, a certificate, a telephone, a doctor, names.
IDENTITIES = (
    "33010000000000000000000123",
    "mdtrt-990101-77",
    "H99010100001202611051000000001",
    "330101199001011234",
    "13912345678",
    "D330100012345",
    "王伟",
    "Wang Wei",
)

Said = Callable[[], list[dict[str, Any]]]

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> Log:
    return setup(
        Logging(level="debug", format="json"), "worker", words={"topic": ["settlement.events"]}, stream=stream
    )


@pytest.fixture
def said(stream: io.StringIO) -> Said:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


# What is said


def test_a_line_has_time_level_service_event_and_fields(log: Log, said: Said) -> None:
    log.info(Event.BATCH, events=2000, seconds=0.3, watermark=NOON, topic="settlement.events", partition=None)
    (line,) = said()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "service": "worker",
        "event": "batch done",
        "events": 2000,
        "seconds": 0.3,
        "watermark": "2026-11-26 12:00:00",
        "topic": "settlement.events",
    }


def test_for_people_it_is_one_line_of_text(stream: io.StringIO) -> None:
    log = setup(Logging(format="text"), "archiver", stream=stream)
    log.warning(Event.REJECTED, rejected=2, reason="not_json")
    line = stream.getvalue()
    assert line.split(" ", 1)[1] == "warning archiver messages rejected rejected=2 reason=not_json\n"


def test_what_is_below_the_level_is_not_said(stream: io.StringIO) -> None:
    log = setup(Logging(level="warning", format="json"), "worker", stream=stream)
    log.info(Event.BATCH, events=1)
    logging.getLogger("asyncio").info("nothing")
    assert stream.getvalue() == ""


def test_libraries_speak_from_a_warning_on_whatever_the_level(log: Log, said: Said) -> None:
    assert log
    logging.getLogger("asyncio").info("nothing")
    logging.getLogger("asyncio").warning("something")
    (line,) = said()
    assert (line["event"], line["text"]) == ("library", "something")


# What does not get out


def nothing_of(identity: str, stream: io.StringIO) -> None:
    text = stream.getvalue()
    assert text, "a line was written"
    assert identity not in text
    assert json.dumps(identity)[1:-1] not in text


@pytest.mark.parametrize("identity", IDENTITIES)
def test_an_identity_gets_out_as_no_field_whatever_its_name(
    log: Log, stream: io.StringIO, identity: str
) -> None:
    for name in (*FIELDS, "psn_no", "mdtrt_id", "msgid", "certno", "psn_name", "message", "error_text"):
        log.info(Event.BATCH, **{name: identity})
    log.info(Event.BATCH, **{identity: 1})
    log.error(Event.FAILED, ValueError(identity), reason=identity)
    nothing_of(identity, stream)


@pytest.mark.parametrize(
    "number", [330101199001011234, 33010000000000000000000123, float("nan"), float("inf")]
)
def test_a_number_as_large_as_a_persons_does_not_get_out(log: Log, said: Said, number: float) -> None:
    log.info(
        Event.BATCH, **dict.fromkeys((name for name in FIELDS if not isinstance(FIELDS[name], Word)), number)
    )
    (line,) = said()
    assert {line[name] for name in FIELDS if name in line} == {"withheld"}


def test_a_telephone_number_is_no_count(log: Log, said: Said) -> None:
    log.info(Event.BATCH, events=13912345678, persons=13912345678, seconds=13912345678)
    assert {said()[0][name] for name in ("events", "persons", "seconds")} == {"withheld"}


def test_fields_of_other_names_are_only_counted(log: Log, said: Said) -> None:
    log.info(Event.BATCH, events=1, psn_no="1", certno="2")
    assert said()[0]["withheld_fields"] == 2


@given(value=st.text(min_size=1, max_size=40))
@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_text_gets_out_that_is_not_listed(value: str, log: Log, stream: io.StringIO) -> None:
    listed = {word for check in FIELDS.values() if isinstance(check, Word) for word in check.words}
    stream.seek(0)
    stream.truncate()
    log.info(Event.BATCH, **dict.fromkeys(FIELDS, value))
    told = json.loads(stream.getvalue())
    for name in FIELDS:
        assert told[name] == "withheld" or told[name] in listed | {"settlement.events"}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_of_an_exception_types_and_places_get_out_and_no_message(
    log: Log, stream: io.StringIO, said: Said, identity: str
) -> None:
    class Odd(Exception):  # noqa: N818 its name is the point
        """Says itself."""

    Odd.__qualname__ = identity

    def fails() -> None:
        try:
            {}[identity]
        except KeyError as error:
            raise Refused(f"no visit {identity}") from error

    try:
        try:
            fails()
        except Refused as error:
            raise ExceptionGroup(identity, [error, sqlite3.IntegrityError(identity), Odd(identity)]) from None
    except ExceptionGroup as error:
        log.error(Event.FAILED, error)
    nothing_of(identity, stream)
    told = said()[0]["error"]
    types = [one["type"] for one in told]
    assert types[:3] == ["ExceptionGroup", "streams.errors.Refused", "sqlite3.IntegrityError"]
    assert "KeyError" in types
    module, function, line = told[1]["places"][-1].rsplit(":", 2)
    assert (module, function) == (__name__, "fails")
    assert int(line) > 100


def test_of_the_system_and_of_sqlite_the_code_gets_out(log: Log, said: Said) -> None:
    log.error(Event.FAILED, OSError(28, "No space left", "/state/王伟"))
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("select * from psn_330101")
    log.error(Event.FAILED, caught.value)
    assert [line["error"][0]["code"] for line in said()] == ["ENOSPC", "SQLITE_ERROR"]


def test_of_a_chain_without_end_the_beginning_is_said(log: Log, said: Said) -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    log.error(Event.FAILED, first)
    assert len(said()[0]["error"]) == 2


@pytest.mark.parametrize("identity", IDENTITIES)
def test_what_others_log_gets_out_as_a_constant_of_their_code_alone(
    log: Log, stream: io.StringIO, said: Said, identity: str
) -> None:
    assert log
    other = logging.getLogger("asyncio")
    other.warning("cannot reach %s", identity)
    other.warning(f"cannot reach {identity}")
    other.warning("cannot reach " + identity)
    other.warning(identity)
    other.warning(ValueError(identity))
    other.error("failed", extra={"psn_no": identity})
    logging.getLogger(identity).warning("here")
    try:
        raise ValueError(identity)
    except ValueError:
        other.exception("failed with %r", identity)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit(identity, UserWarning, identity, 1)
    nothing_of(identity, stream)
    assert [line.get("text") for line in said()][:8] == [
        "cannot reach %s", None, None, None, None, "failed", "here", "failed with %r",
    ]  # fmt: skip
    assert said()[8]["logger"] == "py.warnings"
    assert said()[6]["logger"] == "withheld"
    assert said()[7]["error"][0]["type"] == "ValueError"


@pytest.mark.parametrize("identity", IDENTITIES)
def test_an_exception_that_nobody_catches_says_no_more(log: Log, stream: io.StringIO, identity: str) -> None:
    assert log

    def fails() -> None:
        raise ValueError(identity)

    thread = threading.Thread(target=fails, name=identity)
    thread.start()
    thread.join()
    with pytest.raises(ValueError, match=re.escape(identity)) as caught:
        fails()
    sys.excepthook(ValueError, caught.value, caught.value.__traceback__)
    nothing_of(identity, stream)
    assert stream.getvalue().count("ValueError") == 2


def test_a_thread_that_ends_by_itself_is_no_failure(log: Log, stream: io.StringIO) -> None:
    assert log
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert stream.getvalue() == ""


class BrokenStream(io.StringIO):
    """A place to which nothing can be written."""

    def write(self, _: str) -> int:
        raise OSError(32, "Broken pipe")


def test_a_line_that_cannot_be_written_is_not_printed_in_another_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = setup(Logging(), "worker", stream=BrokenStream())
    log.info(Event.BATCH, events=1)
    logging.getLogger("asyncio").warning("psn %s", "330101199001011234")
    assert capsys.readouterr() == ("", "")


def test_who_is_not_of_the_list_cannot_pass_for_an_event(log: Log, stream: io.StringIO) -> None:
    log.info("王伟")  # type: ignore[arg-type]
    log.info("started", psn_no="330101199001011234")  # type: ignore[arg-type]
    assert "王伟" not in stream.getvalue()
    assert "\\u738b" not in stream.getvalue()
    assert "330101" not in stream.getvalue()
