"""Facts on their way into the database: united, cut at a time, narrowed to persons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors import engine
from detectors.facts import Facts, Parquet, empty_table, fact_schemas, load
from tests.detectors.bench import day


def admissions(*rows: tuple[str, int, str | None]) -> pa.Table:
    """Rows of msgid, day and person."""
    schema = fact_schemas()["admission"]
    full = [
        {**dict.fromkeys(schema.names), "seq": n, "msgid": msgid, "inf_time": day(when), "psn_no": person}
        for n, (msgid, when, person) in enumerate(rows)
    ]
    return pa.Table.from_pylist(full, schema=schema)


def loaded(facts: Facts, subjects: list[str] | None = None) -> list[Any]:
    con = engine.connect()
    load(con, facts, subjects)
    assert set(fact_schemas()) == {
        name
        for (name,) in con.execute(
            "select table_name from information_schema.tables where table_schema = 'fact'"
        ).fetchall()
    }
    return [msgid for (msgid,) in con.execute("select msgid from fact.admission order by msgid").fetchall()]


TABLE = admissions(("a", 1, "P1"), ("b", 2, "P2"), ("c", 3, None))


@pytest.mark.parametrize(
    ("facts", "subjects", "expected"),
    [
        pytest.param(Facts(), None, [], id="none"),
        pytest.param(Facts.of({"admission": TABLE}), None, ["a", "b", "c"], id="all"),
        pytest.param(Facts({"admission": (TABLE,)}, as_of=day(2)), None, ["a", "b"], id="as of a time"),
        pytest.param(Facts.of({"admission": TABLE}), ["P2"], ["b", "c"], id="of a person, and of nobody"),
        pytest.param(Facts.of({"admission": TABLE}), [], ["c"], id="of nobody"),
        pytest.param(
            Facts({"admission": (TABLE,)}, as_of=day(2)), ["P1"], ["a"], id="of a person as of a time"
        ),
        pytest.param(Facts({"admission": ()}), None, [], id="a table without sources"),
        pytest.param(Facts.of({"admission": empty_table("admission")}), None, [], id="a table without rows"),
    ],
)
def test_load(facts: Facts, subjects: list[str] | None, expected: list[str]) -> None:
    assert loaded(facts, subjects) == expected


def test_a_union_has_the_rows_of_all_parts(tmp_path: Path) -> None:
    path = tmp_path / "it's one.parquet"
    pq.write_table(admissions(("d", 4, "P1"), ("e", 5, "P9")), path)
    stored = Facts({"admission": (Parquet((str(path),), "psn_no <> 'P9'"),)})
    together = Facts.union([Facts.of({"admission": TABLE}, unique=True), stored])
    assert loaded(together) == ["a", "b", "c", "d"]
    assert not together.unique, "a msgid may stand in two parts"


def test_files_of_facts_are_the_only_ones_that_a_closed_database_still_reads(tmp_path: Path) -> None:
    facts, other = tmp_path / "facts.parquet", tmp_path / "other.parquet"
    for path in (facts, other):
        pq.write_table(TABLE, path)
    con = engine.connect()
    load(con, Facts({"admission": (Parquet((str(facts),)),)}))
    engine.lock(con)
    assert con.execute("select count(*) from fact.admission").fetchall() == [(3,)]
    with pytest.raises(duckdb.Error, match="disabled"):
        con.execute(f"select * from read_parquet('{other}')")


def test_a_union_keeps_no_time_of_its_parts_unless_all_agree() -> None:
    one, two = Facts({"admission": (TABLE,)}, as_of=day(2)), Facts(as_of=day(2))
    assert Facts.union([one, two]).as_of == day(2)
    with pytest.raises(ValueError, match="as of different times"):
        Facts.union([one, Facts()])
