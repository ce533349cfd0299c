"""Whole logs into facts, on one process or several.

The parent reads and cuts, the workers decode, and the results come back in the order of the log. Only a few
chunks are on the way at any time, so memory does not grow with the log.
"""

from __future__ import annotations

import bisect
import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from streams.errors import Refused
from streams.sources import CHUNK_BYTES, Chunk, InputFile, LogReader, OnProgress, find_inputs, total_bytes
from streams.wire import Counts, Decoded, Reject, decode

SMALL_LOG = 32 * 1024 * 1024
"""Bytes on disk below which starting workers costs more than they save."""
MOST_PROCESSES = 16
_CHUNKS_A_WORKER = 2

OnTables = Callable[[dict[str, pa.Table]], None]
OnRejects = Callable[[list[Reject]], None]


@dataclass
class LogSummary:
    """What a log held: the counts, the files it was read from, and where each `seq` stood."""

    counts: Counts = field(default_factory=Counts)
    inputs: tuple[InputFile, ...] = ()
    lines: int = 0
    """Also the first `seq` that is free."""
    _starts: list[int] = field(default_factory=list)
    _places: list[tuple[str, int]] = field(default_factory=list)

    def place(self, seq: int) -> tuple[str, int]:
        """Source and line of the message with this `seq`."""
        at = bisect.bisect_right(self._starts, seq) - 1
        source, first_line = self._places[at]
        return source, first_line + seq - self._starts[at]

    def begin(self, chunk: Chunk, lines: int) -> int:
        """Number the lines of the next chunk; gives the first number."""
        first = self.lines
        self._starts.append(first)
        self._places.append((chunk.source, chunk.first_line))
        self.lines += lines
        return first


def decode_log(
    inputs: Sequence[str],
    key: bytes,
    *,
    on_tables: OnTables,
    on_rejects: OnRejects = lambda _: None,
    on_progress: OnProgress | None = None,
    processes: int | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> LogSummary:
    """Decode files, folders or "-", in order, and hand the fact tables on chunk by chunk.

    `seq` runs through all inputs, so no two messages have the same. Results come in the order of the log,
    whatever the number of processes (None: one a core, and one alone for a small log). Raises Refused for an
    input that is not there; what cannot be read of one that is there becomes a reject.
    """
    files = find_inputs(inputs)
    reader = LogReader(files, on_progress, chunk_bytes=chunk_bytes)
    summary = LogSummary()
    workers = _workers(files, processes)
    results = _alone(reader, key, summary) if workers == 1 else _fanned_out(reader, key, summary, workers)
    for chunk, decoded in results:
        summary.counts.add(decoded.counts)
        for reject in chunk.rejects:
            summary.counts.read += 1
            summary.counts.rejected[reject.reason_code] += 1
        if chunk.rejects or decoded.rejects:
            on_rejects([*chunk.rejects, *decoded.rejects])
        if decoded.tables:
            on_tables(decoded.tables)
    summary.inputs = tuple(reader.inputs)
    return summary


def decode_chunk(chunk: Chunk, first_seq: int, key: bytes) -> Decoded:
    """The facts of one chunk, and its rejects with their byte offsets."""
    lines = chunk.lines
    decoded = decode(lines, source=chunk.source, first_line=chunk.first_line, first_seq=first_seq, key=key)
    rejects = []
    offset, position = chunk.first_offset, 0
    for reject in decoded.rejects:  # in the order of their lines
        before = lines[position : reject.line - chunk.first_line]
        offset += sum(len(line) + 1 for line in before)
        position += len(before)
        rejects.append(reject.at(offset))
    return Decoded(decoded.tables, rejects, decoded.counts)


def _workers(files: Sequence[str], processes: int | None) -> int:
    if processes is not None:
        return max(1, processes)
    size = total_bytes(files)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if size is not None and size < SMALL_LOG else min(cores, MOST_PROCESSES)


def _alone(reader: LogReader, key: bytes, summary: LogSummary) -> Iterator[tuple[Chunk, Decoded]]:
    for chunk in reader:
        first_seq = summary.begin(chunk, _lines(chunk))
        with _without_collector():
            decoded = decode_chunk(chunk, first_seq, key)
        yield chunk, decoded


def _fanned_out(
    reader: LogReader, key: bytes, summary: LogSummary, workers: int
) -> Iterator[tuple[Chunk, Decoded]]:
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(workers, context, _start_worker)
    waiting: deque[tuple[Chunk, Future[_Packed]]] = deque()
    try:
        for chunk in reader:
            waiting.append((chunk, pool.submit(_work, chunk, summary.begin(chunk, _lines(chunk)), key)))
            if len(waiting) >= workers * _CHUNKS_A_WORKER:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool as error:
        raise Refused("A decoding process died, perhaps for want of memory; try fewer processes.") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _lines(chunk: Chunk) -> int:
    return chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n") and bool(chunk.data))


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


# Between processes tables go as Arrow streams, which copy only the rows of a slice and read without a copy.

_Packed = tuple[dict[str, pa.Buffer], list[Reject], Counts]


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    gc.disable()


def _work(chunk: Chunk, first_seq: int, key: bytes) -> _Packed:
    decoded = decode_chunk(chunk, first_seq, key)
    packed = {}
    for name, table in decoded.tables.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        packed[name] = sink.getvalue()
    return packed, decoded.rejects, decoded.counts


def _next(waiting: deque[tuple[Chunk, Future[_Packed]]]) -> tuple[Chunk, Decoded]:
    chunk, future = waiting.popleft()
    packed, rejects, counts = future.result()
    tables = {name: pa.ipc.open_stream(buffer).read_all() for name, buffer in packed.items()}
    return chunk, Decoded(tables, rejects, counts)
