"""The engine: in memory while the ledger fits, in a file when it would not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
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


@pytest.fixture
def small() -> Iterator[duckdb.DuckDBPyConnection]:
    con = engine.connect(threads=1, few_facts=True)
    con.execute("create table t (n integer); create table u (n integer, name varchar)")
    con.execute("create temp macro now_said() as 'before'")
    yield con
    con.close()


OF_BOTH = "select n, count(*), max(name) from t left join u using (n) group by n order by n"


def test_a_planned_statement_sees_what_the_tables_hold_when_it_runs(small: duckdb.DuckDBPyConnection) -> None:
    engine.plan(small, [OF_BOTH, "insert into u select n, 'more' from t", OF_BOTH])
    engine.lock(small)
    assert engine.execute(small, OF_BOTH).fetchall() == []
    for rows in (3, 5000, 1):
        small.execute("begin")
        small.execute(f"insert into t select range from range({rows})")
        engine.execute(small, "insert into u select n, 'more' from t")
        small.execute("insert into u values (0, 'one')")
        found = engine.execute(small, OF_BOTH).fetchall()
        assert found == small.execute(OF_BOTH).fetchall()
        assert found[0] == (0, 2, "one")
        assert len(found) == rows
        small.execute("rollback")
        assert engine.execute(small, OF_BOTH).fetchall() == []


def test_a_planned_statement_is_not_planned_again(small: duckdb.DuckDBPyConnection) -> None:
    """A macro of another database than the tables' would be read again if it were."""
    asking = "select now_said(), n from t"
    engine.plan(small, [asking])
    small.execute("insert into t values (1)")
    small.execute("create or replace temp macro now_said() as 'after'")
    assert engine.execute(small, asking).fetchall() == [("before", 1)]
    assert small.execute(asking).fetchall() == [("after", 1)]


def test_a_planned_statement_is_planned_again_where_its_table_was_made_anew(
    small: duckdb.DuckDBPyConnection,
) -> None:
    engine.plan(small, ["select * from t"])
    small.execute("drop table t; create table t (m varchar); insert into t values ('new')")
    assert engine.execute(small, "select * from t").fetchall() == [("new",)]


def test_a_statement_that_is_refused_is_refused_when_it_runs(small: duckdb.DuckDBPyConnection) -> None:
    engine.plan(small, ["select nothing from t", "select n from t"])
    with pytest.raises(duckdb.BinderException, match="nothing"):
        engine.execute(small, "select nothing from t")
    assert engine.execute(small, "select n from t").fetchall() == []


NAMED = pa.schema([("n", pa.int32()), ("name", pa.string())])
OF_GIVEN = "select name, n from guest join t using (n) order by n"


@pytest.mark.parametrize("stands", [True, False])
def test_what_is_given_is_there_for_as_long_as_the_block_lasts(
    small: duckdb.DuckDBPyConnection, stands: bool
) -> None:
    if stands:
        engine.stand(small, {"guest": NAMED})
        engine.plan(small, [OF_GIVEN])
    engine.lock(small)
    small.execute("insert into t select range from range(5000)")
    for names in (["a"], ["b", "c"] * 2000, []):
        given = pa.table({"name": names, "n": pa.array(range(len(names)), pa.int32())})
        with engine.given(small, "guest", given):
            found = engine.execute(small, OF_GIVEN).fetchall()
        assert found == list(zip(names, range(len(names)), strict=True))
    with pytest.raises(RuntimeError), engine.given(small, "guest", given):
        raise RuntimeError
    if stands:
        assert engine.execute(small, OF_GIVEN).fetchall() == []
    else:
        with pytest.raises(duckdb.CatalogException):
            engine.execute(small, OF_GIVEN)


def test_a_statement_over_what_stands_is_not_planned_again(small: duckdb.DuckDBPyConnection) -> None:
    asking = "select now_said(), name from guest"
    engine.stand(small, {"guest": NAMED})
    engine.plan(small, [asking])
    small.execute("create or replace temp macro now_said() as 'after'")
    for name in ("a", "b"):
        with engine.given(small, "guest", pa.table({"n": pa.array([1], pa.int32()), "name": [name]})):
            assert engine.execute(small, asking).fetchall() == [("before", name)]


def test_what_stands_is_of_one_schema(small: duckdb.DuckDBPyConnection) -> None:
    engine.stand(small, {"guest": NAMED})
    with (
        pytest.raises(pa.ArrowInvalid),
        engine.given(small, "guest", pa.table({"n": ["many"], "name": ["a"]})),
    ):
        pass
    assert small.execute("select count(*) from guest").fetchone() == (0,)
