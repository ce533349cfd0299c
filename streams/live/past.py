"""What the lake still has of persons of whom the history does not hold everything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from detectors import facts as fact_tables
from detectors.facts import Facts
from streams.lake import is_lake, open_lake
from streams.live.news import FOR_ALL

#: The messages of rows that are told, whoever else they tell of, and of rows that were rejected. Nobody else is named.
_MESSAGES = """
select * replace (if(psn_no in (select psn_no from wanted), psn_no, null) as psn_no)
from fact.message
where seq in (select seq from told) or bad_rows > 0 and psn_no in (select psn_no from wanted)
"""


class Past(Protocol):
    """Where the facts of persons lie that the history no longer holds."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all, of anyone."""

    def of(self, persons: Collection[str], names: Collection[str]) -> dict[str, pa.Table]:
        """Their rows in these fact tables, each message once, and their messages."""

    def archived(self, persons: Collection[str], messages: pa.Table) -> pa.Array:
        """The msgids of those of these messages, which are of these persons, that lie there."""

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
            fact_tables.load(con, facts)
            con.register("wanted", pa.table({"psn_no": pa.array(sorted(persons), pa.string())}))
            tables = {
                name: con.sql(f"select * from fact.{name} semi join wanted using (psn_no)").to_arrow_table()
                for name in chosen
            }
            if "message" in facts.sources:
                seqs = [chunk for table in tables.values() for chunk in table["seq"].chunks]
                con.register("told", pa.table({"seq": pa.chunked_array(seqs, pa.uint64())}))
                tables["message"] = con.sql(_MESSAGES).to_arrow_table()
            return tables

    def archived(self, persons: Collection[str], messages: pa.Table) -> pa.Array:
        if not messages.num_rows or not is_lake(self._folder):
            return pa.array([], pa.string())
        span = pc.min_max(messages["inf_time"]).as_py()
        facts = open_lake(self._folder).facts(persons=persons, since=span["min"], as_of=span["max"])
        with duckdb.connect() as con:
            fact_tables.load(con, Facts({"message": facts.sources.get("message", ())}, as_of=facts.as_of))
            con.register("asked", messages.select(["msgid"]))
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

    def archived(self, persons: Collection[str], messages: pa.Table) -> pa.Array:  # noqa: ARG002
        return pa.array([], pa.string())
