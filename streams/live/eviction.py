"""What a history may let go of: whole visits beyond the horizon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from streams.live.moments import micros
from streams.live.news import LOOKED_UP, TIMELESS

#: Tables of which nothing is let go of.
_KEPT = frozenset({*TIMELESS, *LOOKED_UP})


def evicted(
    held: Mapping[str, pa.Table], archived: pa.Table | None, horizon: datetime
) -> dict[str, pa.Table]:
    """What is left of a history when the visits are gone of which nothing newer than the horizon was heard.

    A visit whose messages are not all `archived` (rows of `fact.message`) stays. Registry facts stay.
    """
    message = held.get("message")
    if message is None:
        return dict(held)
    visits = _visits(held)
    newest = _newest(visits, message)
    known = archived["msgid"].combine_chunks() if archived is not None else pa.array([], pa.string())
    unsafe = visits.filter(pc.invert(pc.is_in(message["msgid"].combine_chunks(), known)))
    old = newest.filter(pc.less(newest["inf_time_max"], pa.scalar(horizon, newest["inf_time_max"].type)))[
        "visit"
    ]
    gone = pc.and_not(pc.is_in(visits, old.combine_chunks()), pc.is_in(visits, unsafe))
    seqs = message["seq"].combine_chunks().filter(pc.and_not(gone, _stays(message)))
    return {
        name: table if name in _KEPT else table.filter(pc.invert(pc.is_in(table["seq"], seqs)))
        for name, table in held.items()
    }


def oldest(held: Mapping[str, pa.Table]) -> int | None:
    """When the visit that has to go first was last heard of, microseconds; None: nothing will ever have to go."""
    message = held.get("message")
    if message is None:
        return None
    passing = message.filter(pc.invert(_stays(message)))
    if not passing.num_rows:
        return None
    first = pc.min(_newest(_visits({**held, "message": passing}), passing)["inf_time_max"]).as_py()
    return micros(first)


def _newest(visits: pa.Array, message: pa.Table) -> pa.Table:
    return (
        pa.table({"visit": visits, "inf_time": message["inf_time"]})
        .group_by("visit")
        .aggregate([("inf_time", "max")])
    )


def _stays(message: pa.Table) -> pa.Array:
    """Whether a message is of a kind that is kept for ever."""
    return pc.is_in(message["kind"].combine_chunks(), pa.array(sorted({*TIMELESS, "1101"})))


def _visits(held: Mapping[str, pa.Table]) -> pa.Array:
    """The visit of each message: its own mdtrt_id, or that of the settlement it names, or itself alone."""
    message = held["message"]
    settled = {}
    if "settlement" in held:
        settled = dict(
            zip(
                held["settlement"]["setl_id"].to_pylist(),
                held["settlement"]["mdtrt_id"].to_pylist(),
                strict=True,
            )
        )
    by_seq: dict[int, str] = {}
    for name in ("settlement", "settlement_list", "cancellation"):
        if name in held:
            for seq, setl_id, visit in zip(
                *(held[name][c].to_pylist() for c in ("seq", "setl_id", "mdtrt_id")), strict=True
            ):
                found = visit or settled.get(setl_id)
                if found:
                    by_seq[seq] = found
    return pa.array(
        [
            visit or by_seq.get(seq) or f"message {msgid}"
            for seq, msgid, visit in zip(
                *(message[c].to_pylist() for c in ("seq", "msgid", "mdtrt_id")), strict=True
            )
        ],
        pa.string(),
    )
