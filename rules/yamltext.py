"""YAML as it is written beside SQL: exact decimals, no repeated keys, and the line of every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

#: Where a value stands: the keys and list positions that lead to it.
Address = tuple[str | int, ...]


class SourceError(Exception):
    """A file of rules, cases or knowledge is wrong: where, what, and what to do."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


@dataclass(frozen=True)
class Document:
    """A parsed document: plain Python values, and the line (from 1) in its file of everything in it."""

    path: Path
    data: Any
    lines: Mapping[Address, int]

    def line(self, *address: str | int) -> int:
        """The line of an address, or of the nearest thing that encloses it."""
        while address and address not in self.lines:
            address = address[:-1]
        return self.lines[address]

    def error(self, message: str, *address: str | int) -> SourceError:
        """An error that names the line of the address."""
        return SourceError(self.path, self.line(*address), message)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe, and without binary floats: 0.05 is exactly 0.05."""


def _decimal(_: Any, node: yaml.ScalarNode) -> Decimal:
    return Decimal(node.value.replace("_", ""))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def parse(text: str, path: Path, first_line: int = 1) -> Document:
    """Parse one document that begins on `first_line` of its file. Raises `SourceError` with the line."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Address, int] = {(): first_line}
        if node is None:
            return Document(path, None, lines)
        _locate(node, (), path, first_line, lines)
        return Document(path, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        raise SourceError(
            path, line, f"not YAML: {error.problem}; quote texts that hold ': ' or '#'"
        ) from error
    except (ValueError, ArithmeticError) as error:
        raise SourceError(path, first_line, f"not YAML: {error}") from error
    finally:
        loader.dispose()


def read(path: Path) -> Document:
    """Parse a file."""
    return parse(path.read_text(encoding="utf-8"), path)


def _locate(
    node: yaml.Node, address: Address, path: Path, first_line: int, lines: dict[Address, int]
) -> None:
    """Note the line of every key and list entry; refuse a key that stands twice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*address, str(key.value))
            line = first_line + key.start_mark.line
            if here in lines:
                raise SourceError(path, line, f"'{key.value}' stands twice; keep one")
            lines[here] = line
            _locate(value, here, path, first_line, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            lines[(*address, position)] = first_line + value.start_mark.line
            _locate(value, (*address, position), path, first_line, lines)
