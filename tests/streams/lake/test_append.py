"""A lake that grows batch by batch reads as the log of the same messages, whatever happens to its writer."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import pytest

from detectors import facts as fact_tables
from detectors.facts import Facts, fact_schemas
from streams.errors import Refused
from streams.lake import (
    Appender,
    Batch,
    Lake,
    Position,
    Record,
    build_lake,
    compact,
    decode_records,
    joined,
    layout,
    manifest,
    msgids,
    open_lake,
    writer,
)
from streams.wire import Reject
from tests.streams.lake.test_lake import changed, events, from_lake, from_logs, rows, write
from tests.streams.lake.topic import KEY, TOPIC, as_logs, as_topic, cut, of_topic, replayed
from tests.streams.small_world import RULES
from tests.streams.small_world import lines as small_world

NO_GRACE = timedelta()

DOCS = Path(__file__).parents[3] / "docs" / "lake.md"


def records_of(lines: Sequence[bytes], partition: int = 0, first: int = 0) -> list[Record]:
    return [Record(TOPIC, partition, offset, line) for offset, line in enumerate(lines, first)]


#: Messages of `messy` of which other contents came.
CONTESTED = {"E000005", "E000080", "E000090"}


def messy(count: int = 150) -> list[bytes]:
    """Messages with duplicates, conflicts that lose and that win, bad lines and failed transactions, shuffled."""
    lines = events(count)
    lines += [
        lines[3],
        lines[3],
        lines[60],
        changed(lines[5], opter="other"),
        changed(lines[5], opter="third"),
        changed(lines[5], opter="third"),
    ]
    lines += [
        changed(lines[90], inf_time="2026-01-01 00:00:00"),
        changed(lines[80], inf_time="2026-06-01 00:00:00"),
    ]
    lines += [b"not json", b"{}", b"", changed(lines[7], msgid="F1", response={"infcode": -1})]
    random.Random(4).shuffle(lines)
    return lines


def appended(lake: Path, batches: Sequence[Sequence[Record]], tidy: bool = True) -> Lake:
    with Appender(lake, KEY, grace=NO_GRACE) as appender:
        for batch in batches:
            appender.append(batch)
            while tidy and appender.tidy():
                pass
        return appender.lake


def without_bytes(rejects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a message that the lake had when it lost, the line as it came is not known any more."""
    return [
        {**one, "raw": "", "length": 0, "sha256": ""} if one["reason_code"] == "msgid_conflict" else one
        for one in rejects
    ]


@pytest.mark.parametrize("most", [1, 7, 60, 1000])
@pytest.mark.parametrize("time", [None, "2026-01-29 12:00:00"])
def test_a_lake_of_batches_reads_as_the_logs(tmp_path: Path, most: int, time: str | None) -> None:
    records = as_topic(messy(), partitions=3)
    lake = appended(tmp_path / "lake", list(cut(records, 1, most)))
    as_of = datetime.fromisoformat(time) if time else None
    facts, counts, rejects = from_lake(open_lake(tmp_path / "lake", as_of=as_of))
    logs, places = as_logs(records, tmp_path / "logs")
    expected = from_logs(tmp_path / "work", logs, as_of)
    assert facts == expected[0]
    assert counts == expected[1]
    assert without_bytes(rejects) == without_bytes(of_topic(expected[2], places))
    assert lake.archived == {
        (TOPIC, number): max(one.offset for one in records if one.partition == number) + 1
        for number in range(3)
    }


@pytest.mark.parametrize("order", sorted(set(permutations("aabbc"))), ids="".join)
def test_copies_are_told_apart_whatever_the_order(tmp_path: Path, order: Sequence[str]) -> None:
    """Two of the fact, two of another content, one of a third: 1 duplicate, 3 conflicts."""
    (line,) = events(1)
    later = changed(line, inf_time="2026-02-01 00:00:00")
    copies = {"a": line, "b": later, "c": changed(line, inf_time="2026-03-01 00:00:00")}
    records = records_of([copies[name] for name in order])
    lake = appended(tmp_path / "lake", [[record] for record in records], tidy=False)
    facts, counts, rejects = from_lake(lake)
    logs, places = as_logs(records, tmp_path / "logs")
    expected = from_logs(tmp_path / "work", logs)
    assert (facts, counts) == expected[:2]
    assert without_bytes(rejects) == without_bytes(of_topic(expected[2], places))
    assert (counts.duplicates, counts.rejected["msgid_conflict"]) == (1, 3)


def test_rejects_are_the_very_bytes_that_came(tmp_path: Path) -> None:
    value = b'{"infno": "2201",\n "msgid": "X"}'
    lake = appended(tmp_path / "lake", [records_of([value, b"no\njson"])])
    first, second = lake.rejects()
    assert (first["raw"], first["length"]) == (value.decode(), len(value))
    assert (second["source"], second["line"], second["raw"]) == (f"{TOPIC}-0", 1, "no\njson")


def test_a_message_of_several_lines_is_one(tmp_path: Path) -> None:
    message = json.dumps(json.loads(events(1)[0]), indent=1, ensure_ascii=False).encode()
    lake = appended(tmp_path / "lake", [records_of([message, *events(2)])])
    assert (lake.counts.facts, lake.counts.duplicates) == (2, 1)


def test_what_is_archived_is_passed_over(tmp_path: Path) -> None:
    records = records_of(events(40))
    lake = appended(tmp_path / "lake", [records[:30], records[10:]])
    assert (lake.counts.read, lake.counts.facts, lake.counts.duplicates) == (40, 40, 0)


def test_offsets_move_on_over_what_is_no_message(tmp_path: Path) -> None:
    with Appender(tmp_path / "lake", KEY) as appender:
        appender.append([], {(TOPIC, 1): 17})
        appender.append(records_of(events(3), first=5), {(TOPIC, 0): 12})
    lake = open_lake(tmp_path / "lake")
    assert lake.archived == {(TOPIC, 0): 12, (TOPIC, 1): 17}
    assert lake.described()[0] == {"name": f"{TOPIC}-0", "offsets": [5, 12]}


def test_offsets_that_do_not_ascend_are_a_fault(tmp_path: Path) -> None:
    with Appender(tmp_path / "lake", KEY) as appender, pytest.raises(ValueError, match="do not ascend"):
        appender.append(list(reversed(records_of(events(3)))))


def test_files_are_named_by_what_is_in_them(tmp_path: Path) -> None:
    lake = appended(tmp_path / "lake", [records_of(events(40), partition=7, first=1200)], tidy=False)
    part = lake.manifest.parts["message"][0]
    assert part.path == f"message/month=2026-01/bucket=shared/{TOPIC}-7-000000001200-000000001239.parquet"


def test_small_files_are_merged_and_nothing_changes(tmp_path: Path) -> None:
    records = as_topic(messy(300), partitions=3)
    batches = list(cut(records, 2, 9))
    many = appended(tmp_path / "many", batches, tidy=False)
    few = appended(tmp_path / "few", batches)
    assert from_lake(few) == from_lake(many)
    count = {
        name: sum(map(len, lake.manifest.parts.values())) for name, lake in (("many", many), ("few", few))
    }
    assert count["few"] * 2 < count["many"]
    groups = Counter(
        (table, part.span, part.bucket) for table, parts in few.manifest.parts.items() for part in parts
    )
    assert max(groups.values()) < compact.FILES + 4
    assert compact.due(few.manifest) is None
    on_disk = {path.relative_to(few.folder).as_posix() for path in few.folder.rglob("*.parquet")}
    assert on_disk == few.manifest.paths


def test_small_months_that_are_over_are_merged_with_each_other(tmp_path: Path) -> None:
    """Years are no more files to open than months; a span of months is still found, and a message in one displaced."""
    records = records_of(events(120, step_hours=24 * 8))
    lake = appended(tmp_path / "lake", [records[at : at + 12] for at in range(0, 120, 12)])
    logs, _ = as_logs(records, tmp_path / "logs")
    assert from_lake(lake)[0] == from_logs(tmp_path / "work", logs)[0]
    times = [datetime.fromisoformat(json.loads(one.value or b"")["inf_time"]) for one in records]
    assert len({f"{time:%Y-%m}" for time in times}) > 30
    parts = lake.manifest.parts["message"]
    assert len(parts) < 10
    assert any(first < last for first, last in (part.months for part in parts))
    with duckdb.connect() as con:
        fact_tables.load(con, lake.facts(since=times[70], as_of=times[79]))
        found = con.execute("select inf_time from fact.message where inf_time >= ? order by all", [times[70]])
        assert found.fetchall() == [(time,) for time in times[70:80]]
    earlier = changed(records[75].value or b"", inf_time="2026-01-01 00:00:00")
    lake = appended(tmp_path / "lake", [records_of([earlier], first=120)])
    (reject,) = lake.rejects()
    assert (reject["reason_code"], lake.counts.facts) == ("msgid_conflict", 120)
    logs, _ = as_logs([*records, *records_of([earlier], first=120)], tmp_path / "later")
    assert from_lake(lake)[0] == from_logs(tmp_path / "work-later", logs)[0]


def test_large_months_are_cut_into_buckets_of_persons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = list(cut(as_topic(messy(400), partitions=2), 3, 20))
    whole = appended(tmp_path / "whole", batches, tidy=False)
    monkeypatch.setattr(layout, "ROWS_TO_CUT", 30)
    lake = appended(tmp_path / "cut", batches)
    assert from_lake(lake) == from_lake(whole)
    person = "99000000000000000003"
    assert layout.bucket_of(person) in {part.bucket for part in lake.manifest.parts["message"]}
    for table in fact_schemas():
        assert of_person(lake.facts(persons=[person]), person, table) == of_person(
            whole.facts(), person, table
        )


def of_person(facts: Facts, person: str, table: str) -> list[Any]:
    con = duckdb.connect()
    fact_tables.load(con, facts, [person])
    return con.execute(f"select * from fact.{table} order by all").fetchall()


def test_replaced_files_stay_for_those_who_read(tmp_path: Path) -> None:
    records = records_of(events(60))
    batches = [records[at : at + 5] for at in range(0, 60, 5)]
    with Appender(tmp_path / "lake", KEY) as appender:
        for batch in batches:
            appender.append(batch)
        before = open_lake(tmp_path / "lake")
        expected = from_lake(before)
        while appender.tidy():
            pass
        assert len(appender.lake.manifest.paths) < len(before.manifest.paths)
        assert from_lake(before) == expected
    appended(tmp_path / "lake", [records_of(events(1, first=60), first=60)])
    gone = before.manifest.paths - open_lake(tmp_path / "lake").manifest.paths
    assert gone
    assert not any((tmp_path / "lake" / path).exists() for path in gone)


def test_a_long_journal_is_folded_into_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_LONG_JOURNAL", 2000)
    records = records_of(events(80))
    lake = appended(tmp_path / "lake", [records[at : at + 4] for at in range(0, 80, 4)])
    assert lake.manifest.journal > 5
    assert len(list((tmp_path / "lake").glob("journal-*"))) == 1
    assert from_lake(open_lake(tmp_path / "lake")) == from_lake(lake)
    assert lake.counts.facts == 80


@pytest.mark.parametrize("tail", [b"0", b"00000000 {}\n", b"\0" * 700, b'0badc0de {"version":9,"at":1}'])
def test_a_torn_last_line_of_the_journal_was_never_written(tmp_path: Path, tail: bytes) -> None:
    records = records_of(events(20))
    before = from_lake(appended(tmp_path / "lake", [records[:10]]))
    (journal,) = (tmp_path / "lake").glob("journal-*")
    with journal.open("ab") as file:
        file.write(tail)
    assert from_lake(open_lake(tmp_path / "lake")) == before
    lake = appended(tmp_path / "lake", [records[10:]])
    assert lake.counts.facts == 20
    assert from_lake(open_lake(tmp_path / "lake")) == from_lake(lake)


def test_a_journal_that_is_damaged_in_the_middle_is_refused(tmp_path: Path) -> None:
    records = records_of(events(20))
    appended(tmp_path / "lake", [records[:10], records[10:]], tidy=False)
    (journal,) = (tmp_path / "lake").glob("journal-*")
    content = bytearray(journal.read_bytes())
    content[40] ^= 1
    journal.write_bytes(content)
    with pytest.raises(Refused, match="damaged in the middle: restore the lake whole from a backup"):
        open_lake(tmp_path / "lake")


def test_only_one_writes_a_lake(tmp_path: Path) -> None:
    log = write(tmp_path / "a.jsonl", events(10))
    with Appender(tmp_path / "lake", KEY):
        with pytest.raises(Refused, match="is being written by another process"):
            Appender(tmp_path / "lake", KEY)
        with pytest.raises(Refused, match="is being written by another process"):
            build_lake([log], tmp_path / "lake", KEY, append=True, processes=1)
        with pytest.raises(Refused, match="is being written by another process"):
            build_lake([log], tmp_path / "lake", KEY, replace_lake=True, processes=1)
    build_lake([log], tmp_path / "lake", KEY, append=True, processes=1)


def test_a_folder_with_other_things_is_not_made_a_lake(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    with pytest.raises(Refused, match="holds other things: give another folder"):
        Appender(tmp_path, KEY)


class Killed(BaseException):
    """Stands for kill -9: nothing after it is done."""


def killed_at(patch: pytest.MonkeyPatch, where: Any, name: str, *, after: bool) -> Callable[[], bool]:
    """Have one step of the writer end the process, before or after it was done. The call says whether it has."""
    original = getattr(where, name)
    done = []

    def dying(*args: Any, **kwargs: Any) -> Any:
        if after:
            original(*args, **kwargs)
        done.append(True)
        raise Killed

    patch.setattr(where, name, dying)
    return lambda: bool(done)


POINTS = {
    "before the files": ("append", "decode_records", False),
    "after the files": ("append", "settle", True),
    "before the rejects": ("writer.Writer", "_add_rejects", False),
    "after the rejects": ("writer.Writer", "_add_rejects", True),
    "before the journal": ("manifest.Journal", "append", False),
    "after the journal": ("manifest.Journal", "append", True),
    "after the index": ("msgids.Msgids", "take", True),
    "before a fold": ("manifest.Manifest", "write", False),
    "after a fold": ("manifest.Manifest", "write", True),
    "after a merge": ("compact", "settle", True),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_the_old_lake_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    from streams.lake import append

    monkeypatch.setattr(writer, "_LONG_JOURNAL", 9000)
    records = as_topic(messy(), partitions=2)
    logs, places = as_logs(records, tmp_path / "logs")
    expected = from_logs(tmp_path / "work", logs)
    modules = {"append": append, "writer": writer, "manifest": manifest, "msgids": msgids, "compact": compact}
    module, _, inner = POINTS[point][0].partition(".")
    where = getattr(modules[module], inner) if inner else modules[module]
    kills = 0
    dice = random.Random(point)
    at = 0
    while at < len(records):
        with monkeypatch.context() as patch:
            has_died = killed_at(patch, where, POINTS[point][1], after=POINTS[point][2])
            appender = None
            try:
                appender = Appender(tmp_path / "lake", KEY, grace=NO_GRACE)
                appender.append(records[at : at + dice.randint(1, 25)])
                while appender.tidy():
                    pass
            except Killed:
                kills += has_died()
            finally:
                if appender:
                    appender.close()
        found = open_lake(tmp_path / "lake") if layout.is_lake(tmp_path / "lake") else None
        if found is not None:
            check(found)
        with Appender(tmp_path / "lake", KEY, grace=NO_GRACE) as appender:
            check(appender.lake)
            ends = appender.lake.archived
            at = next(
                (n for n, one in enumerate(records) if one.offset >= ends.get(one[:2], 0)), len(records)
            )
            appender.append(records[at : at + 10])
            ends = appender.lake.archived
            at = next(
                (n for n, one in enumerate(records) if one.offset >= ends.get(one[:2], 0)), len(records)
            )
    assert kills >= 2
    lake = open_lake(tmp_path / "lake")
    facts, counts, rejects = from_lake(lake)
    assert (facts, counts) == expected[:2]
    assert without_bytes(rejects) == without_bytes(of_topic(expected[2], places))
    files = {path.relative_to(lake.folder).as_posix() for path in lake.folder.rglob("*.parquet")}
    assert files >= lake.manifest.paths
    with Appender(tmp_path / "lake", KEY, grace=NO_GRACE) as appender:
        while appender.tidy():
            pass
        files = {path.relative_to(lake.folder).as_posix() for path in lake.folder.rglob("*.parquet")}
        assert files == appender.lake.manifest.paths


def test_what_is_written_again_after_a_kill_is_not_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = records_of(events(30))
    with monkeypatch.context() as patch:
        killed_at(patch, manifest.Journal, "append", after=False)
        appender = Appender(tmp_path / "lake", KEY, grace=NO_GRACE)
        with pytest.raises(Killed):
            appender.append(records)
        appender.close()
    assert list((tmp_path / "lake").rglob("*.parquet"))
    lake = appended(tmp_path / "lake", [records])
    assert lake.counts.facts == 30
    check(open_lake(tmp_path / "lake"))


def check(lake: Lake) -> None:
    """The offsets of a lake agree with its files, and each event is there once."""
    con = duckdb.connect()
    fact_tables.load(con, lake.facts())
    seqs, once = con.execute("select count(*), count(distinct msgid) from fact.message").fetchone() or (0, 0)
    assert seqs == once
    counts = lake.counts
    assert counts.facts == seqs
    for (last,) in con.execute("select max(seq) from fact.message group by seq >> 40").fetchall():
        place = lake.manifest.place(last)
        assert place is not None
        assert place[1] < place[0].next


def test_the_index_is_filled_from_the_lake_where_it_is_missing_behind_or_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = records_of(events(60))
    lake = tmp_path / "lake"
    appended(lake, [records[:20]])
    index = lake / layout.MSGIDS
    old = index.read_bytes()
    appended(lake, [records[20:40]])
    new = index.read_bytes()
    again = iter(range(40, 1000, 40))

    def repeated() -> None:
        before = open_lake(lake).counts
        now = appended(lake, [records_of(events(40), first=next(again))]).counts
        assert (now.facts, now.duplicates) == (before.facts, before.duplicates + 40)

    index.unlink()
    repeated()
    index.write_bytes(old)
    repeated()
    index.write_bytes(b"no database")
    repeated()
    monkeypatch.setattr(msgids, "_FORMAT", 2)
    repeated()
    index.write_bytes(new)
    build_lake([write(tmp_path / "b.jsonl", events(10, first=40))], lake, KEY, append=True, processes=1)
    before = open_lake(lake).counts
    now = appended(lake, [records_of(events(60), first=next(again))]).counts
    assert (now.facts, now.duplicates) == (before.facts + 10, before.duplicates + 50)


def test_msgids_of_one_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(msgids, "_hash", lambda msgid: int(msgid.strip("EF")) % 3)
    records = as_topic(messy(), partitions=2)
    lake = tmp_path / "lake"
    with Appender(lake, KEY) as appender:
        for batch in cut(records, 5, 25):
            appender.append(batch)
    logs, _ = as_logs(records, tmp_path / "logs")
    assert from_lake(open_lake(lake))[:2] == from_logs(tmp_path / "work", logs)[:2]


def test_logs_and_a_topic_may_grow_into_one_lake(tmp_path: Path) -> None:
    lines = messy()
    records = records_of(lines[40:100])
    build_lake([write(tmp_path / "a.jsonl", lines[:60])], tmp_path / "lake", KEY, processes=1)
    before = rows(open_lake(tmp_path / "lake").facts())
    assert before
    appended(tmp_path / "lake", [records[at : at + 7] for at in range(0, len(records), 7)])
    rest = write(tmp_path / "b.jsonl", lines[80:])
    report = build_lake([rest], tmp_path / "lake", KEY, append=True, processes=1)
    all_ = write(tmp_path / "all.jsonl", [*lines[:60], *lines[40:100], *lines[80:]])
    facts, counts, rejects = from_lake(open_lake(tmp_path / "lake"))
    expected = from_logs(tmp_path / "work", [all_])
    assert (facts, counts) == expected[:2]
    assert len(rejects) == len(expected[2])
    assert [one["name"] for one in report.lake.described()] == ["a.jsonl", "b.jsonl", f"{TOPIC}-0"]
    more = records_of(lines[:30], first=1000)
    lake = appended(tmp_path / "lake", [more])
    assert rows(lake.facts()) == facts


def test_a_lake_of_the_first_format_grows_on(tmp_path: Path) -> None:
    report = build_lake([write(tmp_path / "a.jsonl", messy(100))], tmp_path / "lake", KEY, processes=1)
    path = tmp_path / "lake" / "lake.json"
    now = json.loads(path.read_bytes())
    old = {name: now[name] for name in ("schema", "next_seq", "counts", "sources", "rejects_bytes", "tables")}
    dropped = old["tables"].pop("dropped")
    old["dropped"] = list(dropped["files"])
    for table in old["tables"].values():
        table["files"] = {name: rows_ for name, (rows_, _) in table["files"].items()}
    path.write_text(json.dumps({"format": 1, "buckets": 16, **old}))
    assert from_lake(open_lake(tmp_path / "lake")) == from_lake(report.lake)
    lake = appended(tmp_path / "lake", [records_of(events(30, first=100))])
    assert lake.counts.facts == report.counts.facts + 30


def test_what_is_new_since_a_position_is_found_through_merges(tmp_path: Path) -> None:
    records = as_topic(messy(), partitions=2)
    seen: dict[str, set[Any]] = {}
    lost: list[str] = []
    position: Position | None = None
    with Appender(tmp_path / "lake", KEY, grace=NO_GRACE) as appender:
        for number, batch in enumerate(cut(records, 6, 20)):
            appender.append(batch)
            while number % 3 == 0 and appender.tidy():
                pass
            if number % 2:
                lake = open_lake(tmp_path / "lake")
                news = lake.new_since(position)
                lost += [row["msgid"] for row in news.lost]
                for table, found in rows(news.facts).items():
                    fresh = {repr(one) for one in found}
                    again = fresh & seen.setdefault(table, set())
                    assert not [one for one in again if one[2:9] not in CONTESTED], "nothing is told twice"
                    seen[table] |= fresh
                position = lake.position
                assert not rows(lake.new_since(position).facts)["message"]
        lake = appender.lake
    rest = rows(lake.new_since(position).facts)
    lost += [row["msgid"] for row in lake.new_since(position).lost]
    for table, all_ in rows(lake.facts()).items():
        told = seen.get(table, set()) | {repr(one) for one in rest[table]}
        assert {repr(one) for one in all_} <= told, table
    assert lost
    assert set(lost) <= CONTESTED


def test_a_batch_may_be_decoded_by_another(tmp_path: Path) -> None:
    batch = decode_records(records_of(events(30)), KEY)
    with Appender(tmp_path / "lake", KEY) as appender:
        done = appender.append_decoded(batch)
        assert (done.counts.facts, done.files) == (30, len(appender.lake.manifest.paths))
        assert done.bytes > 0


@pytest.mark.parametrize("most", [1, 7, 60])
def test_a_batch_may_be_decoded_piece_by_piece(most: int) -> None:
    def told(batch: Batch) -> list[Reject]:
        rejects = (replace(reject, byte_offset=None) for reject in batch.rejects)
        return sorted(rejects, key=lambda reject: reject.line)

    records = as_topic(messy(), partitions=3)
    at_once = decode_records(records, KEY)
    pieces = joined([decode_records(piece, KEY) for piece in cut(records, 1, most)])
    assert pieces.records == records
    assert pieces.counts == at_once.counts
    assert told(pieces) == told(at_once)
    assert pieces.tables.keys() == at_once.tables.keys()
    for name, table in at_once.tables.items():
        order = [(key, "ascending") for key in ("seq", "row_no") if key in table.column_names]
        assert pieces.tables[name].sort_by(order).equals(table.sort_by(order)), name


def test_a_replay_of_the_lake_is_that_of_the_log_byte_for_byte(tmp_path: Path) -> None:
    lines = small_world()
    lines = [*lines, *lines[::9], b"{broken"]
    records = as_topic(lines, partitions=3)
    appended(tmp_path / "lake", list(cut(records, 8, 40)))
    logs, places = as_logs(records, tmp_path / "logs")
    of_log = replayed(logs, tmp_path / "log", RULES)
    of_lake = replayed([str(tmp_path / "lake")], tmp_path / "run", RULES)
    of_log["rejects"] = of_topic(of_log["rejects"], places)
    assert of_log["alerts.jsonl"]
    assert of_lake == of_log


def test_a_backup_taken_as_documented_while_the_lake_grows_can_be_restored(tmp_path: Path) -> None:
    """A reader and the documented commands, beside a writer that appends, merges and folds all the time."""
    (block,) = re.findall(r"## Backup.*?```sh\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    records = as_topic(messy(300), partitions=3)
    lake, backup = tmp_path / "lake", tmp_path / "backup"
    appended(lake, [records[:20]])
    ended = Event()

    def grow() -> None:
        with Appender(lake, KEY) as appender:
            for batch in cut(records[20:], 9, 8):
                appender.append(batch)
                appender.tidy()
        ended.set()

    writer_thread = Thread(target=grow)
    writer_thread.start()
    backups = 0
    while not ended.is_set():
        check(open_lake(lake))
        shutil.rmtree(backup, ignore_errors=True)
        subprocess.run(
            ["sh", "-ec", block], env={**os.environ, "LAKE": str(lake), "BACKUP": str(backup)}, check=True
        )
        check(open_lake(backup))
        backups += 1
    writer_thread.join()
    assert backups >= 2
    with Appender(backup, KEY) as appender:
        ends = appender.lake.archived
        appender.append([one for one in records if one.offset >= ends.get(one[:2], 0)])
    assert from_lake(open_lake(backup))[:2] == from_lake(open_lake(lake))[:2]
