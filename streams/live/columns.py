"""Rows of a fact table as bytes and back, for stores that keep a person's rows together.

A row is cells of one width each and the texts of all its columns behind one another, so that the rows of thousands of blobs
become one Arrow table by array operations, without an object for any row or value. Times are microseconds, dates days,
decimals their digits as an integer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from detectors.facts import fact_schemas

Array = np.ndarray[Any, np.dtype[Any]]

#: Bits of a layout: its texts have lengths of four bytes, not of one; its decimals eight bytes, not four. The number of
#: columns is above them.
_LONG, _LARGE, _FLAGS = 1, 2, 2

_LONGEST = int(np.iinfo(np.uint8).max)
_LARGEST = int(np.iinfo(np.int32).max)

#: Bytes of texts that are read into one piece of a table; Arrow counts them with 31 bits.
_MOST_TEXT = 1 << 30


class Packed(NamedTuple):
    """Some rows. `layout`: how many columns there were, and how wide cells are. `cells`: as many bytes for each row.
    `texts`: UTF-8, row by row, column by column."""

    layout: int
    cells: bytes
    texts: bytes


@cache
def _row(name: str, layout: int) -> np.dtype[Any]:
    """The cells of a row: which columns have a value, by bits; the values; the lengths of the texts."""
    fields = list(fact_schemas()[name])[: layout >> _FLAGS]
    if layout >> _FLAGS > len(fields):
        raise ValueError(f"rows of {name} with columns that this fundwatch does not know")
    number = np.int64 if layout & _LARGE else np.int32
    length = np.uint32 if layout & _LONG else np.uint8
    texts = sum(pa.types.is_string(field.type) for field in fields)
    return np.dtype(
        [
            ("valid", np.uint8, (-(-len(fields) // 8),)),
            *(
                (field.name, number if pa.types.is_decimal(field.type) else _plain(field.type))
                for field in fields
                if not pa.types.is_string(field.type)
            ),
            ("lengths", length, (texts,)),
        ]
    )


@cache
def _plain(kind: pa.DataType) -> np.dtype[Any]:
    """Of what numpy type the values of a column are that is neither text nor decimal."""
    if pa.types.is_timestamp(kind):
        return np.dtype(np.int64)
    if pa.types.is_date32(kind):
        return np.dtype(np.int32)
    if pa.types.is_boolean(kind):
        return np.dtype(np.uint8)
    number: np.dtype[Any] = np.dtype(getattr(np, str(kind)))
    return number


def pack(name: str, table: pa.Table) -> Packed:
    """All rows of a fact table."""
    (packed,) = pack_each(name, table, [0, table.num_rows])
    return packed


def pack_each(name: str, table: pa.Table, bounds: Sequence[int], order: Array | None = None) -> list[Packed]:
    """The rows from each bound to before the next; `order`: the number of the row that comes first, second, and so on; not all
    need come, and one may come again."""
    length = table.num_rows
    size = length if order is None else len(order)
    if not size:
        return [Packed(table.num_columns << _FLAGS, b"", b"")] * (len(bounds) - 1)
    columns = [column.combine_chunks() for column in table.columns]
    values: dict[str, Array] = {}
    has_value = np.empty((length, len(columns)), np.bool_)
    texts = []
    large = np.zeros(length, np.bool_)
    for number, (field, column) in enumerate(zip(table.schema, columns, strict=True)):
        has_value[:, number] = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else True
        if pa.types.is_string(field.type):
            texts.append(column.fill_null("") if column.null_count else column)
            continue
        found = _values(column)
        values[field.name] = found if not column.null_count else np.where(has_value[:, number], found, 0)
        if pa.types.is_decimal(field.type):
            large |= np.abs(values[field.name]) > _LARGEST
    values["valid"] = np.packbits(has_value, axis=1, bitorder="little")
    if order is not None:
        values, large = {column: one[order] for column, one in values.items()}, large[order]
    lengths, offsets, text = _row_by_row(texts, length, size, order)
    values["lengths"] = lengths

    flags = _LONG * (lengths > _LONGEST).any(axis=1) | _LARGE * large
    layouts = [len(columns) << _FLAGS | int(some) for some in _any_of_each(flags, bounds)]
    cells = {layout: _cells(_row(name, layout), values, size) for layout in set(layouts)}
    packed = []
    for layout, start, stop in zip(layouts, bounds[:-1], bounds[1:], strict=True):
        width, rows = cells[layout]
        packed.append(
            Packed(layout, rows[start * width : stop * width], text[offsets[start] : offsets[stop]])
        )
    return packed


def as_one(name: str, packed: Sequence[Packed]) -> Packed:
    """The rows of all the blobs of a fact table in one."""
    layout = packed[0].layout
    if any(one.layout != layout for one in packed):
        return pack(name, unpack(name, packed))
    return Packed(layout, b"".join(one.cells for one in packed), b"".join(one.texts for one in packed))


def unpack(name: str, packed: Iterable[Packed]) -> pa.Table:
    """The rows of all the blobs of a fact table, in their order."""
    return unpack_counted(name, packed)[0]


def unpack_each(name: str, groups: Sequence[Sequence[Packed]]) -> list[pa.Table]:
    """The rows of the blobs of each group. To read one table takes hardly longer for all of them than for one."""
    table, counts = unpack_counted(name, chain.from_iterable(groups))
    return in_groups(table, counts, [len(group) for group in groups])


def in_groups(table: pa.Table, counts: Array, sizes: Iterable[int]) -> list[pa.Table]:
    """A table in pieces, each with the rows of so many blobs; `counts`: how many rows each blob had."""
    ends = [0, *np.cumsum(counts).tolist()]
    firsts = accumulate(sizes, initial=0)
    return [table.slice(ends[first], ends[stop] - ends[first]) for first, stop in pairwise(firsts)]


def unpack_counted(name: str, packed: Iterable[Packed]) -> tuple[pa.Table, Array]:
    """The same, and how many rows each blob had. Raises ValueError where there are columns that the table does not have."""
    all_of_them = list(packed)
    if len(all_of_them) > 1 and sum(len(one.texts) for one in all_of_them) > _MOST_TEXT:
        half = len(all_of_them) // 2
        (first, of_first), (second, of_second) = (
            unpack_counted(name, part) for part in (all_of_them[:half], all_of_them[half:])
        )
        return pa.concat_tables([first, second]), np.concatenate([of_first, of_second])
    schema = fact_schemas()[name]
    layouts = np.array([one.layout for one in all_of_them], np.int64)
    rows, counts = _rows(name, layouts, [one.cells for one in all_of_them])
    return _table(schema, rows, b"".join(one.texts for one in all_of_them)), counts


def _rows(name: str, layouts: Array, blobs: Sequence[bytes]) -> tuple[Array, Array]:
    """Cells of blobs as rows, in one layout that holds them all; and how many rows each blob had."""
    counts = np.array([len(one) for one in blobs], np.int64)
    kinds = {int(one): _row(name, int(one)) for one in np.unique(layouts)}
    if len(kinds) == 1:
        (row,) = kinds.values()
        return np.frombuffer(b"".join(blobs), row), counts // row.itemsize
    columns = max(kinds, default=len(fact_schemas()[name]) << _FLAGS) >> _FLAGS
    for layout, narrow in kinds.items():
        counts[layouts == layout] //= narrow.itemsize
    of_row = np.repeat(layouts, counts)
    flags = int(np.bitwise_or.reduce(layouts, initial=0)) & (_LONG | _LARGE)
    rows = np.zeros(len(of_row), _row(name, columns << _FLAGS | flags))
    for layout, narrow in kinds.items():
        those = np.flatnonzero(layouts == layout).tolist()
        found = np.frombuffer(b"".join(blobs[number] for number in those), narrow)
        there = of_row == layout
        for column in narrow.names or ():
            if column in ("valid", "lengths"):
                rows[column][there, : found[column].shape[1]] = found[column]
            else:
                rows[column][there] = found[column]
    return rows, counts


def _table(schema: pa.Schema, rows: Array, text: bytes) -> pa.Table:
    """Rows and the bytes of their texts as a table; columns that came after the rows are empty."""
    length = len(rows)
    valid = rows["valid"]
    bits = np.unpackbits(valid, axis=1, count=min(8 * valid.shape[1], len(schema)), bitorder="little")
    has_value: Array = bits.astype(np.bool_).T
    every, some = (of_column(has_value, axis=1).tolist() for of_column in (np.all, np.any))
    some += [False] * (len(schema) - len(some))
    texts = [number for number, field in enumerate(schema) if pa.types.is_string(field.type)]
    wanted = {number: place for place, number in enumerate(texts) if some[number]}
    arrays = dict(
        zip(wanted, _texts(rows["lengths"], text, wanted.values(), has_value[[*wanted]]), strict=True)
    )
    for number, field in enumerate(schema):
        if not some[number]:
            arrays[number] = pa.nulls(length, field.type)
        elif number not in wanted:
            arrays[number] = _array(
                rows[field.name], None if every[number] else has_value[number], field.type
            )
    return pa.Table.from_arrays([arrays[number] for number in range(len(schema))], schema=schema)


def _texts(lengths: Array, text: bytes, places: Collection[int], there: Array) -> list[pa.Array]:
    """The columns at these places among the texts of rows; `there`, of each: which rows have a value. One take for all."""
    length, width = lengths.shape
    if not length or not places:
        return []
    offsets = np.zeros(length * width + 1, np.int32)
    np.cumsum(lengths.reshape(-1), out=offsets[1:])
    cells = pa.StringArray.from_buffers(length * width, pa.py_buffer(offsets), pa.py_buffer(text))
    wanted = np.add.outer(np.array([*places]), np.arange(0, length * width, width)).reshape(-1)
    taken = cells.take(pa.array(wanted, mask=None if there.all() else ~there.reshape(-1)))
    return [taken.slice(number * length, length) for number in range(len(places))]


def _array(values: Array, there: Array | None, kind: pa.DataType) -> pa.Array:
    """A column; `there`: which rows have a value, where not all have."""
    if pa.types.is_boolean(kind):
        return pa.array(values.astype(np.bool_), kind, mask=None if there is None else ~there)
    if pa.types.is_decimal(kind):
        words = np.empty((len(values), 2), np.int64)
        words[:, 0] = values
        words[:, 1] = words[:, 0] >> 63
        values = words
    bits = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))])


def _values(column: pa.Array) -> Array:
    """The values of a column that are no texts; anything where there is none."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if pa.types.is_decimal(column.type):
        # the low half of its 128 bits, which is all of a column of 16 digits
        words = np.frombuffer(column.buffers()[1], np.int64)
        return words[2 * column.offset : 2 * (column.offset + len(column)) : 2]
    return np.frombuffer(column.buffers()[1], _plain(column.type))[
        column.offset : column.offset + len(column)
    ]


def _row_by_row(
    texts: Sequence[pa.Array], length: int, size: int, order: Array | None
) -> tuple[Array, list[int], bytes]:
    """Columns of texts of that `length`, behind one another row by row, in the order wanted, `size` rows: lengths by row and
    column, where each row begins and the last ends, and the bytes."""
    width = len(texts)
    places = np.arange(length * width).reshape(width, length).T
    taken = pa.concat_arrays(texts).take(pa.array((places if order is None else places[order]).reshape(-1)))
    _, starts, text = taken.buffers()
    offsets = np.frombuffer(starts, np.int32)[taken.offset : taken.offset + size * width + 1]
    lengths = np.diff(offsets).reshape(size, width)
    return lengths, offsets[::width].tolist(), text.to_pybytes()


def _any_of_each(flags: Array, bounds: Sequence[int]) -> list[int]:
    """The bits that any row from each bound to before the next has."""
    if not flags.any():
        return [0] * (len(bounds) - 1)
    return [int(np.bitwise_or.reduce(flags[start:stop], initial=0)) for start, stop in pairwise(bounds)]


def _cells(row: np.dtype[Any], values: dict[str, Array], length: int) -> tuple[int, bytes]:
    """All rows in a layout, and the bytes of each; a value that is wider than that is cut."""
    rows = np.empty(length, row)
    for column in row.names or ():
        rows[column] = values[column]
    return row.itemsize, rows.tobytes()
