"""Event logs as they lie on disk: files, folders or standard input, plain or compressed, in chunks of whole lines.

Never more than a chunk is in memory. A file that breaks off gives everything before the break, and one reject.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from streams.errors import Refused
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, Reject

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
STANDARD_INPUT = "-"
CHUNK_BYTES = 24 * 1024 * 1024
"""A chunk holds at least this many bytes of lines, unless the source ends, and little more."""
_BLOCK_BYTES = 1024 * 1024
_PACKED_BLOCK_BYTES = 64 * 1024

OnProgress = Callable[[int], None]
"""Told how many bytes of the files (as they lie on disk) have been read so far, of all inputs together."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one source, and what was rejected before them.

    `first_line` counts from 1; `first_offset` is where the first line begins in the uncompressed source. Every
    reject is a message that was read, or a break in the file.
    """

    source: str
    first_line: int
    first_offset: int
    data: bytes
    rejects: tuple[Reject, ...] = ()

    @property
    def lines(self) -> list[bytes]:
        """The lines without their line feeds; blank ones are among them, so that they can be numbered."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines


@dataclass(frozen=True)
class InputFile:
    """One input as it was read: its name, bytes on disk, and the SHA-256 of these."""

    name: str
    size: int
    sha256: str


def find_inputs(inputs: Sequence[str]) -> list[str]:
    """The files that the inputs mean: folders are searched for logs, in the order of their names.

    Raises Refused for an input that is not there or a folder without logs.
    """
    found: list[str] = []
    for each in inputs:
        path = Path(each)
        if each == STANDARD_INPUT or path.is_file():
            found.append(each)
        elif path.is_dir():
            files = sorted(
                (file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file()),
                key=lambda file: file.relative_to(path).as_posix(),
            )
            if not files:
                raise Refused(
                    f"The folder {each} has no event logs: files that end in {', '.join(SUFFIXES)}."
                )
            found.extend(map(str, files))
        elif path.exists():
            found.append(each)  # a pipe or a device
        else:
            raise Refused(f"There is no file or folder {each}.")
    return found


def total_bytes(files: Sequence[str]) -> int | None:
    """Bytes on disk of all files; None where one of them has no size."""
    if any(not Path(file).is_file() for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)


class LogReader:
    """Reads files one after the other. `inputs` says of each that was read to its end what it was."""

    def __init__(
        self, files: Sequence[str], on_progress: OnProgress | None = None, *, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        self.inputs: list[InputFile] = []
        self._files = files
        self._on_progress = on_progress
        self._chunk_bytes = chunk_bytes
        self._done = 0

    def __iter__(self) -> Iterator[Chunk]:
        for file in self._files:
            yield from self._read(file)

    def _read(self, file: str) -> Iterator[Chunk]:
        cutter = _Cutter("stdin" if file == STANDARD_INPUT else file, self._chunk_bytes)
        hasher = hashlib.sha256()
        size = 0

        def raw(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
            nonlocal size
            while block := stream.read(block_bytes):
                hasher.update(block)
                size += len(block)
                self._done += len(block)
                if self._on_progress is not None:
                    self._on_progress(self._done)
                yield block

        broken = None
        try:
            with _opened(file) as stream:
                for block in _unpacked(file, stream, raw):
                    yield from cutter.cut(block)
        except _BrokenOffError as error:
            broken = str(error)
        except OSError as error:
            broken = f"it cannot be read: {error.strerror or error}"
        yield from cutter.finish(broken)
        self.inputs.append(InputFile(cutter.source, size, hasher.hexdigest()))


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as stream:
            yield stream


class _BrokenOffError(Exception):
    """The rest of the file cannot be unpacked; says why."""


def _unpacked(
    file: str, stream: BinaryIO, raw: Callable[[BinaryIO, int], Iterator[bytes]]
) -> Iterator[bytes]:
    if file.endswith(".gz"):
        return _from_gzip(raw(stream, _PACKED_BLOCK_BYTES))
    if file.endswith(".zst"):
        return _from_zstandard(raw(stream, _PACKED_BLOCK_BYTES))
    return raw(stream, _BLOCK_BYTES)


def _from_gzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """One or several gzip members; zero bytes after a member are padding."""
    member = None
    try:
        for packed in blocks:
            rest = packed
            while rest:
                if member is None:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    member = zlib.decompressobj(31)
                out = member.decompress(rest, _BLOCK_BYTES)
                rest = member.unconsumed_tail
                if out:
                    yield out
                while not member.eof and len(out) == _BLOCK_BYTES and not rest:
                    out = member.decompress(b"", _BLOCK_BYTES)
                    if out:
                        yield out
                if member.eof:
                    rest, member = member.unused_data, None
    except zlib.error as error:
        raise _BrokenOffError(f"its gzip data are damaged ({error})") from error
    if member is not None:
        raise _BrokenOffError("its gzip data break off")


def _from_zstandard(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """One or several zstd frames."""
    frame = None
    try:
        for packed in blocks:
            rest = packed
            while rest:
                if frame is None:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                out = frame.decompress(rest)
                rest = b""
                if frame.eof:
                    rest, frame = frame.unused_data, None
                if out:
                    yield out
    except zstandard.ZstdError as error:
        raise _BrokenOffError(f"its zstd data are damaged ({error})") from error
    if frame is not None:
        raise _BrokenOffError("its zstd data break off")


class _Cutter:
    """Cuts a stream of bytes into chunks of whole lines; walks past a line that is too long for a message."""

    def __init__(self, source: str, chunk_bytes: int) -> None:
        self.source = source
        self._chunk_bytes = chunk_bytes
        self._blocks: list[bytes] = []
        self._held = 0
        self._line = 1
        self._offset = 0
        self._giant: _Giant | None = None

    def cut(self, block: bytes) -> Iterator[Chunk]:
        """Take in a block and give the chunks that are complete with it."""
        if self._giant is not None:
            head, line_feed, block = block.partition(b"\n")
            self._giant.take(head)
            if not line_feed:
                return
            yield self._past_giant()
        if not block:
            return
        self._blocks.append(block)
        self._held += len(block)
        if self._held < self._chunk_bytes:
            return
        data = b"".join(self._blocks)
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        self._blocks, self._held = [rest] if rest else [], len(rest)
        if end:
            yield self._chunk(data[:end])
        if len(rest) > LONGEST_MESSAGE:
            self._giant = _Giant()
            self._giant.take(rest)
            self._blocks, self._held = [], 0

    def finish(self, broken: str | None) -> Iterator[Chunk]:
        """What is left at the end; if the file is `broken`, its last line is no message."""
        if self._giant is not None:
            yield self._past_giant()
        data = b"".join(self._blocks)
        end = len(data) if broken is None else data.rfind(b"\n") + 1
        if end:
            yield self._chunk(data[:end])
        if broken is not None:
            sentence = f"The file breaks off here: {broken}. What comes before was read; get the file again."
            reject = Reject.of(
                data[end:],
                source=self.source,
                line=self._line,
                reason_code="truncated_input",
                sentence=sentence,
            )
            yield Chunk(self.source, self._line, self._offset, b"", (reject.at(self._offset),))

    def _chunk(self, data: bytes) -> Chunk:
        chunk = Chunk(self.source, self._line, self._offset, data)
        self._line += data.count(b"\n")
        self._offset += len(data)
        return chunk

    def _past_giant(self) -> Chunk:
        assert self._giant is not None
        reject = self._giant.reject(self.source, self._line, self._offset)
        self._line += 1
        self._offset += self._giant.length + 1
        self._giant = None
        return Chunk(self.source, self._line, self._offset, b"", (reject,))


class _Giant:
    """A line that is longer than a message may be: its beginning, length and hash."""

    def __init__(self) -> None:
        self.length = 0
        self._head = b""
        self._hasher = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        self._head += piece[: max(0, LONGEST_RAW - len(self._head))]
        self.length += len(piece)
        self._hasher.update(piece)

    def reject(self, source: str, line: int, offset: int) -> Reject:
        sentence = f"The line has {self.length} bytes; a message has at most {LONGEST_MESSAGE}."
        digest = self._hasher.hexdigest()
        return Reject(source, line, offset, "too_long", sentence, self._head, self.length, digest)
