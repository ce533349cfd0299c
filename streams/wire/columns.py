"""Texts of a whole column at a time into times, amounts and numbers.

Each function takes an Arrow array of texts and gives the typed array together with the positions that no reading
makes sense of; those are null in the result. The common case is one vectorised cast. Only where that fails does a
column go through row by row, to find the rows at fault and to accept what the cast is too strict for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import chain
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
_FIRST = pa.scalar(f"{EARLIEST_YEAR}-01-01").cast(pa.timestamp("us"))
_LAST = pa.scalar(f"{LATEST_YEAR}-12-31 23:59:59").cast(pa.timestamp("us"))
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


def cells(
    shape: type[msgspec.Struct], rows: Sequence[msgspec.Struct]
) -> tuple[dict[str, pa.Array], list[int]]:
    """The plain fields of many structs of one type as string arrays; every word for "missing" is null.

    The second result are the rows that have a NUL character somewhere.

    All cells are joined into one text, row by row as they lie in memory, split again on bytes, and turned into
    columns by one gather: three times as fast as a Python sequence and an Arrow array for every column.
    """
    fields = plain_fields(shape)
    width, size = len(fields), len(rows)
    tuples = map(msgspec.structs.astuple, rows)
    if width < len(shape.__struct_fields__):
        tuples = map(itemgetter(slice(width)), tuples)
    values = list(chain.from_iterable(tuples))
    if not values:
        return dict.fromkeys(fields, pa.array([], pa.string())), []
    data, ends, with_nul = _joined(values)
    offsets = np.zeros(len(values) + 1, np.int32)
    offsets[1:] = ends
    array = pa.StringArray.from_buffers(
        len(values), pa.py_buffer(offsets), pa.py_buffer(data), _validity(data, offsets)
    )
    if size > 1 and width > 1:
        array = array.take(pa.array(np.arange(size * width).reshape(size, width).T.ravel()))
    found = {field: array.slice(number * size, size) for number, field in enumerate(fields)}
    return found, sorted({cell // width for cell in with_nul})


def _joined(values: list[Any]) -> tuple[Bytes, np.ndarray[Any, np.dtype[np.int64]], list[int]]:
    """The bytes of all values, where each ends, and which had a NUL (that is taken out)."""
    try:
        text = _SEPARATOR.join(values)
    except TypeError:  # numbers or nulls among them
        values = [
            value if value.__class__ is str else "" if value is None else str(value) for value in values
        ]
        text = _SEPARATOR.join(values)
    with_nul: list[int] = []
    if text.count(_SEPARATOR) != len(values) - 1:
        with_nul = [cell for cell, value in enumerate(values) if _SEPARATOR in value]
        text = _SEPARATOR.join([value.replace(_SEPARATOR, "") for value in values])
    data = np.frombuffer(text.encode(), np.uint8)
    separators = np.flatnonzero(data == 0)
    ends = np.append(separators, len(data)) - np.arange(len(values))
    return data[data != 0], ends, with_nul


def _validity(data: Bytes, offsets: np.ndarray[Any, np.dtype[np.int32]]) -> pa.Buffer:
    """The bitmap of cells that are not missing: neither empty nor one of the words for it."""
    lengths = np.diff(offsets)
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
    kind = pa.timestamp("us")
    if array.null_count == len(array):
        return pa.nulls(len(array), kind), pa.nulls(len(array), pa.bool_()), []
    lengths = _lengths(array)
    bad: Bad = []
    result = None
    if _all_of(array, (lengths == 19) | (lengths == 10) | (lengths == 16)):
        result = _try_cast(array, kind)
        if result is not None and not _in_range(result):
            result = None
    if result is None:
        array, bad = _row_by_row(array, lambda text: _read_time(text, end=end))
        lengths = _lengths(array)
        result = array.cast(kind)
    is_date = pa.array(lengths == 10, mask=np.asarray(array.is_null()))
    if end and pc.any(is_date).as_py():
        result = pc.if_else(is_date, pc.add(result, _TO_END_OF_DAY), result)
    return result, is_date, bad


def dates(array: pa.Array, *, end: bool) -> tuple[pa.Array, Bad]:
    """Days; a time of day is left off."""
    kind = pa.date32()
    if array.null_count == len(array):
        return pa.nulls(len(array), kind), []
    bad: Bad = []
    result = None
    if _all_of(array, _lengths(array) == 10):
        result = _try_cast(array, kind)
        if result is not None and not _in_range(result.cast(pa.timestamp("us"))):
            result = None
    if result is None:
        array, bad = _row_by_row(array, lambda text: _read_day(text, end=end))
        result = array.cast(kind)
    return result, bad


def decimals(array: pa.Array, kind: pa.Decimal128Type) -> tuple[pa.Array, Bad]:
    """Exact decimals. Money, DECIMAL(16,2), is never rounded; quantities and prices are, half to even."""
    if array.null_count == len(array):
        return pa.nulls(len(array), kind), []
    result = _try_cast(array, kind)
    if result is not None:
        return result, []
    money = (kind.precision, kind.scale) == (16, 2)
    array, bad = _row_by_row(array, lambda text: _read_decimal(text, kind.precision, kind.scale, exact=money))
    return array.cast(kind), bad


def integers(array: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Bad]:
    """Whole numbers; "38.0" is one."""
    result = _try_cast(array, kind)
    if result is not None:
        return result, []
    array, bad = _row_by_row(array, lambda text: _read_decimal(text, 9, 0, exact=True))
    return array.cast(kind), bad


def doubles(array: pa.Array) -> tuple[pa.Array, Bad]:
    """Degrees; the only binary floats there are, never money."""
    array, bad = _row_by_row(array, lambda text: _read_decimal(text, 15, 10, exact=False))
    return array.cast(pa.float64()), bad


def _try_cast(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _all_of(array: pa.Array, holds: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    """Whether something holds of every text that is not missing."""
    return bool(holds.all()) or bool((holds | np.asarray(array.is_null())).all())


def _in_range(result: pa.Array) -> bool:
    ends = pc.min_max(result)
    least, most = ends["min"], ends["max"]
    return bool(pc.greater_equal(least, _FIRST).as_py() and pc.less_equal(most, _LAST).as_py())


class _NoEndError(Exception):
    """The text says that there is no end."""


def _row_by_row(array: pa.Array, read: Callable[[str], str | None]) -> tuple[pa.Array, Bad]:
    """Each text in a form that a cast accepts; null where `read` finds none."""
    bad: Bad = []
    out: list[str | None] = []
    for position, text in enumerate(array.to_pylist()):
        clean = None
        if text is not None:
            try:
                clean = read(text.strip())
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
