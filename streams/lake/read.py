"""A lake as a source of facts: everything, or what was known at a time, or the files that may hold some persons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from detectors.facts import Facts, Parquet, Source
from streams.inputs import LogCounts
from streams.lake.layout import REJECTS, bucket_of
from streams.lake.manifest import Manifest


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

    def facts(self, as_of: datetime | None = None, persons: Collection[str] | None = None) -> Facts:
        """All facts, or those of the files that may hold rows of these persons or of none (the reader still filters
        the rows). What the platform saw after `as_of` (default: the lake's) is left out."""
        as_of = as_of or self.as_of
        last = f"{as_of:%Y-%m}" if as_of else "9999-99"
        buckets = None if persons is None else {None, *map(bucket_of, persons)}
        sources: dict[str, tuple[Source, ...]] = {}
        for table, parts in self.manifest.parts.items():
            files = tuple(
                str(self.folder / part.path)
                for part in parts
                if part.month <= last and (buckets is None or part.bucket in buckets)
            )
            if files:
                sources[table] = (Parquet(files),)
        return Facts(sources, unique=True, as_of=as_of)

    def rejects(self) -> Iterable[dict[str, Any]]:
        """Lines of `rejects.jsonl` as a replay of the logs writes them: the conflicts at the end, by file and line."""
        yield from (record for record in self._rejects() if "inf_time" not in record)
        conflicts = [record for record in self._rejects() if self._is_known(record.pop("inf_time", None))]
        yield from sorted(conflicts, key=lambda record: (record["source"], record["line"]))

    def conflict_rejects(self, seqs: Sequence[int]) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """None: the lake has each message once, and the conflicts are among its rejects."""
        return ()

    def described(self) -> list[dict[str, Any]]:
        """For `run.json`: the logs that the lake was built from."""
        return [dict(source) for source in self.manifest.sources]

    def _rejects(self) -> Iterator[dict[str, Any]]:
        left = self.manifest.rejects_bytes
        with (self.folder / REJECTS).open("rb") as lines:
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


def open_lake(path: Path, *, as_of: datetime | None = None) -> Lake:
    """Open a lake, as it was at a time of the platform. Raises `Refused`."""
    return Lake(path, Manifest.read(path), as_of)
