"""Whole logs into facts, on one process or several.

The parent reads and cuts, the workers decode and keep the facts that they found. Only a few chunks are on the way
at any time, so memory does not grow with the log. A chunk goes to a worker as a file, which is overwritten by a later
one: through a pipe it would be copied four times.
"""

from __future__ import annotations

import bisect
import ctypes
import gc
import multiprocessing
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import RawIOBase
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, Self

import pyarrow as pa

from streams.errors import Refused
from streams.operation.stopping import start_apart, told_afterwards
from streams.sources import (
    CHUNK_BYTES,
    Chunk,
    InputFile,
    LogReader,
    OnProgress,
    find_inputs,
    total_bytes,
    whole_lines,
)
from streams.wire import Counts, Decoder, Reject

SMALL_LOG = 32 * 1024 * 1024
"""Bytes on disk below which starting workers costs more than they save."""
MOST_PROCESSES = 16
_CHUNKS_A_WORKER = 2
_BLOCK_BYTES = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""As glibc's malloc.h has them."""

OnRejects = Callable[[list[Reject]], None]


class Sink(Protocol):
    """Where the tables go. Each worker has a part of its own; what it kept comes together in the end."""

    def part(self, number: int, /) -> Self:
        """An empty one for a worker; it is pickled."""

    def add(self, tables: dict[str, pa.Table], /) -> None:
        """Take the tables of a chunk."""

    def close(self) -> Any:
        """What a part has kept, to be pickled."""

    def join(self, kept: Any, /) -> None:
        """Take over what a part has kept."""


@dataclass
class LogSummary:
    """What a log held: the counts, the files it was read from, and where each `seq` stood."""

    counts: Counts = field(default_factory=Counts)
    inputs: tuple[InputFile, ...] = ()
    lines: int = 0
    """Also the first `seq` that is free."""
    _starts: list[int] = field(default_factory=list)
    _places: list[tuple[str, int, int]] = field(default_factory=list)

    def place(self, seq: int) -> Place:
        """Where the message with this `seq` stands."""
        at = bisect.bisect_right(self._starts, seq) - 1
        source, first_line, first_offset = self._places[at]
        after = seq - self._starts[at]
        return Place(source, first_line + after, first_offset, after)

    def begin(self, chunk: Chunk) -> int:
        """Number the lines of the next chunk; gives the first number."""
        first = self.lines
        self._starts.append(first)
        self._places.append((chunk.source, chunk.first_line, chunk.first_offset))
        self.lines += chunk.lines
        return first


@dataclass(frozen=True)
class Place:
    """A line of a source, counted from 1; it is `after` lines behind the one that begins at `offset`."""

    source: str
    line: int
    offset: int
    after: int


def decode_log(
    inputs: Sequence[str],
    key: bytes,
    sink: Sink,
    *,
    on_rejects: OnRejects = lambda _: None,
    on_progress: OnProgress | None = None,
    processes: int | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    workspace: Path | None = None,
) -> LogSummary:
    """Decode files, folders or "-", and fill `sink` with the fact tables.

    `seq` runs through all inputs, so no two messages have the same. Rejects come in the order of the log, tables in
    any order, whatever the number of processes (None: one a core, and one alone for a small log). Raises Refused for an
    input that is not there; what cannot be read of one that is there becomes a reject.
    """
    files = find_inputs(inputs)
    reader = LogReader(files, on_progress, chunk_bytes=chunk_bytes)
    summary = LogSummary()
    workers = _workers(files, processes)
    if workers == 1:
        results = _alone(reader, key, summary, sink)
    else:
        results = _fanned_out(reader, key, summary, sink, workers, workspace)
    for unread, found in results:
        summary.counts.add(found.counts)
        for reject in unread:
            summary.counts.read += 1
            summary.counts.rejected[reject.reason_code] += 1
        if unread or found.rejects:
            on_rejects([*unread, *found.rejects])
    summary.inputs = tuple(reader.inputs)
    return summary


def _workers(files: Sequence[str], processes: int | None) -> int:
    if processes is not None:
        return max(1, processes)
    size = total_bytes(files)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if size is not None and size < SMALL_LOG else min(cores, MOST_PROCESSES)


@dataclass(frozen=True)
class _Task:
    """A chunk to decode, without its bytes."""

    source: str
    first_line: int
    first_offset: int
    first_seq: int


@dataclass(frozen=True)
class _Found:
    """What a chunk held besides facts."""

    rejects: list[Reject]
    counts: Counts


_Result = tuple[tuple[Reject, ...], _Found]
"""What the reader rejected before a chunk, and what the chunk held."""


def _decode(task: _Task, blocks: Iterable[bytes], key: bytes, sink: Sink) -> _Found:
    decoder = Decoder(
        source=task.source,
        first_line=task.first_line,
        first_seq=task.first_seq,
        key=key,
        first_offset=task.first_offset,
    )
    for piece in whole_lines(blocks):
        decoder.take(piece)
    decoded = decoder.finish()
    sink.add(decoded.tables)
    return _Found(decoded.rejects, decoded.counts)


def _task(chunk: Chunk, summary: LogSummary) -> _Task:
    return _Task(chunk.source, chunk.first_line, chunk.first_offset, summary.begin(chunk))


def _alone(reader: LogReader, key: bytes, summary: LogSummary, sink: Sink) -> Iterator[_Result]:
    for chunk in reader:
        with _without_collector():
            found = _decode(_task(chunk, summary), chunk.blocks, key, sink)
        yield chunk.rejects, found


@contextmanager
def _without_collector() -> Iterator[None]:
    """Messages have no cycles; looking for some among a million young objects costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# Several processes. Chunks go round, so the answers come in their order.


def _fanned_out(
    reader: LogReader, key: bytes, summary: LogSummary, sink: Sink, count: int, workspace: Path | None
) -> Iterator[_Result]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if hasattr(context, "set_forkserver_preload"):
        context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory(prefix="chunks-", dir=workspace) as folder:
        workers = [_Worker(context, key, sink.part(number)) for number in range(count)]
        try:
            waiting: deque[tuple[tuple[Reject, ...], _Worker]] = deque()
            for number, chunk in enumerate(reader):
                if len(waiting) == count * _CHUNKS_A_WORKER:
                    yield _next(waiting)
                worker = workers[number % count]
                file = Path(folder, str(number % (count * _CHUNKS_A_WORKER)))
                with file.open("wb", buffering=0) as slot:
                    for block in chunk.blocks:
                        slot.write(block)
                worker.send((_task(chunk, summary), str(file)))
                waiting.append((chunk.rejects, worker))
            while waiting:
                yield _next(waiting)
            for worker in workers:
                worker.send(None)
            for worker in workers:
                sink.join(worker.answer())
        finally:
            for worker in workers:
                worker.stop()


def _next(waiting: deque[tuple[tuple[Reject, ...], _Worker]]) -> _Result:
    unread, worker = waiting.popleft()
    return unread, worker.answer()


class _Worker:
    """A process that decodes chunks into a part of the sink."""

    def __init__(self, context: Any, key: bytes, part: Sink) -> None:
        # The library makes a pipe of two sockets, and leaves them open where it is interrupted.
        with told_afterwards():
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, key, part), daemon=True)
            start_apart(self._process)
            theirs.close()

    def send(self, order: tuple[_Task, str] | None) -> None:
        """A chunk and the file of its bytes; None: close the part and answer with what it kept."""
        try:
            self._pipe.send(order)
        except BrokenPipeError:
            raise _died() from None

    def answer(self) -> Any:
        try:
            answer = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            raise _died() from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        self._pipe.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def _died() -> Refused:
    return Refused("A decoding process died, perhaps for want of memory; try fewer processes.")


def _keep_memory() -> None:
    """Have this process keep the memory that it frees: each chunk needs as much as the one before, and to get it from
    the system page by page is a tenth of the time. Where the C library has no such switch, it stays as it is."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_MMAP_THRESHOLD, 2**30)


def _blocks(slot: RawIOBase) -> Iterator[bytes]:
    while block := slot.read(_BLOCK_BYTES):
        yield block


def _serve(pipe: Connection, key: bytes, part: Sink) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    gc.disable()
    _keep_memory()
    try:
        while (order := pipe.recv()) is not None:
            task, file = order
            with Path(file).open("rb", buffering=0) as slot:
                pipe.send(_decode(task, _blocks(slot), key, part))
        pipe.send(part.close())
    except EOFError:  # the parent has gone
        return
    except Exception as error:  # the parent says what went wrong
        pipe.send(error)
