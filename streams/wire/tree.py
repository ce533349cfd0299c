"""Messages of one kind as a tree of levels: the messages, the elements of their lists, the lists in those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from streams.wire.gather import Gathered
from streams.wire.level import Fault, Level, Source


class MessageTree:
    """Levels by their path; parents are made before their children.

    `refused` are rows that were found to be none before, by message and place. As their levels are made they
    become faults of these; `unplaced` are the others.
    """

    def __init__(self, gathered: Gathered, refused: Mapping[tuple[int, str], Fault]) -> None:
        self.unplaced = dict(refused)
        self._gathered = gathered
        paths = (*gathered.kind.nodes, "")
        size = gathered.size
        self.top = Level("", size, self._sources(paths), self._extensions(paths), None, np.arange(size))
        self.levels: dict[str, Level] = {"": self.top}

    def absent(self, path: str) -> Sequence[int]:
        """The messages that have no list at this path, though they must."""
        return self._gathered.absent[path]

    def level(self, path: str) -> Level:
        """The elements of the list at a path, of all messages. `a.b[].c` is the list c in every element of a.b."""
        if path not in self.levels:
            self.levels[path] = self._make_level(path)
        return self.levels[path]

    def _make_level(self, path: str) -> Level:
        above, _, _ = path.rpartition("[].")
        parent = self.level(above) if above else self.top
        answers = self._gathered.kind.answers
        paths = (path, answers[path]) if path in answers else (path,)
        lengths = np.array(self._gathered.lengths[path], np.int64)
        level = Level(
            path,
            self._gathered.cells[path].size,
            self._sources(paths),
            self._extensions(paths),
            parent,
            np.repeat(np.arange(len(lengths)), lengths),
        )
        if self.unplaced:
            for row in range(level.size):
                refused = self.unplaced.pop((int(level.message[row]), level.label(row)), None)
                if refused is not None:
                    level.fault(row, refused.reason_code, refused.sentence)
        return level

    def _sources(self, paths: Sequence[str]) -> list[Source]:
        return [Source(path, self._gathered.cells[path]) for path in paths]

    def _extensions(self, paths: Sequence[str]) -> list[Source]:
        found = self._gathered.extensions
        return [Source(f"{path}.exp_content", found[path]) for path in paths if path in found]
