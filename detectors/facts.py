"""Facts: decoded messages as flat typed tables, nothing resolved (columns: `ledger/facts.sql`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

FACTS_SQL = Path(__file__).parent / "ledger" / "facts.sql"


@cache
def fact_schemas() -> dict[str, pa.Schema]:
    """The Arrow schema of each fact table, by its name without the schema prefix ("fee_line")."""
    con = duckdb.connect()
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    names = [
        name
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where schema_name = 'fact' order by table_oid"
        ).fetchall()
    ]
    return {name: con.sql(f"select * from fact.{name} limit 0").to_arrow_table().schema for name in names}


def empty_table(name: str) -> pa.Table:
    """A fact table of that name without rows."""
    return fact_schemas()[name].empty_table()


def renumbered(tables: Mapping[str, pa.Table], first: int) -> tuple[dict[str, pa.Table], int]:
    """The same rows with `seq` from `first` on, without gaps and in the same order; and the number after the last."""
    if not tables:
        return {}, first
    chunks = [chunk for table in tables.values() for chunk in table["seq"].chunks]
    old = pc.unique(pa.chunked_array(chunks, pa.uint64()))
    old = old.take(pc.sort_indices(old))
    start = pa.scalar(first, pa.uint64())
    numbered = {
        name: table.set_column(0, "seq", pc.add(pc.index_in(table["seq"], old).cast(pa.uint64()), start))
        for name, table in tables.items()
    }
    return numbered, first + len(old)


@dataclass(frozen=True)
class Parquet:
    """Fact rows that wait in Parquet files. `where` is an SQL condition on them ("" for all rows)."""

    files: tuple[str, ...]
    where: str = ""


Source: TypeAlias = "pa.Table | Parquet"


@dataclass(frozen=True)
class Facts:
    """A set of facts: for each fact table the sources whose rows together make it.

    `unique` says that every msgid stands in these sources once, so that nothing needs to be looked for twice.
    `as_of`: messages that the platform saw later do not exist.
    """

    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    unique: bool = False
    as_of: datetime | None = None

    @staticmethod
    def of(tables: Mapping[str, pa.Table], *, unique: bool = False) -> Facts:
        return Facts({name: (table,) for name, table in tables.items()}, unique)

    @staticmethod
    def union(parts: Iterable[Facts]) -> Facts:
        """All rows of several sets. Their `seq` must not overlap. Raises ValueError where `as_of` differs."""
        united = list(parts)
        times = {part.as_of for part in united}
        if len(times) > 1:
            raise ValueError("facts as of different times cannot be united")
        sources: dict[str, list[Source]] = {}
        for part in united:
            for name, some in part.sources.items():
                sources.setdefault(name, []).extend(some)
        return Facts({name: tuple(some) for name, some in sources.items()}, as_of=next(iter(times), None))


def load(con: duckdb.DuckDBPyConnection, facts: Facts, subjects: Collection[str] | None = None) -> None:
    """Make the `fact` schema of an empty database: views on the sources given, empty tables for the others.

    `subjects`: the persons wanted; rows of others are left out, rows that name no person stay.
    """
    con.execute(FACTS_SQL.read_text(encoding="utf-8"))
    if subjects is not None:
        con.execute(
            "create table wanted_person as select unnest($ids::varchar[]) as psn_no",
            {"ids": sorted(subjects)},
        )
    files = [
        path
        for some in facts.sources.values()
        for one in some
        if isinstance(one, Parquet)
        for path in one.files
    ]
    # Views on the files must still read when the database has been closed to everything else.
    con.execute(f"set allowed_paths = [{_quoted(files)}]")
    schemas = fact_schemas()
    for name, sources in facts.sources.items():
        if not sources:
            continue
        columns = ", ".join(schemas[name].names)
        parts = [
            f"select {columns} from {_origin(con, name, number, source)}"
            for number, source in enumerate(sources)
        ]
        conditions = []
        if facts.as_of is not None:
            conditions.append(f"inf_time <= timestamp '{facts.as_of:%Y-%m-%d %H:%M:%S}'")
        if subjects is not None and "psn_no" in schemas[name].names:
            conditions.append("(psn_no is null or psn_no in (select psn_no from wanted_person))")
        condition = f" where {' and '.join(conditions)}" if conditions else ""
        con.execute(f"drop table fact.{name}")
        con.execute(f"create view fact.{name} as select * from ({' union all '.join(parts)}){condition}")


def _origin(con: duckdb.DuckDBPyConnection, name: str, number: int, source: Source) -> str:
    if isinstance(source, Parquet):
        where = f" where {source.where}" if source.where else ""
        return f"read_parquet([{_quoted(source.files)}], hive_partitioning = false){where}"
    view = f"arrow_{name}_{number}"
    con.register(view, source)
    return view


def _quoted(paths: Iterable[str]) -> str:
    return ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
