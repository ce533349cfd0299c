"""Sets of fact tables, as packets, history and lake give them: by name, some tables or all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streams.live.moments import micros

Tables = Mapping[str, pa.Table]


def without(tables: Tables, seqs: pa.Array) -> dict[str, pa.Table]:
    """The rows of all messages but these."""
    if not len(seqs):
        return dict(tables)
    return {name: table.filter(pc.invert(pc.is_in(table["seq"], seqs))) for name, table in tables.items()}


def joined(*sets: Tables) -> dict[str, pa.Table]:
    """All rows of several sets of tables."""
    names = sorted({name for one in sets for name in one})
    return {name: pa.concat_tables([one[name] for one in sets if name in one]) for name in names}


def copies(new: Tables, *known: Tables) -> pa.Array:
    """The `seq` of new messages that are there already, or twice among themselves: same msgid, time and content."""
    if "message" not in new:
        return pa.array([], pa.uint64())
    met = set()
    wanted = new["message"]["msgid"].combine_chunks()
    for tables in known:
        if "message" in tables:
            met.update(_identities(tables["message"].filter(pc.is_in(tables["message"]["msgid"], wanted))))
    dropped = []
    for seq, identity in zip(new["message"]["seq"].to_pylist(), _identities(new["message"]), strict=True):
        if identity in met:
            dropped.append(seq)
        else:
            met.add(identity)
    return pa.array(dropped, pa.uint64())


def _identities(message: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(message[name].to_pylist() for name in ("msgid", "inf_time", "content")), strict=True))


def persons_of(tables: Tables) -> set[str]:
    """The persons of whom the rows tell."""
    found: set[str] = set()
    for table in tables.values():
        if "psn_no" in table.schema.names:
            found.update(pc.unique(table["psn_no"]).to_pylist())
    return found - {None}


def of_persons(tables: Tables, persons: Collection[str]) -> dict[str, pa.Table]:
    """The rows of these persons."""
    wanted = pa.array(sorted(persons), pa.string())
    return {
        name: table.filter(pc.is_in(table["psn_no"], wanted))
        for name, table in tables.items()
        if "psn_no" in table.schema.names
    }


def row_count(tables: Tables) -> int:
    """Rows of all tables together."""
    return sum(table.num_rows for table in tables.values())


def first_heard(tables: Tables) -> dict[str, int]:
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
