"""What stands for the hospitals: it sends messages, and takes little of the machine that it shares with what is measured.

A batch of records is made at once and in C, by the client that Faust brings along: a producer that takes messages one by one,
and in Python, takes twice as much of a processor for each.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.kafka.topics import LONGEST_RECORD


class Generator:
    """Sends to one topic, message by message to each partition in turn. Call `close` in the end."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._topic, self._partitions = topic, partitions
        self._sent = 0
        self._on_their_way: list[asyncio.Future[Any]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="generator", daemon=True)
        self._thread.start()
        self._producer = self._done(self._started(bootstrap))

    def send(self, messages: Sequence[bytes]) -> None:
        """Give messages to the client; it waits while earlier ones are not on their way yet."""
        self._done(self._send(messages))

    def flush(self) -> None:
        """Wait until the broker has all that was sent. Raises KafkaError of aiokafka where it refused something."""
        self._done(self._confirmed())

    def close(self) -> None:
        """Let go of the broker."""
        self._done(self._producer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _started(self, bootstrap: str) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=LONGEST_RECORD)
        await producer.start()
        return producer

    async def _send(self, messages: Sequence[bytes]) -> None:
        for place in range(min(self._partitions, len(messages))):
            partition = (self._sent + place) % self._partitions
            batch = self._producer.create_batch()
            for one in messages[place :: self._partitions]:
                if batch.append(key=None, value=one, timestamp=None) is None:
                    await self._hand_over(batch, partition)
                    batch = self._producer.create_batch()
                    batch.append(key=None, value=one, timestamp=None)
            await self._hand_over(batch, partition)
        self._sent += len(messages)

    async def _hand_over(self, batch: Any, partition: int) -> None:
        self._on_their_way.append(await self._producer.send_batch(batch, self._topic, partition=partition))

    async def _confirmed(self) -> None:
        await asyncio.gather(*self._on_their_way)
        self._on_their_way.clear()

    def _done(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
