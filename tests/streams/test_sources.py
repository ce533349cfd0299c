"""Reading logs: every byte is accounted for, whatever the packing, and a broken file gives what it has."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from streams import sources
from streams.errors import Refused
from streams.sources import Chunk, LogReader, find_inputs, find_lines, total_bytes, whole_lines
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW

TEXT = b"".join(b"line %d %s\n" % (number, b"x" * (number % 50)) for number in range(5000))
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".jsonl": lambda data: data,
    ".jsonl.gz": gzip.compress,
    ".jsonl.zst": lambda data: zstandard.compress(data),
}


def read(path: Path, *, chunk_bytes: int = 10_000) -> list[Chunk]:
    return list(LogReader([str(path)], chunk_bytes=chunk_bytes))


def data(chunk: Chunk) -> bytes:
    return b"".join(chunk.blocks)


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(data(chunk) for chunk in chunks)


@pytest.mark.parametrize("suffix", PACKINGS)
@pytest.mark.parametrize("text", [TEXT, TEXT[:-1], b"", b"\n", b"one", b"\n\n\r\nlast"])
def test_all_bytes_come_in_order_cut_at_line_ends(tmp_path: Path, suffix: str, text: bytes) -> None:
    file = tmp_path / f"log{suffix}"
    file.write_bytes(PACKINGS[suffix](text))
    chunks = read(file)
    assert joined(chunks) == text
    assert all(data(chunk).endswith(b"\n") for chunk in chunks[:-1])
    line, offset = 1, 0
    for chunk in chunks:
        assert (chunk.first_line, chunk.first_offset, chunk.rejects) == (line, offset, ())
        line += chunk.lines
        offset += len(data(chunk))
    assert sum(chunk.lines for chunk in chunks) == text.count(b"\n") + (text[-1:] not in (b"", b"\n"))


@pytest.mark.parametrize("text", [TEXT, TEXT[:-1], b"", b"\n", b"one", b"\n\n\r\nlast"])
@pytest.mark.parametrize("block_bytes", [1, 7, 1000])
def test_blocks_become_pieces_of_whole_lines(text: bytes, block_bytes: int) -> None:
    blocks = [text[start : start + block_bytes] for start in range(0, len(text), block_bytes)]
    pieces = list(whole_lines(blocks, 100))
    assert b"".join(pieces) == text
    assert all(pieces)
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])
    assert all(len(piece) <= 100 + block_bytes for piece in pieces)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_lines_are_found_again_by_a_place_before_them(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"log{suffix}"
    file.write_bytes(PACKINGS[suffix](TEXT[:-1]))
    lines = TEXT.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    places = [(0, 0), (0, 0), (0, 3), (0, 4000), (starts[4000], 1), (starts[4100], 0), (starts[4100], 899)]
    wanted = [0, 0, 3, 4000, 4001, 4100, 4999]
    assert list(find_lines(str(file), places)) == [
        (starts[number], lines[number].removesuffix(b"\n")) for number in wanted
    ]


def test_a_line_that_is_gone_is_told(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(TEXT)
    for place in [(len(TEXT) + 1, 0), (0, 5001)]:
        with pytest.raises(Refused, match="became shorter"):
            list(find_lines(str(file), [place]))


@pytest.mark.parametrize("suffix", PACKINGS)
def test_an_input_is_known_by_its_size_and_hash_on_disk(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"log{suffix}"
    file.write_bytes(PACKINGS[suffix](TEXT))
    seen: list[int] = []
    reader = LogReader([str(file), str(file)], seen.append)
    list(reader)
    assert [(each.size, each.sha256) for each in reader.inputs] == [
        (file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
    ] * 2
    assert seen == sorted(seen)
    assert seen[-1] == total_bytes([str(file)] * 2) == 2 * file.stat().st_size


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_packed_files_laid_end_to_end_are_one_log(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"log{suffix}"
    file.write_bytes(PACKINGS[suffix](TEXT[:1000]) + PACKINGS[suffix](TEXT[1000:]))
    assert joined(read(file)) == TEXT


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_a_file_that_breaks_off_gives_what_it_has_and_one_reject(tmp_path: Path, suffix: str) -> None:
    text = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() + b"\n" for number in range(20_000))
    packed = PACKINGS[suffix](text)
    file = tmp_path / f"log{suffix}"
    file.write_bytes(packed[: len(packed) // 2])
    chunks = read(file)
    data = joined(chunks)
    assert len(data) > 100_000
    assert text.startswith(data)
    assert data.endswith(b"\n")
    (reject,) = [each for chunk in chunks for each in chunk.rejects]
    assert reject.reason_code == "truncated_input"
    assert "break off" in reject.sentence
    assert (reject.source, reject.line, reject.byte_offset) == (str(file), data.count(b"\n") + 1, len(data))
    assert text[len(data) :].startswith(reject.raw)


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_a_file_that_is_not_packed_as_its_name_says_is_one_reject(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"log{suffix}"
    file.write_bytes(TEXT)
    (chunk,) = read(file)
    assert (chunk.blocks, [each.reason_code for each in chunk.rejects]) == ((), ["truncated_input"])
    assert "damaged" in chunk.rejects[0].sentence


def test_a_file_that_goes_wrong_does_not_keep_others_from_being_read(tmp_path: Path) -> None:
    bad, good = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl"
    bad.write_bytes(b"\x1f\x8b")
    good.write_bytes(TEXT)
    assert joined(list(LogReader([str(tmp_path / "a.jsonl.gz"), str(good)]))) == TEXT


def test_a_file_that_cannot_be_opened_is_one_reject(tmp_path: Path) -> None:
    (chunk,) = LogReader([str(tmp_path / "gone.jsonl")])
    assert "cannot be read: No such file" in chunk.rejects[0].sentence


@pytest.mark.parametrize("tail", [b"\nlast\n", b"\nlast", b"\n", b""])
def test_a_giant_line_is_walked_past_hashed_and_rejected(tmp_path: Path, tail: bytes) -> None:
    giant = b'{"x":"' + b"y" * (3 * LONGEST_MESSAGE + 17)
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"first\n" + giant + tail)
    chunks = read(file)
    assert max(len(data(chunk)) for chunk in chunks) < LONGEST_MESSAGE
    (reject,) = [each for chunk in chunks for each in chunk.rejects]
    assert (reject.reason_code, reject.line, reject.byte_offset) == ("too_long", 2, 6)
    assert (reject.length, reject.sha256) == (len(giant), hashlib.sha256(giant).hexdigest())
    assert reject.raw == giant[:LONGEST_RAW]
    lines = joined(chunks).splitlines()
    assert lines == ([b"first", b"last"] if b"last" in tail else [b"first"])
    if b"last" in tail:
        assert (chunks[-1].first_line, chunks[-1].first_offset) == (3, 6 + len(giant) + 1)


def test_folders_are_searched_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2.jsonl.gz", "b/1.jsonl", "a.jsonl.zst", "c.txt", "b/x/0.jsonl"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    found = [Path(each).relative_to(tmp_path).as_posix() for each in find_inputs([str(tmp_path)])]
    assert found == ["a.jsonl.zst", "b/1.jsonl", "b/2.jsonl.gz", "b/x/0.jsonl"]


def test_an_input_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no file or folder"):
        find_inputs([str(tmp_path / "gone")])
    with pytest.raises(Refused, match="has no event logs"):
        find_inputs([str(tmp_path)])


def test_standard_input_is_a_source_without_size(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(TEXT)

    monkeypatch.setattr(sources.sys, "stdin", Stdin)
    assert total_bytes(["-"]) is None
    reader = LogReader(find_inputs(["-"]))
    assert joined(list(reader)) == TEXT
    assert (reader.inputs[0].name, reader.inputs[0].size) == ("stdin", len(TEXT))
