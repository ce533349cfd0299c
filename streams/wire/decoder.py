"""Lines into facts: every line becomes rows, is counted as no fact, or is rejected with a sentence."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from streams.wire.columns import as_text
from streams.wire.flatten import Flat, Messages, flatten
from streams.wire.gather import Gathered
from streams.wire.kinds import REGISTRIES, TRANSACTIONS, TRIALS, WITHOUT_FACTS
from streams.wire.level import Fault
from streams.wire.reject import LONGEST_MESSAGE, Reject
from streams.wire.repair import NOTHING, UnreadableError, repaired
from streams.wire.shape import MISSING, Kind, transaction

FAILED = "failed"
TRIAL = "trial"
NO_FACTS = "no facts"


@dataclass
class Counts:
    """Messages by what became of them: read = facts + not facts + rejected. Blank lines are no messages."""

    read: int = 0
    facts: Counter[str] = field(default_factory=Counter)
    """By kind. Duplicates are among them: whoever has all facts finds those."""
    not_facts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By transaction number and why: "failed" (infcode is not 0), "trial", "no facts"."""
    rejected: Counter[str] = field(default_factory=Counter)
    """By reason code."""
    rejected_rows: Counter[str] = field(default_factory=Counter)
    """Rows that were rejected alone, by reason code; their messages are facts."""

    def add(self, other: Counts) -> None:
        self.read += other.read
        self.facts += other.facts
        self.not_facts += other.not_facts
        self.rejected += other.rejected
        self.rejected_rows += other.rejected_rows


@dataclass(frozen=True)
class Decoded:
    """Tables by name as `detectors.facts.fact_schemas` declares them, those without rows left out."""

    tables: dict[str, pa.Table]
    rejects: list[Reject]
    counts: Counts


@dataclass(frozen=True)
class _NotAFact:
    infno: str
    why: str


_IDLE = {infno: transaction(infno) for infno in (*TRIALS, *WITHOUT_FACTS)}
_KIND_OF: dict[type[msgspec.Struct], Kind] = {
    kind.shape: kind for kind in (*TRANSACTIONS.values(), *REGISTRIES.values())
}
_IDLE_OF: dict[type[msgspec.Struct], _NotAFact] = {
    shape: _NotAFact(infno, TRIAL if infno in TRIALS else NO_FACTS) for infno, shape in _IDLE.items()
}
_read_transaction = msgspec.json.Decoder(
    reduce(or_, [*(kind.shape for kind in TRANSACTIONS.values()), *_IDLE.values()])
).decode
_read_registry = msgspec.json.Decoder(reduce(or_, [kind.shape for kind in REGISTRIES.values()])).decode
_write = msgspec.json.Encoder().encode
_TRANSACTION = b'{"infno":'
"""How nearly every line begins."""
_REGISTRY_MARK = b'"registry"'
_MARK_WITHIN = 200
_AT_ONCE = 256
"""Lines that are decoded together: few enough for their messages to stay near the processor."""
_BOM = b"\xef\xbb\xbf"


class _LookCloserError(Exception):
    """The line may be no fact, or not of the declared shape."""


_DONE = ("0", 0)
"""`infcode` of what succeeded, as nearly everyone writes it."""
_REFUSED = (
    _LookCloserError,
    msgspec.ValidationError,
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
)


@dataclass
class _Batch:
    """The messages of one kind, until all lines are read."""

    gathered: Gathered
    positions: list[int] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    refused: dict[tuple[int, str], Fault] = field(default_factory=dict)


def decode(
    lines: Sequence[bytes],
    *,
    source: str,
    first_line: int,
    first_seq: int,
    key: bytes,
    first_offset: int = 0,
    wanted: Collection[str] | None = None,
) -> Decoded:
    """Turn lines into rows of the fact tables. Pure: the same lines give the same rows.

    `first_line` is the number of the first line in `source`, `first_offset` where it begins; `seq` of a message is
    `first_seq` and the position of its line in `lines`. `key` is the site's secret for the hashes of certificate
    and phone numbers. `wanted`: the tables that are made, besides `message`; None: all. What is rejected does not depend on it.
    """
    decoder = Decoder(
        source=source,
        first_line=first_line,
        first_seq=first_seq,
        key=key,
        first_offset=first_offset,
        wanted=wanted,
    )
    for start in range(0, len(lines), _AT_ONCE):
        decoder.take(b"\n".join([*lines[start : start + _AT_ONCE], b""]))
    return decoder.finish()


class Decoder:
    """`decode` for lines that come piece by piece."""

    def __init__(
        self,
        *,
        source: str,
        first_line: int,
        first_seq: int,
        key: bytes,
        first_offset: int = 0,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._source = source
        self._first_line = first_line
        self._first_offset = first_offset
        self._first_seq = first_seq
        self._key = key
        self._wanted = wanted
        self._counts = Counts()
        self._rejects: list[Reject] = []
        self._batches: dict[type[msgspec.Struct], _Batch] = {}
        self._pieces = _Pieces()

    def take(self, piece: bytes) -> None:
        """Decode whole lines; only the last of all may have no line feed."""
        first = self._pieces.lines
        lines = self._pieces.add(piece)
        together: defaultdict[type[Any], list[Any]] = defaultdict(list)
        positions: defaultdict[type[Any], list[int]] = defaultdict(list)
        is_clean = len(piece) <= LONGEST_MESSAGE and _is_text(piece)
        not_text = set() if is_clean else _not_text(lines, first)
        for position, line in enumerate(lines, first):
            message: Any
            try:
                if not is_clean and (position in not_text or len(line) > LONGEST_MESSAGE):
                    raise _LookCloserError
                message = _as_declared(line)
            except _REFUSED:
                found = self._look_closer(position, line)
                if found is None:
                    continue
                message, refused = found
                for label, fault in refused.items():
                    number = len(self._batch(type(message)).positions) + len(together[type(message)])
                    self._batch(type(message)).refused[number, label] = fault
            shape = message.__class__
            together[shape].append(message)
            positions[shape].append(position)
        self._counts.read += len(lines)
        for shape, messages in together.items():
            if shape is _NotAFact or shape in _IDLE_OF:
                for each in messages:
                    idle = _IDLE_OF.get(shape, each)
                    self._counts.not_facts[idle.infno, idle.why] += 1
                continue
            batch = self._batch(shape)
            batch.positions += positions[shape]
            batch.contents += map(_content, messages)
            batch.gathered.take(messages)

    def _batch(self, shape: type[msgspec.Struct]) -> _Batch:
        if shape not in self._batches:
            self._batches[shape] = _Batch(Gathered(_KIND_OF[shape]))
        return self._batches[shape]

    def _look_closer(
        self, position: int, line: bytes
    ) -> tuple[msgspec.Struct | _NotAFact, dict[str, Fault]] | None:
        """What a line means that is not as declared, and its rows that are none. A blank line is nothing, and what cannot
        be read is rejected: None."""
        if not line or line.isspace():
            self._counts.read -= 1
            return None
        outcome = _as_meant(line)
        if isinstance(outcome, Fault):
            self._reject(position, outcome)
            return None
        return (outcome, {}) if isinstance(outcome, _NotAFact) else outcome

    def finish(self) -> Decoded:
        """All that was taken in, as tables, rejects and counts."""
        parts: defaultdict[str, list[pa.Table]] = defaultdict(list)
        batches = list(self._batches.values())
        kinds = [
            Messages(
                batch.gathered,
                pa.array(np.array(batch.positions, np.uint64) + np.uint64(self._first_seq)),
                pa.array(np.frombuffer(b"".join(batch.contents), ">u8").astype(np.uint64)),
                batch.refused,
            )
            for batch in batches
        ]
        for batch, flat in zip(batches, flatten(kinds, key=self._key, wanted=self._wanted), strict=True):
            self._count(batch, flat)
            for name, table in flat.tables.items():
                parts[name].append(table)
        self._rejects.sort(key=lambda each: each.line)
        tables = {name: pa.concat_tables(some) for name, some in sorted(parts.items())}
        return Decoded(tables, self._rejects, self._counts)

    def _count(self, batch: _Batch, flat: Flat) -> None:
        facts = batch.gathered.size - len(flat.faults)
        if facts:
            self._counts.facts[batch.gathered.kind.name] += facts
        for number, fault in flat.faults.items():
            self._reject(batch.positions[number], fault, named=True)
        for each in flat.row_faults:
            self._reject(batch.positions[each.message], each.fault, each.row, named=True)

    def _reject(self, position: int, fault: Fault, row: str | None = None, *, named: bool = False) -> None:
        """Note a line, or one row of it, as no fact. `named`: the line is a message, so it may have a msgid."""
        offset, line = self._pieces.line(position)
        self._rejects.append(
            Reject.of(
                line,
                source=self._source,
                line=self._first_line + position,
                reason_code=fault.reason_code,
                sentence=fault.sentence,
                row=row,
                msgid=as_text(msgspec.json.decode(line).get("msgid", MISSING)) if named else None,
            ).at(self._first_offset + offset)
        )
        (self._counts.rejected if row is None else self._counts.rejected_rows)[fault.reason_code] += 1


class _Pieces:
    """The lines that were taken in, found again by their position when one is rejected."""

    def __init__(self) -> None:
        self.lines = 0
        self._pieces: list[bytes] = []
        self._firsts: list[int] = []

    def add(self, piece: bytes) -> list[bytes]:
        """The lines of a piece, without their line feeds; blank ones are among them, so that they can be numbered."""
        self._pieces.append(piece)
        self._firsts.append(self.lines)
        lines = piece.split(b"\n")
        if not lines[-1]:
            lines.pop()
        self.lines += len(lines)
        return lines

    def line(self, position: int) -> tuple[int, bytes]:
        """A line, and where it begins."""
        number = bisect_right(self._firsts, position) - 1
        lines = self._pieces[number].split(b"\n")
        at = position - self._firsts[number]
        before = sum(map(len, self._pieces[:number])) + sum(len(line) + 1 for line in lines[:at])
        return before, lines[at]


def _is_text(piece: bytes) -> bool:
    """Whether all of it is UTF-8. (The JSON decoder does not look into the texts that it skips.)"""
    offsets = np.array([0, len(piece)], np.int32)
    try:
        pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(piece)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _not_text(lines: Sequence[bytes], first: int) -> set[int]:
    """Positions of the lines that are not UTF-8."""
    try:
        pa.array(lines, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        if len(lines) == 1:
            return {first}
        half = len(lines) // 2
        return _not_text(lines[:half], first) | _not_text(lines[half:], first + half)
    return set()


def _as_declared(line: bytes) -> msgspec.Struct | _NotAFact:
    """The common case: a clean line of a declared shape. Raises one of `_REFUSED`: look closer."""
    if not line.startswith(_TRANSACTION) and line.find(_REGISTRY_MARK, 0, _MARK_WITHIN) >= 0:
        return _read_registry(line)
    message = _read_transaction(line)
    response = message.response  # type: ignore[attr-defined]
    if response is None or response.infcode not in _DONE:
        idle = _IDLE_OF.get(type(message))
        if idle is not None and idle.why == TRIAL:
            return idle
        if response is None or response.infcode in NOTHING:
            raise _LookCloserError
        if not _succeeded(response.infcode):
            return _NotAFact(type(message).__struct_config__.tag, FAILED)  # type: ignore[arg-type]
    response.infcode = ""  # "0" and 0 are the same content
    return message


def _as_meant(line: bytes) -> Fault | _NotAFact | tuple[msgspec.Struct, dict[str, Fault]]:
    """The long way: what a line says that is not of the declared shape, or why it says nothing."""
    fault = _encoding_fault(line)
    if fault is not None:
        return fault
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        hint = " Is a line ended by CR alone?" if b"\r" in line.strip() else ""
        return Fault("not_json", f"The line is not JSON: {error}.{hint}")
    if not isinstance(raw, dict):
        return Fault("not_json", "The line is JSON, but not an object.")
    infno, registry = raw.get("infno"), raw.get("registry")
    if infno is not None and not isinstance(infno, dict | list):
        return _transaction_as_meant(raw, str(infno).strip().upper())
    if registry is None:
        return Fault("no_kind", "The object has neither infno nor registry.")
    kind = REGISTRIES.get(str(registry))
    if kind is None:
        return Fault("no_kind", f"registry is none of {', '.join(REGISTRIES)}.")
    return _repaired(raw, kind)


def _transaction_as_meant(
    raw: dict[str, Any], infno: str
) -> Fault | _NotAFact | tuple[msgspec.Struct, dict[str, Fault]]:
    if infno in TRIALS:
        return _NotAFact(infno, TRIAL)
    response = raw.get("response")
    if isinstance(response, list) and len(response) == 1:
        response = response[0]
    infcode = response.get("infcode") if isinstance(response, dict) else None
    if infcode not in NOTHING and not _succeeded(infcode):
        return _NotAFact(infno, FAILED)
    kind = TRANSACTIONS.get(infno)
    if kind is None:
        return _NotAFact(infno, NO_FACTS)
    if infcode in NOTHING:
        return Fault("missing_field", "response.infcode is missing.")
    outcome = _repaired(raw, kind)
    if not isinstance(outcome, Fault):
        outcome[0].response.infcode = ""  # type: ignore[attr-defined]
    return outcome


def _repaired(raw: dict[str, Any], kind: Kind) -> Fault | tuple[msgspec.Struct, dict[str, Fault]]:
    try:
        return repaired(raw, kind.shape)
    except UnreadableError as unreadable:
        return unreadable.fault


def _succeeded(infcode: Any) -> bool:
    try:
        return not isinstance(infcode, bool) and float(infcode) == 0
    except (TypeError, ValueError):
        return False


def _encoding_fault(line: bytes) -> Fault | None:
    """What keeps a line from being read as text at all."""
    if len(line) > LONGEST_MESSAGE:
        return Fault("too_long", f"The line has {len(line)} bytes; a message has at most {LONGEST_MESSAGE}.")
    if line.startswith(_BOM):
        return Fault("bad_encoding", "The line begins with a byte order mark; UTF-8 without one is expected.")
    if b"\0" in line:
        return Fault("bad_encoding", f"The line has a NUL byte at byte {line.index(0)}.")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        hint = " It may be GBK." if _is_gbk(line) else ""
        return Fault("bad_encoding", f"The line is not UTF-8 from byte {error.start} on.{hint}")
    return None


def _is_gbk(line: bytes) -> bool:
    try:
        line.decode("gbk")
    except UnicodeDecodeError:
        return False
    return True


def _content(message: msgspec.Struct) -> bytes:
    """The first 8 bytes of the SHA-256 of a message's canonical content, the big end first.

    Canonical is the typed message written by msgspec: declared fields in their declared order, missing ones left
    out. So it does not depend on the order of keys, on blanks, or on fields that nobody reads. It is written while the
    message is still at hand.
    """
    return hashlib.sha256(_write(message)).digest()[:8]
