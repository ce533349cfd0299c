"""The vocabulary in which message shapes and their tables are declared.

A shape is a tree of msgspec structs that names the fields we keep. What is not named is never read: names of
persons, pictures and signatures are gone before anything else sees the message. Every field may be a text, a
number or missing, because gateways differ; what must be there and what it must look like is checked later, a
column at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
import pyarrow as pa

Value = str | int | float | None
MISSING = ""
"""What stands in a field that the message does not have; the platform itself writes missing texts so."""
Columns = dict[str, pa.Array]
"""Arrow arrays of one table, by column name."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Extension(msgspec.Struct, gc=False, omit_defaults=True, rename="upper"):
    """`exp_content`: a JSON object, usually inside a string; the keys that matter."""

    mdtrt_grp_type: Value = MISSING
    trum_flag: Value = MISSING
    rel_ttp_flag: Value = MISSING
    ipt_type: Value = MISSING
    otp_er_refl_flag: Value = MISSING
    acct_owner_psn_no: Value = MISSING


EXTENSION_FIELDS = frozenset(Extension.__struct_fields__)


class Response(msgspec.Struct, gc=False, omit_defaults=True):
    """A response of which nothing but the state is kept."""

    infcode: Value = MISSING


_EXTENDED = "exp_content"
ENVELOPE = "msgid inf_time fixmedins_code mdtrtarea_admvs insuplc_admdvs opter opter_type dev_no"


def record(name: str, fields: str, **nodes: Any) -> type[msgspec.Struct]:
    """A struct of plain `fields` (space-separated), and after them `nodes`: a struct, or a list of structs."""
    names = fields.split()
    plain: list[tuple[str, Any, Any]] = [(each, Value, MISSING) for each in names if each != _EXTENDED]
    deep: list[tuple[str, Any, Any]] = [(each, shape | None, None) for each, shape in nodes.items()]
    if _EXTENDED in names:
        deep.append((_EXTENDED, Extension | Value, MISSING))
    return msgspec.defstruct(name, [*plain, *deep], gc=False, omit_defaults=True)


def many(shape: type[msgspec.Struct]) -> Any:
    """The type of a list of such structs."""
    return list[shape]  # type: ignore[valid-type]


def transaction(
    infno: str, given: Mapping[str, Any] = _NOTHING, answer: Mapping[str, Any] = _NOTHING
) -> type[msgspec.Struct]:
    """The shape of a transaction with the nodes of its input (`given`) and of its output (`answer`)."""
    inner = record(f"Input{infno}", "", **given)
    response = record(f"Response{infno}", "infcode", output=record(f"Output{infno}", "", **answer))
    fields = [(each, Value, MISSING) for each in ENVELOPE.split()]
    return msgspec.defstruct(
        f"Transaction{infno}",
        [*fields, ("input", inner | None, None), ("response", response | None, None)],
        tag_field="infno",
        tag=infno,
        gc=False,
        omit_defaults=True,
    )


def registry(name: str, fields: str) -> type[msgspec.Struct]:
    """The shape of a registry event."""
    data = record(f"{name.title()}Data", f"{fields} vali_flag")
    return msgspec.defstruct(
        f"Registry{name.title()}",
        [("msgid", Value, MISSING), ("inf_time", Value, MISSING), ("data", data | None, None)],
        tag_field="registry",
        tag=name,
        gc=False,
        omit_defaults=True,
    )


@dataclass(frozen=True)
class Table:
    """How messages of a kind fill one fact table.

    A column takes the field of its own name, looked for in the row, then in the nodes of `Kind.nodes` in their
    order, then in the envelope.
    """

    name: str
    rows: str = ""
    """Path of the list of which each element is a row; "" for one row a message."""
    constants: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Column → field, where the message calls it otherwise. Of several (texts only) the first that has a value
    counts; `^` says that the field of the message is meant, not that of the row."""
    only_with: str = ""
    """An element without this field is no row (and no fault)."""
    never_empty: bool = False
    """A message whose list is empty still makes one row."""
    first_row_only: frozenset[str] = frozenset()
    """Columns of the message that would be counted twice if every row repeated them."""
    finish: Callable[[Columns], None] | None = None
    """Last touches on the columns of this table, in place."""


@dataclass(frozen=True)
class Kind:
    """One kind of message: its shape, where its fields stand, and the tables it fills."""

    name: str
    """Transaction number or name of the registry."""
    shape: type[msgspec.Struct]
    nodes: tuple[str, ...]
    """Paths of the single nodes whose fields speak for the whole message; the first that has a field wins."""
    tables: tuple[Table, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    """List of the input → list of the output that completes it, joined by `feedetl_sn`."""


@cache
def plain_fields(shape: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of `shape` that are texts or numbers; they come before its nodes."""
    return tuple(each.name for each in msgspec.structs.fields(shape) if _struct_in(each.type) is None)


@cache
def node_type(shape: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    """The struct that stands in the field `name` of `shape`, alone or in a list."""
    for each in msgspec.structs.fields(shape):
        if each.name == name:
            found = _struct_in(each.type)
            if found is not None:
                return found
    raise KeyError(f"{shape.__name__} has no node {name}")


@cache
def nodes_of(shape: type[msgspec.Struct]) -> dict[str, tuple[type[msgspec.Struct], bool]]:
    """The nodes of `shape` by their name in JSON: struct, and whether a list of it is meant."""
    found = {}
    for each in msgspec.structs.fields(shape):
        inner = _struct_in(each.type)
        if inner is not None and inner is not Extension:
            is_list = any(get_origin(option) is list for option in get_args(each.type))
            found[each.encode_name] = (inner, is_list)
    return found


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    if get_origin(annotation) in (list, Union, UnionType):
        for option in get_args(annotation):
            found = _struct_in(option)
            if found is not None:
                return found
    return None
