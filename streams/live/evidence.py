"""The facts that what is said anew rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from detectors.alert import Alert
from detectors.diff import Difference
from detectors.evidence import conflicts, rows
from streams.changes import Fact
from streams.live.tables import Tables


def evidence(
    con: duckdb.DuckDBPyConnection, differences: Iterable[Difference], names: Iterable[str]
) -> dict[str, list[Fact]]:
    """By alert that is opened or changed, the facts of its messages in these fact tables. `con`: the ledger that was
    judged."""
    said = _said(differences)
    if not said:
        return {}
    msgids = {msgid for alert in said for msgid in alert.evidence}
    by_message: defaultdict[str, list[Fact]] = defaultdict(list)
    for row in rows(con, msgids, sorted(names), without=conflicts(con)):
        seen = f"{row.inf_time:%Y-%m-%d %H:%M:%S}" if row.inf_time else ""
        by_message[row.msgid].append(Fact(row.msgid, row.table, row.row_no, seen, row.data))
    return {alert.jr_id: [fact for msgid in alert.evidence for fact in by_message[msgid]] for alert in said}


def telling(differences: Iterable[Difference], *sets: Tables) -> set[str]:
    """The tables that have, in one of the sets, a row of the messages that what is said anew rests on."""
    msgids = {msgid for alert in _said(differences) for msgid in alert.evidence}
    wanted = pa.array(sorted(msgids), pa.string())
    return {
        name
        for tables in sets
        for name, table in tables.items()
        if pc.any(pc.is_in(table["msgid"], wanted)).as_py()
    }


def _said(differences: Iterable[Difference]) -> list[Alert]:
    return [alert for one in differences for alert in (*one.opened, *(changed for _, changed in one.changed))]
