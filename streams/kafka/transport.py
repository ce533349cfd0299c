"""Faust's transport, but that a message on whose way nothing stands takes no tasks, and that the broker answers less often.

Faust races the way of each message to its agent against a suspension of the flow. The race is four tasks, 90 µs
where the way itself takes a few. A message waits only where the flow is suspended or a buffer full, so it is sent on its way
first, and raced where it has to wait.

Faust has the broker answer as soon as there is anything, which at a steady rate is every few messages, and long before the
router takes them.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any

from faust.transport.drivers import aiokafka
from mode.services import Service, WaitResults

#: The broker answers when it has so many bytes, or after so many milliseconds.
FETCH_BYTES, FETCH_WAIT = 1 << 20, 50


class Eager(Service):
    """A service that begins what it waits for before it races it."""

    async def wait_first(self, *ways: Any, timeout: Any = None) -> WaitResults:
        """As `Service.wait_first`, of the first where that gets to its end without waiting for anything."""
        first, *others = ways
        if timeout is not None or not iscoroutine(first) or self.should_stop:
            return await super().wait_first(*ways, timeout=timeout)
        try:
            waits_for = first.send(None)
        except StopIteration as end:
            _never_begun(others)
            return WaitResults([first], [end.value], False)
        except BaseException:
            _never_begun(others)
            raise
        return await super().wait_first(_rest(first, waits_for), *others)


class _Thread(aiokafka.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        """Called by the framework, which has no setting for either."""
        made = super()._create_worker_consumer(transport)
        made._fetch_min_bytes, made._fetch_max_wait_ms = FETCH_BYTES, FETCH_WAIT
        return made


class Consumer(Eager, aiokafka.Consumer):
    """Faust's, but for how it waits."""

    def _new_consumer_thread(self) -> aiokafka.AIOKafkaConsumerThread:
        """Called by the framework."""
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class Transport(aiokafka.Transport):
    """Faust's, with this consumer."""

    Consumer = Consumer


def _never_begun(ways: list[Any]) -> None:
    for way in ways:
        if iscoroutine(way):
            way.close()


async def _rest(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    """What is left of a coroutine that has begun. `waits_for`: what it gave the event loop to wait for."""
    return await _driven(begun, waits_for)


@types.coroutine
def _driven(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    go_on: Callable[[], Any]
    while True:
        try:
            go_on = partial(begun.send, (yield waits_for))
        except BaseException as error:
            go_on = partial(begun.throw, error)
        try:
            waits_for = go_on()
        except StopIteration as end:
            return end.value
