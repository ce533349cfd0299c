"""What lies where in a lake, and what its files are called.

`<table>/month=YYYY-MM/bucket=NN/….parquet`: the month of inf_time, and a bucket of persons. Months of a table with few
rows lie in the bucket `shared`; so do, in large months, the rows that name no person and what was just appended. Small
files of months that are over are put together over months, as `month=YYYY-MM..YYYY-MM`. A file is `part-…` (of logs),
`<topic>-<partition>-<first offset>-<last offset>` (of a topic) or `merged-…` (of several).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from detectors.facts import fact_schemas

LAKE = "lake.json"
REJECTS = "rejects.jsonl"
DROPPED = "dropped"
LOCK = "writer.lock"
MSGIDS = "msgids.sqlite"

#: Buckets of persons in a month of a table that is large enough to be cut.
BUCKETS = 16

#: Rows of a table and month from which on it is cut into buckets. Below, files would be too small to read fast.
ROWS_TO_CUT = 2_000_000

SHARED = "shared"

#: Between the first and the last month of a file of several.
_TO = ".."

#: Rows of a row group: large enough to read fast, small enough that a person's rows are found without all others.
ROWS_A_GROUP = 131_072

#: The bucket of a row in SQL; the same as `bucket_of`.
BUCKET_SQL = f"md5_number_upper(psn_no) % {BUCKETS}"


@cache
def schema_hash() -> str:
    """Names and types of all fact columns, as 12 hex digits: the version of what the files hold."""
    text = "\n".join(
        f"{table} {column.name} {column.type}"
        for table, schema in fact_schemas().items()
        for column in schema
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def bucket_of(psn_no: str) -> int:
    """The bucket that a person's rows are in, where a month is cut: stable over machines and versions."""
    return (
        int.from_bytes(hashlib.md5(psn_no.encode(), usedforsecurity=False).digest()[:8], "little") % BUCKETS
    )


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table, by its path inside the lake. `version`: that of the lake with which the newest of its
    rows came."""

    path: str
    rows: int
    version: int = 0

    @property
    def span(self) -> str:
        """`YYYY-MM` of inf_time, or the first and the last such month, with two dots between."""
        return self.path.split("/")[1].removeprefix("month=")

    @property
    def months(self) -> tuple[str, str]:
        """The first and the last month of inf_time."""
        first, _, last = self.span.partition(_TO)
        return first, last or first

    def overlaps(self, first: str, last: str) -> bool:
        """Whether it may hold something of these months or of one between them."""
        begins, ends = self.months
        return begins <= last and first <= ends

    @property
    def bucket(self) -> int | None:
        """The bucket of persons; None: rows of any person or none."""
        name = self.path.split("/")[2].removeprefix("bucket=")
        return None if name == SHARED else int(name)

    @staticmethod
    def folder(table: str, span: str, bucket: int | None) -> str:
        return f"{table}/month={span}/bucket={SHARED if bucket is None else f'{bucket:02}'}"


def of_months(parts: Iterable[Part], months: Collection[str]) -> list[Part]:
    """The files that may hold something of one of these months."""
    return [part for part in parts if any(part.overlaps(month, month) for month in months)]


def span_of(parts: Iterable[Part]) -> str:
    """The months of all these files, as `Part.span`."""
    months = {month for part in parts for month in part.months}
    return min(months) if len(months) == 1 else f"{min(months)}{_TO}{max(months)}"


def is_lake(path: Path) -> bool:
    """Whether a folder holds a lake."""
    return (path / LAKE).is_file()


def order_by(table: str, *before: str) -> str:
    """How the rows of a file are sorted: those of a person together."""
    known = fact_schemas()[table].names
    columns = [column for column in ("psn_no", "inf_time", "seq", "row_no") if column in known]
    return f"order by {', '.join([*before, *columns])}"


def quoted(path: Path | str) -> str:
    """A path inside the quotes of SQL."""
    return str(path).replace("'", "''")
