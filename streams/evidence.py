"""The facts that alerts rest on, kept with a run: one Parquet file, one row a fact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from detectors import engine
from detectors.facts import fact_schemas
from rules.schema import ledger_columns

#: msgid; the table it stands in; its row within the message; when the platform saw it; the row as JSON.
SCHEMA = pa.schema(
    [
        ("msgid", pa.string()),
        ("table", pa.string()),
        ("row_no", pa.int32()),
        ("inf_time", pa.timestamp("us")),
        ("data", pa.string()),
    ]
)


def write_facts(
    con: duckdb.DuckDBPyConnection, msgids: Collection[str], path: Path, *, without: Collection[int] = ()
) -> int:
    """Write the fact rows of those messages, from a database whose `fact` schema is loaded. Returns their number.

    `without`: the `seq` of messages that are none of the facts, as another content under their msgid is.
    """
    return _write(fact_rows(con, msgids, fact_schemas(), without=without), path)


def fact_rows(
    con: duckdb.DuckDBPyConnection,
    msgids: Collection[str],
    names: Iterable[str],
    *,
    without: Collection[int] = (),
) -> pa.Table:
    """The rows of those messages in these fact tables, as `SCHEMA` has them, in order."""
    # Messages are looked up by msgid once; the other tables then by `seq`, a number, which reads half as much.
    with (
        _given(con, "asked", "msgid", pa.array(sorted(msgids), pa.string())),
        _given(con, "without", "seq", pa.array(sorted(without), pa.uint64())),
    ):
        con.execute(
            "create or replace temp table asked_message as "
            "select * from fact.message semi join asked using (msgid) anti join without using (seq)"
        )
    tables = []
    for name in names:
        schema = fact_schemas()[name]
        row_no = "f.row_no" if "row_no" in schema.names else "null::integer"
        shown = ", ".join(f'"{column}": f.{column}' for column in schema.names if column != "seq")
        source = (
            "asked_message f" if name == "message" else f"fact.{name} f semi join asked_message using (seq)"
        )
        tables.append(_rows(con, name, row_no, "f.inf_time", shown, source, "f.msgid"))
    return _ordered(tables)


def write_ledger_rows(con: duckdb.DuckDBPyConnection, msgids: Collection[str], path: Path) -> int:
    """As `write_facts`, for an imported ledger: its rows are the facts there are."""
    tables = []
    with _given(con, "asked", "msgid", pa.array(sorted(msgids), pa.string())):
        for name, columns in ledger_columns().items():
            key = "msgid" if "msgid" in columns else "adm_msgid" if "adm_msgid" in columns else None
            if key is None or name == "message":
                continue
            shown = ", ".join(f'"{column}": f.{column}' for column in columns)
            source = (
                f"{name} f semi join asked a on a.msgid = f.{key} left join message m on m.msgid = f.{key}"
            )
            tables.append(_rows(con, name, "null::integer", "m.inf_time", shown, source, f"f.{key}"))
    return _write(_ordered(tables), path)


@contextmanager
def _given(con: duckdb.DuckDBPyConnection, table: str, column: str, values: pa.Array) -> Iterator[None]:
    """The table of those values, for as long as the block lasts."""
    con.register(table, pa.table({column: values}))
    try:
        yield
    finally:
        con.unregister(table)


def _rows(
    con: duckdb.DuckDBPyConnection, name: str, row_no: str, inf_time: str, shown: str, source: str, key: str
) -> pa.Table:
    table = engine.query(
        con,
        f"select distinct {key} as msgid, '{name}' as \"table\", {row_no} as row_no, {inf_time} as inf_time, "
        f"to_json({{{shown}}})::varchar as data from {source}",
    ).to_arrow_table()
    return table.cast(SCHEMA)


def _ordered(tables: Sequence[pa.Table]) -> pa.Table:
    together = pa.concat_tables([table for table in tables if table.num_rows] or [SCHEMA.empty_table()])
    return together.sort_by([(column, "ascending") for column in ("msgid", "table", "row_no", "data")])


def _write(table: pa.Table, path: Path) -> int:
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)
