"""Writing the files of a lake with the engine: sorted so that a person's rows lie together, cut where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from detectors.facts import fact_schemas
from streams.lake.layout import (
    BUCKET_SQL,
    BUCKETS,
    DROPPED,
    ROWS_A_GROUP,
    Part,
    order_by,
    quoted,
    schema_hash,
)


def write_part(
    con: duckdb.DuckDBPyConnection, lake: Path, path: str, query: str, table: str, version: int
) -> Iterator[Part]:
    """Write what a query gives as a file of a table; none where it gives nothing."""
    target = lake / path
    target.parent.mkdir(parents=True, exist_ok=True)
    row = con.execute(
        f"copy ({query}) to '{quoted(target)}' (format parquet, compression zstd, row_group_size {ROWS_A_GROUP}, "
        f"kv_metadata {{fundwatch_table: '{table}', fundwatch_schema: '{schema_hash()}'}})"
    ).fetchone()
    rows = int(row[0]) if row else 0
    if rows:
        yield Part(path, rows, version)
    else:
        target.unlink()


def write_month(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    table: str,
    span: str,
    name: str,
    query: str,
    version: int,
    *,
    cut: bool,
) -> Iterator[Part]:
    """Write the rows of a table and month, or of several months; `cut`: into the buckets of persons, where the table has persons."""
    if not (cut and "psn_no" in fact_schemas()[table].names):
        path = f"{Part.folder(table, span, None)}/{name}"
        yield from write_part(con, lake, path, f"{query} {order_by(table)}", table, version)
        return
    bucket = f"(case when psn_no is not null then {BUCKET_SQL} end)::tinyint as bucket"
    con.execute(
        f"create temp table month_rows as select {bucket}, * from ({query}) {order_by(table, 'bucket')}"
    )
    for number in (None, *range(BUCKETS)):
        which = "is null" if number is None else f"= {number}"
        some = f"select * exclude (bucket) from month_rows where bucket {which}"
        yield from write_part(con, lake, f"{Part.folder(table, span, number)}/{name}", some, table, version)
    con.execute("drop table month_rows")


def write_dropped(
    con: duckdb.DuckDBPyConnection, lake: Path, name: str, query: str, version: int
) -> Iterator[Part]:
    """Write a list of copies of messages that are not the fact."""
    yield from write_part(con, lake, f"{DROPPED}/{name}", f"{query} order by seq", DROPPED, version)


def files_in_sql(paths: Iterable[Path | str], *options: str) -> str:
    """Files as SQL reads them."""
    names = ", ".join(f"'{quoted(path)}'" for path in paths)
    return f"read_parquet({', '.join([f'[{names}]', 'hive_partitioning = false', *options])})"
