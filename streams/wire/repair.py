"""Messages that do not have quite the declared shape: what is meant is clear, and is made explicit.

Gateways differ: an object where a list of one is meant or the reverse, `""` where a node is missing, true for
"1". What no reading makes sense of is a fault of the message, or of the one row in which it stands.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.wire.columns import as_text
from streams.wire.level import Fault
from streams.wire.shape import nodes_of

NOTHING: tuple[Any, ...] = (None, "", "null", "NULL", "None")


class UnreadableError(Exception):
    """The message is no fact; says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


def repaired(raw: dict[str, Any], shape: type[msgspec.Struct]) -> tuple[msgspec.Struct, dict[str, Fault]]:
    """The message in its declared shape, and the rows of it that are none, by where they stand.

    Such rows stand empty in the message. Raises UnreadableError where the message itself has no such shape.
    """
    refused: dict[str, Fault] = {}
    clean = _node(raw, shape, "", refused)
    try:
        return msgspec.convert(clean, shape), refused
    except (
        msgspec.ValidationError
    ) as error:  # pragma: no cover - the shapes accept whatever _node lets through
        raise UnreadableError(Fault("bad_shape", f"The message has an unknown shape: {error}.")) from error


def _node(
    raw: dict[str, Any], shape: type[msgspec.Struct], label: str, refused: dict[str, Fault]
) -> dict[str, Any]:
    """An object with the fields of `shape` alone. `label` says where it stands."""
    nodes = nodes_of(shape)
    config = shape.__struct_config__
    clean: dict[str, Any] = {}
    if config.tag_field is not None:
        clean[config.tag_field] = config.tag
    for each in msgspec.structs.fields(shape):
        name = each.encode_name
        if name not in raw:
            continue
        value = raw[name]
        at = f"{label}.{name}" if label else name
        if name not in nodes:
            clean[name] = _extension(value) if name == "exp_content" else _plain(value, at)
            continue
        inner, is_list = nodes[name]
        if is_list:
            clean[name] = _list(value, inner, at, refused)
        elif value not in NOTHING and value != []:
            clean[name] = _node(_single(value, at), inner, at, refused)
    return clean


def _single(value: Any, at: str) -> dict[str, Any]:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        raise UnreadableError(
            Fault("bad_shape", f"{at} is a list of {len(value)}, where one object is meant.")
        )
    raise UnreadableError(Fault("bad_shape", f"{at} is {_named(value)}, where an object is meant."))


def _list(value: Any, shape: type[msgspec.Struct], at: str, refused: dict[str, Fault]) -> list[Any] | None:
    if value in NOTHING:
        return None
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise UnreadableError(Fault("bad_shape", f"{at} is {_named(value)}, where a list is meant."))
    rows: list[Any] = []
    for place, each in enumerate(value):
        label = f"{at}[{place}]"
        if not isinstance(each, dict):
            refused[label] = Fault("bad_shape", f"{label} is {_named(each)}, where an object is meant.")
            rows.append({})
            continue
        try:
            rows.append(_node(each, shape, label, refused))
        except UnreadableError as unreadable:
            refused[label] = unreadable.fault
            rows.append({})
    return rows


def _plain(value: Any, at: str) -> str | int | float | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict | list):
        raise UnreadableError(
            Fault("bad_shape", f"{at} is {_named(value)}, where a text or a number is meant.")
        )
    return value  # type: ignore[no-any-return]


def _extension(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: as_text(each) for name, each in value.items() if not isinstance(each, dict | list | bool)
        }
    return None if isinstance(value, list | bool) else value


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a text"
    return "missing" if value is None else "a number or a flag"
