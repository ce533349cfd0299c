"""Facts on their way from the wire to the ledger: in memory while they are few, in Parquet files when they are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from detectors.facts import Facts, Parquet, Source

#: Bytes of Arrow that stay in memory before they are written out.
IN_MEMORY = 1 << 30

#: Bytes of Arrow that are written together, once it is known that not all stay in memory.
WRITTEN_AT_ONCE = 256 << 20

#: Rows that one file of a table gathers at least, so that files stay few.
ROWS_A_FILE = 1_000_000

#: Texts that hardly repeat: a dictionary of them would cost as much as the rest of writing, and be thrown away.
IDENTIFIERS = frozenset(
    [
        "msgid",
        "mdtrt_id",
        "setl_id",
        "psn_no",
        "feedetl_sn",
        "chrg_bchno",
        "drord_no",
        "medcas_drord_detl_id",
        "rpotc_no",
        "appy_no",
        "invono",
    ]
)


class Spool:
    """Collects decoded tables batch by batch; `facts()` is all of them. Parts fill the same folder."""

    def __init__(self, folder: Path, in_memory: int = IN_MEMORY, name: str = "") -> None:
        self._folder = folder
        self._limit = in_memory
        self._name = name
        self._held: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self._bytes = 0
        self._files: defaultdict[str, list[str]] = defaultdict(list)

    def part(self, number: int) -> Spool:
        return Spool(self._folder, min(self._limit, WRITTEN_AT_ONCE), f"{number}-")

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            self._held[name].append(table)
            self._bytes += table.nbytes
        if self._bytes > self._limit:
            self._limit = min(self._limit, WRITTEN_AT_ONCE)
            self._write_all()

    def close(self) -> dict[str, list[str]]:
        """Write everything; gives the files of each table."""
        self._write_all()
        return dict(self._files)

    def join(self, kept: Mapping[str, list[str]]) -> None:
        """Take over the files of a part."""
        for name, files in kept.items():
            self._files[name] += files

    def _write_all(self) -> None:
        for name in list(self._held):
            self._write(name)
        self._bytes = 0

    def _write(self, name: str) -> None:
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._name}{len(self._files[name]):05}.parquet"
        table = pa.concat_tables(self._held.pop(name))
        pq.write_table(
            table,
            path,
            compression="lz4",
            row_group_size=ROWS_A_FILE,
            write_statistics=False,
            use_dictionary=[
                field.name
                for field in table.schema
                if pa.types.is_string(field.type) and field.name not in IDENTIFIERS
            ],
        )
        self._files[name].append(str(path))

    def facts(self) -> Facts:
        """Everything that was added. The files live as long as the folder."""
        sources: dict[str, tuple[Source, ...]] = {}
        for name in sorted({*self._held, *self._files}):
            some: list[Source] = []
            if self._files[name]:
                some.append(Parquet(tuple(self._files[name])))
            if self._held.get(name):
                some.append(pa.concat_tables(self._held[name]))
            sources[name] = tuple(some)
        return Facts(sources)
