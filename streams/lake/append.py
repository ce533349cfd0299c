"""Adding small batches of a topic to a lake, one after the other, for years."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from streams.inputs import LogCounts
from streams.lake import compact
from streams.lake.batch import Batch, Record, decode_records
from streams.lake.layout import is_lake
from streams.lake.manifest import Manifest, Origin
from streams.lake.msgids import Msgids
from streams.lake.read import Lake
from streams.lake.step import Step
from streams.lake.writer import GRACE, Writer, settle

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True)
class Appended:
    """What an append did: messages by what became of them, new files, and their bytes."""

    counts: LogCounts
    files: int
    bytes: int


@dataclass(frozen=True)
class Tidied:
    """A piece of tidying: how many files were put together."""

    merged: int = 0


class Appender:
    """A lake into which batches of a topic are put. It is the only writer of the lake until it is closed.

    Whatever happens, the lake is the one before an append or the one after it, and the offsets in it are those of its
    files. After an exception of `append` or `tidy`, open another.
    """

    def __init__(self, lake: Path, key: bytes, *, grace: timedelta = GRACE) -> None:
        """Open a lake, or make one where none is. `key`: the site's secret for the hashes of personal numbers;
        `grace`: how long replaced files stay for those who read. Raises `Refused`, also where another writes."""
        if not is_lake(lake):
            Writer.create(lake)
        self._key = key
        self._writer = Writer(lake, grace=grace)
        try:
            self._msgids = Msgids(lake, self._writer.manifest)
        except BaseException:
            self._writer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the lake."""
        self._msgids.close()
        self._writer.close()

    @property
    def lake(self) -> Lake:
        """The lake as it is now."""
        return Lake(self._writer.folder, self._writer.manifest)

    def append(
        self, records: Sequence[Record], upto: Mapping[tuple[str, int], int] | None = None
    ) -> Appended:
        """Add messages, and note up to where their partitions are archived.

        Records of a partition ascend by offset; those that are archived already are passed over. `upto`: offsets that
        come next, by topic and partition (default: after the last record); what lies before them is not to be had.
        """
        return self.append_decoded(self.decode(records), upto)

    def decode(self, records: Sequence[Record]) -> Batch:
        """Those of the messages that are not archived, for `append_decoded`."""
        archived = self.lake.archived
        new = [record for record in records if record.offset >= archived.get(record[:2], 0)]
        return decode_records(new, self._key)

    def append_decoded(self, batch: Batch, upto: Mapping[tuple[str, int], int] | None = None) -> Appended:
        """As `append`, for messages that were decoded before and of which none is archived."""
        before = self._writer.manifest
        origins = _origins(before, batch.records, upto or {})
        if not origins:
            return Appended(LogCounts(), 0, 0)
        step = Step(self._writer.folder, before, self._writer.next_version, batch, origins)
        fresh = list(step.messages())
        found = self._msgids.find(fresh, before)
        step.compare(fresh, found)
        added, gone = step.write()
        rejects = b"".join(msgspec.json.encode(record) + b"\n" for record in step.rejects())
        settle(self._writer.folder, [part.path for _, part in added])
        self._writer.commit(
            added=added, gone=gone, origins=origins.values(), counts=batch.counts, rejects=rejects
        )
        facts = (one for number, one in enumerate(fresh) if step.numbers[number] not in step.dropped)
        self._msgids.take(facts, found, self._writer.manifest)
        size = sum((self._writer.folder / part.path).stat().st_size for _, part in added)
        return Appended(batch.counts.settled(*step.copies, 0), len(added), size)

    def tidy(self) -> Tidied | None:
        """Do one bounded piece of what keeps the lake fast: delete replaced files, fold the journal, or merge small
        files. None: there was nothing to do."""
        if self._writer.tidy():
            return Tidied()
        merged = compact.merge_some(self._writer)
        if not merged:
            return None
        self._msgids.keep(self._writer.manifest)
        return Tidied(merged)


def _origins(
    before: Manifest, records: Sequence[Record], upto: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], Origin]:
    """The partitions that move on, as they are afterwards."""
    begins: dict[tuple[str, int], int] = {}
    last: dict[tuple[str, int], int] = {}
    for record in records:
        place = record[:2]
        if record.offset <= last.get(place, -1):
            raise ValueError(f"offsets of {record.topic}-{record.partition} do not ascend")
        begins.setdefault(place, record.offset)
        last[place] = record.offset
    ends = {place: max(upto.get(place, 0), last.get(place, -1) + 1) for place in {*upto, *last}}
    made: dict[tuple[str, int], Origin] = {}
    number = len(before.origins)
    for place, end in sorted(ends.items()):
        there = before.origin(*place)
        if there is None:
            if not _TOPIC.fullmatch(place[0]):
                raise ValueError(f"{place[0]!r} cannot be part of a file's name")
            number += 1
            there = Origin(number, *place, begins.get(place, end), 0)
        if end > there.next:
            made[place] = msgspec.structs.replace(there, next=end)
    return made
