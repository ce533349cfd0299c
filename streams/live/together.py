"""Several shards of one process, judged together: what an evaluation costs depends little on how much is judged.

Each stores its own step, so one that dies between two of them leaves shards of which some have taken their packets in and
some have not; either is a state to go on from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from detectors.standing import StandingKernel
from streams.live.judging import Bench, OnStep
from streams.live.packets import Packet
from streams.live.past import Past
from streams.live.persons import PERSONS_AT_ONCE
from streams.live.shard import Shard
from streams.live.stages import Took
from streams.live.tables import Tables

Arrivals = Mapping[int, tuple[Sequence[Packet], int]]
"""By shard: packets, and the source's position after them."""


class Together:
    """Judges shards, by their numbers. They have one lake, which is asked once for all of them."""

    def __init__(self, kernel: StandingKernel, past: Past, on_step: OnStep = lambda _: None) -> None:
        self._bench = Bench(kernel, on_step)
        self._past, self._reads, self._on_step = past, kernel.reads, on_step

    def take(self, shards: Mapping[int, Shard], arrivals: Arrivals) -> dict[int, Took]:
        """Take packets in, as `Shard.take`. `shards`: all of the process, of which some get none."""
        heard = {number: shards[number].hear(*arrived) for number, arrived in arrivals.items()}
        mark = _mark(shards)
        past = self._of(one.wanted for one in heard.values())
        self._bench.judge(
            [docket for number, one in heard.items() for docket in shards[number].dockets(one, past, mark)]
        )
        return {number: shards[number].keep(one) for number, one in heard.items()}

    def look_again(self, shards: Mapping[int, Shard], *, ask_lake: bool = True) -> dict[int, Took]:
        """As `Shard.look_again`; of a shard in which nobody is left nothing is told. Without `ask_lake` only those are
        judged for whom the histories are enough."""
        mark = _mark(shards)
        most = PERSONS_AT_ONCE // max(1, len(shards))
        found = {
            number: shard.recall(most, watermark=mark, ask_lake=ask_lake) for number, shard in shards.items()
        }
        recalled = {number: one for number, one in found.items() if one is not None}
        past = self._of(one.wanted for one in recalled.values())
        self._bench.judge([shards[number].docket(one, past) for number, one in recalled.items()])
        return {number: shards[number].keep_recalled(one) for number, one in recalled.items()}

    def _of(self, wanted: Iterable[set[str]]) -> Tables:
        """What the lake has of these persons."""
        self._on_step("begin")
        found = self._past.of(set().union(*wanted), self._reads)
        self._on_step("load")
        return found


def _mark(shards: Mapping[int, Shard]) -> datetime | None:
    """The watermark of the shard that is least far: by one that each has come to, all can be judged in one."""
    marks = [shard.watermark for shard in shards.values()]
    return min((mark for mark in marks if mark is not None), default=None)
