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
from streams.live.stages import Heard, Recalled, Took, part, recollect
from streams.live.tables import Tables

Arrivals = Mapping[int, tuple[Sequence[Packet], int]]
"""By shard: packets, and the source's position after them."""

#: Persons of whom something has come due that are judged together with what was heard.
_DUE_AT_ONCE = 400


class Together:
    """Judges shards, by their numbers. They have one lake, which is asked once for all of them."""

    def __init__(self, kernel: StandingKernel, past: Past, on_step: OnStep = lambda _: None) -> None:
        self._bench = Bench(kernel, on_step)
        self._past, self._reads, self._on_step = past, kernel.reads, on_step

    def take(self, shards: Mapping[int, Shard], arrivals: Arrivals) -> dict[int, Took]:
        """Take packets in, as `Shard.take`, and look at those of whom something has come due. `shards`: all of the process,
        of which some get none."""
        heard = {number: shards[number].hear(*arrived) for number, arrived in arrivals.items()}
        mark = _mark(shards)
        due = self._recalled(shards, mark, heard) if heard else {}
        recollect([*heard.values(), *due.values()])
        for number, one in heard.items():
            shards[number].weigh(one)
        past = self._of(one.wanted for one in heard.values())
        dockets = [
            docket for number, one in heard.items() for docket in shards[number].dockets(one, past, mark)
        ]
        dockets += [shards[number].docket(one, {}) for number, one in due.items()]
        self._bench.judge(dockets)
        part(heard.values())
        # these first: what was heard may want some of them to be looked at again
        for number, recalled in due.items():
            shards[number].keep_recalled(recalled)
        return {number: shards[number].keep(one) for number, one in heard.items()}

    def look_again(self, shards: Mapping[int, Shard]) -> dict[int, Took]:
        """As `Shard.look_again`; of a shard in which nobody is left nothing is told."""
        recalled = self._recalled(shards, _mark(shards))
        recollect(recalled.values())
        past = self._of(one.wanted for one in recalled.values())
        self._bench.judge([shards[number].docket(one, past) for number, one in recalled.items()])
        return {number: shards[number].keep_recalled(one) for number, one in recalled.items()}

    def _recalled(
        self, shards: Mapping[int, Shard], mark: datetime | None, heard: Mapping[int, Heard] | None = None
    ) -> dict[int, Recalled]:
        """Who is to be looked at again. `heard`: of whom something was heard, who is judged anyway; then only those are
        looked at for whom the histories are enough."""
        most = (PERSONS_AT_ONCE if heard is None else _DUE_AT_ONCE) // max(1, len(shards))
        found = {
            number: shard.recall(
                most,
                watermark=mark,
                ask_lake=heard is None,
                but=heard[number].levels.keys() if heard and number in heard else (),
            )
            for number, shard in shards.items()
        }
        return {number: one for number, one in found.items() if one is not None}

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
