"""What the lake still has of persons of whom the history does not hold everything."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from detectors import facts as fact_tables
from streams.lake import is_lake, open_lake


class Past(Protocol):
    """Where the facts of persons lie that the history no longer holds."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all, of anyone."""

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:
        """Their rows in these fact tables, each message once."""


class LakePast:
    """The event lake as it is when it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def is_empty(self) -> bool:
        return not is_lake(self._folder) or not open_lake(self._folder).manifest.parts

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:
        if not persons or not is_lake(self._folder):
            return {}
        facts = open_lake(self._folder).facts(persons=persons)
        with duckdb.connect() as con:
            fact_tables.load(con, facts, persons)
            return {
                name: con.sql(f"select * from fact.{name} where psn_no is not null").to_arrow_table()
                for name in sorted(facts.sources.keys() & set(names))
                if "psn_no" in fact_tables.fact_schemas()[name].names
            }


class NoPast:
    """No lake: the history holds everything, and nothing is ever evicted."""

    is_empty = True

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:  # noqa: ARG002
        return {}
