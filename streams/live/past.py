"""What the lake still has of persons of whom the history does not hold everything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from detectors import facts as fact_tables
from streams.lake import is_lake, open_lake
from streams.live.news import FOR_ALL


class Past(Protocol):
    """Where the facts of persons lie that the history no longer holds."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all, of anyone."""

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:
        """Their rows in these fact tables, each message once, and their messages."""

    def archived(self, persons: Collection[str], msgids: pa.Array) -> pa.Array:
        """Those of these messages, which are of these persons, that lie there."""

    def for_all(self, names: Collection[str]) -> dict[str, pa.Table]:
        """The rows of those of these fact tables that are registries of what all share, and their messages."""

    def clock(self) -> dict[str, datetime]:
        """The latest `inf_time` of each institution."""


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
        schemas = fact_tables.fact_schemas()
        chosen = [
            name
            for name in sorted(facts.sources.keys() & set(names) - FOR_ALL.keys() - {"message"})
            if "psn_no" in schemas[name].names
        ]
        with duckdb.connect() as con:
            fact_tables.load(con, facts, persons)
            tables = {
                name: con.sql(f"select * from fact.{name} where psn_no is not null").to_arrow_table()
                for name in chosen
            }
            if "message" in facts.sources:
                # a message that tells of several persons names none of them
                seqs = [chunk for table in tables.values() for chunk in table["seq"].chunks]
                con.register("told", pa.table({"seq": pa.chunked_array(seqs, pa.uint64())}))
                tables["message"] = con.sql(
                    "select * from fact.message where psn_no is not null or seq in (select seq from told)"
                ).to_arrow_table()
            return tables

    def archived(self, persons: Collection[str], msgids: pa.Array) -> pa.Array:
        if not is_lake(self._folder):
            return pa.array([], pa.string())
        with duckdb.connect() as con:
            fact_tables.load(con, open_lake(self._folder).facts(persons=persons))
            con.register("asked", pa.table({"msgid": msgids}))
            found = con.sql("select distinct msgid from fact.message semi join asked using (msgid)")
            return found.to_arrow_table()["msgid"].combine_chunks()

    def for_all(self, names: Collection[str]) -> dict[str, pa.Table]:
        if not is_lake(self._folder):
            return {}
        facts = open_lake(self._folder).facts(persons=())
        chosen = sorted(facts.sources.keys() & set(names) & FOR_ALL.keys())
        with duckdb.connect() as con:
            fact_tables.load(con, facts)
            tables = {name: con.sql(f"select * from fact.{name}").to_arrow_table() for name in chosen}
            if tables:
                seqs = " union all ".join(f"select seq from fact.{name}" for name in chosen)
                tables["message"] = con.sql(
                    f"select * replace (null::varchar as psn_no) from fact.message where seq in ({seqs})"
                ).to_arrow_table()
            return tables

    def clock(self) -> dict[str, datetime]:
        if not is_lake(self._folder):
            return {}
        with duckdb.connect() as con:
            fact_tables.load(con, open_lake(self._folder).facts())
            rows = con.execute(
                "select fixmedins_code, max(inf_time) from fact.message where fixmedins_code is not null group by all"
            )
            return dict(rows.fetchall())


class NoPast:
    """No lake: the history holds everything, and nothing is ever evicted."""

    is_empty = True

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:  # noqa: ARG002
        return {}

    def for_all(self, names: Collection[str]) -> dict[str, pa.Table]:  # noqa: ARG002
        return {}

    def clock(self) -> dict[str, datetime]:
        return {}

    def archived(self, persons: Collection[str], msgids: pa.Array) -> pa.Array:  # noqa: ARG002
        return pa.array([], pa.string())
