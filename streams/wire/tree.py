"""Messages of one kind as a tree of levels: the messages, the elements of their lists, the lists in those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from streams.wire.columns import as_text
from streams.wire.level import Fault, Level, Source
from streams.wire.shape import Kind, node_type

_NUMBER = "feedetl_sn"
"""The number of a fee line, by which question and answer are joined."""


class MessageTree:
    """Levels by their path; parents are made before their children.

    `refused` are rows that were found to be none before, by message and place. As their levels are made they
    become faults of these; `unplaced` are the others.
    """

    def __init__(
        self, kind: Kind, messages: Sequence[msgspec.Struct], refused: Mapping[tuple[int, str], Fault]
    ) -> None:
        self.kind = kind
        self.unplaced = dict(refused)
        self._nodes: dict[str, Sequence[Any]] = {"": messages}
        self._shapes: dict[str, type[msgspec.Struct]] = {"": kind.shape}
        size = len(messages)
        sources = [Source(path, self._shape(path), self._node(path)) for path in (*kind.nodes, "")]
        self.top = Level("", size, sources, None, np.arange(size))
        self.levels: dict[str, Level] = {"": self.top}

    def _node(self, path: str) -> Sequence[Any]:
        """A single node of each message; where it is missing, an empty one."""
        if path not in self._nodes:
            empty = self._shape(path)()
            self._nodes[path] = [empty if each is None else each for each in self.values(path)]
        return self._nodes[path]

    def _shape(self, path: str) -> type[msgspec.Struct]:
        if path not in self._shapes:
            above, _, name = path.rpartition(".")
            self._shapes[path] = node_type(self._shape(above), name)
        return self._shapes[path]

    def values(self, path: str) -> list[Any]:
        """What stands at a path in each message."""
        above, _, name = path.rpartition(".")
        return [getattr(each, name) for each in self._node(above)]

    def level(self, path: str) -> Level:
        """The elements of the list at a path, of all messages. `a.b[].c` is the list c in every element of a.b."""
        if path not in self.levels:
            self.levels[path] = self._make_level(path)
        return self.levels[path]

    def _make_level(self, path: str) -> Level:
        above, _, name = path.rpartition("[].")
        if above:
            parent = self.level(above)
            lists = parent.sources[0].nodes(name)
            shape = node_type(self._list_shape(above), name)
        else:
            parent, lists, shape = self.top, self.values(path), self._list_shape(path)
        if any(table.never_empty for table in self.kind.tables if table.rows == path):
            empty = [shape()]
            lists = [each or empty for each in lists]
        lengths = np.fromiter((len(each) if each else 0 for each in lists), np.int64, len(lists))
        rows = list(chain.from_iterable(each for each in lists if each))
        sources = [Source(path, shape, rows)]
        if path in self.kind.answers:
            sources.append(self._answers(self.kind.answers[path], lists, sources[0]))
        level = Level(path, len(rows), sources, parent, np.repeat(np.arange(len(lists)), lengths))
        if self.unplaced:
            for row in range(level.size):
                refused = self.unplaced.pop((int(level.message[row]), level.label(row)), None)
                if refused is not None:
                    level.fault(row, refused.reason_code, refused.sentence)
        return level

    def _list_shape(self, path: str) -> type[msgspec.Struct]:
        above, separator, name = path.rpartition("[].")
        if separator:
            return node_type(self._list_shape(above), name)
        above, _, name = path.rpartition(".")
        return node_type(self._shape(above), name)

    def _answers(self, path: str, lists: Sequence[Any], asked: Source) -> Source:
        """The row of the output that belongs to each row of the input, an empty one where there is none."""
        shape = self._list_shape(path)
        answers = self.values(path)
        if [len(each or ()) for each in lists] == [len(each or ()) for each in answers]:
            answered = Source(path, shape, list(chain.from_iterable(each for each in answers if each)))
            if answered.texts[_NUMBER].equals(asked.texts[_NUMBER]):
                return answered
        empty = shape()
        joined: list[msgspec.Struct] = []
        for given, answer in zip(lists, answers, strict=True):
            by_number = {as_text(each.feedetl_sn): each for each in answer or ()}
            joined.extend(by_number.get(as_text(each.feedetl_sn), empty) for each in given or ())
        return Source(path, shape, joined)
