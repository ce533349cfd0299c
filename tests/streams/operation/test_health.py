"""Alive, ready, stalled: what a service tells of itself, and what is answered."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streams.errors import Refused
from streams.operation.endpoint import PATHS, Endpoint
from streams.operation.exits import Exit
from streams.operation.health import Condition, Health
from streams.operation.logging import Log, setup
from streams.operation.settings import Http, Logging
from streams.operation.watchdog import PAUSED_SECONDS, Watchdog
from tests.streams.operation.clock import Clock

STALL = 120.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(Condition, STALL, clock)


def pass_time(clock: Clock, health: Health, seconds: float, waiting: int | None, every: float = 10) -> None:
    """Time passes; the loop turns, and the broker is asked, every so often (`None`: it does not answer)."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += every
        health.turned()
        if waiting is not None:
            health.waiting(waiting)


# Alive


def test_a_loop_that_stands_still_is_not_alive(clock: Clock, health: Health) -> None:
    clock.now += STALL
    assert health.live().good
    clock.now += 1
    assert health.live().reason == "the loop has not turned for 121 s"
    health.turned()
    assert health.live().good


def test_messages_that_wait_while_none_is_processed_are_a_stall(clock: Clock, health: Health) -> None:
    pass_time(clock, health, STALL, waiting=7)
    assert health.live().good
    pass_time(clock, health, 20, waiting=7)
    assert not health.live().good
    assert health.live().reason == "7 messages wait and none was processed for 130 s"


def test_progress_with_messages_waiting_is_no_stall(clock: Clock, health: Health) -> None:
    for _ in range(100):
        pass_time(clock, health, 60, waiting=7)
        health.progressed()
    assert health.live().good


def test_nothing_waiting_is_no_stall(clock: Clock, health: Health) -> None:
    pass_time(clock, health, 100, waiting=7)
    pass_time(clock, health, 3600, waiting=0)
    pass_time(clock, health, 100, waiting=7)
    assert health.live().good


def test_a_broker_that_is_away_is_no_stall_nor_is_its_return(clock: Clock, health: Health) -> None:
    pass_time(clock, health, 50, waiting=7)
    pass_time(clock, health, 3600, waiting=None)
    assert health.live().good
    assert health.ready().reason == "no partitions were assigned yet"
    pass_time(clock, health, 10, waiting=7)
    assert health.live().good
    pass_time(clock, health, STALL + 10, waiting=7)
    assert not health.live().good


def test_a_braked_service_is_alive_and_not_ready(clock: Clock, health: Health) -> None:
    for condition in Condition:
        health.meets(condition)
    health.braked("0", True)
    health.braked("1", True)
    health.braked("1", False)
    pass_time(clock, health, 3600, waiting=7)
    assert health.live().good
    assert not health.ready().good
    assert "fundwatch brake show" in health.ready().reason
    health.braked("0", False)
    assert health.ready().good
    pass_time(clock, health, STALL, waiting=7)
    assert health.live().good
    pass_time(clock, health, 20, waiting=7)
    assert not health.live().good


# Ready


def test_a_service_is_ready_once_everything_it_needs_is_there(clock: Clock, health: Health) -> None:
    reasons = []
    for condition in Condition:
        reasons.append(health.ready().reason)
        health.meets(condition)
    assert reasons == [
        "no partitions were assigned yet",
        "the state is still being recovered",
        "the rules are not loaded yet",
    ]
    assert health.ready().good
    health.meets(Condition.RECOVERED, False)
    assert not health.ready().good
    assert Health([Condition.RULES], STALL, clock).ready().reason == "the rules are not loaded yet"
    assert Health([], STALL, clock).ready().good


def test_a_service_that_drains_is_alive_and_not_ready(clock: Clock) -> None:
    health = Health([], STALL, clock)
    health.draining()
    assert health.live().good
    assert health.ready().reason == "it was asked to end and drains"


# Over HTTP


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Gauge("fundwatch_braked", "x", registry=made)
    return made


@pytest.fixture
def endpoint(health: Health, registry: CollectorRegistry) -> Iterator[Endpoint]:
    with Endpoint(Http(port=0), health, registry) as answering:
        yield answering


def ask(url: str, method: str = "GET") -> tuple[int, str, bytes]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_the_paths_answer_with_a_reason(endpoint: Endpoint, health: Health, clock: Clock) -> None:
    status, kind, body = ask(endpoint.address + "/livez")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == {"ok": True, "reason": "the loop turns, and what waits moves."}
    status, _, body = ask(endpoint.address + "/readyz")
    assert status == 503
    assert json.loads(body) == {"ok": False, "reason": "no partitions were assigned yet."}
    for condition in Condition:
        health.meets(condition)
    assert ask(endpoint.address + "/readyz?verbose")[0] == 200
    clock.now += STALL + 1
    assert ask(endpoint.address + "/livez")[0] == 503


def test_metrics_are_told_and_nothing_else_is_there(endpoint: Endpoint) -> None:
    status, kind, body = ask(endpoint.address + "/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"fundwatch_braked 0.0" in body
    assert ask(endpoint.address + "/metrics", "HEAD")[2] == b""
    status, _, body = ask(endpoint.address + "/")
    assert status == 404
    assert all(path in body.decode() for path in PATHS)
    assert ask(endpoint.address + "/livez", "POST")[0] == 501


def test_a_client_that_says_nothing_keeps_nobody_waiting(endpoint: Endpoint) -> None:
    host, _, port = endpoint.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port))):
        assert ask(endpoint.address + "/livez")[0] == 200


def test_a_port_that_is_taken_is_said_in_one_sentence(
    endpoint: Endpoint, health: Health, registry: CollectorRegistry
) -> None:
    port = int(endpoint.address.rpartition(":")[2])
    with pytest.raises(Refused, match=rf"http.port {port}: cannot listen there \(Address already in use\)"):
        Endpoint(Http(port=port), health, registry).__enter__()


# Watchdog


class Ended(Exception):  # noqa: N818 what os._exit is in a test
    """The process would have ended."""


def end(code: int) -> None:
    raise Ended(code)


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(lines: io.StringIO, restored_logging: None) -> Log:  # noqa: ARG001 it comes first and ends last
    return setup(Logging(format="json"), "worker", stream=lines)


def test_the_watchdog_ends_what_stands_still_with_70_and_a_line(
    clock: Clock, health: Health, log: Log, lines: io.StringIO
) -> None:
    watchdog = Watchdog(health, log, lambda: None, clock=clock, end=end)
    while clock.now < 1000 + STALL:
        clock.now += 5
        health.turned()
        health.waiting(7)
        watchdog.look()
    clock.now += 10
    with pytest.raises(Ended, match="70"):
        watchdog.look()
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (line["event"], line["waiting"], line["seconds_since_progress"]) == ("stalled", 7, 125)


def test_a_process_that_was_suspended_is_given_time_again(clock: Clock, health: Health, log: Log) -> None:
    watchdog = Watchdog(health, log, lambda: None, clock=clock, end=end)
    health.waiting(7)
    clock.now += 10 * STALL
    assert not health.live().good
    watchdog.look()
    assert health.live().good
    assert 10 * STALL > PAUSED_SECONDS


def test_above_the_limit_of_memory_the_service_drains_once_and_ends_with_70(
    clock: Clock, health: Health, log: Log, lines: io.StringIO
) -> None:
    drained: list[bool] = []
    size = [10]
    watchdog = Watchdog(
        health,
        log,
        lambda: drained.append(True),
        rss_limit_bytes=15,
        rss=lambda: size[0],
        clock=clock,
        end=end,
    )
    watchdog.look()
    assert not drained
    assert watchdog.code == Exit.DONE
    size[0] = 20
    watchdog.look()
    watchdog.look()
    assert drained == [True]
    assert watchdog.code == Exit.UNHEALTHY
    assert json.loads(lines.getvalue())["event"] == "too much memory"


def test_a_process_really_ends_with_70() -> None:
    """A loop that stands still, in a process of its own; the watchdog looks every hundredth of a second."""
    program = textwrap.dedent("""
        import threading
        from streams.operation import watchdog
        from streams.operation.health import Health
        from streams.operation.logging import setup
        from streams.operation.settings import Logging
        watchdog.EVERY_SECONDS = 0.01
        with watchdog.Watchdog(Health([], 0.1), setup(Logging(), "worker"), lambda: None):
            threading.Event().wait(60)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 70
    assert " error worker stalled " in done.stderr
