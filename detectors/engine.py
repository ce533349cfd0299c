"""The one place that opens DuckDB: locked down, and set so that the machine cannot change a result."""

from __future__ import annotations

from pathlib import Path

import duckdb

#: What DuckDB may take of memory before it spills, where the caller does not say.
MEMORY_LIMIT = "4GB"

#: Checkpoints of a database in memory save nothing, and cost a quarter of a ledger's build.
NEVER = "1TB"


def connect(
    *, workspace: Path | None = None, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory for one evaluation.

    `workspace` is an existing folder of the caller's into which tables spill that are larger than `memory_limit` (as
    DuckDB writes it, "4GB"); without one, running out of memory is an error. `threads`: default all cores.
    """
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
    return duckdb.connect(":memory:", config=config)


def lock(con: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection the outside world for good: network, extensions, its own settings, and all files but
    those that its facts lie in (`facts.load` names them)."""
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
