"""The one place that opens DuckDB: locked down, and set so that the machine cannot change a result."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B", re.IGNORECASE)

#: What DuckDB may take of memory before it spills, where the caller does not say.
MEMORY_LIMIT = "6GB"

#: Checkpoints of a database in memory save nothing, and cost a quarter of a ledger's build.
NEVER = "1TB"

#: Each slice reads all facts once more, so that beyond some of them time is lost and nothing won.
MOST_SLICES = 16

#: On few facts these take longer than what they save. To leave out others, too, saved nothing more.
_NOT_FOR_FEW = (
    "common_subexpressions",
    "common_subplan",
    "join_order",
    "projection_placement",
    "projection_pullup",
    "statistics_propagation",
)

#: Statements that were planned, by their text, of each database.
_planned: WeakKeyDictionary[duckdb.DuckDBPyConnection, dict[str, duckdb.Statement]] = WeakKeyDictionary()


class _Standing:
    """What stands under a name in a database, of one schema: now these rows, now others."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.nothing = schema.empty_table()
        self.rows = self.nothing

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


#: What stands, by its name, in each database.
_standing: WeakKeyDictionary[duckdb.DuckDBPyConnection, dict[str, _Standing]] = WeakKeyDictionary()

#: Bytes of a ledger in memory for each message that is a fact, measured on a simulated county.
BYTES_A_FACT = 700


def connect(
    *,
    workspace: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
    expected_facts: int = 0,
    few_facts: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open an empty database for one evaluation, in memory or, where the ledger would not fit, in a file.

    `workspace` is an existing folder of the caller's into which tables spill that are larger than `memory_limit` (as
    DuckDB writes it, "4GB"); without one, running out of memory is an error. `threads`: default all cores.
    `expected_facts`: messages that a ledger is to be built of. Tables in a file are compressed, which costs half of
    the ledger's time again, but to spill them from memory and fetch them back for every rule costs more. `few_facts`:
    evaluations will be of few facts (some 200,000 rows), so that plans need not be the best.
    """
    database = ":memory:"
    if workspace is not None and expected_facts * BYTES_A_FACT > in_bytes(memory_limit):
        database = str(workspace / "ledger.duckdb")
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "checkpoint_threshold": NEVER,
        "preserve_insertion_order": False,
        "default_null_order": "nulls_last",
        "allocator_flush_threshold": NEVER,
        "allocator_bulk_deallocation_flush_threshold": NEVER,
        "temp_directory": str(workspace / "spill") if workspace else "",
    }
    if threads is not None:
        config["threads"] = threads
    if few_facts:
        config["disabled_optimizers"] = ",".join(_NOT_FOR_FEW)
    con = duckdb.connect(database, config=config)
    con.execute("pragma disable_checkpoint_on_shutdown")
    # A lake's files are read by many statements, and never change.
    con.execute("set parquet_metadata_cache = true")
    return con


def plan(con: duckdb.DuckDBPyConnection, statements: Iterable[str]) -> None:
    """Plan statements of this text once for all the times that `execute` runs them, as long as no table of theirs is made
    anew. On few facts to plan takes longer than to run.

    The database must not be closed to settings yet (`lock`). The plans are not optimized: they do just what the
    statements say, in that order, so that they rest on nothing that the tables held when they were made (DuckDB plans
    anew where an optimizer has had a say). Where facts are many they would be slow. A statement that is refused is left to
    `execute`, whose caller knows whose it is.
    """
    planned = _planned.setdefault(con, {})
    con.execute("set enable_optimizer = false")
    for sql in statements:
        if sql in planned:
            continue
        number = len(planned)
        try:
            con.execute(f"prepare planned_{number} as {sql}")
        except duckdb.Error:
            continue
        (planned[sql],) = duckdb.extract_statements(f"execute planned_{number}")
    con.execute("set enable_optimizer = true")


def stand(con: duckdb.DuckDBPyConnection, schemas: Mapping[str, pa.Schema]) -> None:
    """Have these names stand in the database for whatever `given` gives under them. Statements that read it can be planned
    once (`plan`); to register a table and to plan a statement anew takes longer than to read a few hundred rows."""
    standing = _standing.setdefault(con, {})
    for name, schema in schemas.items():
        standing[name] = _Standing(schema)
        con.register(name, standing[name])


@contextmanager
def given(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """An Arrow table under a name in the database, for as long as the block lasts."""
    standing = _standing.get(con, {}).get(name)
    if standing is None:
        con.register(name, table)
        try:
            yield
        finally:
            con.unregister(name)
    else:
        is_so = table.schema.equals(standing.schema)  # to cast what is so already takes as long as to read it
        standing.rows = table if is_so else table.select(standing.schema.names).cast(standing.schema)
        try:
            yield
        finally:
            standing.rows = standing.nothing


def execute(
    con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any] | Sequence[Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """Run statements whose text comes again and again: it is parsed once, and perhaps planned (`plan`)."""
    planned = _planned.get(con, {}).get(sql)
    if planned is not None:
        return con.execute(planned)
    *before, last = _parsed(sql)
    for statement in before:
        con.execute(statement)
    return con.execute(last, values)


def query(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """As `execute`, of one query whose result is wanted as Arrow."""
    (statement,) = _parsed(sql)
    return con.sql(statement)


@lru_cache(maxsize=1000)
def _parsed(sql: str) -> tuple[duckdb.Statement, ...]:
    return tuple(duckdb.extract_statements(sql))


def slices(expected_facts: int, memory_limit: str) -> int:
    """In how many parts the joins of a ledger of so many facts are to be made."""
    wanted = math.ceil(expected_facts * BYTES_A_FACT / in_bytes(memory_limit))
    return min(max(wanted, 1), MOST_SLICES)


def in_bytes(amount: str) -> float:
    """An amount of memory as DuckDB writes it: "4GB", "800 MiB"."""
    found = _AMOUNT.fullmatch(amount.strip())
    if found is None:
        raise ValueError(f"{amount!r} is no amount of memory")
    number, unit, binary = found.groups()
    return float(number) * float(1024 if binary else 1000) ** ("KMGT".index(unit.upper()) + 1)


def lock(con: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection the outside world for good: network, extensions, its own settings, and all files but
    those that its facts lie in (`facts.load` names them)."""
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
