"""Which copies of messages are facts, among those that are being added and those that the lake has.

What is added is compared under numbers (`seq`) from `FRESH` on, above those of the lake: of equal copies the one that
is there stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from detectors import ledger
from streams.inputs import CONFLICT, reject_record
from streams.lake.layout import DROPPED, Part, of_months, order_by
from streams.lake.manifest import Manifest
from streams.lake.parts import files_in_sql, write_part
from streams.wire import Reject

FRESH = 1 << 60

_MESSAGE = "seq ubigint, msgid varchar, content ubigint, inf_time timestamp"


def find_copies(con: duckdb.DuckDBPyConnection, messages: Iterable[str]) -> None:
    """Make `dropped` (seq, msgid, inf_time, reason): the copies that are not the fact, among the rows of these queries
    (seq, msgid, content, inf_time)."""
    con.execute("create schema fact")
    con.execute(f"create table fact.no_message ({_MESSAGE})")
    con.execute(f"create view fact.message as {' union all '.join(['from fact.no_message', *messages])}")
    ledger.identity(con)
    con.execute(
        "create table dropped as select m.seq, m.msgid, m.inf_time, d.reason from fact.message m "
        "join (select seq, reason from fact_dropped) d on d.seq = m.seq"
    )
    con.execute(f"create view lost as select seq from dropped where seq < {FRESH}")


@dataclass(frozen=True)
class Displaced:
    """What becomes of messages of the lake that lose against new ones: files that are written anew without them, by
    table, the paths that these replace, and lines for the lake's rejects."""

    added: list[tuple[str, Part]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)


def displaced(
    con: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, into: Path, version: int
) -> Displaced:
    """Take the messages of the lake that lost out of its files; `into`: the folder of the new files. What had come
    as a duplicate of one that lost is a conflict now, as if it had come later.

    The lines as they came are not known any more: `raw` of the rejects is the row of `message`.
    """
    lost = con.execute(f"select seq, inf_time from dropped where seq < {FRESH} order by seq").fetchall()
    if not lost:
        return Displaced()
    months = {f"{time:%Y-%m}" for _, time in lost}
    added: list[tuple[str, Part]] = []
    gone: list[str] = []
    messages = of_months(manifest.parts.get("message", ()), months)
    con.execute(
        "create temp table displaced as select seq, msgid, inf_time, to_json(m)::varchar as row, true as lost "
        f"from {files_in_sql(lake / part.path for part in messages)} m semi join lost using (seq)"
    )
    for table, parts in manifest.parts.items():
        for part in _holding(con, lake, of_months(parts, months), "semi join lost using (seq)"):
            query = f"select * from {files_in_sql([lake / part.path])} anti join lost using (seq) {order_by(table)}"
            added += [(table, one) for one in _anew(con, into, part, query, table, version)]
            gone.append(part.path)
    copies = "semi join displaced using (msgid) where reason = 'duplicate'"
    for part in _holding(con, lake, manifest.dropped, copies):
        file = files_in_sql([lake / part.path])
        con.execute(
            "insert into displaced select f.seq, msgid, f.inf_time, d.row, false "
            f"from {file} f join (from displaced where lost) d using (msgid) where reason = 'duplicate'"
        )
        reason = "if(msgid in (select msgid from displaced), 'conflict', reason) as reason"
        query = f"select * replace ({reason}) from {file} order by seq"
        added += [(DROPPED, one) for one in _anew(con, into, part, query, DROPPED, version)]
        gone.append(part.path)
    rows = con.execute("select seq, inf_time::varchar, row, lost from displaced order by seq").fetchall()
    return Displaced(added, gone, [_record(manifest, *row) for row in rows])


def _record(manifest: Manifest, seq: int, inf_time: str, raw: str, lost: bool) -> dict[str, Any]:
    row = json.loads(raw)
    del row["seq"]
    reject = Reject.of(
        json.dumps(row, ensure_ascii=False).encode(),
        source="lake",
        line=0,
        reason_code="msgid_conflict",
        sentence=CONFLICT,
        msgid=row["msgid"],
    )
    record = {**reject_record(reject), "inf_time": inf_time, "lost": lost}
    place = manifest.place(seq)
    if place is None:
        return record
    origin, offset = place
    return {
        **record,
        "source": origin.name,
        "line": offset,
        "topic": origin.topic,
        "partition": origin.partition,
    }


def _anew(
    con: duckdb.DuckDBPyConnection, into: Path, part: Part, query: str, table: str, version: int
) -> Iterator[Part]:
    path = f"{part.path.removesuffix('.parquet')}-{version:08}.parquet"
    return write_part(con, into, path, query, table, part.version)


def _holding(
    con: duckdb.DuckDBPyConnection, lake: Path, parts: Collection[Part], condition: str
) -> list[Part]:
    """Those of the files of which a row meets the condition."""
    if not parts:
        return []
    files = files_in_sql((lake / part.path for part in parts), "filename = true")
    found = con.execute(f"select distinct filename from {files} {condition}").fetchall()
    paths = {name for (name,) in found}
    return [part for part in parts if str(lake / part.path) in paths]
