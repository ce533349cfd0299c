"""What the router takes together, and when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import faust

from streams.kafka.pace import Pace
from streams.kafka.router import batches

LONG = 5.0


def taken(sent: list[int], most: int, number: int) -> list[list[int]]:
    """The first so many batches of what was sent to a channel, and then one that comes later."""

    async def take() -> list[list[int]]:
        app = faust.App("test", broker="memory://", store="memory://", web_enabled=False)
        app.flow_control.resume()
        channel = aiter(app.channel(maxsize=100))
        for one in sent:
            await channel.put(one)
        found = []
        async for batch in batches(channel, most, 0.01, Pace()):
            found.append(batch)
            if len(found) == number:
                await channel.put(-1)
            if len(found) > number:
                return found
        raise AssertionError("it has an end")

    return asyncio.run(take())


def waited(pace: Pace, *within: float, meanwhile: Callable[[], None] = lambda: None) -> list[float]:
    """Seconds that waits took which followed a first, since it is from then on that anything is heard. `meanwhile`: between."""

    async def wait() -> list[float]:
        await pace.wait(0.0)
        meanwhile()
        times = []
        for seconds in within:
            begun = time.perf_counter()
            await pace.wait(seconds)
            times.append(time.perf_counter() - begun)
        return times

    return asyncio.run(wait())


def test_what_waits_is_one_batch_and_what_comes_later_another() -> None:
    assert taken([1, 2, 3], 8, 1) == [[1, 2, 3], [-1]]


def test_a_batch_has_at_most_so_much() -> None:
    assert taken([1, 2, 3, 4, 5], 2, 3) == [[1, 2], [3, 4], [5], [-1]]


def test_where_nobody_is_expected_the_time_is_waited_for() -> None:
    assert 0.05 <= waited(Pace(), 0.05)[0] < LONG


def test_a_judge_who_is_expected_ends_the_waiting_now_and_in_time_from_whatever_thread() -> None:
    pace = Pace()

    def tell() -> None:
        teller = threading.Thread(target=pace.expect, args=(0.5,))
        teller.start()
        teller.join()

    now, in_time = waited(pace, LONG, LONG, meanwhile=tell)
    assert now < 0.4
    assert 0.4 <= now + in_time < LONG


def test_a_batch_sets_out_so_early_that_it_arrives_in_time() -> None:
    pace = Pace()
    pace.took(LONG)
    now, in_time = waited(pace, LONG, LONG, meanwhile=lambda: pace.expect(LONG + 0.1))
    assert now + in_time < LONG


def test_what_is_expected_so_soon_that_there_is_no_time_for_two_batches_counts_once() -> None:
    for soon in (0.0, 0.1):
        pace = Pace()
        pace.took(0.1)
        first, second = waited(pace, LONG, 0.05, meanwhile=lambda pace=pace, soon=soon: pace.expect(soon))
        assert first < LONG
        assert second >= 0.05


def test_who_is_told_before_it_waits_or_after_its_end_goes_on() -> None:
    pace = Pace()
    pace.expect(0.0)
    assert waited(pace, 0.01)[0] >= 0.01
    pace.expect(0.0)
