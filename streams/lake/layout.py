"""What lies where in a lake, and `lake.json`, which names every file that counts.

`<table>/month=YYYY-MM/bucket=NN/part-….parquet`: the month of inf_time, and a bucket of persons. Months of a table
with few rows are one file, in the bucket `shared`; so are, in large months, the rows that name no person. A file
that `lake.json` does not name does not exist: it is what an interrupted build left.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from detectors.facts import fact_schemas
from streams.errors import Refused

#: Version of the layout; a reader refuses another.
FORMAT = 1

LAKE = "lake.json"
REJECTS = "rejects.jsonl"
DROPPED = "dropped"

#: Buckets of persons in a month of a table that is large enough to be cut.
BUCKETS = 16

#: Rows of a table and month from which on it is cut into buckets. Below, files would be too small to read fast.
ROWS_TO_CUT = 2_000_000

SHARED = "shared"

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
    """One Parquet file of a table, by its path inside the lake."""

    path: str
    rows: int

    @property
    def month(self) -> str:
        """`YYYY-MM` of inf_time."""
        return self.path.split("/")[1].removeprefix("month=")

    @property
    def bucket(self) -> int | None:
        """The bucket of persons; None: rows of any person or none."""
        name = self.path.split("/")[2].removeprefix("bucket=")
        return None if name == SHARED else int(name)

    @staticmethod
    def folder(table: str, month: str, bucket: int | None) -> str:
        return f"{table}/month={month}/bucket={SHARED if bucket is None else f'{bucket:02}'}"


@dataclass(frozen=True)
class Manifest:
    """`lake.json`. `counts`: of messages, as `LogCounts.described`, with duplicates and conflicts apart; `sources`:
    the logs by name, bytes and hash; `next_seq`: the first number of a message that is free; `dropped`: the files that
    list the copies of messages that are not the fact; `rejects_bytes`: how much of `rejects.jsonl` counts."""

    next_seq: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    rejects_bytes: int = 0

    def write(self, folder: Path) -> None:
        """Put `lake.json` in its place at once: before it is there the lake is the old one, then the new one."""
        described = {
            "format": FORMAT,
            "schema": schema_hash(),
            "buckets": BUCKETS,
            "next_seq": self.next_seq,
            "counts": dict(self.counts),
            "sources": [dict(source) for source in self.sources],
            "rejects_bytes": self.rejects_bytes,
            "dropped": list(self.dropped),
            "tables": {
                table: {
                    "rows": sum(part.rows for part in parts),
                    "files": {part.path: part.rows for part in parts},
                }
                for table, parts in sorted(self.parts.items())
            },
        }
        partial = folder / f".{LAKE}.partial"
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(described, ensure_ascii=False, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / LAKE)

    @staticmethod
    def read(folder: Path) -> Manifest:
        """Raises `Refused` where the folder is no lake, or one that this version cannot read."""
        try:
            found = json.loads((folder / LAKE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Refused(
                f"{folder} is no lake: it has no {LAKE}. Make one with fundwatch lake build."
            ) from None
        except ValueError:
            raise Refused(f"{folder / LAKE} is damaged: build the lake again.") from None
        if found.get("format") != FORMAT:
            raise Refused(f"{folder} has lake format {found.get('format')}; this fundwatch reads {FORMAT}.")
        if found.get("schema") != schema_hash():
            raise Refused(
                f"{folder} holds facts of schema {found.get('schema')}, this fundwatch has {schema_hash()}: "
                "build the lake again from its logs."
            )
        return Manifest(
            next_seq=found["next_seq"],
            counts=found["counts"],
            sources=tuple(found["sources"]),
            rejects_bytes=found["rejects_bytes"],
            dropped=tuple(found["dropped"]),
            parts={
                table: tuple(Part(path, rows) for path, rows in one["files"].items())
                for table, one in found["tables"].items()
            },
        )


def is_lake(path: Path) -> bool:
    """Whether a folder holds a lake."""
    return (path / LAKE).is_file()
