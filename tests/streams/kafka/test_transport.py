"""How the router's consumer waits: as Faust's, without the tasks where there is nothing to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streams.kafka.router import RouterSettings, make_app
from streams.kafka.settings import Connection
from streams.kafka.topics import Layout
from streams.kafka.transport import FETCH_BYTES, FETCH_WAIT, Eager


class Waiter(Eager):
    """What waits. `released`: for what a case has it wait."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()


Case = Callable[[Waiter], Awaitable[Any]]


def run(case: Case) -> Any:
    """What becomes of a case in an event loop of its own."""

    async def in_loop() -> Any:
        return await case(Waiter())

    return asyncio.run(in_loop())


async def at_once(said: list[str]) -> str:
    """Gets to its end without waiting."""
    async with asyncio.Lock():
        said.append("done")
    return "result"


async def after(event: asyncio.Event, said: list[str]) -> str:
    """Waits, twice."""
    try:
        await asyncio.sleep(0)
        await event.wait()
    except asyncio.CancelledError:
        said.append("cancelled")
        raise
    said.append("done")
    return "result"


def test_the_broker_gathers_for_a_moment_what_comes_to_the_router(tmp_path: Path) -> None:
    names = ("_fetch_min_bytes", "_fetch_max_wait_ms")

    async def asked(consumer: AIOKafkaConsumer) -> tuple[int, ...]:
        asked = vars(consumer)
        await consumer.stop()
        return tuple(asked[name] for name in names)

    async def case() -> tuple[tuple[int, ...], ...]:
        connection = Connection.of({"bootstrap": "localhost:1"})
        app = make_app(RouterSettings(connection, Layout(), 1, frozenset(), b"a key of a test", tmp_path))
        thread = app.consumer._thread
        ours = await asked(thread._create_worker_consumer(app.transport))
        thread.thread_loop.close()
        return ours, await asked(AIOKafkaConsumer())

    assert asyncio.run(case()) == ((FETCH_BYTES, FETCH_WAIT), (1, 500))


def test_what_waits_for_nothing_is_done_without_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def case(waiter: Waiter) -> Any:
        monkeypatch.setattr(asyncio, "ensure_future", lambda *_, **__: pytest.fail("a task"))
        way, other = at_once(said), waiter.released.wait()
        found = await waiter.wait_first(way, other)
        assert (found.done, found.results, found.stopped) == ([way], ["result"], False)
        return found

    run(case)
    assert said == ["done"]


def test_what_has_to_wait_goes_on_where_it_stood() -> None:
    said: list[str] = []

    async def case(waiter: Waiter) -> Any:
        asyncio.get_running_loop().call_later(0.02, waiter.released.set)
        return await waiter.wait_first(after(waiter.released, said), asyncio.Event().wait())

    assert run(case).results == ["result"]
    assert said == ["done"]


def test_what_has_to_wait_is_given_up_where_another_is_first() -> None:
    said: list[str] = []

    async def case(waiter: Waiter) -> Any:
        suspended = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, suspended.set)
        found = await waiter.wait_first(after(waiter.released, said), suspended.wait())
        await asyncio.sleep(0)
        return found

    assert run(case).results == [True]
    assert said == ["cancelled"]


@pytest.mark.parametrize("waits", [False, True])
def test_what_fails_is_raised(waits: bool) -> None:
    async def fails() -> None:
        if waits:
            await asyncio.sleep(0.01)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(lambda waiter: waiter.wait_first(fails(), waiter.released.wait()))


def test_once_it_is_to_stop_nothing_is_begun() -> None:
    """As with Faust's own."""

    async def case(waiter: Waiter) -> Any:
        waiter._stopped.set()
        return await waiter.wait_first(asyncio.sleep(9), waiter.released.wait())

    assert run(case).stopped


def test_with_a_time_limit_it_is_faust_s_own() -> None:
    async def case(waiter: Waiter) -> Any:
        return await waiter.wait_first(waiter.released.wait(), timeout=0.01)

    found = run(case)
    assert (found.done, found.results) == ([], [])
