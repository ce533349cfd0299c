"""Event logs as they lie on disk: files, folders or standard input, plain or compressed, in chunks of whole lines.

Never more than a chunk is in memory. A file that breaks off gives everything before the break, and one reject.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from streams.errors import Refused
from streams.wire.reject import LONGEST_MESSAGE, LONGEST_RAW, Reject

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
STANDARD_INPUT = "-"
CHUNK_BYTES = 64 * 1024 * 1024
"""A chunk holds at least this many bytes of lines, unless the source ends, and little more. Each chunk costs some
65 ms, however small."""
_BLOCK_BYTES = 1024 * 1024
_PACKED_BLOCK_BYTES = 64 * 1024

OnProgress = Callable[[int], None]
"""Told how many bytes of the files (as they lie on disk) have been read so far, of all inputs together."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one source, and what was rejected before them.

    `first_line` counts from 1; `first_offset` is where the first line begins in the uncompressed source. `blocks` are
    the bytes as they came, `lines` how many lines they hold. Every reject is a message that was read, or a break in
    the file.
    """

    source: str
    first_line: int
    first_offset: int
    blocks: tuple[bytes, ...] = ()
    lines: int = 0
    rejects: tuple[Reject, ...] = ()


def whole_lines(blocks: Iterable[bytes], about: int = 256 * 1024) -> Iterator[bytes]:
    """The same bytes in pieces of whole lines, of so many bytes unless a line is longer."""
    rest = b""
    for block in blocks:
        start = 0
        if rest:
            start = block.find(b"\n") + 1
            if not start:
                rest += block
                continue
            yield rest + block[:start]
        while end := block.rfind(b"\n", start, start + about) + 1 or block.find(b"\n", start) + 1:
            yield block[start:end]
            start = end
        rest = block[start:]
    if rest:
        yield rest


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


def find_lines(file: str, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """Lines of a file that was read before, each with the offset at which it begins.

    A place is an offset in the uncompressed file where some line begins, and how many lines after it; places ascend.
    """
    with _opened(file) as stream:
        blocks = _unpacked(file, stream, lambda stream, size: iter(lambda: stream.read(size), b""))
        window = _Window(blocks)
        start = lines = 0
        for offset, after in places:
            if offset != start or not lines:
                start, lines = offset, 0
                window.go_to(offset)
            window.skip_lines(after - lines)
            lines = after
            yield window.line()


class _Window:
    """A place in a stream of blocks that moves forward."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = b""
        self._offset = 0
        """Where `_held` begins."""
        self._at = 0
        """The place, in `_held`."""

    def go_to(self, offset: int) -> None:
        while self._offset + len(self._held) < offset:
            self._next()
        self._at = offset - self._offset

    def skip_lines(self, count: int) -> None:
        while (there := self._held.count(b"\n", self._at)) < count:
            count -= there
            self._next()
        for _ in range(count):
            self._at = self._held.index(b"\n", self._at) + 1

    def line(self) -> tuple[int, bytes]:
        """The line that begins here; the place stays."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            more = next(self._blocks, b"")
            if not more:
                end = len(self._held)
                break
            self._held = self._held[self._at :] + more
            self._offset += self._at
            self._at = 0
        return self._offset + self._at, self._held[self._at : end]

    def _next(self) -> None:
        self._offset += len(self._held)
        self._held = next(self._blocks, b"")
        self._at = 0
        if not self._held:
            raise Refused("A log became shorter while it was read: replay it again when nobody writes to it.")


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
        self._lines = 0
        self._line = 1
        self._offset = 0
        self._giant: Giant | None = None

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
        self._hold(block)
        if self._held < self._chunk_bytes:
            return
        rest = self._after_last_line_feed()
        yield from self._chunk()
        length = sum(map(len, rest))
        if length > LONGEST_MESSAGE:
            self._giant = Giant()
            for each in rest:
                self._giant.take(each)
        else:
            self._blocks, self._held = rest, length

    def finish(self, broken: str | None) -> Iterator[Chunk]:
        """What is left at the end; if the file is `broken`, its last line is no message."""
        if self._giant is not None:
            yield self._past_giant()
        rest = b"" if broken is None else b"".join(self._after_last_line_feed())
        if self._blocks and not self._blocks[-1].endswith(b"\n"):
            self._lines += 1
        yield from self._chunk()
        if broken is not None:
            sentence = f"The file breaks off here: {broken}. What comes before was read; get the file again."
            reject = Reject.of(
                rest,
                source=self.source,
                line=self._line,
                reason_code="truncated_input",
                sentence=sentence,
            )
            yield Chunk(self.source, self._line, self._offset, rejects=(reject.at(self._offset),))

    def _hold(self, block: bytes) -> None:
        self._blocks.append(block)
        self._held += len(block)
        self._lines += block.count(b"\n")

    def _after_last_line_feed(self) -> list[bytes]:
        """Take what follows the last line feed out of the blocks."""
        rest: list[bytes] = []
        while self._blocks:
            block = self._blocks.pop()
            end = block.rfind(b"\n") + 1
            if end < len(block):
                rest.insert(0, block[end:] if end else block)
            if end:
                self._blocks.append(block if end == len(block) else block[:end])
                break
        self._held -= sum(map(len, rest))
        return rest

    def _chunk(self) -> Iterator[Chunk]:
        """The blocks that are held, if there are any."""
        if self._blocks:
            yield Chunk(self.source, self._line, self._offset, tuple(self._blocks), self._lines)
        self._line += self._lines
        self._offset += self._held
        self._blocks, self._held, self._lines = [], 0, 0

    def _past_giant(self) -> Chunk:
        assert self._giant is not None
        reject = self._giant.reject(self.source, self._line, self._offset)
        self._line += 1
        self._offset += self._giant.length + 1
        self._giant = None
        return Chunk(self.source, self._line, self._offset, rejects=(reject,))


class Giant:
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
