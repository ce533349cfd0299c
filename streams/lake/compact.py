"""Putting small files together, so that a lake that grows by small batches reads as fast as one that was built.

Of the files of a table, month and bucket those of about one size are merged once there are several, so that a row is
written anew only a few times. Months that are over come down to a few files, small ones together with those of other months:
whoever asks for a person opens every file, so that what counts is how much there is, not since when. What is large is cut
into buckets of persons, as a build does. One merge is one step.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors import engine
from detectors.facts import fact_schemas
from streams.lake import layout
from streams.lake.layout import DROPPED, ROWS_A_GROUP, Part, span_of
from streams.lake.manifest import Manifest
from streams.lake.parts import files_in_sql, write_dropped, write_month, write_part
from streams.lake.writer import WORK, Writer, settle

#: Files of a table, month and bucket that are merged at once at least, in the months that still grow.
FILES = 8

#: The latest months that still grow.
_GROWING = 2

#: Of a month that is over: files that are merged at least, and how much larger the next one may be to go with them.
_OVER = (2, 16)

#: The same of files that are smaller than a row group, of whichever months that are over.
_SMALL = (4, 16)

#: Rows from which on a file stays as it is. One with persons in no bucket is cut before.
FULL = 1_000_000

_MEMORY = "1GB"


@dataclass(frozen=True)
class Merge:
    """Files to be put together. `bucket` None: rows of any person or none, or the list of dropped copies."""

    table: str
    span: str
    bucket: int | None
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Of all the files."""
        return sum(part.rows for part in self.parts)


def due(manifest: Manifest) -> Merge | None:
    """The merge that spares a reader most files, if any is due."""
    growing = sorted({part.months[1] for some in manifest.parts.values() for part in some})[-_GROWING:]
    best: Merge | None = None
    for (table, span, bucket), some in _groups(manifest, growing):
        few, factor = _SMALL if span is None else (FILES, 1) if span in growing else _OVER
        chosen = _chosen(some, factor)
        if len(chosen) >= few and (best is None or len(chosen) > len(best.parts)):
            best = Merge(table, span or span_of(chosen), bucket, tuple(chosen))
    return best


def merge_some(writer: Writer) -> int:
    """Do the merge that is due, if one is. Gives how many files were put together."""
    merge = due(writer.manifest)
    if merge is None:
        return 0
    with tempfile.TemporaryDirectory(prefix=WORK, dir=writer.folder) as work:
        parts = list(_written(merge, writer.folder, Path(work), writer.next_version))
    settle(writer.folder, [part.path for part in parts])
    writer.commit(added=[(merge.table, part) for part in parts], gone=[part.path for part in merge.parts])
    return len(merge.parts)


def _groups(
    manifest: Manifest, growing: Sequence[str]
) -> Iterator[tuple[tuple[str, str | None, int | None], list[Part]]]:
    """The files that may be merged with each other, smallest first, by table, months (None: any) and bucket."""
    groups: defaultdict[tuple[str, str | None, int | None], list[Part]] = defaultdict(list)
    for table, parts in manifest.parts.items():
        for part in parts:
            if part.rows < _full(table, part.bucket):
                small = part.bucket is None and part.rows < ROWS_A_GROUP and part.months[1] not in growing
                groups[table, None if small else part.span, part.bucket].append(part)
    # The list of copies has no months: it always grows.
    groups[DROPPED, max(growing, default=""), None] = [part for part in manifest.dropped if part.rows < FULL]
    for key, some in groups.items():
        yield key, sorted(some, key=lambda part: (part.rows, part.path))


def _chosen(parts: Sequence[Part], factor: int) -> Sequence[Part]:
    """The longest run of files (smallest first) of which none is larger than so many times those before it in the run."""
    best: Sequence[Part] = ()
    start = together = 0
    for end, part in enumerate(parts):
        if end > start and part.rows > factor * together:
            start, together = end, 0
        together += part.rows
        if end + 1 - start > len(best):
            best = parts[start : end + 1]
    return best


def _full(table: str, bucket: int | None) -> int:
    return layout.ROWS_TO_CUT if bucket is None and "psn_no" in fact_schemas()[table].names else FULL


def _written(merge: Merge, lake: Path, work: Path, version: int) -> Iterator[Part]:
    """The merged files, in their places. Their version is that of the newest row in them."""
    name = f"merged-{version:012}.parquet"
    newest = max(part.version for part in merge.parts)
    query = f"select * from {files_in_sql(lake / part.path for part in merge.parts)}"
    con = engine.connect(workspace=work, memory_limit=_MEMORY, threads=1)
    with con:
        con.execute("set preserve_insertion_order = true")
        if merge.table == DROPPED:
            yield from write_dropped(con, lake, name, query, newest)
        elif merge.bucket is None:
            cut = merge.rows >= layout.ROWS_TO_CUT
            yield from write_month(con, lake, merge.table, merge.span, name, query, newest, cut=cut)
        else:
            path = f"{Part.folder(merge.table, merge.span, merge.bucket)}/{name}"
            order = layout.order_by(merge.table)
            yield from write_part(con, lake, path, f"{query} {order}", merge.table, newest)
