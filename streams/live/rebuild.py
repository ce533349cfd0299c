"""A shard's state made again from the lake: where the state was lost, or where a lake was there before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb
import pyarrow as pa

from detectors import facts as fact_tables
from detectors.facts import fact_schemas
from streams.lake import Lake
from streams.live.news import FOR_ALL
from streams.live.packets import Packet
from streams.live.past import LakePast
from streams.live.shard import PERSONS_AT_ONCE, Shard


def rebuild(
    shard: Shard,
    lake: Lake,
    upto: int,
    reads: frozenset[str],
    on_persons: Callable[[int], None] = lambda _: None,
) -> None:
    """Take in all that the lake has, unjudged; everyone is then looked at again. `upto`: the source's position after it.

    Broken off, it is to be begun anew: the position stays where it was until all is in. `on_persons`: told how many
    persons are in.
    """
    before = shard.position
    shard.start_from(before)
    clock, shared, persons = _whole(lake, reads)
    shard.take([Packet(shared, clock)], before, judge=False)
    past = LakePast(lake.folder)
    for start in range(0, len(persons), PERSONS_AT_ONCE):
        group = persons[start : start + PERSONS_AT_ONCE]
        shard.take([Packet(past.of(group, reads))], before, judge=False)
        on_persons(start + len(group))
    shard.take([], upto, judge=False)


def _whole(lake: Lake, reads: frozenset[str]) -> tuple[dict[str, datetime], dict[str, pa.Table], list[str]]:
    """The institutions' clocks, the registries that everyone needs with their messages, and all persons."""
    with duckdb.connect() as con:
        fact_tables.load(con, lake.facts())
        clock = con.execute(
            "select fixmedins_code, max(inf_time) from fact.message where fixmedins_code is not null group by all"
        ).fetchall()
        shared = {
            name: con.sql(f"select * from fact.{name}").to_arrow_table() for name in FOR_ALL.keys() & reads
        }
        seqs = " union ".join(
            ["select null::ubigint as seq", *(f"select seq from fact.{name}" for name in shared)]
        )
        shared["message"] = con.sql(f"select * from fact.message where seq in ({seqs})").to_arrow_table()
        named = [name for name in sorted(reads) if "psn_no" in fact_schemas()[name].names]
        every = " union ".join(f"select psn_no from fact.{name} where psn_no is not null" for name in named)
        persons = con.execute(f"{every} order by psn_no").fetchall() if named else []
    return dict(clock), shared, [psn_no for (psn_no,) in persons]
