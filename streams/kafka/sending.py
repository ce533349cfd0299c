"""Logs into the topic of the source, as a gateway would send them: for trials, and for what a gateway could not send."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.topics import LONGEST_RECORD
from streams.sources import LogReader

#: What the record around a message takes, at most, bytes.
_ENVELOPE = 4096

#: A rate is kept over stretches of so many seconds.
_STRETCH = 0.05


@dataclass
class Sent:
    """Messages sent, and those left out: no record can hold them, or a file breaks off within them."""

    messages: int = 0
    left_out: int = 0


def send(
    connection: Connection,
    topic: str,
    files: Sequence[str],
    *,
    rate: float | None = None,
    on_progress: Callable[[int, Sent], None] = lambda _bytes, _sent: None,
) -> Sent:
    """Send every line of these logs, in their order, and wait until the broker has them.

    `rate`: messages a second; default: as fast as it goes. `on_progress`: told the bytes read. Raises `Refused` where the
    broker does not take them; what was sent before stays.
    """
    sent = Sent()
    done = 0

    def read(total: int) -> None:
        nonlocal done
        done = total

    failures: list[BaseException] = []
    begun = time.monotonic()
    with clients.producer(connection, linger_ms=20, max_request_size=LONGEST_RECORD) as producer:
        for chunk in LogReader(files, read):
            for line in b"".join(chunk.blocks).splitlines():
                if len(line) > LONGEST_RECORD - _ENVELOPE:
                    sent.left_out += 1
                    continue
                producer.send(topic, line).add_errback(failures.append)
                sent.messages += 1
                if rate is not None:
                    _keep(rate, sent.messages, begun)
            sent.left_out += len(chunk.rejects)
            if failures:
                raise failures[0]
            on_progress(done, sent)
        producer.flush()
        if failures:
            raise failures[0]
    return sent


def _keep(rate: float, messages: int, begun: float) -> None:
    """Wait where the messages sent are ahead of the rate."""
    ahead = messages / rate - (time.monotonic() - begun)
    if ahead > _STRETCH:
        time.sleep(ahead)
