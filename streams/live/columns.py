"""Rows of a fact table as bytes and back, for stores that keep a person's rows together.

Columns, not rows: what most rows of a table lack costs one byte, and many such blobs are joined into one Arrow table
without an object a row. Times are microseconds, dates days, decimals their digits as an integer.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from detectors.facts import fact_schemas

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode

Columns = list[list[Any]]
"""The values of each column in the order of the table's schema."""


def values(table: pa.Table) -> Columns:
    """The columns of a fact table as plain values that bytes can hold."""
    return [_plain(table.column(number).combine_chunks()) for number in range(table.num_columns)]


def pack(columns: Columns, rows: Iterable[int] | slice) -> bytes:
    """Some rows of these columns. A column without a value among them is left out."""
    if isinstance(rows, slice):
        chosen = [column[rows] for column in columns]
    else:
        numbers = list(rows)
        chosen = [[column[number] for number in numbers] for column in columns]
    length = len(chosen[0])
    empty = [None] * length
    return _encode([length, *(None if column == empty else column for column in chosen)])


def unpack(name: str, blobs: Iterable[bytes]) -> pa.Table:
    """The rows of all the blobs of a fact table, in their order."""
    return unpack_counted(name, blobs)[0]


def unpack_counted(name: str, blobs: Iterable[bytes]) -> tuple[pa.Table, tuple[int, ...]]:
    """The same, and how many rows each blob had."""
    with _uncollected():  # the lists are gone when it ends
        return _read(fact_schemas()[name], blobs)


def _read(schema: pa.Schema, blobs: Iterable[bytes]) -> tuple[pa.Table, tuple[int, ...]]:
    width = 1 + len(schema)
    parts = [_decode(blob) for blob in blobs]
    if not parts:
        return schema.empty_table(), ()
    if any(len(part) != width for part in parts):
        # a column that was added to the table after a blob was written is missing in it
        parts = [(part + [None] * (width - len(part)))[:width] for part in parts]
    lengths, *columns = zip(*parts, strict=True)
    arrays = [_joined(found, lengths, field.type) for found, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema), lengths


def _joined(found: Sequence[Iterable[Any] | None], lengths: Sequence[int], kind: pa.DataType) -> pa.Array:
    """One column of several blobs; `lengths`: their rows, of those, too, that lack it."""
    absent = found.count(None)
    if absent == len(found):
        return pa.nulls(sum(lengths), kind)
    if absent:
        found = [some or repeat(None, length) for some, length in zip(found, lengths, strict=True)]
    return _array(list(chain.from_iterable(found)), kind)  # type: ignore[arg-type]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: it would walk again and again through lists that are all in use."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _plain(array: pa.Array) -> list[Any]:
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_decimal(kind):
        return _digits(array).to_pylist()  # type: ignore[no-any-return]
    return array.to_pylist()  # type: ignore[no-any-return]


def _array(column: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(column, pa.int64()).cast(pa.timestamp("us")).cast(kind)
    if pa.types.is_date32(kind):
        return pa.array(column, pa.int32()).cast(kind)
    if pa.types.is_decimal(kind):
        return _decimals(pa.array(column, pa.int64()), kind)
    return pa.array(column, kind)


def _digits(array: pa.Array) -> pa.Array:
    """A decimal's digits as an integer: the low half of its 128 bits, which is all of a column of 16 digits."""
    words = np.frombuffer(array.buffers()[1], np.int64)
    low = words[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    return pa.array(low, mask=array.is_null().to_numpy(zero_copy_only=False))


def _decimals(digits: pa.Array, kind: pa.DataType) -> pa.Array:
    low = digits.fill_null(0).to_numpy()
    words = np.empty(2 * len(low), np.int64)
    words[0::2] = low
    words[1::2] = low >> 63
    valid = digits.is_valid().to_numpy(zero_copy_only=False)
    bits = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(low), [bits, pa.py_buffer(words.tobytes())])
