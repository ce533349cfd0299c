"""A shard: some persons' facts, what was said of them, and the step from one packet to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa

from detectors.diff import Changes
from detectors.standing import Registries, StandingKernel
from detectors.watermark import LATENESS
from streams.changes import Change
from streams.live.clock import Clock
from streams.live.demand import Demand
from streams.live.eviction import evicted, oldest
from streams.live.history import History
from streams.live.judging import Bench, Docket, Findings, OnStep, arrived
from streams.live.lateness import late_persons
from streams.live.moments import micros, moment
from streams.live.news import FOR_ALL, news
from streams.live.packets import Packet
from streams.live.past import NoPast, Past
from streams.live.persons import PERSONS_AT_ONCE, Held, Persons, groups, of_level
from streams.live.rollout import Rollout
from streams.live.said import Said
from streams.live.stages import Heard, Recalled, Took, recollect
from streams.live.state import checkpoint, get_meta, load_clock, open_state, set_meta, store_clock, stored
from streams.live.tables import (
    Tables,
    beyond,
    first_heard,
    joined,
    of_anybody,
    of_persons,
    persons_of,
    row_count,
    united,
)

#: How long after its visit a fact may come and still be judged on the history alone.
CORRECTIONS = timedelta(days=90)

#: Who speaks for alerts of persons and visits.
WORKER = "worker"


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
        number: int = 0,
        flushed: bool = True,
        on_step: OnStep = lambda _: None,
    ) -> None:
        """`number`: tells shards that are judged together apart. `flushed`: as that of `open_state`."""
        self._path, self._con = path, open_state(path, flushed=flushed)
        self._reads = kernel.reads
        self._past = past or NoPast()
        self._on_step = on_step
        self._history = History(self._con, number)
        self._persons = Persons(self._con)
        self.said = Said(self._con, speaker=WORKER, rulebook=kernel.rulebook.hash)
        self._bench = Bench(kernel, on_step)
        self._clock = Clock(load_clock(self._con), lateness)
        judged_by = get_meta(self._con, "judged_by")
        self._judged_by = None if judged_by is None else moment(judged_by)
        self._corrections = corrections
        # a fact that is on time may change alerts as far back as the lookback, which rest on what lies as far back again
        self._reach = 2 * self._bench.longest + corrections
        if get_meta(self._con, "from_start") is None:
            with stored(self._con):
                self._begin(from_start=self._past.is_empty)
        self._widen(Demand(kernel.reads, self._reach))
        self._unknown = Held.ALL if get_meta(self._con, "from_start") else Held.UNSURE
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
        heard = self.hear(packets, position, judge=judge)
        recollect([heard])
        self.weigh(heard)
        self._bench.judge(self.dockets(heard, self._past.of(heard.wanted, self._reads)))
        return self.keep(heard)

    def hear(self, packets: Sequence[Packet], position: int, *, judge: bool = True) -> Heard:
        """The first part of `take`. Then `recollect` reads what is kept of the persons, `weigh` sets it against what was
        heard, `dockets` says what is to be judged, and `keep` stores it."""
        self._on_step("begin")
        before = self.watermark
        moved: dict[str, datetime] = {}
        for packet in packets:
            moved |= self._clock.advance(packet.clock)
        new = joined(*(self._history.numbered(packet.tables) for packet in packets))
        persons = persons_of(new)
        heard = Heard(
            packets,
            position,
            dict.fromkeys(persons, self._unknown) | self._persons.held(persons),
            self._history.kept(persons),
            new,
            moved,
            look_at_all=self._clock.is_before(before),
            is_judged=judge,
        )
        self._on_step("load")
        return heard

    def weigh(self, heard: Heard) -> None:
        """Leave out what is known, and tell of whom the lake must be asked."""
        held, shared = heard.held, self._history.shared
        heard.new = new = beyond(heard.new, held, shared)
        left = new["message"].num_rows if "message" in new else 0
        heard.copies = heard.events - left
        heard.look_at_all = heard.look_at_all or any(
            news(name, new[name], shared.get(name)) for name in FOR_ALL if name in new
        )
        if heard.is_judged:
            heard.unsure, recent = of_level(heard.levels, Held.UNSURE), of_level(heard.levels, Held.RECENT)
            late = late_persons(new, held, recent, self._horizon + self._reach - self._corrections)
            heard.wanted, heard.frozen = heard.unsure | late.care, recent - late.care
            heard.again = late.word - heard.wanted
        self._on_step("load")

    def dockets(self, heard: Heard, past: Tables, watermark: datetime | None = None) -> list[Docket]:
        """What is to be judged of what was heard. `past`: what the lake has of those `wanted`, at least. `watermark`: to
        judge by, where this shard's is farther: others that are judged with it may not be so far."""
        if not heard.is_judged:
            return []
        self._on_step("begin")
        new = heard.new
        found = self._beyond(past, heard.wanted, heard.held, new)
        mark = self._mark(watermark)
        together = [*groups(heard.levels)]
        made = []
        for group in together:
            held, news, more = (
                of_persons(some, group) if len(together) > 1 else of_anybody(some)
                for some in (heard.held, new, found)
            )
            changes = arrived(self._rollout.changes, news)
            made.append(self._docket(group, (held, news, more), mark, heard.frozen, changes, heard.findings))
        heard.new = united(new, of_persons(found, heard.unsure))
        heard.levels |= dict.fromkeys(heard.unsure, Held.ALL)
        self._on_step("load")
        return made

    def keep(self, heard: Heard) -> Took:
        """The last part of `take`: what was heard and found is stored."""
        persons, findings = sorted(heard.levels), heard.findings
        with stored(self._con):
            self._history.add(heard.new, heard.parted)
            self._history.tidy(persons)
            self._persons.heard(heard.levels, due=findings.due, oldest=first_heard(heard.new))
            if not heard.is_judged:
                self._look_again(persons)
            if heard.look_at_all:
                self._persons.look_at_all_again()
            withdrawn = [one for packet in heard.packets for one in packet.withdrawn]
            self._history.withdraw(withdrawn)
            self._look_again({psn_no for psn_no, *_ in withdrawn} | heard.again)
            self._persons.unsure({psn_no for packet in heard.packets for psn_no in packet.again})
            self.said.note(findings.changes, findings.owner_of)
            store_clock(self._con, heard.moved)
            self._note_mark()
            set_meta(self._con, "position", heard.position)
        self._on_step("store")
        return Took(
            heard.events, heard.copies, len(persons) if heard.is_judged else 0, tuple(findings.changes)
        )

    def look_again(self, most: int = PERSONS_AT_ONCE) -> Took:
        """Judge persons of whom something has come due, or who are to be looked at again. Nobody left: no persons."""
        recalled = self.recall(most)
        if recalled is None:
            return Took()
        recollect([recalled])
        self._bench.judge([self.docket(recalled, self._past.of(recalled.wanted, self._reads))])
        return self.keep_recalled(recalled)

    def recall(
        self,
        most: int = PERSONS_AT_ONCE,
        *,
        watermark: datetime | None = None,
        ask_lake: bool = True,
        but: Collection[str] = (),
    ) -> Recalled | None:
        """The first part of `look_again`; None: nobody is left. `watermark`: as that of `dockets`. Without `ask_lake` only
        those for whom the history is enough. `but`: those who are not to be looked at."""
        mark = self._mark(watermark)
        now = micros(mark) if mark else 0
        waiting = self._persons.waiting(now, most) if ask_lake else self._persons.due(now, most)
        waiting = [one for one in waiting if one.psn_no not in but]
        if not waiting:
            if ask_lake and self.rolls_out:
                with stored(self._con):
                    self._rollout.end()
            return None
        self._on_step("begin")
        levels = {one.psn_no: one.held for one in waiting}
        unsure, recent = of_level(levels, Held.UNSURE), of_level(levels, Held.RECENT)
        asked = recent & {one.psn_no for one in waiting if one.asked}
        recalled = Recalled(
            levels, self._history.kept(levels.keys()), unsure, unsure | asked, recent - asked, mark
        )
        self._on_step("load")
        return recalled

    def docket(self, recalled: Recalled, past: Tables) -> Docket:
        """What is to be judged of those recalled. `past`: what the lake has of those `wanted`, at least."""
        self._on_step("begin")
        levels = recalled.levels
        found = self._beyond(past, recalled.wanted, recalled.held)
        recalled.missing = of_persons(found, recalled.unsure)
        levels |= dict.fromkeys(recalled.unsure, Held.ALL)
        docket = self._docket(
            levels.keys(),
            (recalled.held, found),
            recalled.watermark,
            recalled.frozen,
            self._rollout.changes or Changes(),
            recalled.findings,
        )
        self._on_step("load")
        return docket

    def keep_recalled(self, recalled: Recalled) -> Took:
        """The last part of `look_again`: what was found is stored."""
        findings = recalled.findings
        with stored(self._con):
            self._history.add(recalled.missing)
            self._persons.looked_at(recalled.levels, due=findings.due, oldest=first_heard(recalled.missing))
            self.said.note(findings.changes, findings.owner_of)
            self._note_mark()
        self._on_step("store")
        return Took(persons=len(recalled.levels), changes=tuple(findings.changes))

    def succeed(self, said: Mapping[str, Change]) -> None:
        """Hold for said what was said last of each alert, by whomever. Where this state held the same, it goes on with
        what is left of its outbox; if not, persons of whom it thought otherwise are looked at again."""
        with stored(self._con):
            if self.said.resume(said):
                return
            self._look_again(self.said.succeed(said, lambda change: change.alert.patn_id or ""))

    def drop(self, said: Mapping[str, Change]) -> None:
        """Forget what was found and not said: `said` holds. The persons are looked at again when something comes."""
        with stored(self._con):
            self.said.succeed(said, lambda change: change.alert.patn_id or "")

    def start_from(self, position: int) -> None:
        """Go on at a position although something before it was never heard: the lake must have it."""
        with stored(self._con):
            self._begin(from_start=False)
            set_meta(self._con, "position", position)
            self._persons.all_unsure()
        self._unknown = Held.UNSURE

    def sent(self, number: int) -> None:
        """The changes up to this number of the outbox were confirmed."""
        with stored(self._con):
            self.said.sent(number)

    def evict(self, most: int = PERSONS_AT_ONCE) -> int:
        """Let go of visits that lie beyond the horizon and that the lake has. Returns how many persons lost some."""
        if self.watermark is None:
            return 0
        horizon = self._horizon
        persons = self._persons.with_older_than(micros(horizon), most)
        if not persons or self._past.is_empty:
            return 0
        held = self._history.load(persons)
        kept = evicted(held, partial(self._past.archived, persons), horizon)
        lost = set(row_count(held) - row_count(kept))
        with stored(self._con):
            self._history.replace(lost, of_persons(kept, lost))
            self._persons.evicted(dict.fromkeys(persons) | oldest(kept), lost)
        return len(lost)

    def checkpoint(self) -> None:
        """Move what was written ahead into the state file; on any thread, beside a step or after the end."""
        checkpoint(self._path)

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
        """What lies before it the history need not hold."""
        if self.watermark is None:
            return moment(0)
        return self.watermark - self._reach

    def _docket(
        self,
        persons: Collection[str],
        tables: Sequence[Tables],
        watermark: datetime | None,
        frozen: Collection[str],
        changes: Changes,
        findings: Findings,
    ) -> Docket:
        return Docket(
            persons,
            tables,
            Registries(self._history.shared, self._history.shared_key),
            watermark,
            self._horizon,
            frozen,
            changes,
            self.said,
            findings,
        )

    def _mark(self, proposed: datetime | None) -> datetime | None:
        """What to judge by: never farther than this shard has come, never back behind what was judged by already."""
        own = self.watermark
        if own is None or proposed is None or proposed >= own:
            self._judged_by = own
        elif self._judged_by is None or proposed > self._judged_by:
            self._judged_by = proposed
        return self._judged_by

    def _note_mark(self) -> None:
        if self._judged_by is not None:
            set_meta(self._con, "judged_by", micros(self._judged_by))

    def _begin(self, *, from_start: bool) -> None:
        """Note whether everything there ever was is heard; if not, the lake has the registries and clocks so far."""
        set_meta(self._con, "from_start", int(from_start))
        if not from_start:
            shared = self._past.for_all(self._reads)
            self._history.add(beyond(self._history.numbered(shared), self._history.shared))
            store_clock(self._con, self._clock.advance(self._past.clock()))

    def _widen(self, demand: Demand) -> None:
        """Where rules want more than the history was kept for, it is to be had from the lake."""
        before = Demand.held(self._con)
        if before == demand:
            return
        with stored(self._con):
            demand.hold(self._con)
            if before is not None and demand.reads - before.reads:
                self._begin(from_start=False)
                self._persons.all_unsure()
            elif before is not None and demand.reach > before.reach:
                self._persons.recent_unsure()

    def _beyond(self, past: Tables, persons: Collection[str], *known: Tables) -> dict[str, pa.Table]:
        """What the lake has of these persons beyond what is known."""
        if not persons:
            return {}
        return beyond(self._history.numbered(of_persons(past, persons)), *known)

    def _look_again(self, persons: Collection[str]) -> None:
        """Have persons looked at again, with all that the lake has of them."""
        self._persons.look_again(persons, self._unknown)
