"""What a replay is given: event logs, or an imported ledger. (A lake: `streams.lake`, same shape.)"""

from __future__ import annotations

import json
import shutil
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from detectors.facts import Facts
from streams.decode_log import LogSummary, Place, decode_log
from streams.errors import Refused
from streams.sources import STANDARD_INPUT, find_lines, total_bytes
from streams.spool import Spool
from streams.wire import Counts, Reject

_FILES_AT_ONCE = 2

#: Why a message that lost against another content is no fact.
CONFLICT = (
    "Another message with the same msgid and other content came first in the order (inf_time, content)."
)

#: Told where the reading stands: stage, bytes done, bytes in all (0: not known).
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LogCounts:
    """Messages by what became of them: read = facts + duplicates + not_facts + rejected + later.

    `not_facts` by transaction and why; `rejected` by reason code; `rejected_rows` are rows rejected alone, whose
    messages are facts; `later`: facts that the platform saw after the time of --as-of.
    """

    read: int = 0
    facts: int = 0
    duplicates: int = 0
    later: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    not_facts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_rows: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def of(counts: Counts) -> LogCounts:
        """The counts of decoding, before anyone looked for duplicates."""
        return LogCounts(
            read=counts.read,
            facts=counts.facts.total(),
            by_kind=counts.facts,
            not_facts=Counter({f"{infno} {why}": n for (infno, why), n in counts.not_facts.items()}),
            rejected=counts.rejected,
            rejected_rows=counts.rejected_rows,
        )

    def __add__(self, other: LogCounts) -> LogCounts:
        return LogCounts(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(LogCounts)}
        )

    def settled(self, duplicates: int, conflicts: int, later: int) -> LogCounts:
        """The counts once it is known which copies are facts. Checks that nothing vanished."""
        rejected = self.rejected + Counter({"msgid_conflict": conflicts})
        counts = replace(
            self,
            facts=self.facts - duplicates - conflicts - later,
            duplicates=self.duplicates + duplicates,
            later=later,
            rejected=rejected,
        )
        together = counts.facts + counts.duplicates + later + counts.not_facts.total() + rejected.total()
        if counts.read != together:
            raise AssertionError(f"messages do not add up: {counts.read} read, {together} accounted for")
        return counts

    def sentence(self) -> str:
        """The sum, as one line for the terminal."""
        parts = [
            f"{self.facts:,} facts",
            f"{self.duplicates:,} duplicates",
            f"{self.not_facts.total():,} not facts",
            f"{self.rejected.total():,} rejected",
        ]
        if self.later:
            parts.append(f"{self.later:,} after the time asked for")
        rows = f"; {self.rejected_rows.total():,} rows rejected alone" if self.rejected_rows else ""
        return f"{self.read:,} messages read = {' + '.join(parts)}{rows}"

    def described(self) -> dict[str, Any]:
        """For `run.json`."""
        return {
            field.name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }


class FactsInput(Protocol):
    """Facts from logs or a lake."""

    @property
    def counts(self) -> LogCounts: ...

    def facts(self, as_of: datetime | None) -> Facts: ...

    def rejects(self) -> Iterable[dict[str, Any]]:
        """Lines of `rejects.jsonl`."""

    def conflict_rejects(self, seqs: Sequence[int]) -> Iterable[dict[str, Any]]:
        """The rejects of messages that lost against another content under their msgid."""

    def described(self) -> list[dict[str, Any]]:
        """For `run.json`: what was read, by hash."""


@dataclass
class LogInput:
    """Event logs, decoded."""

    summary: LogSummary
    spool: Spool
    found: list[Reject]

    @property
    def counts(self) -> LogCounts:
        return LogCounts.of(self.summary.counts)

    def facts(self, as_of: datetime | None) -> Facts:
        return replace(self.spool.facts(), as_of=as_of)

    def rejects(self) -> Iterable[dict[str, Any]]:
        return map(reject_record, self.found)

    def conflict_rejects(self, seqs: Sequence[int]) -> Iterable[dict[str, Any]]:
        wanted: dict[str, list[Place]] = {}
        for place in sorted(map(self.summary.place, seqs), key=lambda place: (place.offset, place.after)):
            wanted.setdefault(place.source, []).append(place)
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:  # unpacking lets go of the interpreter
            for rejects in pool.map(_conflicts, sorted(wanted), [wanted[each] for each in sorted(wanted)]):
                yield from map(reject_record, rejects)

    def described(self) -> list[dict[str, Any]]:
        return [
            {"name": Path(one.name).name, "bytes": one.size, "sha256": one.sha256}
            for one in self.summary.inputs
        ]


def reject_record(reject: Reject) -> dict[str, Any]:
    """A line of `rejects.jsonl`. `sha256` is that of the whole line. Where the bytes are not UTF-8, `raw` shows them
    with escapes and `raw_base64` has them as they came."""
    record = asdict(reject)
    record["source"] = Path(reject.source).name
    try:
        record["raw"] = reject.raw.decode()
    except UnicodeDecodeError:
        record["raw"] = reject.raw.decode("utf-8", "backslashreplace")
        record["raw_base64"] = b64encode(reject.raw).decode()
    return record


def read_logs(
    inputs: Sequence[str], workspace: Path, key: bytes, processes: int | None, on_progress: OnProgress
) -> LogInput:
    """Decode logs into facts, spilling to the workspace where they are many."""
    inputs = [readable_again(name, workspace) for name in inputs]
    spool = Spool(workspace / "facts")
    rejects: list[Reject] = []
    total = total_bytes(inputs)

    def read(done: int) -> None:
        on_progress("decoding", done, total or 0)

    summary = decode_log(
        inputs,
        key,
        spool,
        on_rejects=rejects.extend,
        on_progress=read,
        processes=processes,
        workspace=workspace,
    )
    return LogInput(summary, spool, rejects)


def readable_again(name: str, workspace: Path) -> str:
    """The input, or a copy in the workspace of what comes once only (standard input, a pipe): a message is found to
    be a conflict when all are read, and its reject holds its bytes."""
    path = Path(name)
    if name != STANDARD_INPUT and (path.is_file() or path.is_dir() or not path.exists()):
        return name
    copy = workspace / ("stdin" if name == STANDARD_INPUT else path.name)
    with copy.open("xb") as target:
        if name == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, target)
        else:
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, target)
    return str(copy)


def _conflicts(source: str, places: Sequence[Place]) -> list[Reject]:
    """The rejects of those lines of a file, read once more."""
    lines = find_lines(source, [(place.offset, place.after) for place in places])
    return [
        Reject.of(
            line,
            source=source,
            line=place.line,
            reason_code="msgid_conflict",
            sentence=CONFLICT,
            msgid=str(json.loads(line)["msgid"]),
        ).at(offset)
        for place, (offset, line) in zip(places, lines, strict=True)
    ]


def only(inputs: Sequence[str], what: str) -> Path:
    """The one folder among the inputs. Refuses where it stands beside others."""
    if len(inputs) > 1:
        raise Refused(f"a {what} is replayed alone: give one, without other inputs.")
    return Path(inputs[0])
