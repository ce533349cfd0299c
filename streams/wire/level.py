"""The rows of one list of many messages (or the messages themselves), seen as columns.

A level knows the structs that stand behind its rows and gives any field of them as an Arrow array, as text or
converted, each once. What a row does not have it takes from the level above.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.wire import columns, personal
from streams.wire.shape import EXTENSION_FIELDS

Wanted = tuple[str, pa.DataType, bool]
"""A field, the type it should have, and whether it ends something."""
Typed = tuple[pa.Array, pa.Array | None]
"""The values of a field; for times also which of them were only dates."""
Indices = np.ndarray[Any, np.dtype[np.int64]]


class Fault:
    """Why a row, or a message, is no fact."""

    __slots__ = ("reason_code", "sentence")

    def __init__(self, reason_code: str, sentence: str) -> None:
        self.reason_code = reason_code
        self.sentence = sentence


class Source:
    """Structs of one type that stand side by side with the rows of a level."""

    __slots__ = ("path", "texts", "with_nul")

    def __init__(self, path: str, cells: columns.Cells) -> None:
        self.path = path
        self.texts = cells.columns
        self.with_nul = cells.with_nul


class Level:
    """Rows of one list. `owner` is the position of each row's parent in `parent`; the messages have none."""

    def __init__(
        self,
        path: str,
        size: int,
        sources: list[Source],
        extensions: list[Source],
        parent: Level | None,
        owner: Indices,
    ) -> None:
        self.path = path
        self.size = size
        self.sources = sources
        self._extensions = extensions
        self.parent = parent
        self.owner = owner
        self.faults: dict[int, Fault] = {}
        self._texts: dict[str, pa.Array | None] = {}
        self._typed: dict[Wanted, Typed] = {}
        self._certificates: dict[bytes, dict[str, pa.Array]] = {}
        for source in sources:
            for row in source.with_nul:
                at = self.label(row) or source.path or "the message"
                self.fault(row, "bad_encoding", f"A field of {at} has a NUL character.")

    @cached_property
    def message(self) -> Indices:
        """The position of each row's message."""
        return self.owner if self.parent is None else self.parent.message[self.owner]

    @cached_property
    def row_no(self) -> Indices:
        """The number of each row in its message, from 0."""
        return _position_in(self.message)

    @cached_property
    def place(self) -> Indices:
        """The number of each row in its parent's list, from 0."""
        return _position_in(self.owner)

    @cached_property
    def _owners(self) -> pa.Array | None:
        """`owner` for Arrow; None where every parent has just one row."""
        assert self.parent is not None
        alone = self.size == self.parent.size and bool((self.owner == np.arange(self.size)).all())
        return None if alone else pa.array(self.owner)

    def below(self, array: pa.Array) -> pa.Array:
        """Values of the parents as values of the rows."""
        return array if self._owners is None else array.take(self._owners)

    def label(self, row: int) -> str:
        """Where a row stands, as one would write it: `input.feedetail[3]`."""
        if self.parent is None:
            return ""
        above = self.parent.label(int(self.owner[row]))
        name = self.path.rpartition("[].")[2] if above else self.path
        return f"{above}.{name}[{self.place[row]}]" if above else f"{name}[{self.place[row]}]"

    def text(self, name: str) -> pa.Array | None:
        """A field of this level as text, from the first source that has it; None if none knows the field."""
        if name not in self._texts:
            found: pa.Array | None = None
            for source in self.sources:
                if name in source.texts and (found is None or found.null_count):
                    array = source.texts[name]
                    found = array if found is None else pc.coalesce(found, array)
            if found is None and name in EXTENSION_FIELDS and self._extensions:
                self.sources += self._extensions  # they speak only where nobody else does
                self._extensions = []
                return self.text(name)
            self._texts[name] = found
        return self._texts[name]

    def find(self, name: str) -> pa.Array | None:
        """A field as text, of this level or the next one above that knows it."""
        found = self.text(name)
        if found is not None or self.parent is None:
            return found
        above = self.parent.find(name)
        return None if above is None else self.below(above)

    def holds(self, name: str, kind: pa.DataType, typed: Typed, *, end: bool) -> None:
        """Take a field that was converted (`Conversions`)."""
        self._typed[name, kind, end] = typed

    def typed(self, name: str, kind: pa.DataType, *, end: bool) -> Typed | None:
        """A converted field of this level or the next one above that knows it, and for times whether it was only
        a date."""
        if (name, kind, end) not in self._typed:
            above = None if self.parent is None else self.parent.typed(name, kind, end=end)
            if above is None:
                return None
            array, is_date = above
            below = None if is_date is None else self.below(is_date)
            self._typed[name, kind, end] = self.below(array), below
        return self._typed[name, kind, end]

    def certificates(self, key: bytes) -> dict[str, pa.Array]:
        """`cert_hash`, `cert_brdy`, `cert_gend` of the rows' certificate numbers."""
        if key not in self._certificates:
            text = self.text("certno")
            numbers = [None] * self.size if text is None else text.to_pylist()
            read = [
                (None, None, None) if each is None else personal.certificate(each, key) for each in numbers
            ]
            self._certificates[key] = {
                "cert_hash": pa.array([each[0] for each in read], pa.string()),
                "cert_brdy": pa.array([each[1] for each in read], pa.date32()),
                "cert_gend": pa.array([each[2] for each in read], pa.string()),
            }
        return self._certificates[key]

    def fault(self, row: int, reason_code: str, sentence: str) -> None:
        """Note what is wrong with a row; the first word counts."""
        self.faults.setdefault(row, Fault(reason_code, sentence))

    def require(self, name: str) -> None:
        """Every row must have this field."""
        text = self.text(name)
        if text is None:
            raise LookupError(f"{self.path or 'the message'} declares no field {name}")
        if text.null_count:
            for row in np.flatnonzero(np.asarray(text.is_null())):
                self.fault(int(row), "missing_field", f"{self.where(name, int(row))} is missing.")

    def where(self, name: str, row: int) -> str:
        """The full name of a field in a row, with every node in which it may stand."""
        if self.parent is not None:
            return f"{self.label(row)}.{name}"
        paths = [source.path for source in self.sources if name in source.texts]
        return " or ".join(f"{path}.{name}" if path else name for path in paths) or name


class Conversions:
    """Fields of many levels that are to be converted, all of one type in one go: Arrow's cost is by call, not by row."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Level, Wanted], pa.Array] = {}

    def ask(self, level: Level, wanted: Iterable[Wanted]) -> None:
        """Have the fields converted that are wanted of this level, as far as it knows them."""
        for each in wanted:
            text = level.text(each[0])
            if text is not None:
                self._asked.setdefault((level, each), text)

    def run(self) -> None:
        """Convert what was asked for. Of a row that cannot be read, what was asked for first is at fault."""
        alike: defaultdict[tuple[pa.DataType, bool], list[tuple[int, Level, str, pa.Array]]] = defaultdict(
            list
        )
        for place, ((level, (name, kind, end)), text) in enumerate(self._asked.items()):
            alike[kind, end].append((place, level, name, text))
        faults: list[tuple[int, int, Level, str]] = []
        for (kind, end), fields in alike.items():
            whole = pa.concat_arrays([text for *_, text in fields])
            array, is_date, bad = columns.convert(whole, kind, end=end)
            firsts = [*accumulate((level.size for _, level, *_ in fields), initial=0)]
            for first, (_, level, name, _) in zip(firsts, fields, strict=False):
                part = slice(first, first + level.size)
                level.holds(name, kind, (array[part], None if is_date is None else is_date[part]), end=end)
            for position in bad:
                number = bisect_right(firsts, position) - 1
                place, level, name, _ = fields[number]
                row = position - firsts[number]
                said = f"{level.where(name, row)} is {_shown(whole[position])}, which is not {_meant(kind)}."
                faults.append((place, row, level, said))
        for _, row, level, said in sorted(faults, key=itemgetter(0, 1)):
            level.fault(row, "bad_value", said)


def _position_in(owner: Indices) -> Indices:
    """The number of each row among the rows of its owner; owners ascend."""
    if not len(owner):
        return owner
    starts = np.flatnonzero(np.diff(owner, prepend=owner[0] - 1))
    lengths = np.diff(np.append(starts, len(owner)))
    return np.arange(len(owner)) - np.repeat(starts, lengths)


def _meant(kind: pa.DataType) -> str:
    """What a text should have been, as the end of a sentence."""
    if pa.types.is_timestamp(kind):
        return "a time such as 2026-01-31 08:30:00 between 1900 and 2100"
    if pa.types.is_date(kind):
        return "a date such as 2026-01-31 between 1900 and 2100"
    if pa.types.is_integer(kind):
        return "a whole number"
    if not pa.types.is_decimal(kind):
        return "a decimal number"
    digits = f"a decimal number of at most {kind.precision - kind.scale} digits"
    return f"{digits} and {kind.scale} decimals" if (kind.precision, kind.scale) == (16, 2) else digits


def _shown(value: pa.Scalar) -> str:
    text = str(value)
    return f'"{text if len(text) <= 40 else text[:40] + "…"}"'
