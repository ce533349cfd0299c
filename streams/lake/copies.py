"""Which copies of messages are facts, among those that are being added and those that the lake has.

What is added is compared under numbers (`seq`) from `FRESH` on, above those of the lake: of equal copies the one that
is there stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from detectors import ledger
from streams.inputs import CONFLICT, reject_record
from streams.lake.layout import Part, order_by
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


def lost_to_new(con: duckdb.DuckDBPyConnection) -> dict[int, datetime]:
    """Messages of the lake that lost against new ones, with their inf_time."""
    rows = con.execute(f"select seq, inf_time from dropped where seq < {FRESH} order by seq").fetchall()
    return dict(rows)


def without(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    manifest: Manifest,
    lost: dict[int, datetime],
    into: Path,
    version: int,
) -> tuple[list[tuple[str, Part]], list[str]]:
    """Write again, without these messages, the files that hold some; `into`: the folder of the new files. Gives the
    new files by table, and the paths of those that they replace."""
    months = {f"{time:%Y-%m}" for time in lost.values()}
    added: list[tuple[str, Part]] = []
    gone: list[str] = []
    for table, parts in manifest.parts.items():
        for part in _holding(con, lake, [part for part in parts if part.month in months]):
            name = f"{part.path.removesuffix('.parquet')}-{version:08}.parquet"
            query = f"select * from {files_in_sql([lake / part.path])} anti join lost using (seq) {order_by(table)}"
            added += [(table, one) for one in write_part(con, into, name, query, table, part.version)]
            gone.append(part.path)
    return added, gone


def lost_records(
    con: duckdb.DuckDBPyConnection, lake: Path, manifest: Manifest, lost: dict[int, datetime]
) -> list[dict[str, Any]]:
    """Lines of the lake's rejects about messages of the lake that lost. The line as it came is not known any more:
    `raw` is the row of `message`."""
    months = {f"{time:%Y-%m}" for time in lost.values()}
    parts = [part for part in manifest.parts.get("message", ()) if part.month in months]
    if not lost or not parts:
        return []
    rows = con.execute(
        f"select seq, to_json(m)::varchar from {files_in_sql(lake / part.path for part in parts)} m "
        "semi join lost using (seq) order by seq"
    ).fetchall()
    return [_lost_record(manifest, seq, lost[seq], json.loads(raw)) for seq, raw in rows]


def _lost_record(manifest: Manifest, seq: int, inf_time: datetime, row: dict[str, Any]) -> dict[str, Any]:
    del row["seq"]
    reject = Reject.of(
        json.dumps(row, ensure_ascii=False).encode(),
        source="lake",
        line=0,
        reason_code="msgid_conflict",
        sentence=CONFLICT,
        msgid=row["msgid"],
    )
    place = manifest.place(seq)
    record = {**reject_record(reject), "inf_time": str(inf_time), "lost": True}
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


def _holding(con: duckdb.DuckDBPyConnection, lake: Path, parts: Collection[Part]) -> list[Part]:
    """Those of the files that hold rows of messages that lost."""
    if not parts:
        return []
    files = files_in_sql((lake / part.path for part in parts), "filename = true")
    found = con.execute(f"select distinct filename from {files} semi join lost using (seq)").fetchall()
    paths = {name for (name,) in found}
    return [part for part in parts if str(lake / part.path) in paths]
