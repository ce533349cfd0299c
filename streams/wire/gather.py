"""The messages of one kind, taken apart while they are at hand.

Messages come a few hundred at a time. Their cells are copied into texts, and they are let go: a later walk through
all of them would wait for memory. What is gathered is read as levels and columns by `tree`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from detectors.facts import fact_schemas
from streams.wire.columns import Cells, as_text
from streams.wire.required import REQUIRED, REQUIRED_LISTS
from streams.wire.shape import EXTENSION_FIELDS, MISSING, Extension, Kind, node_type

_NUMBER = "feedetl_sn"
"""The number of a fee line, by which question and answer are joined."""
_EXTENDED = "exp_content"
_NO_EXTENSION = Extension()
_READ_EXTENSION = msgspec.json.Decoder(Extension)
_tuple = msgspec.structs.astuple

_Row = tuple[Any, ...]
"""A struct as the tuple of its fields."""


class Gathered:
    """What messages of one kind say, by path: of nodes and elements of lists the cells, of lists the lengths."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.size = 0
        """Messages."""
        self.cells: dict[str, Cells] = {}
        """By path of the node, or of the list whose elements they are."""
        self.extensions: dict[str, Cells] = {}
        """What `exp_content` says, by path of the structs in which it stands."""
        self.lengths: dict[str, list[int]] = {}
        """Of each list: elements in every row of the level above, in their order."""
        self.absent: dict[str, list[int]] = {}
        """Of each list that a message must have: the messages without."""
        self._answers = {asked: _shape_at(kind, answer) for asked, answer in kind.answers.items()}
        self._lists: dict[str, list[Any]] = {}
        self._root = _planned(kind)
        self._prepare(self._root)

    def take(self, messages: Sequence[msgspec.Struct]) -> None:
        """Add messages."""
        self._walk(self._root, list(map(_tuple, messages)))
        for asked, shape in self._answers.items():
            answers = self._lists[self.kind.answers[asked]]
            self.cells[self.kind.answers[asked]].take(_paired(self._lists[asked], answers, shape))
        self.size += len(messages)

    @property
    def all_cells(self) -> Iterator[Cells]:
        """The cells of all paths."""
        yield from self.cells.values()
        yield from self.extensions.values()

    def _prepare(self, node: _Node) -> None:
        if node.has_cells:
            self.cells[node.path] = Cells(node.shape)
        if node.extended is not None:
            self.extensions[node.path] = Cells(Extension)
        for _, each in node.lists:
            if each.is_required:
                self.absent[each.path] = []
            self.lengths[each.path] = []
        for _, each in (*node.nodes, *node.lists):
            self._prepare(each)

    def _walk(self, node: _Node, rows: list[_Row]) -> None:
        if node.has_cells:
            self.cells[node.path].take(rows)
        if node.extended is not None:
            self.extensions[node.path].take([_tuple(_extension(row[node.extended])) for row in rows])
        for index, each in node.nodes:
            empty = each.empty
            self._walk(each, [empty if (it := row[index]) is None else _tuple(it) for row in rows])
        for index, each in node.lists:
            self._walk_list(each, [row[index] for row in rows])

    def _walk_list(self, node: _Node, lists: list[Any]) -> None:
        if node.is_required:
            self.absent[node.path] += [self.size + at for at, each in enumerate(lists) if each is None]
        if node.is_paired:
            self._lists[node.path] = lists
        if node.is_answer:
            return
        if node.never_empty:
            lists = [each or (node.shape(),) for each in lists]
        self.lengths[node.path] += [len(each) if each else 0 for each in lists]
        rows = [_tuple(element) for each in lists if each for element in each]
        if rows:
            self._walk(node, rows)


def _paired(lists: Sequence[Any], answers: Sequence[Any], shape: type[msgspec.Struct]) -> list[_Row]:
    """The row of the answer that belongs to each row that was asked, an empty one where there is none."""
    if [len(each or ()) for each in lists] == [len(each or ()) for each in answers]:
        answered = list(_elements(answers))
        if _numbers(_elements(lists)) == _numbers(answered):
            return list(map(_tuple, answered))
    empty = shape()
    joined: list[_Row] = []
    for given, answer in zip(lists, answers, strict=True):
        by_number = {as_text(each.feedetl_sn): each for each in answer or ()}
        joined += [_tuple(by_number.get(as_text(each.feedetl_sn), empty)) for each in given or ()]
    return joined


def _elements(lists: Sequence[Any]) -> Iterator[Any]:
    return chain.from_iterable(each for each in lists if each)


def _numbers(rows: Any) -> list[str | None]:
    return [as_text(each.feedetl_sn) for each in rows]


def _extension(given: Any) -> Extension:
    """`exp_content` in whatever form it came; garbage says nothing."""
    if given == MISSING or given is None:
        return _NO_EXTENSION
    if isinstance(given, Extension):
        return given
    try:
        return _READ_EXTENSION.decode(str(given))
    except (msgspec.DecodeError, RecursionError):
        return _NO_EXTENSION


# The plan of a kind: which nodes and lists are walked, and where each stands in the struct above it.


@dataclass(frozen=True)
class _Node:
    path: str
    shape: type[msgspec.Struct]
    empty: _Row
    nodes: tuple[tuple[int, _Node], ...]
    lists: tuple[tuple[int, _Node], ...]
    has_cells: bool
    extended: int | None
    never_empty: bool
    is_required: bool
    is_paired: bool
    is_answer: bool


_plans: dict[str, _Node] = {}


def _planned(kind: Kind) -> _Node:
    if kind.name not in _plans:
        _plans[kind.name] = _Planning(kind).node(kind.shape, "", "")
    return _plans[kind.name]


def _shape_at(kind: Kind, path: str) -> type[msgspec.Struct]:
    """The struct that stands at a path (`a.b[].c`) of a kind's messages."""
    shape = kind.shape
    for name in path.replace("[]", "").split("."):
        shape = node_type(shape, name)
    return shape


class _Planning:
    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.required = frozenset(REQUIRED_LISTS.get(kind.name, ()))
        self.answers = frozenset(kind.answers.values())
        self.lists = {table.rows for table in kind.tables if table.rows}
        self.lists |= self.required | self.answers | {path for path in REQUIRED[kind.name] if path}
        self.lists |= {above for path in self.lists for above in _above(path, "[].")}
        self.nodes = {
            *kind.nodes,
            *(above for path in (*kind.nodes, *self.lists) for above in _above(path, ".")),
        }
        self.extended = any(
            field.strip("^") in EXTENSION_FIELDS
            for table in kind.tables
            for column in fact_schemas()[table.name].names
            for field in table.renamed.get(column, column).split()
        )

    def node(self, shape: type[msgspec.Struct], path: str, joint: str) -> _Node:
        nodes, lists = [], []
        for index, name in enumerate(shape.__struct_fields__):
            below = f"{path}{joint}{name}"
            if below in self.lists:
                lists.append((index, self.node(node_type(shape, name), below, "[].")))
            elif below in self.nodes:
                nodes.append((index, self.node(node_type(shape, name), below, ".")))
        is_answer = path in self.answers
        extended = self.extended and not is_answer and _EXTENDED in shape.__struct_fields__
        return _Node(
            path,
            shape,
            _tuple(shape()),
            tuple(nodes),
            tuple(lists),
            has_cells=path in ("", *self.kind.nodes) or path in self.lists,
            extended=shape.__struct_fields__.index(_EXTENDED) if extended else None,
            never_empty=any(table.never_empty for table in self.kind.tables if table.rows == path),
            is_required=path in self.required,
            is_paired=is_answer or path in self.kind.answers,
            is_answer=is_answer,
        )


def _above(path: str, joint: str) -> Iterator[str]:
    """The paths that lead to this one."""
    while joint in path:
        path = path.rpartition(joint)[0]
        yield path
