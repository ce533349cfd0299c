"""A shard: some persons' facts, what was said of them, and the step from one packet to the next."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from detectors.alert import Alert
from detectors.diff import Arrived, Changes, Difference, diff
from detectors.standing import Judged, StandingKernel
from detectors.watermark import LATENESS
from streams.changes import Change, Fact
from streams.evidence import fact_rows
from streams.live.clock import Clock
from streams.live.eviction import evicted, oldest
from streams.live.history import History, copies, joined, micros, moment, renumbered, without
from streams.live.lateness import late_persons
from streams.live.packets import FOR_ALL, Packet
from streams.live.past import NoPast, Past
from streams.live.said import Said
from streams.live.state import open_state

#: How long after its visit a fact may come and still be judged on the history alone.
CORRECTIONS = timedelta(days=90)

#: Persons that are judged together: more would not fit well into memory, fewer would cost more each.
PERSONS_AT_ONCE = 2000

#: Why a person is to be looked at again: what all read has changed, or everything in the lake is to be taken in.
AGAIN, AGAIN_WITH_PAST = 1, 2

#: Who speaks for alerts of persons and visits.
WORKER = "worker"

OnStep = Callable[[str], None]
Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Took:
    """What a step did: messages heard, those among them that were copies, persons judged, changes said."""

    events: int = 0
    copies: int = 0
    persons: int = 0
    changes: tuple[Change, ...] = ()


@dataclass
class _Findings:
    """What judging brought, until it is stored."""

    changes: list[Change] = field(default_factory=list)
    owner_of: dict[str, str] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)


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
        self._kernel = kernel
        self._past = past or NoPast()
        self._on_step = on_step
        self._history = History(self._con)
        self.said = Said(self._con, speaker=WORKER, rulebook=kernel.rulebook.hash)
        latest = self._con.execute("select fixmedins_code, latest from institution_clock").fetchall()
        self._clock = Clock({code: moment(time) for code, time in latest}, lateness)
        self._lookback = {rule.code: rule.lookback or timedelta() for rule in kernel.rulebook.rules}
        self._longest = max(self._lookback.values(), default=timedelta())
        self._corrections = corrections
        if self._meta("from_start") is None:
            with self._stored():
                self._set_meta("from_start", int(self._past.is_empty))
        self._from_start = bool(self._meta("from_start"))
        self._rules = self._rules_since()

    @property
    def position(self) -> int:
        """The source's next offset: everything before it is in the state."""
        return self._meta("position") or 0

    @property
    def rolls_out(self) -> bool:
        """Whether other rules hold than before, and not everyone was judged by them yet."""
        return self._rules is not None

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
        new, heard = self._renumbered(packets)
        persons = _persons_of(new)
        complete = self._complete(persons)
        cold = set() if self._from_start else persons - complete.keys()
        held = self._history.load(persons)
        dropped = self._copies(new, held)
        new = without(new, dropped)
        self._on_step("load")
        findings = _Findings()
        if judge:
            from_past = self._past.of(cold, self._kernel.reads)
            late = self._late(new, held, {one for one, whole in complete.items() if not whole})
            past = self._past.of(late, self._kernel.reads)
            everything = joined(held, new, from_past, past)
            frozen = {one for one, whole in complete.items() if not whole} - late
            for group in _groups(persons):
                self._judge(findings, group, _of(everything, group), frozen, _arrived(_of(new, group)))
            new = joined(new, self._heard_anew(from_past))
        with self._stored():
            self._history.add(new)
            self._history.tidy(persons)
            first_heard = _first_heard(new)
            for psn_no in persons:
                self._note_person(
                    psn_no,
                    complete=complete.get(psn_no, self._from_start or judge),
                    due=findings.due.get(psn_no),
                    oldest=first_heard.get(psn_no),
                )
            if not judge:
                self._look_again(persons, AGAIN_WITH_PAST)
            if FOR_ALL & new.keys():
                self._con.execute("update person set again = max(again, ?)", (AGAIN,))
            withdrawn = [one for packet in packets for one in packet.withdrawn]
            self._withdraw(withdrawn)
            again = {psn_no for packet in packets for psn_no in packet.again}
            self._look_again(again | {psn_no for psn_no, *_ in withdrawn}, AGAIN_WITH_PAST)
            self.said.note(findings.changes, findings.owner_of)
            self._store_clock(moved)
            self._set_meta("position", position)
        self._on_step("store")
        return Took(heard, len(dropped), len(persons) if judge else 0, tuple(findings.changes))

    def look_again(self, most: int = PERSONS_AT_ONCE) -> Took:
        """Judge persons of whom something has come due, or who are to be looked at again. Nobody left: no persons."""
        rows = self._con.execute(
            "select psn_no, complete, again from ("
            " select * from (select psn_no, complete, again from person where due <= ?1 order by due limit ?2)"
            " union select * from (select psn_no, complete, again from person where again > 0 limit ?2)"
            ") limit ?2",
            (micros(self.watermark) if self.watermark else 0, most),
        ).fetchall()
        if not rows:
            if self.rolls_out:
                with self._stored():
                    self._con.execute("delete from meta where key = 'rules_before'")
                self._rules = None
            return Took()
        self._on_step("begin")
        persons = {psn_no for psn_no, *_ in rows}
        asked = {psn_no for psn_no, complete, again in rows if again == AGAIN_WITH_PAST and not complete}
        frozen = {psn_no for psn_no, complete, _ in rows if not complete} - asked
        everything = joined(self._history.load(persons), self._past.of(asked, self._kernel.reads))
        self._on_step("load")
        findings = _Findings()
        self._judge(findings, persons, everything, frozen, [])
        with self._stored():
            for psn_no, complete, _ in rows:
                self._note_person(psn_no, complete=bool(complete), due=findings.due.get(psn_no), again=0)
            self.said.note(findings.changes, findings.owner_of)
        self._on_step("store")
        return Took(persons=len(persons), changes=tuple(findings.changes))

    def succeed(self, said: Mapping[str, Change]) -> None:
        """Hold for said what was said last of each alert, by whomever. Persons of whom this state thought otherwise
        are looked at again."""
        with self._stored():
            differing = self.said.succeed(said, lambda change: change.alert.patn_id or "")
            self._look_again(differing, AGAIN_WITH_PAST)

    def drop(self, said: Mapping[str, Change]) -> None:
        """Forget what was found and not said: `said` holds. The persons are looked at again when something comes."""
        with self._stored():
            self.said.succeed(said, lambda change: change.alert.patn_id or "")

    def start_from(self, position: int) -> None:
        """Go on at a position although something before it was never heard: the lake must have it."""
        with self._stored():
            self._from_start = False
            self._set_meta("from_start", 0)
            self._set_meta("position", position)
            self._con.execute("update person set complete = 0, again = ?", (AGAIN_WITH_PAST,))

    def sent(self, number: int) -> None:
        """The changes up to this number of the outbox were confirmed."""
        with self._stored():
            self.said.sent(number)

    def evict(self, most: int = PERSONS_AT_ONCE) -> int:
        """Let go of visits that lie beyond the horizon and that the lake has. Returns how many persons lost some."""
        if self.watermark is None or self._past.is_empty:
            return 0
        horizon = self._horizon
        rows = self._con.execute(
            "select psn_no from person where oldest < ? order by oldest limit ?", (micros(horizon), most)
        ).fetchall()
        persons = {psn_no for (psn_no,) in rows}
        held = self._history.load(persons)
        kept = evicted(held, self._past.of(persons, ["message"]).get("message"), horizon)
        lost = 0
        with self._stored():
            for psn_no in persons:
                before, after = _of(held, {psn_no}), _of(kept, {psn_no})
                if _rows(after) < _rows(before):
                    lost += 1
                    self._history.replace(psn_no, after)
                    self._con.execute("update person set complete = 0 where psn_no = ?", (psn_no,))
                self._con.execute("update person set oldest = ? where psn_no = ?", (oldest(after), psn_no))
        return lost

    def size(self) -> tuple[int, int]:
        """Persons kept, and bytes of the state on disk."""
        (persons,) = self._con.execute("select count(*) from person").fetchone()
        (pages,) = self._con.execute("pragma page_count").fetchone()
        (page,) = self._con.execute("pragma page_size").fetchone()
        return int(persons), int(pages) * int(page)

    def close(self) -> None:
        """Close the state file."""
        self._con.close()

    @property
    def _horizon(self) -> datetime:
        """What lies before it the history need not hold."""
        if self.watermark is None:
            return moment(0)
        return self.watermark - self._longest - self._corrections

    def _judge(
        self,
        findings: _Findings,
        persons: Collection[str],
        tables: Tables,
        frozen: Collection[str],
        arrived: Sequence[Arrived],
    ) -> None:
        """Judge these persons and add to the findings what has changed."""
        given = joined(tables, self._history.shared)
        with self._kernel.judged(given, self.watermark, self._on_step) as judged:
            after = [alert for alert in judged.result.alerts if self._may_speak(alert, frozen)]
            before = [alert for alert in self.said.open_of(persons) if self._may_speak(alert, frozen)]
            difference = diff(before, after, replace(self._rules or Changes(), arrived=arrived))
            facts = _evidence(judged, difference, [name for name, table in given.items() if table.num_rows])
            timers = judged.result.timers
        self._on_step("diff")
        changes = self.said.changes(difference, facts)
        findings.changes += changes
        findings.owner_of |= {change.jr_id: change.alert.patn_id or "" for change in changes}
        for timer in timers:
            if timer.psn_no is not None:
                due = micros(timer.due_at)
                findings.due[timer.psn_no] = min(due, findings.due.get(timer.psn_no, due))

    def _may_speak(self, alert: Alert, frozen: Collection[str]) -> bool:
        """Not of what lies so far back that the history may lack what it rests on."""
        if alert.patn_id not in frozen:
            return True
        reach = self._lookback.get(alert.rule_code, timedelta())
        return datetime.fromisoformat(alert.occurred_at) >= self._horizon + reach

    def _late(self, new: Tables, held: Tables, candidates: set[str]) -> set[str]:
        return late_persons(new, held, candidates, self._horizon + self._longest) if candidates else set()

    def _renumbered(self, packets: Sequence[Packet]) -> tuple[dict[str, pa.Table], int]:
        """All that the packets bring under numbers of this shard, and how many messages."""
        parts = []
        heard = 0
        for packet in packets:
            if packet.events:
                parts.append(renumbered(packet.tables, self._history.next_seq))
                self._history.next_seq += int(pc.max(packet.tables["message"]["seq"]).as_py()) + 1
                heard += packet.events
        return joined(*parts), heard

    def _heard_anew(self, past: Tables) -> dict[str, pa.Table]:
        """What comes from the lake of a person who was not known, under numbers of this shard, to be kept."""
        if "message" not in past:
            return {}
        order = pc.sort_indices(past["message"]["seq"])
        old = past["message"]["seq"].take(order).combine_chunks()
        first = self._history.next_seq
        self._history.next_seq += len(old)
        return {
            name: table.set_column(
                0,
                "seq",
                pc.add(pc.index_in(table["seq"], old).cast(pa.uint64()), pa.scalar(first, pa.uint64())),
            )
            for name, table in past.items()
        }

    def _copies(self, new: Tables, held: Tables) -> pa.Array:
        if "message" not in new:
            return pa.array([], pa.uint64())
        known = [table["message"] for table in (held, self._history.shared) if "message" in table]
        return copies(new["message"], pa.concat_tables(known) if known else None)

    def _complete(self, persons: Collection[str]) -> dict[str, bool]:
        """Of the persons that are known: whether all of theirs is held."""
        rows = self._con.execute(
            "select psn_no, complete from person where psn_no in (select value from json_each(?))",
            (json.dumps(sorted(persons)),),
        )
        return {psn_no: bool(complete) for psn_no, complete in rows}

    def _note_person(
        self,
        psn_no: str,
        *,
        complete: bool,
        due: int | None,
        again: int | None = None,
        oldest: int | None = None,
    ) -> None:
        self._con.execute(
            "insert into person (psn_no, complete, due, oldest, again) values (?1, ?2, ?3, ?5, coalesce(?4, 0)) "
            "on conflict do update set complete = ?2, due = ?3, again = coalesce(?4, again),"
            " oldest = min(coalesce(oldest, ?5), coalesce(?5, oldest))",
            (psn_no, complete, due, again, oldest),
        )

    def _look_again(self, persons: Collection[str], how: int) -> None:
        self._con.executemany(
            "insert into person (psn_no, complete, again) values (?1, ?2, ?3) "
            "on conflict do update set again = max(again, ?3)",
            [(psn_no, self._from_start, how) for psn_no in sorted(persons)],
        )

    def _withdraw(self, withdrawn: Sequence[tuple[str, str, int]]) -> None:
        """Forget messages that are not facts after all."""
        by_person: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        for psn_no, msgid, content in withdrawn:
            by_person[psn_no].add((msgid, content))
        for psn_no, messages in by_person.items():
            held = self._history.load([psn_no])
            if "message" in held:
                gone = [
                    row["seq"]
                    for row in held["message"].select(["seq", "msgid", "content"]).to_pylist()
                    if (row["msgid"], row["content"]) in messages
                ]
                self._history.replace(psn_no, without(held, pa.array(gone, pa.uint64())))

    def _store_clock(self, moved: Mapping[str, datetime]) -> None:
        self._con.executemany(
            "insert or replace into institution_clock values (?, ?)",
            [(code, micros(time)) for code, time in moved.items()],
        )

    def _rules_since(self) -> Changes | None:
        """How the rules differ from those that everyone here was judged by; then everyone is looked at again."""
        rulebook, params = self._kernel.rulebook, self._kernel.params
        now = {
            rule.code: [rule.logic_hash, rule.param_texts(params.get(rule.code))] for rule in rulebook.rules
        }
        text = json.dumps([rulebook.hash, self._kernel.knowledge.batch, now], sort_keys=True)
        held = dict(self._con.execute("select key, value from meta where key in ('rules', 'rules_before')"))
        if held.get("rules") != text:
            with self._stored():
                self._con.execute("insert or replace into meta values ('rules', ?)", (text,))
                if "rules" in held:
                    held.setdefault("rules_before", held["rules"])
                    self._con.execute(
                        "insert or replace into meta values ('rules_before', ?)", (held["rules_before"],)
                    )
                    self._con.execute("update person set again = ?", (AGAIN_WITH_PAST,))
        if "rules_before" not in held:
            return None
        _, knowledge, before = json.loads(held["rules_before"])
        both = before.keys() & now.keys()
        return Changes(
            rules=frozenset(code for code in both if before[code][0] != now[code][0]),
            not_run=frozenset(before.keys() - now.keys()),
            parameters=frozenset(code for code in both if before[code][1] != now[code][1]),
            knowledge=knowledge != self._kernel.knowledge.batch,
        )

    @contextmanager
    def _stored(self) -> Iterator[None]:
        self._con.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._con.execute("rollback")
            raise
        self._con.execute("commit")

    def _meta(self, key: str) -> int | None:
        row = self._con.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def _set_meta(self, key: str, value: int) -> None:
        self._con.execute("insert or replace into meta values (?, ?)", (key, value))


def _persons_of(tables: Tables) -> set[str]:
    found: set[str] = set()
    for table in tables.values():
        if "psn_no" in table.schema.names:
            found.update(pc.unique(table["psn_no"]).to_pylist())
    return found - {None}


def _first_heard(tables: Tables) -> dict[str, int]:
    """The earliest message of each person."""
    if "message" not in tables:
        return {}
    first = (
        tables["message"].select(["psn_no", "inf_time"]).group_by("psn_no").aggregate([("inf_time", "min")])
    )
    return {
        psn_no: micros(time)
        for psn_no, time in zip(first["psn_no"].to_pylist(), first["inf_time_min"].to_pylist(), strict=True)
    }


def _groups(persons: Collection[str]) -> Iterator[set[str]]:
    ordered = sorted(persons)
    for start in range(0, len(ordered), PERSONS_AT_ONCE):
        yield set(ordered[start : start + PERSONS_AT_ONCE])


def _of(tables: Tables, persons: Collection[str]) -> dict[str, pa.Table]:
    """The rows of these persons."""
    wanted = pa.array(sorted(persons), pa.string())
    return {
        name: table.filter(pc.is_in(table["psn_no"], wanted))
        for name, table in tables.items()
        if "psn_no" in table.schema.names
    }


def _rows(tables: Tables) -> int:
    return sum(table.num_rows for table in tables.values())


def _arrived(new: Tables) -> list[Arrived]:
    """What came, and what it names, so that a retraction can say what ended it."""
    if "message" not in new:
        return []
    found = [
        Arrived(row["msgid"], row["inf_time"], row["kind"], (row["psn_no"],), row["mdtrt_id"])
        for row in new["message"].select(["msgid", "inf_time", "kind", "psn_no", "mdtrt_id"]).to_pylist()
    ]
    if "cancellation" in new:
        columns = ["msgid", "inf_time", "kind", "psn_no", "mdtrt_id", "setl_id", "omsgid"]
        found += [
            Arrived(row["msgid"], row["inf_time"], row["kind"], (row["psn_no"],), *map(row.get, columns[4:]))
            for row in new["cancellation"].select(columns).to_pylist()
        ]
    return found


def _evidence(judged: Judged, difference: Difference, names: Sequence[str]) -> dict[str, list[Fact]]:
    """The facts that what is said anew rests on, by alert."""
    said = [*difference.opened, *(alert for _, alert in difference.changed)]
    if not said:
        return {}
    lost = judged.con.execute("select seq from fact_dropped where reason = 'conflict'").fetchall()
    msgids = {msgid for alert in said for msgid in alert.evidence}
    rows = fact_rows(judged.con, msgids, sorted(names), without=[seq for (seq,) in lost])
    by_message: defaultdict[str, list[Fact]] = defaultdict(list)
    for row in rows.to_pylist():
        seen = f"{row['inf_time']:%Y-%m-%d %H:%M:%S}" if row["inf_time"] else ""
        by_message[row["msgid"]].append(Fact(row["msgid"], row["table"], row["row_no"], seen, row["data"]))
    return {alert.jr_id: [fact for msgid in alert.evidence for fact in by_message[msgid]] for alert in said}
