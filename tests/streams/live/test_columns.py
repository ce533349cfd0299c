"""Rows become bytes and come back, whatever stands in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from detectors.facts import fact_schemas
from streams.live.columns import pack, unpack, values

TABLES = sorted(fact_schemas())


def of_kind(kind: pa.DataType) -> some.SearchStrategy[Any]:
    """Values that a column of this type may hold."""
    if pa.types.is_timestamp(kind):
        return some.datetimes()
    if pa.types.is_date(kind):
        return some.dates()
    if pa.types.is_decimal(kind):
        return some.decimals(places=kind.scale, min_value=-(10 ** (kind.precision - kind.scale)) + 1,
                             max_value=10 ** (kind.precision - kind.scale) - 1)  # fmt: skip
    if pa.types.is_integer(kind):
        signed = not pa.types.is_unsigned_integer(kind)
        bits = kind.bit_width - signed
        return some.integers(-(2**bits) if signed else 0, 2**bits - 1)
    if pa.types.is_boolean(kind):
        return some.booleans()
    if pa.types.is_floating(kind):
        return some.floats(allow_nan=False)
    assert pa.types.is_string(kind), kind
    return some.text(alphabet=some.characters(exclude_categories=["Cs"]))


@some.composite
def tables(draw: some.DrawFn, name: str) -> pa.Table:
    """Some rows of a fact table; columns are full, sparse or empty."""
    schema = fact_schemas()[name]
    length = draw(some.integers(0, 6))
    columns = []
    for field in schema:
        one = draw(some.sampled_from([some.none(), of_kind(field.type), some.none() | of_kind(field.type)]))
        columns.append(pa.array(draw(some.lists(one, min_size=length, max_size=length)), field.type))
    return pa.Table.from_arrays(columns, schema=schema)


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=8, deadline=None)
@given(data=some.data())
def test_every_fact_table_comes_back_as_it_was(name: str, data: some.DataObject) -> None:
    table = data.draw(tables(name))
    columns = values(table)
    assert unpack(name, [pack(columns, slice(None))]).equals(table)
    cut = data.draw(some.integers(0, table.num_rows))
    blobs = [pack(columns, slice(0, cut)), pack(columns, slice(cut, None))]
    assert unpack(name, blobs).equals(table)
    chosen = [number for number in range(table.num_rows) if number % 2]
    assert unpack(name, [pack(columns, chosen)]).equals(table.take(pa.array(chosen, pa.int64())))


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_came_later_are_missing_in_older_rows(name: str) -> None:
    schema = fact_schemas()[name]
    table = schema.empty_table().slice(0, 0)
    row = {field.name: None for field in schema} | {"seq": 7, "msgid": "m"}
    table = pa.Table.from_pylist([row], schema=schema)
    whole = pack(values(table), slice(None))
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(whole)[:4])
    assert unpack(name, [older, whole]).equals(pa.concat_tables([table, table]).combine_chunks())


def test_the_rows_of_chunks_and_slices_are_those_that_show() -> None:
    schema = fact_schemas()["fund_item"]
    made = [{"seq": n, "fund_payamt": f"{n}.25", "setl_id": None if n % 2 else str(n)} for n in range(9)]
    plain = [
        {**row, "fund_payamt": pa.scalar(row["fund_payamt"]).cast(pa.decimal128(16, 2)).as_py()}
        for row in made
    ]
    table = pa.Table.from_pylist(plain, schema=schema)
    pieces = pa.concat_tables([table.slice(2, 3), table.slice(7)])
    assert unpack("fund_item", [pack(values(pieces), slice(None))]).equals(pieces.combine_chunks())


def test_nothing_is_a_table_without_rows() -> None:
    assert unpack("message", []).equals(fact_schemas()["message"].empty_table())
