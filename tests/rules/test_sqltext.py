"""What can be known of SQL from its text."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import duckdb
import pytest

from rules.sqltext import (
    parameters,
    prepend_cte,
    significant,
    split_where,
    tells_columns_apart,
    with_values,
    words,
)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select  1 -- one\n  from t", "select 1 from t"),
        ("select '--  two' /* three */ as a", "select '--  two' as a"),
        ("select 'it''s  so'", "select 'it''s  so'"),
    ],
)
def test_comments_and_white_space_mean_nothing_outside_texts(sql: str, expected: str) -> None:
    assert significant(sql) == expected


def test_parameters_in_texts_and_comments_are_none() -> None:
    assert parameters("select $a + $b_2, '$c' -- $d\n from \"$e\"") == {"a", "b_2"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("visit", ("visit", None)),
        ("visit where inpatient", ("visit", "inpatient")),
        ("(select * from visit where settled) v WHERE v.inpatient", ("(select * from visit where settled) v", "v.inpatient")),
        ("visit where kind = 'where'", ("visit", "kind = 'where'")),
    ],
)  # fmt: skip
def test_a_population_is_a_source_and_a_condition(source: str, expected: tuple[str, str | None]) -> None:
    assert split_where(source) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", "with j as (\n    x\n)\nselect 1"),
        ("with a as (select 1) select 2", "with j as (\n    x\n), a as (select 1) select 2"),
        ("with\n-- what\na as (select 1) select 2", "with j as (\n    x\n),\n-- what\na as (select 1) select 2"),
        ("-- why\nWITH recursive a as (select 1) select 2", "-- why\nWITH recursive j as (\n    x\n), a as (select 1) select 2"),
        ("select 1 as with_", "with j as (\n    x\n)\nselect 1 as with_"),
    ],
)  # fmt: skip
def test_a_step_is_put_before_a_statements_own(sql: str, expected: str) -> None:
    assert prepend_cte(sql, "j", "x") == expected


def test_values_stand_as_literals_in_the_place_of_parameters() -> None:
    values = {
        "span": timedelta(days=2, hours=1),
        "back": timedelta(days=-1),
        "share": Decimal("0.50"),
        "many": Decimal(90),
        "n": -5,
        "kind": "it's $n",
    }
    text = with_values("select $span, $back, $share, $many, $n, $kind, '$n' -- $n", values)
    row = duckdb.execute(text).fetchone()
    assert row == (*values.values(), "$n")
    assert duckdb.execute(with_values("select typeof($many)", values)).fetchone() == ("DECIMAL(2,0)",)


def test_a_parameter_without_a_value_is_no_text() -> None:
    with pytest.raises(KeyError):
        with_values("select $n", {})


def test_words_may_be_names() -> None:
    assert words("select A.b, \"c d\", 'e' -- f\n from g_1 where $h > 1e3") == {
        "select", "a", "b", "c d", "from", "g_1", "where",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select *, a from t", False),
        ("select count(*), a * b from t union select c, d from u", False),
        ("select t.* from t union all select * from u", False),
        ("select * from t union select * from u", True),
        ("select a, t.* from t except select * from u", True),
        ("select distinct t.* from t", True),
        ("select distinct * from t", True),
        ("select columns(* exclude a) from t", True),
        ("select * from t natural join u", True),
        ("select a, count(*) from t group by all", True),
        ("select 'group by all' from t", False),
    ],
)
def test_where_a_star_counts_every_column_counts(sql: str, expected: bool) -> None:
    assert tells_columns_apart(sql) is expected
