"""The spool: the same facts, whether they stay in memory or are written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import engine
from detectors.facts import Parquet, load
from streams.spool import Spool
from streams.wire import decode
from tests.streams import small_world


@pytest.mark.parametrize(
    "in_memory", [0, 200_000, 1 << 30], ids=["all written", "some written", "none written"]
)
def test_facts_do_not_depend_on_where_they_wait(in_memory: int, tmp_path: Path) -> None:
    lines = small_world.lines()[:300]
    spool = Spool(tmp_path, in_memory)
    for first in range(0, len(lines), 100):
        batch = lines[first : first + 100]
        spool.add(decode(batch, source="log", first_line=first + 1, first_seq=first, key=b"k" * 16).tables)
    facts = spool.facts()
    assert any(isinstance(source, Parquet) for some in facts.sources.values() for source in some) is (
        in_memory < 1 << 30
    )
    whole = decode(lines, source="log", first_line=1, first_seq=0, key=b"k" * 16).tables
    assert set(facts.sources) == set(whole)
    con = engine.connect()
    load(con, facts)
    for name, table in whole.items():
        con.register("wanted", table)
        there = f"select * from fact.{name}"
        assert (
            con.execute(
                f"(({there}) except all from wanted) union all (from wanted except all ({there}))"
            ).fetchall()
            == []
        )


def test_nothing_added_is_no_facts(tmp_path: Path) -> None:
    assert Spool(tmp_path).facts().sources == {}
