"""What a lake consists of: `lake.json`, and the journal of what has changed since it was written.

A file that neither names does not exist: it is what an interrupted writer left. `lake.json` is put in its place at
once and says which journal follows it; each line of the journal is one change, so appending costs the same however
many files there are. A last line that is torn was never written. A reader who took `lake.json` before it was written
anew still finds its journal and its files: what is replaced is deleted only after a time of grace.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from streams.errors import Refused
from streams.inputs import LogCounts
from streams.lake.layout import DROPPED, LAKE, Part, schema_hash

#: Version of `lake.json` that is written; the first one had no journal and is still read.
FORMAT = 2
_READABLE = (1, 2)

#: `lake.json` while it is written.
PARTIAL = f".{LAKE}.partial"

_JOURNAL = "journal-{:06}.jsonl"

#: Bits of a `seq` that are the offset; those above are the number of the origin, 0 for logs.
OFFSET_BITS = 40

_ATTEMPTS = 10


class Origin(msgspec.Struct, frozen=True):
    """A partition of a topic that is archived here. The lake has everything in [begin, next), offsets of the partition;
    what stands in gaps was nothing. A message's `seq` is `number << OFFSET_BITS | offset`."""

    number: int
    topic: str
    partition: int
    begin: int
    next: int

    @property
    def name(self) -> str:
        """As files and rejects name it."""
        return f"{self.topic}-{self.partition}"

    @property
    def first_seq(self) -> int:
        """`seq` of what stands at offset 0."""
        return self.number << OFFSET_BITS

    @property
    def next_seq(self) -> int:
        """`seq` of what is not archived yet."""
        return self.first_seq + self.next


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One step of a lake to its next version; a line of the journal. None: stays as it is.

    `added`: table → path → rows and version of the newest row; `gone`: files that are replaced, `deleted`: earlier
    ones of these that are no more; `at`: seconds since 1970.
    """

    version: int
    at: int
    added: dict[str, dict[str, tuple[int, int]]] = {}
    gone: list[str] = []
    deleted: list[str] = []
    origins: list[Origin] = []
    counts: dict[str, Any] | None = None
    rejects_bytes: int | None = None


@dataclass(frozen=True)
class Manifest:
    """The lake at one version. `counts`: of decoding all messages, of whose copies `dropped` tells; `sources`: the logs
    by name, bytes and hash; `next_seq`: the first `seq` of a log's message that is free; `parts`: the files of each
    table; `dropped`: files that list the copies of messages that are not the fact; `rejects_bytes`: how much of
    `rejects.jsonl` counts; `gone`: files that were replaced, and when (seconds since 1970)."""

    version: int = 0
    journal: int = 0
    next_seq: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()
    origins: tuple[Origin, ...] = ()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    dropped: tuple[Part, ...] = ()
    rejects_bytes: int = 0
    gone: Mapping[str, int] = field(default_factory=dict)

    def origin(self, topic: str, partition: int) -> Origin | None:
        """That partition of a topic, if anything of it is archived."""
        return next((one for one in self.origins if (one.topic, one.partition) == (topic, partition)), None)

    def place(self, seq: int) -> tuple[Origin, int] | None:
        """Origin and offset of a message; None for one of a log."""
        number = seq >> OFFSET_BITS
        if not number:
            return None
        return self.origins[number - 1], seq & ((1 << OFFSET_BITS) - 1)

    @property
    def paths(self) -> set[str]:
        """Every file that counts."""
        return {part.path for some in (*self.parts.values(), self.dropped) for part in some}

    def after(self, changes: Iterable[Change]) -> Manifest:
        """The lake after these changes, each the next version."""
        tables = {table: {part.path: part for part in some} for table, some in self.parts.items()}
        tables[DROPPED] = {part.path: part for part in self.dropped}
        origins = {origin.number: origin for origin in self.origins}
        gone = dict(self.gone)
        version, counts, rejects_bytes = self.version, self.counts, self.rejects_bytes
        for change in changes:
            version = change.version
            for table, files in change.added.items():
                known = tables.setdefault(table, {})
                known.update((path, Part(path, *about)) for path, about in files.items())
            for path in change.gone:
                tables[path.partition("/")[0]].pop(path, None)
                gone[path] = change.at
            for path in change.deleted:
                gone.pop(path, None)
            origins.update((origin.number, origin) for origin in change.origins)
            counts = counts if change.counts is None else change.counts
            rejects_bytes = rejects_bytes if change.rejects_bytes is None else change.rejects_bytes
        dropped = tuple(tables.pop(DROPPED).values())
        return replace(
            self,
            version=version,
            counts=counts,
            origins=tuple(origins[number] for number in sorted(origins)),
            parts={table: tuple(some.values()) for table, some in sorted(tables.items()) if some},
            dropped=dropped,
            rejects_bytes=rejects_bytes,
            gone=gone,
        )

    def write(self, folder: Path) -> None:
        """Put `lake.json` in its place at once: before it is there the lake is the old one, then the new one."""
        described = {
            "format": FORMAT,
            "schema": schema_hash(),
            "version": self.version,
            "journal": self.journal,
            "next_seq": self.next_seq,
            "counts": dict(self.counts),
            "sources": [dict(source) for source in self.sources],
            "origins": [msgspec.to_builtins(origin) for origin in self.origins],
            "rejects_bytes": self.rejects_bytes,
            "gone": dict(self.gone),
            "tables": {
                table: {
                    "rows": sum(part.rows for part in parts),
                    "files": {part.path: [part.rows, part.version] for part in parts},
                }
                for table, parts in sorted({**self.parts, DROPPED: self.dropped}.items())
            },
        }
        partial = folder / PARTIAL
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(described, ensure_ascii=False, indent=None) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / LAKE)
        sync_folder(folder)

    @staticmethod
    def read(folder: Path) -> Manifest:
        """Raises `Refused` where the folder is no lake, or one that this version cannot read."""
        for _ in range(_ATTEMPTS):
            found = _read_lake(folder)
            try:
                return found.after(Journal(folder, found.journal).read()) if found.journal else found
            except FileNotFoundError:  # written anew between the two, and no grace given
                continue
        raise Refused(f"{folder} lacks the journal that its {LAKE} names: restore it whole from a backup.")


class Journal:
    """The changes since `lake.json`, a line each: checksum (CRC-32, 8 hex digits), blank, JSON."""

    def __init__(self, folder: Path, number: int) -> None:
        self.path = folder / _JOURNAL.format(number)

    def read(self) -> list[Change]:
        """All whole changes. Raises `Refused` where one in the middle is damaged, FileNotFoundError where there is no
        such journal."""
        return self._read()[0]

    def create(self) -> None:
        """Make an empty one; it is on the disk when this returns."""
        with self.path.open("wb") as file:
            os.fsync(file.fileno())
        sync_folder(self.path.parent)

    def mend(self) -> tuple[list[Change], int]:
        """As `read`; cuts off a torn end. Also gives the bytes that count."""
        changes, length = self._read()
        with self.path.open("r+b") as file:
            file.truncate(length)
            os.fsync(file.fileno())
        return changes, length

    def append(self, change: Change, at: int) -> int:
        """Write a change behind so many bytes that count; it is on the disk when this returns. Gives the new length."""
        text = msgspec.json.encode(change)
        line = f"{zlib.crc32(text):08x} ".encode() + text + b"\n"
        with self.path.open("r+b") as file:
            file.truncate(at)
            file.seek(at)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        return at + len(line)

    def _read(self) -> tuple[list[Change], int]:
        content = self.path.read_bytes()
        changes: list[Change] = []
        length = 0
        for line in content.splitlines(keepends=True):
            text = line[9:-1]
            if not line.endswith(b"\n") or line[:9] != f"{zlib.crc32(text):08x} ".encode():
                break
            changes.append(msgspec.json.decode(text, type=Change))
            length += len(line)
        if b"\n" in content[length:-1]:
            raise Refused(f"{self.path} is damaged in the middle: restore the lake whole from a backup.")
        return changes, length


def counts_together(before: Mapping[str, Any], counts: LogCounts) -> dict[str, Any]:
    """The counts of decoding of all messages so far; which of their facts are copies is told by `dropped`."""
    now = counts.described()
    if not before:
        return {name: now[name] for name in ("read", "by_kind", "not_facts", "rejected", "rejected_rows")}
    return {
        "read": before["read"] + now["read"],
        **{
            name: dict(sorted((Counter(before[name]) + Counter(now[name])).items()))
            for name in ("by_kind", "not_facts", "rejected", "rejected_rows")
        },
    }


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _read_lake(folder: Path) -> Manifest:
    try:
        found = json.loads((folder / LAKE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(f"{folder} is no lake: it has no {LAKE}. Make one with fundwatch lake build.") from None
    except ValueError:
        raise Refused(f"{folder / LAKE} is damaged: build the lake again.") from None
    if found.get("format") not in _READABLE:
        raise Refused(f"{folder} has lake format {found.get('format')}; this fundwatch reads {FORMAT}.")
    if found.get("schema") != schema_hash():
        raise Refused(
            f"{folder} holds facts of schema {found.get('schema')}, this fundwatch has {schema_hash()}: "
            "build the lake again from its logs."
        )
    if found["format"] == 1:
        found = _of_first_format(found)
    tables = {
        table: tuple(Part(path, *about) for path, about in one["files"].items())
        for table, one in found["tables"].items()
    }
    return Manifest(
        version=found["version"],
        journal=found["journal"],
        next_seq=found["next_seq"],
        counts=found["counts"],
        sources=tuple(found["sources"]),
        origins=tuple(msgspec.convert(found["origins"], list[Origin])),
        rejects_bytes=found["rejects_bytes"],
        dropped=tables.pop(DROPPED),
        parts={table: some for table, some in tables.items() if some},
        gone=found["gone"],
    )


def _of_first_format(found: dict[str, Any]) -> dict[str, Any]:
    tables = {
        table: {"files": {path: (rows, 0) for path, rows in one["files"].items()}}
        for table, one in found["tables"].items()
    }
    tables[DROPPED] = {"files": dict.fromkeys(found["dropped"], (0, 0))}
    return {**found, "version": 0, "journal": 0, "origins": [], "gone": {}, "tables": tables}
