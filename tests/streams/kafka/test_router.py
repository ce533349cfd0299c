"""What the router takes together."""

from __future__ import annotations

import asyncio

import faust

from streams.kafka.router import batches


def taken(sent: list[int], most: int, number: int) -> list[list[int]]:
    """The first so many batches of what was sent to a channel, and then one that comes later."""

    async def take() -> list[list[int]]:
        app = faust.App("test", broker="memory://", store="memory://", web_enabled=False)
        app.flow_control.resume()
        channel = aiter(app.channel(maxsize=100))
        for one in sent:
            await channel.put(one)
        found = []
        async for batch in batches(channel, most, 0.01):
            found.append(batch)
            if len(found) == number:
                await channel.put(-1)
            if len(found) > number:
                return found
        raise AssertionError("it has an end")

    return asyncio.run(take())


def test_what_waits_is_one_batch_and_what_comes_later_another() -> None:
    assert taken([1, 2, 3], 8, 1) == [[1, 2, 3], [-1]]


def test_a_batch_has_at_most_so_much() -> None:
    assert taken([1, 2, 3, 4, 5], 2, 3) == [[1, 2], [3, 4], [5], [-1]]
