"""The facts that alerts rest on, kept with a run: one Parquet file, one row a fact."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from detectors import engine
from detectors.evidence import asked, rows_of
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
    with asked(con, msgids, without):
        tables = [_rows(con, rows_of(name)) for name in fact_schemas()]
    return _write(_ordered(tables), path)


def write_ledger_rows(con: duckdb.DuckDBPyConnection, msgids: Collection[str], path: Path) -> int:
    """As `write_facts`, for an imported ledger: its rows are the facts there are."""
    tables = []
    with engine.given(con, "asked", pa.table({"msgid": pa.array(sorted(msgids), pa.string())})):
        for name, columns in ledger_columns().items():
            key = "msgid" if "msgid" in columns else "adm_msgid" if "adm_msgid" in columns else None
            if key is None or name == "message":
                continue
            shown = ", ".join(f'"{column}": f.{column}' for column in columns)
            query = (
                f"select distinct f.{key} as msgid, '{name}' as \"table\", null::integer as row_no, m.inf_time, "
                f"to_json({{{shown}}})::varchar as data from {name} f semi join asked a on a.msgid = f.{key} "
                f"left join message m on m.msgid = f.{key}"
            )
            tables.append(_rows(con, query))
    return _write(_ordered(tables), path)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return engine.query(con, query).to_arrow_table().cast(SCHEMA)


def _ordered(tables: Sequence[pa.Table]) -> pa.Table:
    together = pa.concat_tables([table for table in tables if table.num_rows] or [SCHEMA.empty_table()])
    return together.sort_by([(column, "ascending") for column in ("msgid", "table", "row_no", "data")])


def _write(table: pa.Table, path: Path) -> int:
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)
