"""What can be known of SQL from its text."""

from __future__ import annotations

import pytest

from rules.sqltext import parameters, prepend_cte, significant, split_where


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
