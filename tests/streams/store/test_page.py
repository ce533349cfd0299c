"""docs/alert-store.md says what there is."""

from __future__ import annotations

from streams.store import tables
from tests.test_docs import names, section


def test_every_table_is_listed() -> None:
    assert sorted(names(section("alert-store.md", "Tables"))) == sorted(tables.metadata.tables)
