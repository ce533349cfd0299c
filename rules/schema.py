"""The tables and columns a rule may speak of, read from `ledger.sql` and `models.sql` by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import duckdb

LEDGER_SQL = Path(__file__).parent / "ledger.sql"
MACROS_SQL = Path(__file__).parent / "macros.sql"
MODELS_SQL = Path(__file__).parent / "models.sql"

#: The schema of what models say: `model.stay`.
MODEL = "model"


@cache
def ledger_columns() -> Mapping[str, Mapping[str, str]]:
    """Ledger table → column → SQL type, in the order of the file."""
    return _columns(LEDGER_SQL, "main", "")


@cache
def model_columns() -> Mapping[str, Mapping[str, str]]:
    """Table of what models say (`model.stay`) → column → SQL type, in the order of the file."""
    return _columns(MODELS_SQL, MODEL, f"{MODEL}.")


def _columns(file: Path, schema: str, prefix: str) -> Mapping[str, Mapping[str, str]]:
    con = duckdb.connect()
    con.execute(file.read_text(encoding="utf-8"))
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = $schema and not internal order by table_oid, column_index",
        {"schema": schema},
    ).fetchall():
        tables.setdefault(prefix + table, {})[column] = kind
    return MappingProxyType(tables)


def table_of(name: str) -> str:
    """The table of what a rule needs: `visit` of `visit.begntime`, `model.stay` of itself."""
    return name if name.startswith(f"{MODEL}.") else name.partition(".")[0]


@cache
def ledger_names() -> frozenset[str]:
    """Every name of the ledger that a rule may need: `table` and `table.column`."""
    tables = ledger_columns()
    return frozenset(tables) | {
        f"{table}.{column}" for table, columns in tables.items() for column in columns
    }
