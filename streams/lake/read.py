"""A lake as a source of facts: everything, or what was known at a time, or the files that may hold some persons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors.facts import Facts, Parquet, Source
from streams.inputs import LogCounts
from streams.lake.layout import REJECTS, bucket_of
from streams.lake.manifest import OFFSET_BITS, Manifest


class Position(msgspec.Struct, frozen=True):
    """How far a lake had come: a value to be kept as JSON and asked with later. `next_seqs`: the first free `seq` of
    logs and of each origin."""

    version: int
    next_seqs: list[int] = []
    rejects_bytes: int = 0


@dataclass(frozen=True)
class News:
    """What came to a lake since a position: `facts`, and rows of `message` that are no facts any more, `lost`, because
    a new message with their msgid comes first in the order."""

    facts: Facts
    lost: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Lake:
    """An opened lake, as of a time (None: everything). It answers as the logs would that it was built from."""

    folder: Path
    manifest: Manifest
    as_of: datetime | None = None

    @property
    def counts(self) -> LogCounts:
        """Messages of the logs. Copies that the platform saw after `as_of` count as facts, which the caller finds to
        be later, as it does with a log's."""
        kept = self.manifest.counts
        by_reason = self._dropped()
        duplicates, conflicts = by_reason["duplicate"], by_reason["conflict"]
        read = int(kept["read"])
        not_facts, rejected = Counter[str](kept["not_facts"]), Counter[str](kept["rejected"])
        facts = read - not_facts.total() - rejected.total() - duplicates - conflicts
        return LogCounts(
            read=read,
            facts=facts,
            duplicates=duplicates,
            by_kind=Counter(kept["by_kind"]),
            not_facts=not_facts,
            rejected=rejected + Counter({"msgid_conflict": conflicts}),
            rejected_rows=Counter(kept["rejected_rows"]),
        )

    def facts(
        self,
        as_of: datetime | None = None,
        persons: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> Facts:
        """All facts, or those of the files that may hold rows of these persons or of none (the reader still filters
        the rows). What the platform saw after `as_of` (default: the lake's) is left out, and so are the months before
        that of `since`."""
        as_of = as_of or self.as_of
        first = f"{since:%Y-%m}" if since else ""
        last = f"{as_of:%Y-%m}" if as_of else "9999-99"
        buckets = None if persons is None else {None, *map(bucket_of, persons)}
        sources: dict[str, tuple[Source, ...]] = {}
        for table, parts in self.manifest.parts.items():
            files = tuple(
                str(self.folder / part.path)
                for part in parts
                if part.overlaps(first, last) and (buckets is None or part.bucket in buckets)
            )
            if files:
                sources[table] = (Parquet(files),)
        return Facts(sources, unique=True, as_of=as_of)

    @property
    def archived(self) -> Mapping[tuple[str, int], int]:
        """Topic and partition → the offset up to which, without it, everything is in the lake."""
        return {(origin.topic, origin.partition): origin.next for origin in self.manifest.origins}

    @property
    def position(self) -> Position:
        """How far the lake has come, to ask `new_since` later."""
        manifest = self.manifest
        return Position(
            version=manifest.version,
            next_seqs=[manifest.next_seq, *(origin.next_seq for origin in manifest.origins)],
            rejects_bytes=manifest.rejects_bytes,
        )

    def is_new(self, position: Position) -> str:
        """SQL condition on the `seq` of rows that came after a position of this lake; "": any did."""
        return _after(position.next_seqs, len(self.manifest.origins))

    def new_since(self, position: Position | None) -> News:
        """What came after a position of this lake (None: before everything). Reads only the files with new rows."""
        before = position or Position(version=-1)
        where = self.is_new(before)
        sources: dict[str, tuple[Source, ...]] = {}
        for table, parts in self.manifest.parts.items():
            files = tuple(str(self.folder / part.path) for part in parts if part.version > before.version)
            if files:
                sources[table] = (Parquet(files, where),)
        lost = tuple(
            json.loads(record["raw"])
            for record in self._rejects(before.rejects_bytes)
            if "inf_time" in record and record.get("lost")
        )
        return News(Facts(sources, unique=True, as_of=self.as_of), lost)

    def rejects(self) -> Iterable[dict[str, Any]]:
        """Lines of `rejects.jsonl` as a replay of the logs writes them: those of topics after those of logs, by topic,
        partition and offset; the conflicts at the end, by file and line, then likewise."""
        found = [record for record in self._rejects() if "inf_time" not in record]
        yield from map(_shown, sorted(found, key=_topic_place))
        conflicts = [record for record in self._rejects() if self._is_known(record.pop("inf_time", None))]
        by_line = sorted(conflicts, key=lambda record: (record["source"], record["line"]))
        yield from map(_shown, sorted(by_line, key=_topic_place))

    def conflict_rejects(self, seqs: Sequence[int]) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """None: the lake has each message once, and the conflicts are among its rejects."""
        return ()

    def described(self) -> list[dict[str, Any]]:
        """For `run.json`: the logs that the lake was built from, and the offsets of topics."""
        logs = [dict(source) for source in self.manifest.sources]
        topics = sorted(self.manifest.origins, key=lambda origin: (origin.topic, origin.partition))
        return logs + [{"name": one.name, "offsets": [one.begin, one.next]} for one in topics]

    def _rejects(self, start: int = 0) -> Iterator[dict[str, Any]]:
        left = self.manifest.rejects_bytes - start
        with (self.folder / REJECTS).open("rb") as lines:
            lines.seek(start)
            while left > 0:
                line = lines.readline()
                left -= len(line)
                yield json.loads(line)

    def _is_known(self, inf_time: str | None) -> bool:
        return inf_time is not None and (self.as_of is None or datetime.fromisoformat(inf_time) <= self.as_of)

    def _dropped(self) -> Counter[str]:
        """How many copies of messages the lake left out, by why."""
        found: Counter[str] = Counter()
        for part in self.manifest.dropped:
            table = pq.read_table(self.folder / part.path, columns=["inf_time", "reason"])
            if self.as_of is not None:
                table = table.filter(pc.less_equal(table["inf_time"], self.as_of))
            found.update(
                {one["values"]: one["counts"] for one in pc.value_counts(table["reason"]).to_pylist()}
            )
        return found


def _topic_place(record: dict[str, Any]) -> tuple[str, int, int]:
    """Where a reject stands among those of topics; those of logs stay as they are, before them."""
    return ("", 0, 0) if "topic" not in record else (record["topic"], record["partition"], record["line"])


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """A reject as a replay writes it."""
    return {name: value for name, value in record.items() if name not in ("topic", "partition", "lost")}


def _after(next_seqs: Sequence[int], origins: int) -> str:
    """The condition on rows that are new since the `seq` that came next in logs and in each origin."""
    if not next_seqs:
        return ""
    # An origin ends where the next one begins; of those that are not named all is new.
    ends = [(number + 1) << OFFSET_BITS for number in range(origins + 1)]
    ranges = [f"seq >= {seq} and seq < {end}" for seq, end in zip(next_seqs, ends, strict=False)]
    if len(next_seqs) <= origins:
        ranges.append(f"seq >= {len(next_seqs) << OFFSET_BITS}")
    return "(" + " or ".join(ranges) + ")"


def open_lake(path: Path, *, as_of: datetime | None = None) -> Lake:
    """Open a lake, as it was at a time of the platform. Raises `Refused`."""
    return Lake(path, Manifest.read(path), as_of)
