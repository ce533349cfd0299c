"""What a replay is given: counts that add up, and inputs that can be read only once."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.inputs import LogCounts, only, read_logs, readable_again, reject_record
from streams.wire import Reject

LOG = b'{"infno": "2301"}\nnot json\n'


def test_files_folders_and_what_is_not_there_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(LOG)
    for name in (tmp_path / "log.jsonl", tmp_path, tmp_path / "nowhere"):
        assert readable_again(str(name), tmp_path) == str(name)


def test_a_pipe_is_kept_in_the_workspace(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "work").mkdir()
    writer = threading.Thread(target=pipe.write_bytes, args=(LOG,))
    writer.start()
    log = read_logs([str(pipe)], tmp_path / "work", b"k" * 16, 1, lambda *_: None)
    writer.join()
    assert (tmp_path / "work" / "pipe").read_bytes() == LOG
    assert [one["source"] for one in log.rejects()] == ["pipe", "pipe"]
    assert (log.counts.read, log.counts.rejected.total()) == (2, 2)


def test_standard_input_is_kept_in_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG)))
    assert Path(readable_again("-", tmp_path)).read_bytes() == LOG


def test_counts_are_settled_once_it_is_known_which_copies_are_facts() -> None:
    decoded = LogCounts(
        read=20, facts=12, not_facts=Counter({"2206 trial": 5}), rejected=Counter({"not_json": 3})
    )
    counts = decoded.settled(duplicates=4, conflicts=2, later=1)
    assert (counts.facts, counts.duplicates, counts.later) == (5, 4, 1)
    assert counts.rejected == {"not_json": 3, "msgid_conflict": 2}
    assert counts.sentence() == (
        "20 messages read = 5 facts + 4 duplicates + 5 not facts + 5 rejected + 1 after the time asked for"
    )


def test_a_message_that_vanished_stops_the_replay() -> None:
    with pytest.raises(AssertionError, match="20 read, 19 accounted for"):
        LogCounts(read=20, facts=19).settled(1, 2, 3)


@pytest.mark.parametrize(
    ("raw", "shown", "coded"),
    [
        (b'{"a": "\\u4e2d"}', '{"a": "\\u4e2d"}', None),
        ("中".encode(), "中", None),
        (b"\xff\\xff", "\\xff\\xff", "/1x4ZmY="),
    ],
)
def test_a_reject_keeps_its_bytes(raw: bytes, shown: str, coded: str | None) -> None:
    record = reject_record(
        Reject.of(raw, source="/a/log.jsonl", line=3, reason_code="not_json", sentence="No.")
    )
    assert (record["raw"], record.get("raw_base64"), record["source"]) == (shown, coded, "log.jsonl")


def test_a_lake_stands_alone() -> None:
    assert only(["lake"], "lake") == Path("lake")
    with pytest.raises(Refused, match="a lake is replayed alone"):
        only(["lake", "log.jsonl"], "lake")
