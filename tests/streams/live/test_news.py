"""What registries and look-ups say that they had not said last."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from streams.live.news import news
from tests.streams.live import town
from tests.streams.live.site import kernel, packets


def tables(lines: Sequence[bytes]) -> dict[str, pa.Table]:
    return dict(packets(lines, kernel())[0].tables)


def is_news(name: str, held: Sequence[bytes], *new: bytes) -> bool:
    return bool(news(name, tables(new)[name], tables(held).get(name)))


HELD = [town.priced(1, 50), town.priced(2, 40), town.insured(1), town.looked_up(3), town.died(5, seen=6)]

CASES = {
    "the same again": ("catalogue", [town.priced(3, 40)], False),
    "the same again, said before it was said first": ("catalogue", [town.priced(1.5, 40)], True),
    "what was said before the last word": ("catalogue", [town.priced(3, 50)], True),
    "something else": ("catalogue", [town.priced(3, 30)], True),
    "another code": ("catalogue", [town.priced(3, 40, "A2")], True),
    "the same twice": ("catalogue", [town.priced(3, 40), town.priced(4, 40)], False),
    "something else, then the same as before": ("catalogue", [town.priced(3, 30), town.priced(4, 40)], True),
    "the same period again": ("insured", [town.insured(9)], False),
    "another sex": ("insured", [town.insured(9, gend="2")], True),
    "another period": ("insured", [town.insured(9, begndate="2020-01-01")], True),
    "the same of somebody else": ("insured", [town.insured(9, psn="P2")], True),
    "a withdrawal": ("insured", [town.insured(9, vali_flag="0")], True),
    "another balance": ("person_insurance", [town.looked_up(9)], False),
    "another place": ("person_insurance", [town.looked_up(9, place="990102")], True),
    "the same death from another source": ("death", [town.died(5, seen=9, source="police")], True),
    "the same death again": ("death", [town.died(5, seen=9)], False),
}


@pytest.mark.parametrize(("name", "new", "told"), CASES.values(), ids=CASES)
def test_a_row_is_news_where_it_does_not_repeat_the_last_word(
    name: str, new: list[bytes], told: bool
) -> None:
    assert is_news(name, HELD, *new) == told


def test_everything_is_news_to_who_knows_nothing() -> None:
    for name, table in tables(HELD).items():
        if name in ("catalogue", "insured", "person", "person_insurance", "person_identity", "death"):
            assert news(name, table, None)
