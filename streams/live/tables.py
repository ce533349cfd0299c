"""Sets of fact tables, as packets, history and lake give them: by name, some tables or all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streams.live.moments import micros
from streams.live.news import FOR_ALL

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
    for table in of_care(tables).values():
        found.update(pc.unique(table["psn_no"]).to_pylist())
    return found - {None}


def of_care(tables: Tables) -> dict[str, pa.Table]:
    """The tables that tell of persons, `message` among them."""
    return {
        name: table
        for name, table in tables.items()
        if name not in FOR_ALL and "psn_no" in table.schema.names
    }


def of_persons(tables: Tables, persons: Collection[str]) -> dict[str, pa.Table]:
    """The rows of these persons, and the messages that brought them."""
    wanted = pa.array(sorted(persons), pa.string())
    found = {name: table.filter(pc.is_in(table["psn_no"], wanted)) for name, table in of_care(tables).items()}
    message = tables.get("message")
    if message is not None and message["psn_no"].null_count:
        seqs = [chunk for table in found.values() for chunk in table["seq"].chunks]
        theirs = pc.is_in(message["seq"], pa.chunked_array(seqs, pa.uint64()).combine_chunks())
        found["message"] = message.filter(theirs)
    return found


def row_count(tables: Tables) -> int:
    """Rows of all tables together."""
    return sum(table.num_rows for table in tables.values())


def first_heard(tables: Tables) -> dict[str, int]:
    """When the platform saw the earliest message of each person, microseconds."""
    first: dict[str, datetime] = {}
    for table in of_care(tables).values():
        found = table.select(["psn_no", "inf_time"]).group_by("psn_no").aggregate([("inf_time", "min")])
        for psn_no, time in zip(found["psn_no"].to_pylist(), found["inf_time_min"].to_pylist(), strict=True):
            if psn_no is not None:
                first[psn_no] = min(time, first.get(psn_no, time))
    return {psn_no: micros(time) for psn_no, time in first.items()}
