"""The engine: in memory while the ledger fits, in a file when it would not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from detectors import engine


def _file(con: duckdb.DuckDBPyConnection) -> str | None:
    row = con.execute("select path from duckdb_databases() where not internal").fetchone()
    assert row is not None
    path: str | None = row[0]
    return path


@pytest.mark.parametrize(
    ("amount", "size"),
    [
        ("4GB", 4e9),
        ("800 MB", 8e8),
        ("1.5gb", 1.5e9),
        ("1KiB", 1024),
        ("2 GiB", 2 * 1024**3),
        ("1TB", 1e12),
    ],
)
def test_amounts_of_memory(amount: str, size: float) -> None:
    assert engine.in_bytes(amount) == size


@pytest.mark.parametrize("amount", ["", "much", "4", "GB", "-1GB", "4GB or so"])
def test_what_is_no_amount_of_memory(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount of memory"):
        engine.in_bytes(amount)


def test_a_ledger_that_would_not_fit_in_memory_lies_in_a_file(tmp_path: Path) -> None:
    fits = 100_000_000 // engine.BYTES_A_FACT
    con = engine.connect(workspace=tmp_path, memory_limit="100MB", expected_facts=fits)
    assert _file(con) is None
    con.close()
    con = engine.connect(workspace=tmp_path, memory_limit="100MB", expected_facts=fits + 1)
    assert Path(str(_file(con))).parent == tmp_path
    con.execute("create table t as select range as n from range(1000)")
    engine.lock(con)
    assert con.execute("select sum(n) from t").fetchone() == (499_500,)
    con.close()


def test_without_a_workspace_everything_is_in_memory() -> None:
    con = engine.connect(memory_limit="100MB", expected_facts=10**9)
    assert _file(con) is None
    con.close()


def test_joins_are_cut_as_often_as_the_ledger_is_larger_than_memory() -> None:
    fits = 70_000_000 // engine.BYTES_A_FACT
    assert [engine.slices(facts, "70MB") for facts in (0, fits, fits + 1, 5 * fits, 99 * fits)] == [
        1,
        1,
        2,
        5,
        engine.MOST_SLICES,
    ]
