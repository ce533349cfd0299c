"""The ledger's tables and columns, read from `ledger.sql` by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import duckdb

LEDGER_SQL = Path(__file__).parent / "ledger.sql"
MACROS_SQL = Path(__file__).parent / "macros.sql"


@cache
def ledger_columns() -> Mapping[str, Mapping[str, str]]:
    """Ledger table → column → SQL type, in the order of the file."""
    con = duckdb.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'main' and not internal order by table_oid, column_index"
    ).fetchall():
        tables.setdefault(table, {})[column] = kind
    return MappingProxyType(tables)


@cache
def ledger_names() -> frozenset[str]:
    """Every name a rule may need: `table` and `table.column`."""
    tables = ledger_columns()
    return frozenset(tables) | {
        f"{table}.{column}" for table, columns in tables.items() for column in columns
    }
