"""The judge: packets in, changes of alerts out, one shard a partition.

Its state is its own file (`streams.live.shard`), so it goes on where that file stands, not where the group's committed
offset does. Whoever is given a partition makes a producer under the partition's transactional id: from then on
the broker refuses everything from a predecessor that does not know it was replaced. What was said last is read from
`supervision.alerts` itself, so that nothing is said twice and nothing that was said is forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
    UnknownMemberIdError,
)

from detectors.standing import StandingKernel
from detectors.watermark import LATENESS
from streams.changes import CHANGED, Change
from streams.kafka.arrived import fresh, oldest
from streams.kafka.clients import NoAnswer
from streams.kafka.control import DROP, ON, Brake, Control
from streams.kafka.membership import Membership
from streams.kafka.owned import Owned, Predecessors, Saying
from streams.kafka.saying import say
from streams.kafka.settings import Connection
from streams.kafka.topics import PACKETS, Layout
from streams.live.checkpoints import Checkpoints
from streams.live.past import Past
from streams.live.shard import CORRECTIONS, Shard
from streams.live.shards import shard_after
from streams.live.stages import Took
from streams.live.together import Together

log = logging.getLogger(__name__)

#: Records of one partition that are taken together, and changes that are sent in one transaction.
_PACKETS_AT_ONCE = 200
_CHANGES_AT_ONCE = 1000

#: Transactions of different partitions at the same time.
_SPEAKERS = 8

#: Bytes of packets from which on no more are asked for in one turn; some twenty thousand messages.
_BYTES_AT_ONCE = 4 << 20

#: How often persons whose visits lie beyond the horizon are looked for, seconds: while packets come, and while none do.
_EVICT_EVERY, _EVICT_EVERY_IDLE = 30.0, 3.0

#: While packets come, the lake is left alone for so many times as long as it was asked last, and so many seconds.
_LAKE_PAUSE, _LAKE_EVERY = 16, 5.0

#: Seconds to wait, when the first has come, for what the broker has besides: the client asks for that only then, and
#: a turn for one packet alone takes half as long as one for all. And for what comes while one looks for it, when there is
#: something of each partition.
_REST, _SOON = 0.05, 0.005

#: Seconds to wait at once. The client (kafka-python 3.0) takes an answer that comes while it looks for one for
#: none, and sleeps for a tenth of a second where it may; what it has is there when it is asked again.
_GLANCE = 0.02

#: The step that ends about where half of a turn is over.
_HALF = "ledger"

#: So many turns back is "of late"; the shortest counts, since a judge that waits for packets is worse than packets that wait.
_LAST = 3

#: How often packets of which there is nothing to say are acknowledged while others come, seconds: the broker is waited for.
_ACKNOWLEDGE_EVERY = 1.0

#: How often the answer to a brake is looked for, seconds.
_ASK_EVERY = 2.0

#: Milliseconds that acknowledging may wait for the broker, and leaving the group: who comes next does without.
_PATIENCE = 5_000

_REPLACED = (
    ProducerFencedError,
    InvalidProducerEpochError,
    CommitFailedError,
    IllegalGenerationError,
    UnknownMemberIdError,
)


class ReplacedError(Exception):
    """Another judge has the partition now; nothing more can be said from here."""


class _ToldToEndError(Exception):
    """While it waited for something else."""


class OtherRulesError(Exception):
    """The group judges by other rules."""


@dataclass(frozen=True)
class JudgeSettings:
    """`state`: folder of the state files. `session_timeout`: how long a judge may be silent before others take over.
    `brake`: alerts that may be opened or retracted at once without being asked for."""

    connection: Connection
    layout: Layout
    state: Path
    group: str = "fundwatch"
    lateness: timedelta = LATENESS
    corrections: timedelta = CORRECTIONS
    session_timeout: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(milliseconds=200)
    brake: int = 1000


@dataclass
class Watch:
    """What the judge tells of itself as it works."""

    on_took: Callable[[int, Took], None] = lambda _partition, _took: None
    on_step: Callable[[str], None] = lambda _step: None
    on_sent: Callable[[int, Sequence[Change]], None] = lambda _partition, _changes: None
    on_confirmed: Callable[[float], None] = lambda _seconds: None
    """All that was polled is said; how long after its oldest message came, seconds."""
    on_soon: Callable[[float], None] = lambda _seconds: None
    """In about so many seconds it will take packets."""
    on_turn: Callable[[Judge], None] = lambda _judge: None


class Judge:
    """Consumes packets until it is told to stop."""

    def __init__(
        self,
        settings: JudgeSettings,
        kernel: StandingKernel,
        past: Past,
        rules: str,
        watch: Watch | None = None,
    ) -> None:
        """`rules`: hash of what the kernel judges by; the group must have agreed on it (`Control.set_rules`)."""
        self._settings = settings
        self._kernel = kernel
        self._past = past
        self._rules = rules
        self._watch = watch or Watch()
        self._control = Control(settings.connection, settings.layout, settings.group)
        self._packets = settings.layout.name(PACKETS)
        self._speakers = ThreadPoolExecutor(_SPEAKERS, "say")
        self._checkpoints = Checkpoints()
        self._together = Together(kernel, past, self._step_ended)
        self._lake_at = 0.0
        self._evicted, self._evicted_at = -1, time.monotonic()
        self._arrived: float | None = None
        self._said_at = 0.0
        self._acknowledged_at = 0.0
        self._foreseen_at: float | None = None
        self._rests: deque[float] = deque([0.0], maxlen=_LAST)
        self._stop = threading.Event()
        self._predecessors = Predecessors(settings.connection, settings.layout, settings.group, self._go_on)
        self.owned: dict[int, Owned] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then everything stored is sent and committed. Raises `ReplacedError`."""
        self._stop = stop
        timeout = int(self._settings.session_timeout.total_seconds() * 1000)
        consumer = KafkaConsumer(
            **self._settings.connection.consumer(
                group_id=f"{self._settings.group}.judge",
                session_timeout_ms=timeout,
                heartbeat_interval_ms=max(timeout // 5, 100),
                max_poll_interval_ms=600_000,
            )
        )
        membership = Membership(consumer, self._packets, self._close)
        try:
            with suppress(_ToldToEndError):
                membership.join()
                while not stop.is_set():
                    membership.join_again_if_unanswered()
                    self._turn(consumer, membership.given)
            while any(owned.saying for owned in self.owned.values()):
                self._say(consumer)
            self._acknowledge(consumer)
        except _REPLACED as error:
            raise ReplacedError(str(type(error).__name__)) from error
        finally:
            for number in list(self.owned):
                self._close(number)
            consumer.close(timeout_ms=_PATIENCE)
            self._speakers.shutdown()
            self._checkpoints.close()

    def _turn(self, consumer: KafkaConsumer, given: AbstractSet[int]) -> None:
        found = self._polled(consumer)
        if not found:
            self._watch.on_soon(0.0)
        for number in sorted(given - self.owned.keys()):
            self._go_on()
            try:
                self._take_over(consumer, number)
            except _REPLACED:
                raise
            except (KafkaError, NoAnswer):
                log.warning("partition %d cannot be taken over yet", number)
                break
        free = self._free()
        for number, took in self._together.take(free, fresh(found, free)).items():
            self._watch.on_took(number, took)
        self._say(consumer)
        self._arrived = min(filter(None, (self._arrived, oldest(found))), default=None)
        if (not found or time.monotonic() > self._lake_at) and self._look_again(self._free()):
            self._say(consumer)
        if not found or time.monotonic() > self._acknowledged_at + _ACKNOWLEDGE_EVERY:
            self._acknowledge(consumer)
        self._evict(_EVICT_EVERY if found else _EVICT_EVERY_IDLE)
        self._checkpoints.go_on({number: owned.shard.checkpoint for number, owned in self.owned.items()})
        self._watch.on_turn(self)

    def _step_ended(self, name: str) -> None:
        """Half of a turn is over with the ledger; by then it is told when the next begins, by what this half took of late."""
        self._watch.on_step(name)
        if name == _HALF and self._foreseen_at is None:
            self._foreseen_at = time.monotonic()
            self._watch.on_soon(min(self._rests))

    def _polled(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        """What waits. The client has fetched what came soon after it was asked last, so it is asked until nothing comes."""
        if self._foreseen_at is not None:
            self._rests.append(time.monotonic() - self._foreseen_at)
            self._foreseen_at = None
        found: defaultdict[TopicPartition, list[Any]] = defaultdict(list)
        left, size = _PACKETS_AT_ONCE * max(1, len(self.owned)), 0
        until = time.monotonic() + self._settings.poll.total_seconds()
        while left > 0 and size < _BYTES_AT_ONCE:
            patience = min(max(0.0, until - time.monotonic()), _GLANCE)
            more = consumer.poll(timeout_ms=round(patience * 1000), max_records=left)
            if not (more or patience):
                break
            for tp, records in more.items():
                found[tp] += records
                left -= len(records)
                size += sum(len(one.value) for one in records)
            if more:
                until = time.monotonic() + (_REST if len(found) < len(self.owned) else _SOON)
        # of a partition that was taken away meanwhile, and perhaps given again, all is read anew
        return {tp: records for tp, records in found.items() if tp.partition in self.owned}

    def _free(self) -> dict[int, Shard]:
        """The shards that no brake holds."""
        return {number: owned.shard for number, owned in self.owned.items() if owned.braked is None}

    def _say(self, consumer: KafkaConsumer) -> None:
        """Hear what became of what was said last; then send what waits, or brake."""
        self._watch.on_step("begin")
        self._settle(list(self.owned))
        free: dict[int, Owned] = {}
        for number, owned in list(self.owned.items()):
            if owned.braked is not None:
                self._ask(consumer, number, owned)
            elif self._is_too_much(owned):
                self._brake(consumer, number, owned)
            elif not owned.shard.rolls_out:
                free[number] = owned
        self._send(consumer, free)
        self._said_at = time.time()
        self._watch.on_step("send")

    def _evict(self, every: float) -> None:
        """Let go of what is old, one shard after the other, each as often as that: to do it for all takes its time."""
        shards = self._free()
        if shards and time.monotonic() - self._evicted_at > every / len(shards):
            self._evicted = shard_after(self._evicted, shards)
            shards[self._evicted].evict()
            self._evicted_at = time.monotonic()

    def _look_again(self, shards: Mapping[int, Shard]) -> bool:
        """Look at those for whom the lake must be asked, too; where packets come they can wait a while. Returns whether
        there were any."""
        begun = time.monotonic()
        looked = self._together.look_again(shards)
        for number, took in looked.items():
            self._watch.on_took(number, took)
        now = time.monotonic()
        pause = max(_LAKE_PAUSE * (now - begun), _LAKE_EVERY)
        self._lake_at = now if any(shard.rolls_out for shard in shards.values()) else now + pause
        return bool(looked)

    def _is_too_much(self, owned: Owned) -> bool:
        if owned.shard.said.depth <= self._settings.brake:
            return False
        waiting = owned.shard.said.waiting_by_rule().values()
        return (
            sum(n for kinds in waiting for kind, n in kinds.items() if kind != CHANGED) > self._settings.brake
        )

    def _brake(self, consumer: KafkaConsumer, number: int, owned: Owned) -> None:
        """Say nothing, take nothing more in, and ask. The same brake may have been answered before a restart."""
        shard = owned.shard
        owned.braked = Brake(ON, shard.position, self._settings.brake, shard.said.waiting_by_rule())
        consumer.pause(TopicPartition(self._packets, number))
        answered = self._control.brakes().get(number)
        if answered is None or answered.position != shard.position:
            self._control.set_brake(number, owned.braked)
        log.warning("braked partition %d: %d changes wait", number, owned.braked.changes)

    def _ask(self, consumer: KafkaConsumer, number: int, owned: Owned) -> None:
        """Look for the answer to a brake, and do what it says."""
        if owned.braked is None or self._stop.is_set() or time.monotonic() - owned.asked_at < _ASK_EVERY:
            return
        owned.asked_at = time.monotonic()
        answer = self._control.brakes().get(number)
        if answer is None or answer.state == ON or answer.position != owned.braked.position:
            return
        if answer.state == DROP:
            owned.shard.drop(self._predecessors.said(number))
        while owned.shard.said.depth:
            self._send(consumer, {number: owned})
            self._settle([number])
            if number not in self.owned:
                return  # the broker was away; the brake is on again once the partition is ours again
        self._control.set_brake(number, None)
        owned.braked = None
        consumer.resume(TopicPartition(self._packets, number))

    def _send(self, consumer: KafkaConsumer, speaking: Mapping[int, Owned]) -> None:
        """Begin to say what waits in outboxes, and to acknowledge the packets it came from: for each partition in one
        transaction, and beside the next turn, since most of it is waiting for the broker."""
        member = consumer.group_metadata()
        for number, owned in speaking.items():
            last, waiting = owned.shard.said.waiting(_CHANGES_AT_ONCE)
            if waiting:
                position = owned.shard.position
                done = self._speakers.submit(
                    self._transact, owned.producer, number, waiting, position, member
                )
                owned.saying = Saying(waiting, last, position, done)

    def _settle(self, numbers: Iterable[int]) -> None:
        """Wait for what is on its way of these partitions, and note that it was said."""
        said_at = self._said_at
        for number in numbers:
            owned = self.owned[number]
            saying, owned.saying = owned.saying, None
            if saying is None:
                continue
            try:
                said_at = max(said_at, saying.done.result())
            except _REPLACED:
                raise
            except KafkaError:
                # Whether it was committed is not known, nor whether the broker would take more for a repetition.
                log.warning("a transaction failed; what was said is learnt anew")
                self._close(number)
                continue
            owned.shard.sent(saying.last)
            owned.committed = saying.position
            self._watch.on_sent(number, saying.changes)
        if self._arrived is not None and not any(owned.shard.said.depth for owned in self.owned.values()):
            self._watch.on_confirmed(max(0.0, said_at - self._arrived))
            self._arrived = None

    def _transact(
        self, producer: KafkaProducer, number: int, waiting: Sequence[Change], position: int, member: Any
    ) -> float:
        """One transaction of one partition, on a thread beside others. `position`: what is acknowledged with it;
        `member`: who we are in the group. Returns when it was done."""
        producer.begin_transaction()
        say(producer, self._settings.layout, waiting, lambda _: number)
        producer.send_offsets_to_transaction(
            {TopicPartition(self._packets, number): OffsetAndMetadata(position, "", -1)}, member
        )
        producer.commit_transaction()
        return time.time()

    def _acknowledge(self, consumer: KafkaConsumer) -> None:
        """Acknowledge the packets of which there is nothing to say, of all partitions at once. What was not acknowledged when
        another takes over is judged once more, with nothing to say."""
        self._acknowledged_at = time.monotonic()
        behind = {
            number: owned
            for number, owned in self.owned.items()
            if owned.braked is None
            and owned.committed != owned.shard.position
            and not owned.shard.rolls_out
            and not owned.shard.said.depth
        }
        if behind:
            offsets = {
                TopicPartition(self._packets, number): OffsetAndMetadata(owned.shard.position, "", -1)
                for number, owned in behind.items()
            }
            try:
                consumer.commit(offsets, timeout_ms=_PATIENCE)
            except KafkaTimeoutError:
                log.warning("what was judged cannot be acknowledged yet")
                return
            for owned in behind.values():
                owned.committed = owned.shard.position

    def _take_over(self, consumer: KafkaConsumer, number: int) -> None:
        """Make a partition ours: silence who had it, learn what was said, catch up, and go on from there."""
        settings = self._settings
        if self._control.rules() != self._rules:
            raise OtherRulesError(
                "The group judges by other rules than this worker; see docs/live.md on rolling out."
            )
        shard = Shard(
            settings.state / f"shard-{number:04}.db",
            self._kernel,
            past=self._past,
            lateness=settings.lateness,
            corrections=settings.corrections,
            number=number,
            flushed=False,  # one that went back some steps goes on like one that was another's meanwhile
            on_step=self._watch.on_step,
        )
        self.owned[number] = self._predecessors.succeed(number, shard, consumer)
        log.info("took over partition %d", number)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _ToldToEndError

    def _close(self, number: int) -> None:
        """End what is open of a partition. While it is given to us, the next turn takes it over again; whoever does
        learns whether what is on its way was said."""
        owned = self.owned.pop(number, None)
        if owned is not None:
            owned.close()
