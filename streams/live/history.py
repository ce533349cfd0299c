"""The facts of a shard's persons, as far back as their rules may look."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.facts import renumbered
from streams.live.columns import Packed, as_one, pack, pack_each, unpack, unpack_each
from streams.live.news import FOR_ALL
from streams.live.state import get_meta, set_meta
from streams.live.tables import Tables, of_care, united, without

#: `seq` of what a shard hears begins here and the shard's number further on, so that it never meets the `seq` of what
#: comes from a lake or from another shard.
FIRST_SEQ = 1 << 61
_PER_SHARD = 1 << 44

#: Appends of one table to a person that are read before they are made one.
_MOST_APPENDS = 12

#: What is kept of some persons, by table.
Kept = Mapping[str, Sequence[Packed]]

_KEEP = "insert into fact_rows values (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class OfPerson:
    """A person's rows of one table."""

    psn_no: str
    name: str
    rows: Packed


class History:
    """Rows of fact tables by person in a state file; registries for all in memory besides."""

    def __init__(self, con: sqlite3.Connection, shard: int = 0) -> None:
        self._con = con
        self._first_seq = FIRST_SEQ + shard * _PER_SHARD
        self._next_seq = self._first_seq + (get_meta(con, "heard") or 0)
        self._appends = get_meta(con, "appends") or 0
        shared = _by_table(con.execute("select name, layout, cells, texts from shared_rows order by name, n"))
        self.shared = {name: unpack(name, packed) for name, packed in shared.items()}
        self.shared_key = _key(self.shared.get("message"))
        """Equal where two histories of a process hold the same registries for all."""

    def numbered(self, tables: Tables) -> dict[str, pa.Table]:
        """The same rows with `seq` of this shard, in the same order."""
        found, self._next_seq = renumbered(tables, self._next_seq)
        return found

    def kept(self, persons: Collection[str]) -> Kept:
        """All rows kept of these persons, without the registries for all, as `read` takes them."""
        return _by_table(
            self._con.execute(
                "select name, layout, cells, texts from fact_rows where psn_no in (select value from json_each(?))",
                (json.dumps(sorted(persons)),),
            )
        )

    def load(self, persons: Collection[str]) -> dict[str, pa.Table]:
        """The same as tables."""
        (tables,) = read([self.kept(persons)])
        return tables

    def add(self, tables: Tables, by_person: Sequence[OfPerson] | None = None) -> None:
        """Keep rows: those of a person with the person, others for all. Within the caller's transaction. `by_person`: what
        `parted` made of them already."""
        self._appends += 1
        if by_person is None:
            (by_person,) = parted([tables])
        self._con.executemany(_KEEP, [(one.psn_no, one.name, self._appends, *one.rows) for one in by_person])
        for name in tables.keys() & FOR_ALL.keys():
            self._share(name, tables[name])
        if "message" in tables:
            self._share("message", _of_registries(tables["message"], tables))
        set_meta(self._con, "appends", self._appends)
        set_meta(self._con, "heard", self._next_seq - self._first_seq)

    def replace(self, persons: Collection[str], tables: Tables) -> None:
        """Keep just these rows of these persons."""
        self._con.executemany("delete from fact_rows where psn_no = ?", [(psn_no,) for psn_no in persons])
        self.add(of_care(tables))

    def withdraw(self, messages: Sequence[tuple[str, str, int]]) -> None:
        """Forget messages that are not facts after all: person, msgid, content."""
        by_person: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        for psn_no, msgid, content in messages:
            by_person[psn_no].add((msgid, content))
        for psn_no, named in by_person.items():
            held = self.load([psn_no])
            if "message" in held:
                gone = [
                    row["seq"]
                    for row in held["message"].select(["seq", "msgid", "content"]).to_pylist()
                    if (row["msgid"], row["content"]) in named
                ]
                self.replace([psn_no], without(held, pa.array(gone, pa.uint64())))

    def tidy(self, persons: Iterable[str]) -> None:
        """Make one of the many appends of these persons, so that they are read fast."""
        many = self._con.execute(
            "select psn_no, name from fact_rows where psn_no in (select value from json_each(?)) "
            "group by psn_no, name having count(*) > ?",
            (json.dumps(sorted(persons)), _MOST_APPENDS),
        ).fetchall()
        for psn_no, name in many:
            rows = self._con.execute(
                "select layout, cells, texts from fact_rows where psn_no = ? and name = ? order by n",
                (psn_no, name),
            ).fetchall()
            self._con.execute("delete from fact_rows where psn_no = ? and name = ?", (psn_no, name))
            whole = as_one(name, [Packed(*row) for row in rows])
            self._con.execute(_KEEP, (psn_no, name, self._appends, *whole))

    def _share(self, name: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if name == "message":
            self.shared_key ^= _key(rows)
        known = self.shared.get(name)
        self.shared[name] = rows if known is None else pa.concat_tables([known, rows])
        self._con.execute(
            "insert into shared_rows values (?, ?, ?, ?, ?)", (name, self._appends, *pack(name, rows))
        )


def read(kept: Sequence[Kept]) -> list[dict[str, pa.Table]]:
    """What several histories keep, as tables; for all at once, which takes hardly longer than for one."""
    tables: list[dict[str, pa.Table]] = [{} for _ in kept]
    for name in sorted({name for one in kept for name in one}):
        for some, table in zip(tables, unpack_each(name, [one.get(name, ()) for one in kept]), strict=True):
            if table.num_rows:
                some[name] = table
    # a message that tells of several persons is kept with each of them, perhaps under several numbers
    return [united(some) for some in tables]


def parted(sets: Sequence[Tables]) -> list[list[OfPerson]]:
    """The rows of persons in several sets of tables by person, each set's own; for all at once, as `read`."""
    found: list[list[OfPerson]] = [[] for _ in sets]
    for name in sorted({name for one in sets for name in one} - FOR_ALL.keys()):
        places = [place for place, one in enumerate(sets) if name in one]
        owned = [_with_owners(name, sets[place]) for place in places]
        table = pa.concat_tables([table for table, _ in owned])
        owners = pa.chunked_array([chunk for _, owners in owned for chunk in owners.chunks], pa.string())
        coded = owners.combine_chunks().dictionary_encode()
        persons = coded.dictionary.to_pylist()
        set_of = np.repeat(places, [len(owners) for _, owners in owned])
        owner = set_of * len(persons) + coded.indices.to_numpy()
        order = np.argsort(owner, kind="stable")
        distinct, starts = np.unique(owner[order], return_index=True)
        packed = pack_each(name, table, [*starts.tolist(), len(owner)], order)
        for one, rows in zip(distinct.tolist(), packed, strict=True):
            place, person = divmod(one, len(persons))
            found[place].append(OfPerson(persons[person], name, rows))
    return found


def _by_table(kept: Iterable[tuple[str, int, bytes, bytes]]) -> dict[str, list[Packed]]:
    """The rows of `kept` by the name of their table, which is followed by what `Packed` is made of."""
    found: defaultdict[str, list[Packed]] = defaultdict(list)
    for name, layout, cells, texts in kept:
        found[name].append(Packed(layout, cells, texts))
    return found


def _key(message: pa.Table | None) -> int:
    """The same for the same messages, in whatever order, within one process."""
    key = 0
    if message is not None:
        for pair in zip(message["msgid"].to_pylist(), message["content"].to_pylist(), strict=True):
            key ^= hash(pair)
    return key


def _with_owners(name: str, tables: Tables) -> tuple[pa.Table, pa.ChunkedArray]:
    """Rows with the persons that they tell of; a message that tells of several stands once for each."""
    message = tables[name]
    if name != "message" or not message["psn_no"].null_count:
        return message, message["psn_no"]
    own = message.filter(pc.is_valid(message["psn_no"]))
    others = message.filter(pc.is_null(message["psn_no"]))
    seqs = others["seq"].combine_chunks()
    told = [
        table.filter(pc.is_in(table["seq"], seqs)).select(["seq", "psn_no"])
        for name, table in of_care(tables).items()
        if name != "message"
    ]
    if not told:
        return own, own["psn_no"]
    pairs = pa.concat_tables(told).group_by(["seq", "psn_no"]).aggregate([])
    shared = others.take(pc.index_in(pairs["seq"], seqs))
    owners = pa.chunked_array([*own["psn_no"].chunks, *pairs["psn_no"].chunks], pa.string())
    return pa.concat_tables([own, shared]), owners


def _of_registries(message: pa.Table, tables: Tables) -> pa.Table:
    """The messages that brought registries of what all share."""
    found = [chunk for name in FOR_ALL if name in tables for chunk in tables[name]["seq"].chunks]
    return message.filter(pc.is_in(message["seq"], pa.chunked_array(found, pa.uint64()).combine_chunks()))
