"""How far event time has come, for the whole system at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

#: How late an ordinary upload may be (engineering default).
LATENESS = timedelta(hours=2)

#: The institution whose clock counts, from the latest: one or two clocks that run ahead move nothing.
RANK = 3


def watermark(
    con: duckdb.DuckDBPyConnection, lateness: timedelta = LATENESS, *, table: str = "fact.message"
) -> datetime | None:
    """The third-highest of the institutions' latest `inf_time` (the lowest where there are fewer), less lateness.

    `table`: where the messages stand, `fact.message`, or `message` for a ledger that was imported. `None`: no
    institution has sent anything.
    """
    row = con.execute(
        f"""
        select min(latest) from (
            select max(inf_time) as latest from {table} where fixmedins_code is not null
            group by fixmedins_code order by latest desc limit {RANK}
        )
        """
    ).fetchone()
    latest: datetime | None = row[0] if row else None
    return latest - lateness if latest is not None else None
