"""A packed log, read on from any place in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from streams.live.journal import Mark, Piece
from streams.sources import Chunk, LogReader

#: Bytes of unpacked lines that are held.
_CHUNK = 4 << 20


class Packed:
    """A packed file, read on from where its mark stands."""

    def __init__(self, path: Path, mark: Mark) -> None:
        """`mark`: how far it was read, counted in unpacked bytes."""
        self.mark = mark
        self._name = mark.name
        self._chunks: Iterator[Chunk] = iter(LogReader([str(path)], chunk_bytes=_CHUNK))
        self._held = b""

    def take(self, most: int) -> Piece | None:
        """The next lines, so many at most, or the next reject. None: it is at its end."""
        while not self._held:
            if self.mark.done:
                return None
            chunk = next(self._chunks, None)
            if chunk is None:
                self.mark = replace(self.mark, done=True)
                return None
            at = self.mark.byte_offset
            for reject in chunk.rejects:
                begin = reject.byte_offset or 0
                if begin >= at:
                    line = reject.line
                    self.mark = replace(
                        self.mark,
                        byte_offset=max(chunk.first_offset, begin),
                        line=max(chunk.first_line, line),
                        done=reject.reason_code == "truncated_input",
                    )
                    return Piece(self._name, line, begin, reject=replace(reject, source=self._name))
            data = b"".join(chunk.blocks)
            if chunk.first_offset + len(data) > at:
                self._held = data[max(0, at - chunk.first_offset) :]
        body, lines = first_lines(self._held.removesuffix(b"\n"), most)
        piece = Piece(self._name, self.mark.line, self.mark.byte_offset, body)
        self._held = self._held[len(body) + 1 :]
        self.mark = replace(
            self.mark, byte_offset=self.mark.byte_offset + len(body) + 1, line=self.mark.line + lines
        )
        return piece


def first_lines(text: bytes, most: int) -> tuple[bytes, int]:
    """So many lines at most from the beginning, without the last line feed, and how many they are."""
    lines = text.count(b"\n") + 1
    if lines <= most:
        return text, lines
    end = -1
    for _ in range(most):
        end = text.index(b"\n", end + 1)
    return text[:end], most
