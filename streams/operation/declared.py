"""The settings as data: every key with its type, bounds, default and meaning, from the structs themselves."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Meta

from streams.operation.settings import Settings

VARIABLE = "FUNDWATCH_"


@dataclass(frozen=True)
class Setting:
    """One setting. `kind` is its bare type (`Literal[…]` included); `place`: "file", "folder" (is made where it is
    not there), "folder!" (must be there)."""

    section: str
    name: str
    annotation: Any
    kind: Any
    optional: bool
    default: Any
    meaning: str
    least: float | None
    most: float | None
    words: str | None
    secret: bool | str
    place: str | None

    @property
    def key(self) -> str:
        """As it is named in the file: `worker.partitions`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Its variable of the environment: `FUNDWATCH_WORKER_PARTITIONS`."""
        return f"{VARIABLE}{self.section}_{self.name}".upper()

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.words is not None:
            return self.words
        if get_origin(self.kind) is Literal:
            return "one of " + ", ".join(map(str, get_args(self.kind)))
        if self.kind is bool:
            return "true or false"
        if self.kind in (int, float):
            number = "a whole number" if self.kind is int else "a number"
            return f"{number} from {self.least:,.12g} to {self.most:,.12g}".replace(",", "")
        if self.kind is Path:
            return "the path of a file" if self.place == "file" else "the path of a folder"
        return "text"


def settings() -> Iterator[Setting]:
    """Every setting, in the order of the file."""
    for section in msgspec.structs.fields(Settings):
        hints = get_type_hints(section.type, include_extras=True)
        for one in msgspec.structs.fields(section.type):
            yield _setting(section.name, one, hints[one.name])


def sections() -> dict[str, type[msgspec.Struct]]:
    """Name of a section → its struct."""
    return {section.name: section.type for section in msgspec.structs.fields(Settings)}


def _setting(section: str, one: msgspec.structs.FieldInfo, annotation: Any) -> Setting:
    kind, meta = get_args(annotation)
    assert isinstance(meta, Meta), f"{section}.{one.name} says nothing of itself"
    optional = get_origin(kind) in (Union, types.UnionType)
    if optional:
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    extra = meta.extra or {}
    return Setting(
        section=section,
        name=one.name,
        annotation=annotation,
        kind=kind,
        optional=optional,
        default=one.default if one.default is not NODEFAULT else one.default_factory(),
        meaning=meta.description or "",
        least=meta.ge,
        most=meta.le,
        words=extra.get("allowed"),
        secret=extra.get("secret", False),
        place=extra.get("place"),
    )
