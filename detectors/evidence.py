"""The facts that alerts rest on, as rows of text: what is shown to whoever is to defend an alert, or to dispute it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import NamedTuple

import duckdb
import pyarrow as pa

from detectors import engine
from detectors.facts import fact_schemas

_BY_MSGID = pa.schema([("msgid", pa.string())])
_BY_SEQ = pa.schema([("seq", pa.uint64())])

#: What the queries are given, by name.
GIVEN = {"asked": _BY_MSGID, "passed_over": _BY_SEQ, "asked_message": _BY_SEQ}

#: Messages are looked up by msgid once; the tables then by `seq`, a number, which reads half as much.
_MESSAGES = "select seq from fact.message semi join asked using (msgid) anti join passed_over using (seq)"

_CONFLICTS = "select seq from fact_dropped where reason = 'conflict' order by seq"


class Row(NamedTuple):
    """A fact: its message; the table it stands in; its row within the message; when the platform saw it; itself as JSON."""

    msgid: str
    table: str
    row_no: int | None
    inf_time: datetime | None
    data: str


def queries(names: Iterable[str]) -> list[str]:
    """What `conflicts` and `rows` ask of these fact tables."""
    return [_MESSAGES, _CONFLICTS, *map(rows_of, names)]


@cache
def rows_of(name: str) -> str:
    """The query for the rows of a fact table that belong to the messages that are `asked` for, as `Row` has them."""
    columns = fact_schemas()[name].names
    shown = ", ".join(f'"{column}": f.{column}' for column in columns if column != "seq")
    row_no = "f.row_no" if "row_no" in columns else "null::integer"
    return (
        f"select distinct f.msgid, '{name}' as \"table\", {row_no} as row_no, f.inf_time, "
        f"to_json({{{shown}}})::varchar as data from fact.{name} f semi join asked_message using (seq)"
    )


def conflicts(con: duckdb.DuckDBPyConnection) -> list[int]:
    """`seq` of the messages that are none of the facts, since another content under their msgid is, in order."""
    return [seq for (seq,) in engine.execute(con, _CONFLICTS).fetchall()]


@contextmanager
def asked(
    con: duckdb.DuckDBPyConnection, msgids: Collection[str], without: Collection[int]
) -> Iterator[None]:
    """For as long as the block lasts, `rows_of` gives the rows of those messages but of none that is named by its `seq`."""
    by_msgid = pa.table([sorted(msgids)], schema=_BY_MSGID)
    with (
        engine.given(con, "asked", by_msgid),
        engine.given(con, "passed_over", pa.table([sorted(without)], schema=_BY_SEQ)),
    ):
        seqs = [seq for (seq,) in engine.execute(con, _MESSAGES).fetchall()]
    with engine.given(con, "asked_message", pa.table([seqs], schema=_BY_SEQ)):
        yield


def rows(
    con: duckdb.DuckDBPyConnection,
    msgids: Collection[str],
    names: Iterable[str],
    *,
    without: Collection[int] = (),
) -> list[Row]:
    """The rows of those messages in these fact tables, in order. `without`: the `seq` of messages that are none of the
    facts."""
    with asked(con, msgids, without):
        found = [Row(*row) for name in names for row in engine.execute(con, rows_of(name)).fetchall()]
    return sorted(found, key=lambda row: (row.msgid, row.table, row.row_no or 0, row.data))
