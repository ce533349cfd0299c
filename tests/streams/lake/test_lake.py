"""A lake holds what its logs say, each event once, and a replay of it reads the same facts and counts."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from detectors import facts as fact_tables
from detectors import ledger
from detectors.facts import Facts, fact_schemas
from streams.errors import Refused
from streams.inputs import LogCounts, read_logs
from streams.lake import Lake, bucket_of, build_lake, is_lake, layout, manifest, open_lake
from tests.streams.wire.samples import PERSON, SAMPLES

KEY = b"test"
START = datetime.fromisoformat("2026-01-20 00:00:00")


def events(count: int, *, first: int = 0, step_hours: int = 3) -> list[bytes]:
    """Messages of all kinds of some persons, over several months."""
    templates = [json.dumps(each, ensure_ascii=False) for each in SAMPLES.values()]
    lines = []
    for number in range(first, first + count):
        message = json.loads(
            templates[number % len(templates)].replace(PERSON, f"9900000000000000{number % 5:04}")
        )
        message["msgid"] = f"E{number:06}"
        message["inf_time"] = f"{START + timedelta(hours=step_hours * number):%Y-%m-%d %H:%M:%S}"
        lines.append(json.dumps(message, ensure_ascii=False).encode())
    return lines


def changed(line: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(line), **fields}, ensure_ascii=False).encode()


def write(path: Path, lines: Sequence[bytes]) -> str:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return str(path)


def rows(facts: Facts) -> dict[str, list[tuple[Any, ...]]]:
    """All facts that stand, by table, without their numbers."""
    con = duckdb.connect()
    fact_tables.load(con, facts)
    if facts.unique:
        con.execute("create table fact_dropped (seq ubigint)")
    else:
        ledger.identity(con)
    return {
        name: con.execute(
            f"select * exclude (seq) from fact.{name} anti join fact_dropped using (seq) order by all"
        ).fetchall()
        for name in fact_schemas()
    }


def from_logs(
    tmp_path: Path, logs: Sequence[str], as_of: datetime | None = None
) -> tuple[dict[str, Any], LogCounts, list[Any]]:
    """What a replay of the logs reads: facts, counts, rejects."""
    source = read_logs(logs, tmp_path, KEY, 1, lambda *_: None)
    con = duckdb.connect()
    facts = source.facts(as_of)
    fact_tables.load(con, facts)
    (seen,) = con.execute("select count(*) from fact.message").fetchone() or (0,)
    ledger.identity(con)
    dropped = con.execute("select seq, reason from fact_dropped order by seq").fetchall()
    conflicts = [seq for seq, reason in dropped if reason == "conflict"]
    later = source.counts.facts - seen if as_of else 0
    counts = source.counts.settled(len(dropped) - len(conflicts), len(conflicts), later)
    return rows(facts), counts, [*source.rejects(), *source.conflict_rejects(conflicts)]


def from_lake(lake: Lake) -> tuple[dict[str, Any], LogCounts, list[Any]]:
    facts = lake.facts()
    con = duckdb.connect()
    fact_tables.load(con, facts)
    (seen,) = con.execute("select count(*) from fact.message").fetchone() or (0,)
    counts = lake.counts.settled(0, 0, lake.counts.facts - seen if lake.as_of else 0)
    return rows(facts), counts, list(lake.rejects())


@pytest.fixture
def log(tmp_path: Path) -> list[str]:
    """Two files with duplicates, conflicts, bad lines and failed transactions."""
    lines = events(150)
    lines += [
        lines[3],
        lines[3],
        lines[60],
        changed(lines[5], opter="other"),
        changed(lines[90], inf_time="2026-01-01 00:00:00"),
    ]
    lines += [b"not json", b"{}", changed(lines[7], msgid="F1", response={"infcode": -1})]
    random.Random(1).shuffle(lines)
    return [write(tmp_path / "a.jsonl", lines[:100]), write(tmp_path / "b.jsonl", lines[100:])]


@pytest.mark.parametrize("time", [None, "2026-01-29 12:00:00", "2020-01-01 00:00:00"])
def test_a_lake_reads_as_its_logs(tmp_path: Path, log: list[str], time: str | None) -> None:
    as_of = datetime.fromisoformat(time) if time else None
    report = build_lake(log, tmp_path / "lake", KEY, processes=1)
    facts, counts, rejects = from_lake(open_lake(tmp_path / "lake", as_of=as_of))
    expected = from_logs(tmp_path / "work", log, as_of)
    assert facts == expected[0]
    assert counts == expected[1]
    assert rejects == expected[2]
    if as_of is None:
        assert counts == report.counts
        assert (counts.duplicates, counts.rejected["msgid_conflict"]) == (3, 2)


def test_adding_logs_one_by_one_gives_the_lake_of_all(tmp_path: Path, log: list[str]) -> None:
    build_lake(log, tmp_path / "all", KEY, processes=1)
    build_lake(log[:1], tmp_path / "lake", KEY, processes=1)
    build_lake(log[1:], tmp_path / "lake", KEY, processes=1, append=True)
    together, added = open_lake(tmp_path / "all"), open_lake(tmp_path / "lake")
    assert rows(added.facts()) == rows(together.facts())
    assert added.counts == together.counts
    assert added.described() == together.described()
    assert len(list(added.rejects())) == len(list(together.rejects()))


def test_what_is_added_twice_is_there_once(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl", events(80))
    first = build_lake([log], tmp_path / "lake", KEY, processes=1)
    again = build_lake([log], tmp_path / "lake", KEY, processes=1, append=True)
    assert (again.counts.facts, again.counts.duplicates) == (0, first.counts.facts)
    assert rows(again.lake.facts()) == rows(Lake(tmp_path / "lake", first.lake.manifest).facts())


def test_a_smaller_content_that_comes_later_replaces_what_is_there(tmp_path: Path) -> None:
    lines = events(60)
    build_lake([write(tmp_path / "a.jsonl", lines)], tmp_path / "lake", KEY, processes=1)
    earlier = changed(lines[14], inf_time="2026-01-01 00:00:00")
    report = build_lake(
        [write(tmp_path / "b.jsonl", [earlier])], tmp_path / "lake", KEY, processes=1, append=True
    )
    assert (
        rows(report.lake.facts())
        == from_logs(tmp_path / "work", [write(tmp_path / "c.jsonl", [*lines[:14], earlier, *lines[15:]])])[0]
    )
    (reject,) = report.lake.rejects()
    assert (reject["msgid"], reject["reason_code"]) == ("E000014", "msgid_conflict")


def test_the_files_have_exactly_the_fact_schemas(tmp_path: Path) -> None:
    build_lake([write(tmp_path / "a.jsonl", events(80))], tmp_path / "lake", KEY, processes=1)
    lake = open_lake(tmp_path / "lake")
    assert len(lake.manifest.parts) > 15
    for table, parts in lake.manifest.parts.items():
        for part in parts:
            file = pq.ParquetFile(tmp_path / "lake" / part.path)
            assert file.schema_arrow.remove_metadata().equals(fact_schemas()[table]), table
            assert file.metadata.metadata[b"fundwatch_schema"].decode() == layout.schema_hash()
            times = file.read(columns=["inf_time"])["inf_time"].to_pylist()
            assert {f"{time:%Y-%m}" for time in times} == {part.span}


def test_large_months_are_cut_into_buckets_and_a_person_is_found_in_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [write(tmp_path / "a.jsonl", events(300, step_hours=2))]
    whole = build_lake(log, tmp_path / "whole", KEY, processes=1)
    monkeypatch.setattr("streams.lake.build.ROWS_TO_CUT", 10)
    cut = build_lake(log, tmp_path / "cut", KEY, processes=1)
    assert rows(cut.lake.facts()) == rows(whole.lake.facts())
    person = "99000000000000000003"
    wanted = cut.lake.facts(persons=[person])
    files = [file for source in wanted.sources["message"] for file in getattr(source, "files", ())]
    assert {Path(file).parent.name for file in files} <= {f"bucket={bucket_of(person):02}", "bucket=shared"}
    con, everything = duckdb.connect(), duckdb.connect()
    fact_tables.load(con, wanted, [person])
    fact_tables.load(everything, cut.lake.facts(), [person])
    for table in fact_schemas():
        query = f"select * from fact.{table} order by all"
        assert con.execute(query).fetchall() == everything.execute(query).fetchall()


def test_of_a_span_the_months_in_it_are_read(tmp_path: Path) -> None:
    log = [write(tmp_path / "a.jsonl", events(300, step_hours=10))]
    lake = build_lake(log, tmp_path / "lake", KEY, processes=1).lake
    months = sorted({part.span for part in lake.manifest.parts["message"]})
    assert len(months) > 3
    first, last = (datetime.strptime(month, "%Y-%m") for month in (months[1], months[2]))  # noqa: DTZ007 of the platform
    spanned = lake.facts(since=first + timedelta(days=9), as_of=last + timedelta(days=9))
    files = [file for source in spanned.sources["message"] for file in getattr(source, "files", ())]
    assert {Path(file).parent.parent.name for file in files} == {f"month={months[1]}", f"month={months[2]}"}


def test_a_bucket_is_the_same_in_python_and_in_the_database() -> None:
    for psn_no in ("99000000000000000001", "张", ""):
        row = (
            duckdb.connect()
            .execute(f"select {layout.BUCKET_SQL} from (select ? as psn_no)", [psn_no])
            .fetchone()
        )
        assert row == (bucket_of(psn_no),)


def test_the_same_logs_give_the_same_bytes(tmp_path: Path, log: list[str]) -> None:
    written = []
    for name in ("one", "two"):
        build_lake(log, tmp_path / name, KEY, processes=1)
        written.append(
            {
                str(path.relative_to(tmp_path / name)): path.read_bytes()
                for path in (tmp_path / name).rglob("*")
                if path.is_file()
            }
        )
    assert written[0] == written[1]


def test_an_interrupted_build_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "a.jsonl", events(60))
    second = write(tmp_path / "b.jsonl", [*events(60, first=60), b"not json"])
    build_lake([first], tmp_path / "lake", KEY, processes=1)
    before = from_lake(open_lake(tmp_path / "lake"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(manifest.Manifest, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_lake([second], tmp_path / "lake", KEY, processes=1, append=True)
        with pytest.raises(KeyboardInterrupt):
            build_lake([second], tmp_path / "other", KEY, processes=1)
    assert not (tmp_path / "other").exists()
    assert from_lake(open_lake(tmp_path / "lake")) == before
    build_lake([second], tmp_path / "lake", KEY, processes=1, append=True)
    assert from_lake(open_lake(tmp_path / "lake"))[0] == from_logs(tmp_path / "work", [first, second])[0]


def test_folders_that_are_no_lake_are_refused(tmp_path: Path) -> None:
    assert not is_lake(tmp_path)
    with pytest.raises(Refused, match=r"is no lake: it has no lake\.json"):
        open_lake(tmp_path)
    (tmp_path / "lake.json").write_text('{"format": 7}')
    with pytest.raises(Refused, match="has lake format 7; this fundwatch reads 2"):
        open_lake(tmp_path)
    (tmp_path / "lake.json").write_text('{"format": 1, "schema": "old"}')
    with pytest.raises(Refused, match="build the lake again from its logs"):
        open_lake(tmp_path)


def test_an_empty_log_gives_an_empty_lake(tmp_path: Path) -> None:
    report = build_lake([write(tmp_path / "a.jsonl", [])], tmp_path / "lake", KEY, processes=1)
    assert report.lake.counts.read == 0
    assert not any(rows(report.lake.facts()).values())
