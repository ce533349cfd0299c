"""The facts that alerts rest on, live and in a replay; and that what an evaluation runs is planned once."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from detectors import engine, evidence
from detectors.facts import Facts, load
from detectors.standing import StandingKernel
from streams.evidence import write_facts
from tests.promises.conftest import Judged
from tests.promises.kernel import PARAMS, knowledge, models
from tests.streams.live import town
from tests.streams.live.site import tables_of
from tests.streams.live.test_batches import RULES, of_persons, world

_MSGID = re.compile(rb'"msgid":"([^"]+)"')

__all__ = ["of_persons", "world"]


def test_the_rows_of_an_alert_are_those_that_a_replay_writes(
    world: Judged, of_persons: StandingKernel, tmp_path: Path
) -> None:
    tables = tables_of(world.lines)
    with of_persons.judged(tables, world.watermark) as judged:
        msgids = {msgid for alert in judged.result.alerts for msgid in alert.evidence}
        without = evidence.conflicts(judged.con)
        live = evidence.rows(judged.con, msgids, sorted(of_persons.reads & tables.keys()), without=without)
    con = engine.connect()
    load(con, Facts.of(tables))
    write_facts(con, msgids, tmp_path / "facts.parquet", without=without)
    con.close()
    written = pq.read_table(tmp_path / "facts.parquet").to_pylist()
    assert {row.msgid for row in live} == msgids
    assert [row._asdict() for row in live] == [row for row in written if row["table"] in of_persons.reads]


def test_evidence_tells_apart_what_lost_to_another_content() -> None:
    """Of two contents under one msgid the rows of the fact alone are shown."""
    con = engine.connect()
    first, other = (town.died(day, seen=day, msgid="D") for day in (3, 4))
    tables = tables_of([first, other, first])
    load(con, Facts.of(tables))
    for without, days in ([], {3, 4}), ([1], {3}), ([0, 2], {4}):
        rows = evidence.rows(con, ["D", "E"], ["death", "message"], without=without)
        assert {row.inf_time for row in rows} == {town.at(day) for day in days}
        assert [row.table for row in rows] == ["death"] * len(days) + ["message"] * len(days)
    con.close()


def test_nothing_is_planned_while_an_evaluation_runs(world: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    of_persons = StandingKernel(RULES, knowledge(), PARAMS, models(), threads=1)
    parsed = []
    real = engine._parsed
    monkeypatch.setattr(engine, "_parsed", lambda sql: parsed.append(sql) or real(sql))
    # what is not planned beforehand is how to do without the copies of messages
    tables = tables_of(
        [*{_MSGID.findall(line)[-1]: line for line in world.lines if _MSGID.findall(line)}.values()]
    )
    for _ in range(2):
        with of_persons.judged(tables, world.watermark) as judged:
            msgids = {msgid for alert in judged.result.alerts for msgid in alert.evidence}
            without = evidence.conflicts(judged.con)
            assert evidence.rows(judged.con, msgids, sorted(of_persons.reads), without=without)
    of_persons.close()
    assert set(parsed) == {"begin", "rollback"}
