"""Repair: what the worker's rules say of the whole lake, held against what the worker has said.

Nothing is said here for the worker. The persons of whom something differs are to be looked at again by the worker that
owns them, and messages that a worker cannot know to be no facts are to be withdrawn.
"""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from detectors import facts as fact_tables
from detectors.alert import Alert
from detectors.evaluate import judge
from streams.lake import Lake
from streams.live.packets import Packet
from streams.live.rules import Judging
from streams.live.shards import shard_of
from streams.live.whole import Means, ledger_of
from streams.wire import decode

#: A message that is no fact after all: person, msgid, content.
Withdrawn = tuple[str, str, int]


@dataclass
class Counts:
    """How alerts of a rule differ: the replay has one that was not said, one was said that the replay does not have,
    and both have one with other content."""

    missing: int = 0
    excess: int = 0
    different: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.excess + self.different


@dataclass(frozen=True)
class Compared:
    """Differences by rule code, and the persons whom they are about."""

    by_rule: Mapping[str, Counts] = field(default_factory=dict)
    persons: frozenset[str] = frozenset()


def replayed(
    lake: Lake, judging: Judging, means: Means, persons: Collection[str] | None = None
) -> list[Alert]:
    """What these rules, which must be of persons or visits, say of the lake, or of these persons in it."""
    with ledger_of(lake, judging, means, persons=persons) as whole:
        return judge(
            whole.con,
            judging.rulebook,
            judging.knowledge,
            whole.watermark,
            models=judging.models,
            params=judging.params,
            covered=False,
            on_step=means.breaker.check,
        ).alerts


def compare(
    should: Iterable[Alert], said: Iterable[Alert], persons: Collection[str] | None = None
) -> Compared:
    """Hold the open alerts that should be against those that were said. `persons`: of nobody else."""
    wanted, held = (_by_id(alerts, persons) for alerts in (should, said))
    by_rule: defaultdict[str, Counts] = defaultdict(Counts)
    concerned: set[str] = set()
    for jr_id in sorted(wanted.keys() | held.keys()):
        one, other = wanted.get(jr_id), held.get(jr_id)
        alert = one or other
        assert alert is not None
        counts = by_rule[alert.rule_code]
        if other is None:
            counts.missing += 1
        elif one is None:
            counts.excess += 1
        elif one.revision != other.revision:
            counts.different += 1
        else:
            continue
        concerned |= {each.patn_id for each in (one, other) if each is not None and each.patn_id}
    differing = {code: counts for code, counts in sorted(by_rule.items()) if counts.total}
    return Compared(differing, frozenset(concerned))


def withdrawn(lake: Lake, key: bytes) -> Iterator[Withdrawn]:
    """Messages that lost against another content under their msgid which names another person: whoever owns the
    loser's person may never have heard of the winner. `key`: the site's secret."""
    lost: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for record in lake.rejects():
        if record["reason_code"] == "msgid_conflict":
            for psn_no, msgid, content in _messages(record, key):
                lost[msgid].add((psn_no, content))
    if not lost:
        return
    for msgid, winner in _persons(lake, lost):
        yield from sorted((psn_no, msgid, content) for psn_no, content in lost[msgid] if psn_no != winner)


def packets(persons: Iterable[str], gone: Iterable[Withdrawn], shards: int) -> dict[int, Packet]:
    """What to tell the shards that own these persons."""
    again: defaultdict[int, list[str]] = defaultdict(list)
    taken: defaultdict[int, list[Withdrawn]] = defaultdict(list)
    for psn_no in sorted(persons):
        again[shard_of(psn_no, shards)].append(psn_no)
    for one in gone:
        taken[shard_of(one[0], shards)].append(one)
    return {
        number: Packet(again=tuple(again[number]), withdrawn=tuple(taken[number]))
        for number in sorted(again.keys() | taken.keys())
    }


def known(con: sqlite3.Connection) -> frozenset[Withdrawn]:
    """What a state file says was withdrawn before."""
    row = con.execute("select value from meta where key = 'withdrawn'").fetchone()
    return frozenset(msgspec.json.decode(row[0], type=list[Withdrawn])) if row else frozenset()


def note(con: sqlite3.Connection, gone: Collection[Withdrawn]) -> None:
    """Hold in a state file that these were withdrawn too."""
    if gone:
        text = msgspec.json.encode(sorted(known(con) | frozenset(gone))).decode()
        con.execute("insert or replace into meta values ('withdrawn', ?)", (text,))


def _by_id(alerts: Iterable[Alert], persons: Collection[str] | None) -> dict[str, Alert]:
    return {alert.jr_id: alert for alert in alerts if persons is None or alert.patn_id in persons}


def _messages(record: Mapping[str, Any], key: bytes) -> Iterator[Withdrawn]:
    """Person, msgid and content of a rejected message: as it came, or, of one that was in the lake already, its row.
    Of one whose bytes were not kept whole, or that names nobody, nothing."""
    raw = b64decode(record["raw_base64"]) if "raw_base64" in record else record["raw"].encode()
    try:
        row = json.loads(raw)
    except ValueError:
        return
    if isinstance(row, dict) and "content" in row:
        rows = [row]
    else:
        decoded = decode([raw], source="", first_line=1, first_seq=0, key=key)
        message = decoded.tables.get("message")
        rows = message.to_pylist() if message is not None else []
    for one in rows:
        if one.get("psn_no"):
            yield one["psn_no"], one["msgid"], int(one["content"])


def _persons(lake: Lake, msgids: Iterable[str]) -> list[tuple[str, str | None]]:
    """msgid and person of these messages of the lake."""
    with duckdb.connect() as con:
        fact_tables.load(con, lake.facts())
        con.register("asked", pa.table({"msgid": pa.array(sorted(msgids), pa.string())}))
        return con.execute(
            "select msgid, psn_no from fact.message semi join asked using (msgid) order by msgid"
        ).fetchall()
