"""What came that may have ended an alert, so that its retraction can say why."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pyarrow as pa

from detectors.alert import Alert
from detectors.diff import Arrived

#: Of a transaction the institution is nobody's subject: everything that it sent would then touch its alerts. A
#: registry's kind is a word, a transaction's begins with a digit.
_SQL = """
with candidate as (
    select msgid, inf_time, kind, [psn_no, if(kind >= 'A', fixmedins_code, null)] as subjects, mdtrt_id,
        null::varchar as setl_id, null::varchar as omsgid
    from fact.message where {new}
    union all
    select msgid, inf_time, kind, [psn_no], mdtrt_id, setl_id, omsgid
    from fact.cancellation where {new}
    union all
    select msgid, inf_time, 'family', [psn_no, member_psn_no], null, null, null
    from fact.family where {new}
)
select distinct msgid, inf_time, kind, list_filter(subjects, lambda one: one is not null), mdtrt_id, setl_id, omsgid
from candidate c
where exists (
    from named n where list_contains(c.subjects, n.name) or n.name in (c.mdtrt_id, c.setl_id, c.omsgid)
)
"""


def arrivals(con: duckdb.DuckDBPyConnection, new: str, gone: Collection[Alert]) -> list[Arrived]:
    """Messages that name what the alerts that are gone name. `new`: SQL condition on the `seq` of what came since."""
    names = {
        name
        for alert in gone
        for name in (
            *alert.evidence,
            *alert.mdtrt_ids,
            *alert.setl_ids,
            alert.patn_id,
            alert.subject,
            alert.fixmedins_code,
        )
        if name
    }
    con.register("named", pa.table({"name": pa.array(sorted(names), pa.string())}))
    try:
        rows = con.execute(_SQL.format(new=new)).fetchall()
    finally:
        con.unregister("named")
    return [
        Arrived(msgid, inf_time, kind, tuple(subjects), *others)
        for msgid, inf_time, kind, subjects, *others in sorted(rows, key=lambda row: (row[1], row[0]))
    ]
