"""The judge of one machine: the journal in, changes into the alert store, rejects into their file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from streams.changes import Change
from streams.inputs import reject_record
from streams.lake import Lake
from streams.live.delivery import agree, deliver
from streams.live.intake import Taken, for_judge
from streams.live.journal import Journal
from streams.live.packets import Packet
from streams.live.rebuild import rebuild
from streams.live.rejects import RejectsFile
from streams.live.shard import WORKER, Shard
from streams.live.stages import Took
from streams.store.errors import StoreAway
from streams.store.writing import AlertStore

#: Under which the journal notes up to where rejects were written.
REJECTED_UPTO = "rejected_upto"

#: Bytes of messages that are judged at once.
_BATCH_BYTES = 64 << 20

#: Longest time that persons are looked at again before new messages are looked for, seconds.
_AGAIN_SECONDS = 2.0

#: How often persons whose visits lie beyond the horizon are looked for, seconds.
_EVICT_EVERY = 30.0


@dataclass
class Watch:
    """What the judge tells of itself as it works."""

    on_taken: Callable[[Taken, float], None] = lambda _taken, _seconds: None
    on_took: Callable[[Took], None] = lambda _took: None
    on_sent: Callable[[Sequence[Change], float], None] = lambda _changes, _seconds: None
    on_confirmed: Callable[[float], None] = lambda _arrived: None
    on_away: Callable[[], None] = lambda: None


class LocalJudge:
    """One shard with everyone in it. What it does to the disk can end at any point:

    rejects are written before the shard has their messages, changes are in the store before the outbox forgets them, and a
    message that the shard has is never taken again. So nothing is lost, and what is done twice is the same.
    """

    def __init__(
        self,
        journal: Journal,
        shard: Shard,
        store: AlertStore,
        rejects: RejectsFile,
        key: bytes,
        reads: frozenset[str],
        *,
        most: int,
        watch: Watch | None = None,
    ) -> None:
        """`key`: the site's secret. `reads`: the fact tables that the rules see. `most`: messages of a micro-batch."""
        self.shard = shard
        self._journal = journal
        self._store = store
        self._rejects = rejects
        self._key = key
        self._reads = reads
        self._most = most
        self._watch = watch or Watch()
        self._told: SimpleQueue[tuple[Packet, threading.Event]] = SimpleQueue()
        self._evicted_at = time.monotonic()
        self.is_settled = False
        """Whether, at the last turn, there was nobody left to be looked at again."""

    def recover(self, lake: Lake, on_persons: Callable[[int], None] = lambda _: None) -> None:
        """Before the first turn: agree with the store on what was said, and make a lost state again from the lake."""
        agree(self.shard.said, self._store, WORKER, self.shard.succeed, self.shard.sent)
        if self.shard.position < self._journal.first:
            rebuild(self.shard, lake, self._journal.first, self._reads, on_persons)

    def tell(self, packet: Packet) -> threading.Event:
        """Have the next turn take a packet that is not out of the journal, from any thread. The event is set once it is in
        the state."""
        taken = threading.Event()
        self._told.put((packet, taken))
        return taken

    def turn(self, *, take: bool = True) -> int:
        """Judge the next micro-batch, look again at those for whom something has come due, and say what changed. Without
        `take` nothing new is taken. Returns the messages it took."""
        entries = self._journal.entries(self.shard.position, self._most, _BATCH_BYTES) if take else []
        if entries:
            begun = time.perf_counter()
            taken = for_judge(entries, self._key, self._reads)
            self._watch.on_taken(taken, time.perf_counter() - begun)
            self._note_rejects(taken, entries[-1].end)
            self._watch.on_took(self.shard.take(taken.packets, entries[-1].end))
        while not self._told.empty():
            packet, is_taken = self._told.get()
            self.shard.take([packet], self.shard.position)
            is_taken.set()
        self._send()
        if entries:
            self._watch.on_confirmed(entries[0].arrived)
        self._look_again()
        if time.monotonic() - self._evicted_at > _EVICT_EVERY:
            self.shard.evict()
            self._evicted_at = time.monotonic()
        return sum(entry.messages for entry in entries)

    def _look_again(self) -> None:
        until = time.monotonic() + _AGAIN_SECONDS
        while (took := self.shard.look_again()).persons:
            self._watch.on_took(took)
            self._send()
            if time.monotonic() > until:
                self.is_settled = False
                return
        self.is_settled = True

    def _note_rejects(self, taken: Taken, end: int) -> None:
        """Write the rejects that were not written before a restart."""
        upto = self._journal.noted(REJECTED_UPTO)
        if end > upto:
            new = [reject_record(reject) for number, reject in taken.rejects if number >= upto]
            self._rejects.add(new, {REJECTED_UPTO: end})

    def _send(self) -> None:
        try:
            for sent, seconds in deliver(self.shard.said, self._store, WORKER, self.shard.sent):
                self._watch.on_sent(sent, seconds)
        except StoreAway:
            self._watch.on_away()  # what is to be said stays in the outbox
