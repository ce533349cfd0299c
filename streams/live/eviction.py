"""What a history may let go of: whole visits beyond the horizon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.live.lateness import business_times, visit_by
from streams.live.moments import micros
from streams.live.news import LOOKED_UP, SILENT, TIMELESS
from streams.live.tables import Tables, of_care, told_of, without

#: Tables of which nothing is let go of, and the kinds of messages that bring them.
_KEPT = frozenset({*TIMELESS, *LOOKED_UP})
_KEPT_KINDS = pa.array(sorted({*TIMELESS, "1101"}))

Archived = Callable[[pa.Table], pa.Array]
"""Of rows of `message` the msgids of those that lie elsewhere too."""

_NEVER, _EVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def evicted(held: Tables, archived: Archived, horizon: datetime) -> dict[str, pa.Table]:
    """What is left of a history when the visits are gone of which nothing newer than the horizon was heard.

    A visit of which a message does not lie elsewhere stays, and so do the facts of registries, but for answers about a
    person (1101) that stand between two of the same words. A message that tells of several visits goes with the last of
    them.
    """
    message = held.get("message")
    if message is None:
        return dict(held)
    passes, is_repeated = ~_stays(message), _repeats(held)
    # others stay anyway; the lake has months without number, and these few messages are of few
    in_question = pc.less(message["inf_time"], pa.scalar(horizon)).to_numpy() & (passes | is_repeated)
    there = archived(message.filter(pa.array(in_question)))
    safe = ~in_question | pc.is_in(message["msgid"], there).to_numpy()
    old = _until(held, safe) < micros(horizon)
    seqs = message["seq"].combine_chunks()
    visits = seqs.filter(pa.array(old & passes))
    repeats = seqs.filter(pa.array(old & is_repeated))
    both = pa.concat_arrays([visits, repeats])
    return {
        name: without({name: table}, repeats if name in _KEPT else both)[name] for name, table in held.items()
    }


def oldest(held: Tables) -> dict[str, int]:
    """When the visit of each person that has to go first was last heard of, microseconds; nobody of whom nothing will
    ever have to go."""
    message = held.get("message")
    if message is None:
        return {}
    passing = ~_stays(message)
    until = dict(
        zip(message["seq"].to_pylist(), _until(held, np.ones(message.num_rows, bool)).tolist(), strict=True)
    )
    first: dict[str, int] = {}
    for seq, psn_no in told_of(held, message["seq"].filter(pa.array(passing)).to_pylist()):
        if psn_no is not None:
            first[psn_no] = min(until[seq], first.get(psn_no, until[seq]))
    return first


def _stays(message: pa.Table) -> Any:
    """Whether a message is of a kind that is kept for ever."""
    return pc.is_in(message["kind"], _KEPT_KINDS).to_numpy()


def _repeats(held: Tables) -> Any:
    """Whether a message is an answer about a person (1101) that says what the one before it and the one after it say."""
    message = held["message"].select(["kind", "psn_no", "inf_time", "msgid", "seq"])
    said = _words(held)
    answers: defaultdict[str, list[tuple[datetime, str, int]]] = defaultdict(list)
    for row in message.filter(pc.equal(message["kind"], "1101")).to_pylist():
        answers[row["psn_no"]].append((row["inf_time"], row["msgid"], row["seq"]))
    repeated: list[int] = []
    for of_person in answers.values():
        seqs = [seq for _, _, seq in sorted(of_person)]
        for before, seq, after in zip(seqs, seqs[1:], seqs[2:], strict=False):
            if said.get(before) == said.get(seq) == said.get(after):
                repeated.append(seq)
    return pc.is_in(message["seq"], pa.array(repeated, pa.uint64())).to_numpy()


def _words(held: Tables) -> dict[int, list[tuple[Any, ...]]]:
    """What each message says of a person, whatever the order of its rows."""
    said: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for name in sorted(LOOKED_UP.keys() & held.keys()):
        table = held[name]
        columns = [column for column in table.schema.names if column not in SILENT]
        rows = zip(*(table[column].to_pylist() for column in columns), strict=True)
        for seq, row in zip(table["seq"].to_pylist(), rows, strict=True):
            said[seq].append((name, *row))
    return {seq: sorted(rows, key=repr) for seq, rows in said.items()}


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
    visit_of: dict[str, dict[str, str | None]] = {"setl_id": {}, "omsgid": {}}
    if "settlement" in held:
        visit_of["setl_id"] = visit_by(held["settlement"], "setl_id")
    for name in ("message", "admission", "settlement"):
        if name in held:
            visit_of["omsgid"] |= visit_by(held[name], "msgid")
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
