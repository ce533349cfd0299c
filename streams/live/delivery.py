"""From an outbox into the alert store, without a broker in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from streams.changes import Change
from streams.live.said import Said
from streams.store.writing import AlertStore

_CHANGES_AT_ONCE = 1000

OnSent = Callable[[int], None]


def deliver(
    said: Said, store: AlertStore, speaker: str, sent: OnSent
) -> Iterator[tuple[list[Change], float]]:
    """Put what waits into the store, and have the outbox forget it. Gives what was stored, and in how many seconds.

    The store notes with it how far this speaker's outbox was read. A crash in between stores something twice, which
    changes nothing.
    """
    while True:
        number, waiting = said.waiting(_CHANGES_AT_ONCE)
        if not waiting:
            return
        begin = time.perf_counter()
        store.apply(waiting, {(_outbox(speaker), 0): number})
        sent(number)
        yield waiting, time.perf_counter() - begin


def agree(
    said: Said,
    store: AlertStore,
    speaker: str,
    succeed: Callable[[Mapping[str, Change]], object],
    sent: OnSent,
) -> bool:
    """Have a speaker go on from what the store holds. Where another state or another store was put in place since, the
    store's word holds: `succeed` takes it over. Returns whether they had agreed."""
    stored = store.positions(_outbox(speaker)).get(0, 0)
    first = said.first_waiting
    if (stored == said.last_number) if first is None else (first - 1 <= stored <= said.last_number):
        for _ in deliver(said, store, speaker, sent):
            pass
        return True
    succeed(store.last_said(speaker))
    store.set_positions({(_outbox(speaker), 0): said.last_number})
    return False


def _outbox(speaker: str) -> str:
    """Under which the store notes how far the outbox was read."""
    return f"outbox.{speaker}"
