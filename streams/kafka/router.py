"""The router: raw messages in, one packet for each shard out, rejects aside. A Faust agent.

It keeps nothing: what it has routed is acknowledged when the broker has confirmed packets and rejects, so a crash
routes some messages twice, which changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import faust

from streams.kafka.dlq import DeadLetter, Position, dead_letter
from streams.kafka.pace import Pace
from streams.kafka.settings import Connection
from streams.kafka.topics import ARRIVED, EVENTS, LONGEST_RECORD, PACKETS, REJECTS, Layout
from streams.kafka.transport import Transport
from streams.live.routing import Routed, route
from streams.wire import Counts, Reject

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RouterSettings:
    """`reads`: the fact tables that the rules of persons can see. `key`: the site's secret. `shards`: partitions of
    the packets. `folder`: where the framework may write. `most`: messages of a micro-batch; `within`: how long it may wait
    for them while no judge expects any."""

    connection: Connection
    layout: Layout
    shards: int
    reads: frozenset[str]
    key: bytes
    folder: Path
    group: str = "fundwatch"
    most: int = 8000
    within: timedelta = timedelta(seconds=1)
    session_timeout: timedelta = timedelta(seconds=10)


OnRouted = Callable[[Counts, float], None]
"""Told of each micro-batch: its messages, and the seconds that decoding and parting took."""


def make_app(
    settings: RouterSettings, on_routed: OnRouted = lambda *_: None, pace: Pace | None = None
) -> faust.App:
    """The Faust app whose one agent routes."""
    pace = pace or Pace()
    timeout = settings.session_timeout.total_seconds()
    app = faust.App(
        f"{settings.group}.router",
        **settings.connection.faust(
            key_serializer="raw",
            value_serializer="raw",
            store="memory://",
            datadir=settings.folder / "router",
            web_enabled=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=timeout,
            broker_heartbeat_interval=timeout / 5,
            broker_commit_interval=0.5,
            stream_wait_empty=False,
        ),
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    layout = settings.layout
    events = app.topic(layout.name(EVENTS), key_type=bytes, value_type=bytes)
    packets = app.topic(layout.name(PACKETS), key_type=bytes, value_type=bytes)
    rejects = app.topic(layout.name(REJECTS), key_type=bytes, value_type=bytes)

    # One at a time: a commit must not pass a message that is still on its way.
    @app.agent(events, concurrency=1, name="route")
    async def agent(stream: Any) -> None:
        async for batch in batches(stream.channel, settings.most, settings.within.total_seconds(), pace):
            try:
                begun = time.perf_counter()
                await _route(batch)
                pace.took(time.perf_counter() - begun)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # An exception that left the agent would skip messages or leave a gap that blocks every commit.
                log.error("routing failed: %s", type(error).__name__)
                await app.crash(error)
                await asyncio.Event().wait()
            for event in batch:
                event.ack()

    async def _route(batch: Sequence[Any]) -> None:
        begun = time.perf_counter()
        routed = await asyncio.to_thread(_routed, batch, settings)
        seconds = time.perf_counter() - begun
        arrived = min(round(event.message.timestamp * 1000) for event in batch)
        headers = {ARRIVED: str(arrived).encode()}
        on_the_way = [
            await packets.send(value=value, partition=number, headers=headers)
            for number, values in enumerate(routed.packets)
            for value in values
        ]
        for place, reject in routed.rejects:
            letter = _dead_letter(reject, batch[place].message)
            on_the_way.append(
                await rejects.send(
                    key=letter.key,
                    value=letter.value,
                    timestamp=letter.timestamp_ms / 1000,
                    headers=list(letter.headers),
                )
            )
        await asyncio.gather(*on_the_way)
        on_routed(routed.counts, seconds)

    return app


async def batches(channel: Any, most: int, within: float, pace: Pace) -> AsyncIterator[list[Any]]:
    """What comes to a channel within so many seconds of the first, or until it is time for it; at most so much.

    Not `Stream.noack_take`: that goes once around the event loop for each message, and ends a batch while others wait.
    """
    events = aiter(channel)
    while True:
        batch = [await events.get()]
        await pace.wait(within)
        while len(batch) < most and not events.empty():
            batch.append(await events.get())
        yield batch


def _dead_letter(reject: Reject, message: Any) -> DeadLetter:
    headers = message.headers or []
    return dead_letter(
        reject,
        Position(message.topic, message.partition, message.offset),
        key=message.key,
        value=message.value,
        timestamp_ms=round(message.timestamp * 1000),
        headers=list(headers.items() if isinstance(headers, Mapping) else headers),
    )


@dataclass(frozen=True)
class _Encoded:
    """Records by shard, and rejects with the place of their message."""

    packets: list[list[bytes]]
    rejects: list[tuple[int, Any]]
    counts: Counts


def _routed(batch: Sequence[Any], settings: RouterSettings) -> _Encoded:
    """Decode and part a micro-batch; where a packet would be too long for a record, in halves."""
    routed: Routed = route(
        [event.message.value for event in batch],
        source=settings.layout.name(EVENTS),
        key=settings.key,
        shards=settings.shards,
        reads=settings.reads,
    )
    values = routed.parts.encoded()
    if len(batch) > 1 and max(map(len, values)) > LONGEST_RECORD * 9 // 10:
        half = len(batch) // 2
        first, second = _routed(batch[:half], settings), _routed(batch[half:], settings)
        first.counts.add(second.counts)
        return _Encoded(
            [one + other for one, other in zip(first.packets, second.packets, strict=True)],
            first.rejects + [(place + half, reject) for place, reject in second.rejects],
            first.counts,
        )
    return _Encoded([[value] for value in values], routed.rejects, routed.counts)
