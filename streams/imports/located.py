"""YAML that knows its lines, so that a mistake in a mapping is reported where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from streams.errors import Refused


@dataclass(frozen=True)
class Node:
    """A value of a YAML file and where it stands. Mappings hold `Node`s by key, lists hold `Node`s."""

    value: Any
    path: Path
    line: int
    name: str = ""
    key_lines: dict[str, int] = field(default_factory=dict)

    def wrong(self, what: str) -> NoReturn:
        """Refuse the file because of this value."""
        raise Refused(f"{self.path}:{self.line}: {self.name or 'the file'} {what}.")

    def table(self, keys: tuple[str, ...] = (), required: tuple[str, ...] = ()) -> dict[str, Node]:
        """This value as a mapping; with `keys`, no other key may be in it, and those `required` must be."""
        if not isinstance(self.value, dict):
            self.wrong("must be a mapping (key: value)")
        for key in self.value:
            if keys and key not in keys:
                raise Refused(
                    f"{self.path}:{self.key_lines[key]}: unknown key '{key}' in {self.name or 'the file'}; "
                    f"known are {', '.join(keys)}."
                )
        for key in required:
            if key not in self.value:
                self.wrong(f"lacks the key '{key}'")
        table: dict[str, Node] = self.value
        return table

    def items(self) -> list[Node]:
        """This value as a list; a single value counts as a list of one."""
        return self.value if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """This value as text: a string, or a number as it is written."""
        if not isinstance(self.value, str):
            self.wrong("must be a text")
        return self.value

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def flag(self) -> bool:
        if self.value not in ("true", "false"):
            self.wrong("must be true or false")
        return bool(self.value == "true")

    def one_of(self, *allowed: str) -> str:
        if self.value not in allowed:
            self.wrong(f"must be {' or '.join(allowed)}")
        return str(self.value)


def read(path: Path) -> Node:
    """The YAML file as nodes. All scalars are text as written (`0230` stays `0230`), an empty one is None."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{path}:{line}: not YAML: {error.problem}.") from None
    if root is None:
        raise Refused(f"{path}:1: the file is empty.")
    return _located(root, path, "")


def _located(node: yaml.Node, path: Path, name: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        table: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in table:
                raise Refused(
                    f"{path}:{key_node.start_mark.line + 1}: the key '{key}' stands twice in {name or 'the file'}."
                )
            lines[key] = key_node.start_mark.line + 1
            table[key] = _located(value_node, path, f"{name}.{key}" if name else key)
        return Node(table, path, line, name, lines)
    if isinstance(node, yaml.SequenceNode):
        return Node([_located(item, path, name) for item in node.value], path, line, name)
    missing = node.tag == "tag:yaml.org,2002:null"
    return Node(None if missing else node.value, path, line, name)
