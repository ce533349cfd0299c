"""Texts of a whole column at a time into times, amounts and numbers.

Each function takes an Arrow array of texts and gives the typed array together with the positions that no reading
makes sense of; those are null in the result. The common case is one vectorised cast. Only where that fails does a
column go through row by row, to find the rows at fault and to accept what the cast is too strict for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.wire.shape import plain_fields

EARLIEST_YEAR = 1900
LATEST_YEAR = 2100
NO_END_YEAR = 9999
"""Registries write 9999-12-31 for "no end": in an end it means missing."""

_WORD_LENGTH = 4
_MISSING_WORDS = np.frombuffer(b"nullNULLNone", np.uint32)
_SEPARATOR = "\0"
_MOST_CELLS = 1 << 16
"""Cells that are made columns together: more would not stay near the processor."""
_TIMESTAMP = pa.timestamp("us")
_FIRST = pa.scalar(f"{EARLIEST_YEAR}-01-01").cast(_TIMESTAMP).value
_LAST = pa.scalar(f"{LATEST_YEAR}-12-31 23:59:59").cast(_TIMESTAMP).value
_DATE_LENGTH = len("2026-01-31")
_FEW = 32
"""Texts that are rather read one by one than halved again."""
_TO_END_OF_DAY = pa.scalar((24 * 3600 - 1) * 1_000_000, pa.duration("us"))
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EXACT = Context(prec=60, traps=[InvalidOperation])

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Bad = list[int]
"""Positions of values that cannot be read."""


def as_text(value: Any) -> str | None:
    """A JSON scalar as text; a number in its shortest decimal form."""
    return value if value is None or value.__class__ is str else str(value)


class Cells:
    """The plain fields of structs of one type: a text that grows with them and becomes columns in the end.

    All cells are joined into one text, row by row as they lie in memory, split again on bytes, and turned into
    columns by one gather: three times as fast as a Python sequence and an Arrow array for every column.
    """

    def __init__(self, shape: type[msgspec.Struct]) -> None:
        self.fields = plain_fields(shape)
        self.size = 0
        """Rows."""
        self.columns: dict[str, pa.Array] = {}
        """The fields as string arrays, once `make_columns` has made them; every word for "missing" is null."""
        self.with_nul: list[int] = []
        """The rows that have a NUL character somewhere; it is taken out."""
        self._first_fields = (
            itemgetter(slice(len(self.fields))) if len(self.fields) < len(shape.__struct_fields__) else None
        )
        self._pieces: list[bytes] = []

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows: structs as tuples of their fields, of which the plain ones come first."""
        if self.fields and rows:
            cut = rows if self._first_fields is None else map(self._first_fields, rows)
            self._pieces.append(self._joined(list(chain.from_iterable(cut))))
        self.size += len(rows)

    @property
    def number(self) -> int:
        """How many cells there are."""
        return self.size * len(self.fields)

    def _joined(self, values: list[Any]) -> bytes:
        """The texts of all values, a NUL between any two."""
        try:
            text = _SEPARATOR.join(values)
        except TypeError:  # numbers among them, or None, of which the text is a word for missing
            values = list(map(str, values))
            text = _SEPARATOR.join(values)
        if text.count(_SEPARATOR) != len(values) - 1:
            width = len(self.fields)
            found = {cell // width for cell, value in enumerate(values) if _SEPARATOR in value}
            self.with_nul += [self.size + row for row in sorted(found)]
            text = _SEPARATOR.join([value.replace(_SEPARATOR, "") for value in values])
        return text.encode()


def make_columns(several: Iterable[Cells]) -> None:
    """Make the columns of these, many small ones together: for few cells it takes as long as for many."""
    together: list[Cells] = []
    number = 0
    for cells in several:
        number += cells.number
        if together and number > _MOST_CELLS:
            _make_columns(together)
            together, number = [], cells.number
        together.append(cells)
    if together:
        _make_columns(together)


def _make_columns(several: Sequence[Cells]) -> None:
    *firsts, total = accumulate((cells.number for cells in several), initial=0)
    text = b"\0".join([*chain.from_iterable(cells._pieces for cells in several), b""])
    offsets = np.zeros(total + 1, np.int32)
    offsets[1:] = np.flatnonzero(np.frombuffer(text, np.uint8) == 0) - np.arange(total)
    data = np.frombuffer(text.replace(b"\0", b""), np.uint8)
    array = pa.StringArray.from_buffers(
        total, pa.py_buffer(offsets), pa.py_buffer(data), _validity(data, offsets)
    )
    by_column = [
        np.arange(first, first + cells.number).reshape(cells.size, len(cells.fields)).T.ravel()
        for first, cells in zip(firsts, several, strict=True)
    ]
    array = array.take(pa.array(np.concatenate(by_column)))
    for first, cells in zip(firsts, several, strict=True):
        cells.columns = {
            field: array.slice(first + number * cells.size, cells.size)
            for number, field in enumerate(cells.fields)
        }


def _validity(data: Bytes, offsets: np.ndarray[Any, np.dtype[np.int32]]) -> pa.Buffer:
    """The bitmap of cells that are not missing: neither empty nor one of the words for it."""
    lengths = offsets[1:] - offsets[:-1]
    valid = lengths != 0
    short = np.flatnonzero(lengths == _WORD_LENGTH)
    if len(short):
        letters = data[offsets[short][:, None] + np.arange(_WORD_LENGTH)]
        words = np.ascontiguousarray(letters).view(np.uint32).ravel()
        for missing in _MISSING_WORDS:
            valid[short[words == missing]] = False
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _lengths(array: pa.Array) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Bytes of each text."""
    offsets = np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)
    return offsets[1:] - offsets[:-1]


def convert(array: pa.Array, kind: pa.DataType, *, end: bool) -> tuple[pa.Array, pa.Array | None, Bad]:
    """Texts as values of an Arrow type; for timestamps also which of them had no time of day."""
    if pa.types.is_timestamp(kind):
        return times(array, end=end)
    if pa.types.is_date(kind):
        typed, bad = dates(array, end=end)
    elif pa.types.is_decimal(kind):
        typed, bad = decimals(array, kind)
    elif pa.types.is_integer(kind):
        typed, bad = integers(array, kind)
    else:
        typed, bad = doubles(array)
    return typed, None, bad


def times(array: pa.Array, *, end: bool) -> tuple[pa.Array, pa.Array, Bad]:
    """`yyyy-MM-dd`, with ` HH:mm` or ` HH:mm:ss` or a T between them, as timestamps without zone.

    The second array says which had no time of day: they stand at 00:00:00, or at 23:59:59 if `end`.
    """
    array, result, bad = _read(array, _times_at_once, lambda text: _read_time(text, end=end))
    is_date = pa.array(_lengths(array) == _DATE_LENGTH, mask=np.asarray(result.is_null()))
    if end and pc.any(is_date).as_py():
        result = pc.if_else(is_date, pc.add(result, _TO_END_OF_DAY), result)
    return result, is_date, bad


def dates(array: pa.Array, *, end: bool) -> tuple[pa.Array, Bad]:
    """Days; a time of day is left off."""
    _, result, bad = _read(array, _dates_at_once, lambda text: _read_day(text, end=end))
    return result, bad


def decimals(array: pa.Array, kind: pa.Decimal128Type) -> tuple[pa.Array, Bad]:
    """Exact decimals. Money, DECIMAL(16,2), is never rounded; quantities and prices are, half to even."""
    money = (kind.precision, kind.scale) == (16, 2)
    _, result, bad = _read(
        array,
        lambda part: _try_cast(part, kind),
        lambda text: _read_decimal(text, kind.precision, kind.scale, exact=money),
    )
    return result, bad


def integers(array: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Bad]:
    """Whole numbers; "38.0" is one."""
    _, result, bad = _read(
        array, lambda part: _try_cast(part, kind), lambda text: _read_decimal(text, 9, 0, exact=True)
    )
    return result, bad


def doubles(array: pa.Array) -> tuple[pa.Array, Bad]:
    """Degrees; the only binary floats there are, never money."""
    exact, bad = decimals(array, pa.decimal128(15, 10))
    return exact.cast(pa.float64()), bad


AtOnce = Callable[[pa.Array], pa.Array | None]
OneByOne = Callable[[str], str | None]


def _read(array: pa.Array, at_once: AtOnce, one_by_one: OneByOne) -> tuple[pa.Array, pa.Array, Bad]:
    """The texts (trimmed, if that was necessary), what they mean, and the positions of those without meaning."""
    result = at_once(array)
    if result is not None:
        return array, result, []
    array = pc.utf8_trim_whitespace(array)
    return array, *_halved(array, at_once, one_by_one)


def _halved(array: pa.Array, at_once: AtOnce, one_by_one: OneByOne) -> tuple[pa.Array, Bad]:
    """At once if possible, else in halves, so that only the neighbours of a bad text are read one by one."""
    result = at_once(array)
    if result is not None:
        return result, []
    if len(array) <= _FEW:
        clean, bad = _row_by_row(array, one_by_one)
        return at_once(clean), bad
    half = len(array) // 2
    left, bad = _halved(array[:half], at_once, one_by_one)
    right, more = _halved(array[half:], at_once, one_by_one)
    return pa.concat_arrays([left, right]), [*bad, *(half + position for position in more)]


def _try_cast(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    if array.null_count == len(array):
        return pa.nulls(len(array), kind)
    try:
        return array.cast(kind)
    except pa.ArrowInvalid:
        return None


def _times_at_once(array: pa.Array) -> pa.Array | None:
    lengths = _lengths(array)
    if not _all_of(array, (lengths == 19) | (lengths == _DATE_LENGTH) | (lengths == 16)):
        return None
    result = _try_cast(array, _TIMESTAMP)
    return result if result is not None and _in_range(result) else None


def _dates_at_once(array: pa.Array) -> pa.Array | None:
    if not _all_of(array, _lengths(array) == _DATE_LENGTH):
        return None
    result = _try_cast(array, pa.date32())
    return result if result is not None and _in_range(result.cast(_TIMESTAMP)) else None


def _all_of(array: pa.Array, holds: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    """Whether something holds of every text that is not missing."""
    return bool(holds.all()) or bool((holds | np.asarray(array.is_null())).all())


def _in_range(result: pa.Array) -> bool:
    if result.null_count == len(result):
        return True
    ends = pc.min_max(result)
    return bool(ends["min"].value >= _FIRST and ends["max"].value <= _LAST)


class _NoEndError(Exception):
    """The text says that there is no end."""


def _row_by_row(array: pa.Array, read: OneByOne) -> tuple[pa.Array, Bad]:
    """Each text in a form that a cast accepts; null where `read` finds none."""
    bad: Bad = []
    out: list[str | None] = []
    for position, text in enumerate(array.to_pylist()):
        clean = None
        if text is not None:
            try:
                clean = read(text)
                if clean is None:
                    bad.append(position)
            except _NoEndError:
                pass
        out.append(clean)
    return pa.array(out, pa.string()), bad


def _read_time(text: str, *, end: bool) -> str | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    parts = [int(part) for part in found.groups() if part is not None]
    if end and parts[0] == NO_END_YEAR:
        raise _NoEndError
    if not EARLIEST_YEAR <= parts[0] <= LATEST_YEAR:
        return None
    try:
        moment = datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%d") if len(parts) == 3 else moment.strftime("%Y-%m-%d %H:%M:%S")


def _read_day(text: str, *, end: bool) -> str | None:
    found = _read_time(text, end=end)
    return None if found is None else date.fromisoformat(found[:10]).isoformat()


def _read_decimal(text: str, precision: int, scale: int, *, exact: bool) -> str | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    number = Decimal(text)
    if number.adjusted() > precision:
        return None
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, _EXACT)
    if (exact and rounded != number) or (rounded and rounded.adjusted() >= precision - scale):
        return None
    return format(rounded, "f")
