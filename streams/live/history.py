"""The facts of a shard's persons, as far back as their rules may look."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.live.columns import pack, unpack, values

#: `seq` of what a shard hears begins here, so that it never meets the `seq` of what comes from a lake.
FIRST_SEQ = 1 << 48

#: Appends of one table to a person that are read before they are made one.
_MOST_APPENDS = 12


class History:
    """Rows of fact tables by person in a state file; registries for all in memory besides."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        self.next_seq = FIRST_SEQ + int(self._meta("heard", 0))
        self._appends = int(self._meta("appends", 0))
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        for name, rows in con.execute("select name, rows from shared_rows order by name, n"):
            found[name].append(rows)
        self.shared: dict[str, pa.Table] = {name: unpack(name, blobs) for name, blobs in found.items()}

    def load(self, persons: Collection[str]) -> dict[str, pa.Table]:
        """All rows kept of these persons, by table, without the registries for all."""
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        for name, rows in self._con.execute(
            "select name, rows from fact_rows where psn_no in (select value from json_each(?))",
            (json.dumps(sorted(persons)),),
        ):
            found[name].append(rows)
        return {name: unpack(name, blobs) for name, blobs in found.items()}

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Keep rows: those of a person with the person, others for all. Within the caller's transaction."""
        self._appends += 1
        for name, table in tables.items():
            if table.num_rows:
                self._add(name, table)
        self._set_meta("appends", self._appends)
        self._set_meta("heard", self.next_seq - FIRST_SEQ)

    def replace(self, psn_no: str, tables: Mapping[str, pa.Table]) -> None:
        """Keep just these rows of a person."""
        self._appends += 1
        self._con.execute("delete from fact_rows where psn_no = ?", (psn_no,))
        self._con.executemany(
            "insert into fact_rows values (?, ?, ?, ?)",
            [
                (psn_no, name, self._appends, pack(values(table), slice(None)))
                for name, table in tables.items()
                if table.num_rows
            ],
        )
        self._set_meta("appends", self._appends)

    def tidy(self, persons: Iterable[str]) -> None:
        """Make one of the many appends of these persons, so that they are read fast."""
        for psn_no in persons:
            many = self._con.execute(
                "select name from fact_rows where psn_no = ? group by name having count(*) > ?",
                (psn_no, _MOST_APPENDS),
            ).fetchall()
            for (name,) in many:
                rows = self._con.execute(
                    "select rows from fact_rows where psn_no = ? and name = ? order by n", (psn_no, name)
                ).fetchall()
                whole = pack(values(unpack(name, (blob for (blob,) in rows))), slice(None))
                self._con.execute("delete from fact_rows where psn_no = ? and name = ?", (psn_no, name))
                self._con.execute(
                    "insert into fact_rows values (?, ?, ?, ?)", (psn_no, name, self._appends, whole)
                )

    def _add(self, name: str, table: pa.Table) -> None:
        persons = table["psn_no"].combine_chunks() if "psn_no" in table.schema.names else None
        if persons is None or persons.null_count:
            rest = table if persons is None else table.filter(pc.is_null(table["psn_no"]))
            known = self.shared.get(name)
            self.shared[name] = rest if known is None else pa.concat_tables([known, rest])
            self._con.execute(
                "insert into shared_rows values (?, ?, ?)",
                (name, self._appends, pack(values(rest), slice(None))),
            )
            if persons is None:
                return
            table = table.filter(pc.is_valid(table["psn_no"]))
            if not table.num_rows:
                return
        ordered = table.take(pc.sort_indices(table["psn_no"]))
        coded = ordered["psn_no"].combine_chunks().dictionary_encode()
        codes = coded.indices.to_numpy()
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        bounds = [*starts.tolist(), len(codes)]
        columns = values(ordered)
        self._con.executemany(
            "insert into fact_rows values (?, ?, ?, ?)",
            [
                (psn_no, name, self._appends, pack(columns, slice(start, stop)))
                for psn_no, start, stop in zip(
                    coded.dictionary.to_pylist(), bounds[:-1], bounds[1:], strict=True
                )
            ],
        )

    def _meta(self, key: str, default: int) -> int:
        row = self._con.execute("select value from meta where key = ?", (key,)).fetchone()
        return default if row is None else int(row[0])

    def _set_meta(self, key: str, value: int) -> None:
        self._con.execute("insert or replace into meta values (?, ?)", (key, value))


def renumbered(tables: Mapping[str, pa.Table], base: int) -> dict[str, pa.Table]:
    """The same rows with `seq` counted from `base`."""
    return {
        name: table.set_column(0, "seq", pc.add(table["seq"], pa.scalar(base, pa.uint64())))
        for name, table in tables.items()
    }


def without(tables: Mapping[str, pa.Table], seqs: pa.Array) -> dict[str, pa.Table]:
    """The rows of all messages but these."""
    if not len(seqs):
        return dict(tables)
    return {name: table.filter(pc.invert(pc.is_in(table["seq"], seqs))) for name, table in tables.items()}


def joined(*sets: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """All rows of several sets of tables."""
    names = sorted({name for one in sets for name in one})
    return {name: pa.concat_tables([one[name] for one in sets if name in one]) for name in names}


def copies(new: pa.Table, known: pa.Table | None) -> pa.Array:
    """The `seq` of new messages that are there already, or twice among themselves: same msgid, time and content."""
    repeated = set()
    if known is not None and known.num_rows:
        met = known.filter(pc.is_in(known["msgid"], new["msgid"].combine_chunks()))
        repeated = set(
            zip(*(met[name].to_pylist() for name in ("msgid", "inf_time", "content")), strict=True)
        )
    dropped = []
    for seq, *what in zip(
        *(new[name].to_pylist() for name in ("seq", "msgid", "inf_time", "content")), strict=True
    ):
        if tuple(what) in repeated:
            dropped.append(seq)
        else:
            repeated.add(tuple(what))
    return pa.array(dropped, pa.uint64())


def micros(moment: datetime) -> int:
    """A time of the platform as an integer that sorts like it: microseconds since 1970-01-01."""
    return int(np.datetime64(moment, "us").astype(np.int64))


def moment(number: int) -> datetime:
    """The time that `micros` made an integer of."""
    return datetime(1970, 1, 1) + timedelta(microseconds=number)  # noqa: DTZ001 the platform's time has no zone
