"""Files of a watched folder: logs that grow are read line by line, packed ones once they are whole.

A file is known again by its inode and by what was read of it, so a log that is rotated is read on under its new name, and one
that was emptied or replaced is read from its beginning. Reading something twice changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from streams.live.journal import Mark, Piece
from streams.live.sources.packed import Packed, first_lines
from streams.operation.events import Event
from streams.sources import SUFFIXES, Giant
from streams.wire.reject import LONGEST_MESSAGE

PLAIN = ".jsonl"

#: Seconds that a packed file must stay as it is before it is taken for whole.
SETTLED = 2.0

#: Bytes of a file that are read at once, more than any message has.
_BLOCK = 2 * LONGEST_MESSAGE

#: Bytes at the beginning of what was read, and at its end, by which a file is known again.
_PRINT = 4096

_NEVER = Mark("")

#: Told an event, and the name of the file that it is about.
OnEvent = Callable[[Event, str], None]


@dataclass
class Portion:
    """What one reading brought: pieces, how far the files were read, names that no file has any more."""

    pieces: list[Piece] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether nothing came and nothing is to be remembered."""
        return not (self.pieces or self.marks or self.gone)


@dataclass(frozen=True)
class _Seen:
    """A file as the folder shows it."""

    name: str
    path: Path
    stat: os.stat_result

    @property
    def key(self) -> tuple[int, int]:
        return self.stat.st_dev, self.stat.st_ino

    @property
    def state(self) -> tuple[int, int, int, int]:
        return *self.key, self.stat.st_size, self.stat.st_mtime_ns


class Folder:
    """A watched folder, with all folders below it. Hidden files are none of ours."""

    def __init__(
        self,
        folder: Path,
        marks: Mapping[str, Mark],
        on_event: OnEvent = lambda *_: None,
        *,
        settled: float = SETTLED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`marks`: how far the files were read before. `clock`: seconds since 1970."""
        self._folder = folder
        self._marks = dict(marks)
        self._on_event = on_event
        self._settled = settled
        self._clock = clock
        self._looked: dict[str, tuple[int, int, int, int]] = {}
        self._first_seen: dict[str, tuple[tuple[int, int, int, int], float]] = {}
        self._packed: tuple[Mark, Packed] | None = None
        self._giants: dict[str, tuple[Mark, Giant, int]] = {}
        self._unreadable: set[str] = set()
        self._start = ""
        self._upto = 0
        self.is_at_end = False
        """Whether the last reading came to the end of everything that is whole."""

    def read(self, most: int) -> Portion:
        """What has come since the last reading, so many messages at most."""
        portion = Portion()
        seen = self._seen()
        self._follow_renamed(seen, portion)
        ordered = sorted(seen, key=lambda one: (one.name < self._start, one.name))
        self.is_at_end = True
        for one in ordered:
            if most <= 0:
                self.is_at_end = False
                break
            if self._looked.get(one.name) == one.state or not self._may_read(one):
                continue
            if one.name.endswith(PLAIN) or self._marks.get(one.name, _NEVER).print:
                most -= self._read_plain(one, portion, most)
            elif self._is_whole(one):
                most -= self._read_packed(one, portion, most)
            else:
                self.is_at_end = False
        self._marks.update(portion.marks)
        return portion

    def _seen(self) -> list[_Seen]:
        """The logs, and what once was one of them under another name."""
        known = {(mark.device, mark.inode) for mark in self._marks.values() if mark.print}
        found = []
        for path in _walk(self._folder):
            name = path.relative_to(self._folder).as_posix()
            try:
                stat = path.stat()
            except OSError:
                continue  # it went just now
            if name.endswith(SUFFIXES) or (stat.st_dev, stat.st_ino) in known:
                found.append(_Seen(name, path, stat))
        return found

    def _follow_renamed(self, seen: list[_Seen], portion: Portion) -> None:
        """Have the marks of files that were renamed go with them."""
        here = {one.name: one for one in seen}
        by_key = {(mark.device, mark.inode): mark for mark in self._marks.values() if mark.print}
        for one in seen:
            mark = by_key.get(one.key)
            if mark is None or mark.name == one.name:
                continue
            still = here.get(mark.name)
            if (still is not None and still.key == one.key) or not _is_same(one.path, mark):
                continue  # two names of one file, or another file that got the number of one that is gone
            moved = replace(mark, name=one.name)
            self._marks[one.name] = portion.marks[one.name] = moved
            del self._marks[mark.name]
            portion.marks.pop(mark.name, None)
            portion.gone.add(mark.name)
            self._looked.pop(mark.name, None)
        portion.gone -= portion.marks.keys()

    def _may_read(self, one: _Seen) -> bool:
        """Whether this user may; that one may not is said once."""
        if os.access(one.path, os.R_OK):
            self._unreadable.discard(one.name)
            return True
        if one.name not in self._unreadable:
            self._unreadable.add(one.name)
            self._on_event(Event.FILE_UNREADABLE, one.name)
        return False

    def _turn_of(self, name: str, upto: int, at: int) -> None:
        """A portion was full in the middle of this file: it goes on until it is at `upto`, then others have their turn."""
        if self._start != name:
            self._upto = upto
        self._start = name if at < self._upto else name + "\0"
        self.is_at_end = False

    # Logs that grow

    def _read_plain(self, one: _Seen, portion: Portion, most: int) -> int:
        try:
            with one.path.open("rb") as file:
                return self._tail(one, file, portion, most)
        except FileNotFoundError:
            return 0

    def _tail(self, one: _Seen, file: BinaryIO, portion: Portion, most: int) -> int:
        mark = self._mark(one, file)
        took = 0
        while took < most and sum(len(piece.body) for piece in portion.pieces) < _BLOCK:
            file.seek(mark.byte_offset)
            block = file.read(_BLOCK)
            end = block.rfind(b"\n")
            if end < 0:
                passed = self._pass_giant(one.name, mark, file, block, portion)
                if passed is None:
                    self._looked[one.name] = one.state  # at the end, perhaps of half a line
                    break
                mark, took = passed, took + 1
                continue
            body, lines = first_lines(block[:end], most - took)
            portion.pieces.append(Piece(one.name, mark.line, mark.byte_offset, body))
            mark = replace(mark, byte_offset=mark.byte_offset + len(body) + 1, line=mark.line + lines)
            took += lines
        else:
            self._turn_of(one.name, one.stat.st_size, mark.byte_offset)
        if mark is not self._marks.get(one.name) or one.name in portion.marks:
            portion.marks[one.name] = replace(
                mark, size=one.stat.st_size, print=_print(file, mark.byte_offset)
            )
        return took

    def _mark(self, one: _Seen, file: BinaryIO) -> Mark:
        """Where to go on; at the beginning if it is not the file that was read under this name."""
        known = self._marks.get(one.name)
        begin = Mark(one.name, *one.key)
        if known is None:
            return begin
        is_same = (
            (known.device, known.inode) == one.key
            and one.stat.st_size >= known.byte_offset
            and _print(file, known.byte_offset) == known.print
        )
        if is_same:
            return known
        if known.byte_offset:
            self._on_event(Event.FILE_ANEW, one.name)
        return begin

    def _pass_giant(
        self, name: str, mark: Mark, file: BinaryIO, block: bytes, portion: Portion
    ) -> Mark | None:
        """Walk past a line that is too long for a message; None: it is not at its end, or not too long yet."""
        if len(block) <= LONGEST_MESSAGE:
            return None
        known = self._giants.pop(name, None)
        giant, at = (known[1], known[2]) if known and known[0] == mark else (Giant(), mark.byte_offset)
        file.seek(at)
        while block := file.read(1 << 20):
            head, line_feed, _ = block.partition(b"\n")
            giant.take(head)
            if line_feed:
                portion.pieces.append(
                    Piece(
                        name,
                        mark.line,
                        mark.byte_offset,
                        reject=giant.reject(name, mark.line, mark.byte_offset),
                    )
                )
                return replace(mark, byte_offset=mark.byte_offset + giant.length + 1, line=mark.line + 1)
            at += len(block)
        self._giants[name] = (mark, giant, at)
        return None

    # Packed logs

    def _is_whole(self, one: _Seen) -> bool:
        """Whether nobody has written to it for some time."""
        now = self._clock()
        state, since = self._first_seen.get(one.name, (None, now))
        if state != one.state:
            since = now
            self._first_seen[one.name] = (one.state, now)
        return max(now - since, now - one.stat.st_mtime) >= self._settled

    def _read_packed(self, one: _Seen, portion: Portion, most: int) -> int:
        known = self._marks.get(one.name)
        mark = Mark(one.name, *one.key, size=one.stat.st_size)
        if known is not None:
            if (known.device, known.inode, known.size) == (*one.key, one.stat.st_size):
                mark = known
            else:
                self._on_event(Event.FILE_ANEW, one.name)
        if mark.done:
            self._looked[one.name] = one.state
            return 0
        if self._packed is None or self._packed[0] != mark:
            self._packed = (mark, Packed(one.path, mark))
        reader = self._packed[1]
        took = 0
        while took < most and (piece := reader.take(most - took)) is not None:
            portion.pieces.append(piece)
            took += 1 if piece.reject else piece.body.count(b"\n") + 1
        mark = portion.marks[one.name] = reader.mark
        self._packed = None if mark.done else (mark, reader)
        if not mark.done:
            self._turn_of(one.name, 1, 0)
        return took


def _walk(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those below it, by name, without hidden ones."""
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(above, name)


def _print(file: BinaryIO, upto: int) -> bytes:
    """A hash of the beginning and the end of what was read."""
    length = min(_PRINT, upto)
    head = os.pread(file.fileno(), length, 0)
    tail = os.pread(file.fileno(), length, upto - length)
    return hashlib.sha256(head + tail).digest()[:16]


def _is_same(path: Path, mark: Mark) -> bool:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return size >= mark.byte_offset and _print(file, mark.byte_offset) == mark.print
    except OSError:
        return False
