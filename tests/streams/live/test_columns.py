"""Rows become bytes and come back, whatever stands in them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from detectors.facts import fact_schemas
from streams.live import columns
from streams.live.columns import as_one, pack, pack_each, unpack, unpack_counted, unpack_each

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
@settings(max_examples=4, deadline=None)
@given(data=some.data())
def test_every_fact_table_comes_back_as_it_was(name: str, data: some.DataObject) -> None:
    table = data.draw(tables(name))
    assert unpack(name, [pack(name, table)]).equals(table)
    cut, end = data.draw(some.integers(0, table.num_rows)), table.num_rows
    blobs = pack_each(name, table, [0, cut, end])
    whole, counts = unpack_counted(name, blobs)
    assert whole.equals(table)
    assert counts.tolist() == [cut, end - cut]
    assert unpack(name, blobs[1:]).equals(table.slice(cut).combine_chunks())
    assert unpack(name, [as_one(name, blobs)]).equals(table)
    first, none, second = unpack_each(name, [blobs[:1], [], blobs[1:]])
    assert (first.num_rows, none.num_rows) == (cut, 0)
    assert pa.concat_tables([first, second]).equals(table)
    order = np.array(data.draw(some.permutations(range(end))), np.int64)
    assert unpack(name, pack_each(name, table, [0, cut, end], order)).equals(table.take(order))


@pytest.mark.parametrize("long", ["", "病" * 100, "病" * 30_000])
@pytest.mark.parametrize("large", ["0.01", "-21474836.48", "21474836.48", "99999999999999.99"])
def test_a_few_wide_values_are_kept_with_many_narrow_ones(long: str, large: str) -> None:
    schema = fact_schemas()["fee_line"]
    rows: list[dict[str, Any]] = [
        {"seq": number, "msgid": f"m{number}", "det_item_fee_sumamt": Decimal(number)} for number in range(9)
    ]
    rows[4]["fixmedins_name"] = long
    rows[7]["det_item_fee_sumamt"] = Decimal(large)
    table = pa.Table.from_pylist(rows, schema=schema)
    each = pack_each("fee_line", table, range(10))
    assert unpack("fee_line", each).equals(table)
    assert unpack("fee_line", [as_one("fee_line", each)]).equals(table)
    assert unpack("fee_line", [pack("fee_line", table)]).equals(table)
    assert sum(len(one.cells) for one in each) <= len(pack("fee_line", table).cells)


def test_texts_that_are_too_long_for_one_piece_come_back_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"seq": number, "msgid": "x" * 40, "kind": None} for number in range(9)]
    table = pa.Table.from_pylist(rows, schema=fact_schemas()["message"])
    monkeypatch.setattr(columns, "_MOST_TEXT", 100)
    found, counts = unpack_counted("message", pack_each("message", table, [0, 1, 3, 9]))
    assert found.equals(table)
    assert (found["msgid"].num_chunks, counts.tolist()) == (3, [1, 2, 6])


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_came_later_are_missing_in_older_rows(name: str) -> None:
    schema = fact_schemas()[name]
    one: dict[str, Any] = {
        "string": "字",
        "bool": True,
        "timestamp[us]": datetime(2026, 3, 1),  # noqa: DTZ001 platform times carry no zone
        "date32[day]": date(2026, 3, 1),
    }
    row = {field.name: one.get(str(field.type), 1) for field in schema}
    table = pa.Table.from_pylist([row], schema=schema)
    for known in (4, len(schema) - 1):
        older = pack(name, table.select(range(known)))
        first = pa.Table.from_pylist([{key: row[key] for key in schema.names[:known]}], schema=schema)
        both = pa.concat_tables([first, table])
        assert unpack(name, [older]).equals(first)
        assert unpack(name, [older, pack(name, table)]).equals(both.combine_chunks())
        assert unpack(name, [as_one(name, [older, pack(name, table)])]).equals(both.combine_chunks())


def test_columns_of_a_later_fundwatch_are_refused() -> None:
    later = fact_schemas()["death"].append(pa.field("later", pa.string()))
    with pytest.raises(ValueError, match="columns that this fundwatch does not know"):
        unpack("death", [pack("death", pa.Table.from_pylist([{"later": "字"}], schema=later))])


def test_the_rows_of_chunks_and_slices_are_those_that_show() -> None:
    schema = fact_schemas()["fund_item"]
    made = [{"seq": n, "fund_payamt": f"{n}.25", "setl_id": None if n % 2 else str(n)} for n in range(9)]
    plain = [
        {**row, "fund_payamt": pa.scalar(row["fund_payamt"]).cast(pa.decimal128(16, 2)).as_py()}
        for row in made
    ]
    table = pa.Table.from_pylist(plain, schema=schema)
    pieces = pa.concat_tables([table.slice(2, 3), table.slice(7)])
    assert unpack("fund_item", [pack("fund_item", pieces)]).equals(pieces.combine_chunks())


def test_nothing_is_a_table_without_rows() -> None:
    assert unpack("message", []).equals(fact_schemas()["message"].empty_table())
