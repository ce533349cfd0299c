"""What a history may let go of: whole visits beyond the horizon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.live.lateness import business_times
from streams.live.moments import micros
from streams.live.news import LOOKED_UP, TIMELESS
from streams.live.tables import Tables, of_care

#: Tables of which nothing is let go of, and the kinds of messages that bring them.
_KEPT = frozenset({*TIMELESS, *LOOKED_UP})
_KEPT_KINDS = pa.array(sorted({*TIMELESS, "1101"}))

_NEVER, _EVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def evicted(held: Tables, archived: pa.Array, horizon: datetime) -> dict[str, pa.Table]:
    """What is left of a history when the visits are gone of which nothing newer than the horizon was heard.

    `archived`: the msgids of messages that lie elsewhere too; a visit of which one does not stays, and so do the facts
    of registries. A message that tells of several visits goes with the last of them.
    """
    message = held.get("message")
    if message is None:
        return dict(held)
    safe = pc.is_in(message["msgid"], archived).to_numpy()
    gone = (_until(held, safe) < micros(horizon)) & ~_stays(message)
    seqs = message["seq"].combine_chunks().filter(pa.array(gone))
    return {
        name: table if name in _KEPT else table.filter(pc.invert(pc.is_in(table["seq"], seqs)))
        for name, table in held.items()
    }


def oldest(held: Tables) -> int | None:
    """When the visit that has to go first was last heard of, microseconds; None: nothing will ever have to go."""
    message = held.get("message")
    if message is None:
        return None
    passing = _until(held, np.ones(message.num_rows, bool))[~_stays(message)]
    return int(passing.min()) if len(passing) else None


def _stays(message: pa.Table) -> Any:
    """Whether a message is of a kind that is kept for ever."""
    return pc.is_in(message["kind"], _KEPT_KINDS).to_numpy()


def _until(held: Tables, safe: Any) -> Any:
    """For each message the latest time in the visits that it tells of, microseconds; of one that is not safe, ever."""
    message = held["message"]
    time = message["inf_time"].cast(pa.int64()).to_numpy().copy()
    for name, table in of_care(held).items():
        if name != "message" and "mdtrt_id" in table.schema.names:
            at = _places(table, message)
            for column in business_times(name):
                said = table[column].cast(pa.timestamp("us")).cast(pa.int64())
                np.maximum.at(time, at, said.fill_null(_NEVER).to_numpy())
    time[~safe] = _EVER
    told = list(_told(held))
    at = np.concatenate([places for places, _ in told])
    visits = (
        pa.chunked_array([visit for _, visit in told]).combine_chunks().dictionary_encode().indices.to_numpy()
    )
    latest = np.full(int(visits.max(initial=-1)) + 1, _NEVER)
    np.maximum.at(latest, visits, time[at])
    until = np.full(len(time), _NEVER)
    np.maximum.at(until, at, latest[visits])
    return until


def _told(held: Tables) -> Iterator[tuple[Any, pa.Array]]:
    """Places of messages, and the visits that they tell of: by name, by a settlement's, by that of the message they
    reverse; one that tells of none stands for itself."""
    message = held["message"]
    own = np.arange(message.num_rows)
    alone = np.ones(message.num_rows, bool)
    visit_of: dict[str, dict[str, str]] = {"setl_id": {}, "omsgid": _by(message, "msgid")}
    if "settlement" in held:
        visit_of["setl_id"] = _by(held["settlement"], "setl_id")
        visit_of["omsgid"] |= _by(held["settlement"], "msgid")
    if "admission" in held:
        visit_of["omsgid"] |= _by(held["admission"], "msgid")
    for name, table in of_care(held).items():
        at = own if name == "message" else _places(table, message)
        for column in ("mdtrt_id", "setl_id", "omsgid"):
            if column not in table.schema.names:
                continue
            named = table[column].combine_chunks()
            if column != "mdtrt_id":
                named = pa.array(map(visit_of[column].get, named.to_pylist()), pa.string())
            there = pc.is_valid(named)
            places = at[there.to_numpy(zero_copy_only=False)]
            alone[places] = False
            yield places, named.filter(there)
    msgids = message["msgid"].combine_chunks().filter(pa.array(alone))
    yield own[alone], pc.binary_join_element_wise(pa.scalar("message"), msgids, " ")


def _places(table: pa.Table, message: pa.Table) -> Any:
    return pc.index_in(table["seq"], message["seq"].combine_chunks()).to_numpy()


def _by(table: pa.Table, key: str) -> dict[str, str]:
    """The visit by another name."""
    pairs = zip(table[key].to_pylist(), table["mdtrt_id"].to_pylist(), strict=True)
    return {name: visit for name, visit in pairs if name is not None and visit is not None}
