"""Sets of fact tables, as packets, history and lake give them: by name, some tables or all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.live.moments import micros
from streams.live.news import FOR_ALL

Tables = Mapping[str, pa.Table]


def without(tables: Tables, seqs: pa.Array) -> dict[str, pa.Table]:
    """The rows of all messages but these."""
    if not len(seqs):
        return dict(tables)
    found = {}
    for name, table in tables.items():
        gone = pc.is_in(table["seq"], seqs)
        found[name] = table.filter(pc.invert(gone)) if pc.any(gone).as_py() else table
    return found


def joined(*sets: Tables) -> dict[str, pa.Table]:
    """All rows of several sets of tables."""
    found: defaultdict[str, list[pa.Table]] = defaultdict(list)
    for one in sets:
        for name, table in one.items():
            found[name].append(table)
    return {
        name: some[0] if len(some) == 1 else pa.concat_tables(some) for name, some in sorted(found.items())
    }


def beyond(more: Tables, *known: Tables) -> dict[str, pa.Table]:
    """What `more` says beyond what is known. A message, told by msgid, time and content, may be known of one person
    and not of another."""
    if "message" not in more:
        return dict(more)
    identity = dict(zip(more["message"]["seq"].to_pylist(), _identities(more["message"]), strict=True))
    msgids = more["message"]["msgid"].combine_chunks()
    met: set[tuple[Any, ...]] = set()
    for tables in known:
        if "message" in tables:
            same = tables["message"].filter(pc.is_in(tables["message"]["msgid"], msgids))
            if same.num_rows:
                theirs = dict(zip(same["seq"].to_pylist(), _identities(same), strict=True))
                met.update((theirs[seq], psn_no) for seq, psn_no in told_of(tables, theirs))
    if not met and len(set(identity.values())) == len(identity):
        return dict(more)
    gone: set[tuple[int, str | None]] = set()
    stays: set[int] = set()
    for seq, psn_no in sorted(told_of(more, identity), key=lambda pair: pair[0]):
        if (identity[seq], psn_no) in met:
            gone.add((seq, psn_no))
        else:
            stays.add(seq)
            met.add((identity[seq], psn_no))
    if not gone:
        return dict(more)
    left = without(more, pa.array(sorted({seq for seq, _ in gone} - stays), pa.uint64()))
    partly = pa.array(sorted({seq for seq, _ in gone} & stays), pa.uint64())
    return {
        name: table if name == "message" or not len(partly) else _without_pairs(table, partly, gone)
        for name, table in left.items()
    }


def united(*sets: Tables) -> dict[str, pa.Table]:
    """All rows of several sets, of which none repeats another; the rows of one message have one number, wherever they
    come from."""
    tables = joined(*sets)
    message = tables.get("message")
    if message is None or not message["psn_no"].null_count:
        return tables
    # only one that tells of several persons may have come with several of them
    several = message.filter(pc.is_null(message["psn_no"]))
    first: dict[tuple[Any, ...], int] = {}
    renamed: dict[int, int] = {}
    for seq, identity in sorted(zip(several["seq"].to_pylist(), _identities(several), strict=True)):
        if first.setdefault(identity, seq) != seq:
            renamed[seq] = first[identity]
    if renamed:
        tables = {name: _renamed(table, renamed) for name, table in tables.items()}
    _, once = np.unique(tables["message"]["seq"].to_numpy(), return_index=True)
    return {**tables, "message": tables["message"].take(pa.array(np.sort(once)))}


def _identities(message: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(message[name].to_pylist() for name in ("msgid", "inf_time", "content")), strict=True))


def told_of(tables: Tables, seqs: Collection[int]) -> set[tuple[int, str | None]]:
    """These messages and the persons that they tell of; nobody, where they tell of none."""
    wanted = pa.array(sorted(seqs), pa.uint64())
    pairs: set[tuple[int, str | None]] = set()
    for table in of_care(tables).values():
        found = table.select(["seq", "psn_no"]).filter(pc.is_in(table["seq"], wanted))
        if found.num_rows:
            pairs.update(zip(found["seq"].to_pylist(), found["psn_no"].to_pylist(), strict=True))
    of_somebody = {seq for seq, psn_no in pairs if psn_no is not None}
    return {(seq, psn_no) for seq, psn_no in pairs if psn_no is not None or seq not in of_somebody}


def _without_pairs(table: pa.Table, seqs: pa.Array, gone: Collection[tuple[int, str | None]]) -> pa.Table:
    if "psn_no" not in table.schema.names:
        return table
    there = pc.is_in(table["seq"], seqs).to_numpy().copy()
    rows = table.select(["seq", "psn_no"]).filter(pa.array(there)).to_pylist()
    there[there] = [(row["seq"], row["psn_no"]) in gone for row in rows]
    return table.filter(pa.array(~there))


def _renamed(table: pa.Table, renamed: Mapping[int, int]) -> pa.Table:
    seqs = pa.array([renamed.get(seq, seq) for seq in table["seq"].to_pylist()], pa.uint64())
    return table.set_column(0, "seq", seqs)


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


def of_anybody(tables: Tables) -> dict[str, pa.Table]:
    """The same as `of_persons` of all persons there are, which needs no search."""
    return {
        name: table
        if name == "message" or not table["psn_no"].null_count
        else table.filter(pc.is_valid(table["psn_no"]))
        for name, table in of_care(tables).items()
    }


def row_count(tables: Tables) -> Counter[str]:
    """Rows of each person."""
    found: Counter[str] = Counter()
    for table in of_care(tables).values():
        for each in pc.value_counts(table["psn_no"]).to_pylist():
            if each["values"] is not None:
                found[each["values"]] += each["counts"]
    return found


def first_heard(tables: Tables) -> dict[str, int]:
    """When the platform saw the earliest message of each person, microseconds."""
    if "message" not in tables:
        return {}
    message = tables["message"]
    own = message.group_by("psn_no").aggregate([("inf_time", "min")])
    first = dict(zip(own["psn_no"].to_pylist(), own["inf_time_min"].to_pylist(), strict=True))
    if first.pop(None, None) is not None:
        shared = message.filter(pc.is_null(message["psn_no"]))
        times = dict(zip(shared["seq"].to_pylist(), shared["inf_time"].to_pylist(), strict=True))
        for seq, psn_no in told_of(tables, times):
            if psn_no is not None:
                first[psn_no] = min(times[seq], first.get(psn_no, times[seq]))
    return {psn_no: micros(time) for psn_no, time in first.items()}
