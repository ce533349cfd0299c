"""Decoded facts on their way into a lake: gathered by table and month, on disk as soon as they are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Bytes of Arrow that are gathered before they are told apart by month.
_BATCH = 64 << 20

#: Bytes of Arrow by month that stay in memory; of more, the largest months are written out.
_IN_MEMORY = 384 << 20

_ROWS_A_GROUP = 262_144


class MonthSpool:
    """Collects fact tables; `months()` then gives the files of each table and month. Parts fill the same folder."""

    def __init__(self, folder: Path, in_memory: int = _IN_MEMORY, name: str = "") -> None:
        self._folder = folder
        self._limit = in_memory
        self._name = name
        self._fresh: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._fresh_bytes = 0
        self._held: defaultdict[tuple[str, str], list[pa.Table]] = defaultdict(list)
        self._held_bytes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._files: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
        self._rows: defaultdict[tuple[str, str], int] = defaultdict(int)

    def part(self, number: int) -> MonthSpool:
        return MonthSpool(self._folder, self._limit // 2, f"{number}-")

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            self._fresh[name].append(table)
            self._fresh_bytes += table.nbytes
        if self._fresh_bytes > min(_BATCH, self._limit):
            self._tell_apart()
        while sum(self._held_bytes.values()) > self._limit:
            self._write(max(self._held_bytes, key=lambda key: (self._held_bytes[key], key)))

    def months(self) -> Iterator[tuple[str, str, list[Path], int]]:
        """Table, month (`YYYY-MM`), files and rows of everything added, in the order of the names."""
        self._write_all()
        for name, month in sorted(self._files):
            yield name, month, self._files[name, month], self._rows[name, month]

    def close(self) -> tuple[dict[tuple[str, str], list[Path]], dict[tuple[str, str], int]]:
        """Write everything; gives the files and rows of each table and month."""
        self._write_all()
        return dict(self._files), dict(self._rows)

    def join(self, kept: tuple[dict[tuple[str, str], list[Path]], dict[tuple[str, str], int]]) -> None:
        """Take over the files of a part."""
        files, rows = kept
        for key in files:
            self._files[key] += files[key]
            self._rows[key] += rows[key]

    def _write_all(self) -> None:
        self._tell_apart()
        for key in list(self._held):
            self._write(key)

    def _tell_apart(self) -> None:
        for name, tables in self._fresh.items():
            table = pa.concat_tables(tables)
            times = table["inf_time"]
            numbers = pc.add(pc.multiply(pc.year(times), 12), pc.subtract(pc.month(times), 1))
            found = sorted(pc.unique(numbers).to_pylist())
            for number in found:
                part = table if len(found) == 1 else table.filter(pc.equal(numbers, number))
                key = (name, f"{number // 12:04}-{number % 12 + 1:02}")
                self._held[key].append(part)
                self._held_bytes[key] += part.nbytes
                self._rows[key] += part.num_rows
        self._fresh.clear()
        self._fresh_bytes = 0

    def _write(self, key: tuple[str, str]) -> None:
        name, month = key
        folder = self._folder / name / month
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._name}{len(self._files[key]):05}.parquet"
        pq.write_table(
            pa.concat_tables(self._held.pop(key)),
            path,
            compression="lz4",
            row_group_size=_ROWS_A_GROUP,
            write_statistics=False,
        )
        del self._held_bytes[key]
        self._files[key].append(path)
