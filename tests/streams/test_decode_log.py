"""Whole logs: one process or several, the result is the same and everything is counted."""

from __future__ import annotations

import gzip
import multiprocessing
import os
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pytest

from streams import decode_log as module
from streams.decode_log import LogSummary, decode_log
from streams.errors import Refused
from streams.sources import find_lines
from streams.wire import Reject
from tests.streams.wire.samples import KEY, SAMPLES, lines


def _log() -> bytes:
    good = [
        lines({**message, "msgid": f"{kind}-{number}"})[0]
        for number in range(60)
        for kind, message in SAMPLES.items()
    ]
    bad = [
        b"",
        b"what?",
        b'{"infno":"2303"}',
        good[1].replace(b'"cnt": "2"', b'"cnt": "x"'),
        b'{"infno":"2304","response":{"infcode":-1}}',
    ]
    return b"\n".join([*good[:500], *bad, *good[500:]]) + b"\n"


class _Kept:
    """Keeps all tables in memory."""

    def __init__(self) -> None:
        self.parts: dict[str, list[pa.Table]] = {}

    def part(self, _: int) -> Self:
        return type(self)()

    def add(self, tables: dict[str, pa.Table]) -> None:
        for name, table in tables.items():
            self.parts.setdefault(name, []).append(table)

    def close(self) -> dict[str, list[pa.Table]]:
        return self.parts

    def join(self, kept: dict[str, list[pa.Table]]) -> None:
        for name, tables in kept.items():
            self.parts.setdefault(name, []).extend(tables)


class _FullDisk(_Kept):
    def add(self, _: dict[str, pa.Table]) -> None:
        raise OSError(28, "No space left on device")


class _Dying(_Kept):
    def add(self, _: dict[str, pa.Table]) -> None:
        os._exit(9)


def _decoded(path: Path, processes: int | None) -> tuple[LogSummary, dict[str, pa.Table], list[Reject]]:
    kept = _Kept()
    rejects: list[Reject] = []
    summary = decode_log(
        [str(path)], KEY, kept, on_rejects=rejects.extend, processes=processes, chunk_bytes=200_000
    )
    tables = {
        name: pa.concat_tables(some).sort_by(
            [(key, "ascending") for key in ("seq", "row_no") if key in some[0].schema.names]
        )
        for name, some in kept.parts.items()
    }
    return summary, tables, rejects


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(_log()))
    return file


@pytest.mark.parametrize("processes", [None, 1, 2])
def test_everything_read_is_a_fact_no_fact_or_rejected(log: Path, processes: int | None) -> None:
    summary, tables, rejects = _decoded(log, processes)
    counts = summary.counts
    assert counts.read == 60 * len(SAMPLES) + 4
    assert counts.read == sum(counts.facts.values()) + sum(counts.not_facts.values()) + sum(
        counts.rejected.values()
    )
    assert dict(counts.facts) == {kind: 61 if kind == "2102" else 60 for kind in SAMPLES}
    assert counts.not_facts == {("2303", "trial"): 1, ("2304", "failed"): 1}
    assert (counts.rejected, counts.rejected_rows) == ({"not_json": 1}, {"bad_value": 1})
    assert tables["message"].num_rows == sum(counts.facts.values())
    assert [(reject.line, reject.row) for reject in rejects] == [(502, None), (504, "input.drugdetail[0]")]
    for reject in rejects:
        assert reject.byte_offset is not None
        assert _log()[reject.byte_offset :].startswith(reject.raw)
        assert _log()[: reject.byte_offset].count(b"\n") + 1 == reject.line


def test_one_process_and_several_give_the_same(log: Path) -> None:
    alone, several = _decoded(log, 1), _decoded(log, 2)
    assert alone[0].counts == several[0].counts
    assert alone[0].inputs == several[0].inputs
    assert alone[2] == several[2]
    assert alone[1].keys() == several[1].keys()
    for name, table in alone[1].items():
        assert table.combine_chunks().equals(several[1][name].combine_chunks())


def test_a_message_can_be_found_again_by_its_number(log: Path) -> None:
    summary, tables, _ = _decoded(log, 2)
    text = _log().split(b"\n")
    seqs = tables["message"]["seq"].to_pylist()
    assert len(set(seqs)) == len(seqs)
    for row in tables["message"].to_pylist()[::97]:
        place = summary.place(row["seq"])
        assert place.source == str(log)
        assert row["msgid"].encode() in text[place.line - 1]
        ((offset, line),) = find_lines(place.source, [(place.offset, place.after)])
        assert (line, offset) == (text[place.line - 1], sum(len(each) + 1 for each in text[: place.line - 1]))


def test_a_broken_file_counts_as_one_message_that_was_rejected(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-20_000])
    summary, _, rejects = _decoded(log, 1)
    counts = summary.counts
    assert rejects[-1].reason_code == "truncated_input"
    assert counts.read == sum(counts.facts.values()) + sum(counts.not_facts.values()) + sum(
        counts.rejected.values()
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interruption_ends_cleanly(log: Path, processes: int) -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decode_log([str(log)], KEY, _Kept(), on_rejects=interrupt, processes=processes, chunk_bytes=200_000)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_what_goes_wrong_where_facts_are_kept_is_told(log: Path, processes: int) -> None:
    with pytest.raises(OSError, match="No space left"):
        decode_log([str(log)], KEY, _FullDisk(), processes=processes, chunk_bytes=200_000)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_told(log: Path) -> None:
    with pytest.raises(Refused, match="try fewer processes"):
        decode_log([str(log)], KEY, _Dying(), processes=2, chunk_bytes=200_000)
    assert multiprocessing.active_children() == []


def test_a_small_log_is_not_worth_a_second_process(log: Path) -> None:
    assert module._workers([str(log)], None) == 1
    assert module._workers(["-"], None) >= 1
    assert module._workers([str(log)], 3) == 3


def test_an_input_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused):
        decode_log(["/nowhere/at/all"], KEY, _Kept())
