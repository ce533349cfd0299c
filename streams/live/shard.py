"""A shard: some persons' facts, what was said of them, and the step from one packet to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from detectors.diff import Changes
from detectors.standing import StandingKernel
from detectors.watermark import LATENESS
from streams.changes import Change
from streams.live.clock import Clock
from streams.live.eviction import evicted, oldest
from streams.live.history import History
from streams.live.judging import Bench, Findings, OnStep, arrived
from streams.live.lateness import late_persons
from streams.live.moments import micros, moment
from streams.live.news import FOR_ALL, news
from streams.live.packets import Packet
from streams.live.past import NoPast, Past
from streams.live.persons import Persons
from streams.live.rollout import Rollout
from streams.live.said import Said
from streams.live.state import get_meta, load_clock, open_state, set_meta, store_clock, stored
from streams.live.tables import (
    Tables,
    copies,
    first_heard,
    joined,
    of_persons,
    persons_of,
    row_count,
    without,
)

#: How long after its visit a fact may come and still be judged on the history alone.
CORRECTIONS = timedelta(days=90)

#: Persons that are judged together: more would not fit well into memory, fewer would cost more each.
PERSONS_AT_ONCE = 2000

#: Who speaks for alerts of persons and visits.
WORKER = "worker"


@dataclass(frozen=True)
class Took:
    """What a step did: messages heard, those among them that were copies, persons judged, changes said."""

    events: int = 0
    copies: int = 0
    persons: int = 0
    changes: tuple[Change, ...] = ()


class Shard:
    """One shard's persons. Every step is stored whole or not at all; not to be used by two threads at once.

    A step that raises leaves the state on disk as it was; the object is then of no more use.
    """

    def __init__(
        self,
        path: Path,
        kernel: StandingKernel,
        *,
        past: Past | None = None,
        lateness: timedelta = LATENESS,
        corrections: timedelta = CORRECTIONS,
        on_step: OnStep = lambda _: None,
    ) -> None:
        self._con = open_state(path)
        self._reads = kernel.reads
        self._past = past or NoPast()
        self._on_step = on_step
        self._history = History(self._con)
        self._persons = Persons(self._con)
        self.said = Said(self._con, speaker=WORKER, rulebook=kernel.rulebook.hash)
        self._bench = Bench(kernel, self.said, on_step)
        self._clock = Clock(load_clock(self._con), lateness)
        self._corrections = corrections
        if get_meta(self._con, "from_start") is None:
            with stored(self._con):
                set_meta(self._con, "from_start", int(self._past.is_empty))
        self._from_start = bool(get_meta(self._con, "from_start"))
        self._rollout = Rollout(self._con, kernel)
        if self._rollout.begins:
            with stored(self._con):
                if self._rollout.begin():
                    self._persons.look_at_all_again()

    @property
    def position(self) -> int:
        """The source's next offset: everything before it is in the state."""
        return get_meta(self._con, "position") or 0

    @property
    def rolls_out(self) -> bool:
        """Whether other rules hold than before, and not everyone was judged by them yet."""
        return self._rollout.changes is not None

    @property
    def watermark(self) -> datetime | None:
        """How far event time has come."""
        return self._clock.watermark

    def take(self, packets: Sequence[Packet], position: int, *, judge: bool = True) -> Took:
        """Take packets in; `position` is where the source goes on after them. Without `judge` the persons are only
        noted to be looked at later, as in catching up."""
        self._on_step("begin")
        moved: dict[str, datetime] = {}
        for packet in packets:
            moved |= self._clock.advance(packet.clock)
        new = joined(*(self._history.numbered(packet.tables) for packet in packets))
        heard = sum(packet.events for packet in packets)
        persons = persons_of(new)
        complete = self._persons.complete(persons)
        cold = set() if self._from_start else persons - complete.keys()
        held = self._history.load(persons)
        dropped = copies(new, held, self._history.shared)
        new = without(new, dropped)
        shared_news = any(
            news(name, new[name], self._history.shared.get(name)) for name in FOR_ALL if name in new
        )
        self._on_step("load")
        findings = Findings()
        if judge:
            from_past = self._past.of(cold, self._reads)
            incomplete = {psn_no for psn_no, whole in complete.items() if not whole}
            late = late_persons(new, held, incomplete, self._horizon + 2 * self._bench.longest)
            past = self._past.of(late, self._reads)
            everything = joined(held, new, from_past, past)
            for group in _groups(persons):
                changes = arrived(self._rollout.changes, of_persons(new, group))
                self._judge(findings, group, of_persons(everything, group), incomplete - late, changes)
            new = joined(new, self._history.numbered(from_past))
        with stored(self._con):
            self._history.add(new)
            self._history.tidy(persons)
            first = first_heard(new)
            for psn_no in persons:
                self._persons.heard(
                    psn_no,
                    complete=complete.get(psn_no, self._from_start or judge),
                    due=findings.due.get(psn_no),
                    oldest=first.get(psn_no),
                )
            if not judge:
                self._look_again(persons)
            if shared_news:
                self._persons.look_at_all_again()
            withdrawn = [one for packet in packets for one in packet.withdrawn]
            self._history.withdraw(withdrawn)
            again = {psn_no for packet in packets for psn_no in packet.again}
            self._look_again(again | {psn_no for psn_no, *_ in withdrawn})
            self.said.note(findings.changes, findings.owner_of)
            store_clock(self._con, moved)
            set_meta(self._con, "position", position)
        self._on_step("store")
        return Took(heard, len(dropped), len(persons) if judge else 0, tuple(findings.changes))

    def look_again(self, most: int = PERSONS_AT_ONCE) -> Took:
        """Judge persons of whom something has come due, or who are to be looked at again. Nobody left: no persons."""
        waiting = self._persons.waiting(micros(self.watermark) if self.watermark else 0, most)
        if not waiting:
            if self.rolls_out:
                with stored(self._con):
                    self._rollout.end()
            return Took()
        self._on_step("begin")
        persons = {one.psn_no for one in waiting}
        asked = {one.psn_no for one in waiting if one.with_past}
        frozen = {one.psn_no for one in waiting if not one.complete} - asked
        everything = joined(self._history.load(persons), self._past.of(asked, self._reads))
        self._on_step("load")
        findings = Findings()
        self._judge(findings, persons, everything, frozen, self._rollout.changes or Changes())
        with stored(self._con):
            for psn_no in persons:
                self._persons.looked_at(psn_no, findings.due.get(psn_no))
            self.said.note(findings.changes, findings.owner_of)
        self._on_step("store")
        return Took(persons=len(persons), changes=tuple(findings.changes))

    def succeed(self, said: Mapping[str, Change]) -> None:
        """Hold for said what was said last of each alert, by whomever. Persons of whom this state thought otherwise
        are looked at again."""
        with stored(self._con):
            self._look_again(self.said.succeed(said, lambda change: change.alert.patn_id or ""))

    def drop(self, said: Mapping[str, Change]) -> None:
        """Forget what was found and not said: `said` holds. The persons are looked at again when something comes."""
        with stored(self._con):
            self.said.succeed(said, lambda change: change.alert.patn_id or "")

    def start_from(self, position: int) -> None:
        """Go on at a position although something before it was never heard: the lake must have it."""
        with stored(self._con):
            self._from_start = False
            set_meta(self._con, "from_start", 0)
            set_meta(self._con, "position", position)
            self._persons.all_incomplete()

    def sent(self, number: int) -> None:
        """The changes up to this number of the outbox were confirmed."""
        with stored(self._con):
            self.said.sent(number)

    def evict(self, most: int = PERSONS_AT_ONCE) -> int:
        """Let go of visits that lie beyond the horizon and that the lake has. Returns how many persons lost some."""
        if self.watermark is None or self._past.is_empty:
            return 0
        horizon = self._horizon
        persons = self._persons.with_older_than(micros(horizon), most)
        held = self._history.load(persons)
        kept = evicted(held, self._past.of(persons, ["message"]).get("message"), horizon)
        lost = 0
        with stored(self._con):
            for psn_no in persons:
                before, after = of_persons(held, {psn_no}), of_persons(kept, {psn_no})
                loses = row_count(after) < row_count(before)
                if loses:
                    lost += 1
                    self._history.replace(psn_no, after)
                self._persons.evicted(psn_no, oldest(after), lost=loses)
        return lost

    def size(self) -> tuple[int, int]:
        """Persons kept, and bytes of the state on disk."""
        (pages,) = self._con.execute("pragma page_count").fetchone()
        (page,) = self._con.execute("pragma page_size").fetchone()
        return self._persons.count, int(pages) * int(page)

    def close(self) -> None:
        """Close the state file."""
        self._con.close()

    @property
    def _horizon(self) -> datetime:
        """What lies before it the history need not hold. A fact that is on time may change alerts as far back as the
        lookback, and those rest on what lies as far back again."""
        if self.watermark is None:
            return moment(0)
        return self.watermark - 2 * self._bench.longest - self._corrections

    def _judge(
        self,
        findings: Findings,
        persons: Collection[str],
        tables: Tables,
        frozen: Collection[str],
        changes: Changes,
    ) -> None:
        self._bench.judge(
            findings,
            persons,
            joined(tables, self._history.shared),
            watermark=self.watermark,
            horizon=self._horizon,
            frozen=frozen,
            changes=changes,
        )

    def _look_again(self, persons: Collection[str]) -> None:
        """Have persons looked at again, with all that the lake has of them."""
        self._persons.look_again(persons, complete=self._from_start)


def _groups(persons: Collection[str]) -> Iterator[set[str]]:
    ordered = sorted(persons)
    for start in range(0, len(ordered), PERSONS_AT_ONCE):
        yield set(ordered[start : start + PERSONS_AT_ONCE])
