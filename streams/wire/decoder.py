"""Lines into facts: every line becomes rows, is counted as no fact, or is rejected with a sentence."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from streams.wire.columns import as_text
from streams.wire.flatten import flatten
from streams.wire.kinds import REGISTRIES, TRANSACTIONS, TRIALS, WITHOUT_FACTS
from streams.wire.level import Fault
from streams.wire.reject import LONGEST_MESSAGE, Reject
from streams.wire.repair import NOTHING, UnreadableError, repaired
from streams.wire.shape import Kind, transaction

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
_REGISTRY_MARK = b'"registry"'
_MARK_WITHIN = 200
_AT_ONCE = 2048
"""Lines that are looked through together: few enough for their copy to stay near the processor."""
_BOM = b"\xef\xbb\xbf"


_REFUSED = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass
class _Batch:
    """The messages of one kind, until all lines are read."""

    positions: list[int] = field(default_factory=list)
    messages: list[msgspec.Struct] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    refused: dict[tuple[int, str], Fault] = field(default_factory=dict)


def decode(lines: Sequence[bytes], *, source: str, first_line: int, first_seq: int, key: bytes) -> Decoded:
    """Turn lines into rows of the fact tables. Pure: the same lines give the same rows.

    `first_line` is the number of the first line in `source`; `seq` of a message is `first_seq` and the position of
    its line in `lines`. `key` is the site's secret for the hashes of certificate and phone numbers.
    """
    counts = Counts()
    rejects: list[Reject] = []
    batches: defaultdict[type[msgspec.Struct], _Batch] = defaultdict(_Batch)

    def reject(position: int, fault: Fault, row: str | None = None, msgid: str | None = None) -> None:
        rejects.append(
            Reject.of(
                lines[position],
                source=source,
                line=first_line + position,
                reason_code=fault.reason_code,
                sentence=fault.sentence,
                row=row,
                msgid=msgid,
            )
        )
        (counts.rejected if row is None else counts.rejected_rows)[fault.reason_code] += 1

    not_text: set[int] = set()
    for start in range(0, len(lines), _AT_ONCE):
        not_text |= _not_text(lines[start : start + _AT_ONCE], start)
    for position, line in enumerate(lines):
        if not line or line.isspace():
            continue
        counts.read += 1
        message = None if position in not_text else _as_declared(line)
        refused: dict[str, Fault] = {}
        if message is None:
            outcome = _as_meant(line)
            if isinstance(outcome, Fault):
                reject(position, outcome)
                continue
            if isinstance(outcome, _NotAFact):
                counts.not_facts[outcome.infno, outcome.why] += 1
                continue
            message, refused = outcome
        elif isinstance(message, _NotAFact):
            counts.not_facts[message.infno, message.why] += 1
            continue
        batch = batches[type(message)]
        for label, fault in refused.items():
            batch.refused[len(batch.messages), label] = fault
        batch.positions.append(position)
        batch.messages.append(message)
        batch.contents.append(_content(message))

    parts: defaultdict[str, list[pa.Table]] = defaultdict(list)
    for shape, batch in batches.items():
        kind = _KIND_OF[shape]
        flat = flatten(
            kind,
            batch.messages,
            seqs=[first_seq + position for position in batch.positions],
            contents=pa.array(np.frombuffer(b"".join(batch.contents), ">u8").astype(np.uint64)),
            key=key,
            refused=batch.refused,
        )
        for name, table in flat.tables.items():
            parts[name].append(table)
        if len(flat.faults) < len(batch.messages):
            counts.facts[kind.name] += len(batch.messages) - len(flat.faults)
        for number, fault in flat.faults.items():
            reject(batch.positions[number], fault, msgid=as_text(batch.messages[number].msgid))  # type: ignore[attr-defined]
        for each in flat.row_faults:
            msgid = as_text(batch.messages[each.message].msgid)  # type: ignore[attr-defined]
            reject(batch.positions[each.message], each.fault, each.row, msgid)
    rejects.sort(key=lambda each: each.line)
    return Decoded({name: pa.concat_tables(some) for name, some in sorted(parts.items())}, rejects, counts)


def _not_text(lines: Sequence[bytes], first: int) -> set[int]:
    """Positions of the lines that are not UTF-8. (The JSON decoder does not look into the texts that it skips.)"""
    try:
        pa.array(lines, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        if len(lines) == 1:
            return {first}
        half = len(lines) // 2
        return _not_text(lines[:half], first) | _not_text(lines[half:], first + half)
    return set()


def _as_declared(line: bytes) -> msgspec.Struct | _NotAFact | None:
    """The common case: a clean line of a declared shape. None: look closer."""
    if len(line) > LONGEST_MESSAGE:
        return None
    try:
        if line.find(_REGISTRY_MARK, 0, _MARK_WITHIN) >= 0:
            return _read_registry(line)
        message = _read_transaction(line)
        idle = _IDLE_OF.get(type(message))
        if idle is not None and idle.why == TRIAL:
            return idle
        response = message.response  # type: ignore[attr-defined]
        infcode = response.infcode
        if infcode != 0:
            if infcode in NOTHING:
                return None
            if not _succeeded(infcode):
                return _NotAFact(type(message).__struct_config__.tag, FAILED)  # type: ignore[arg-type]
        response.infcode = ""  # "0" and 0 are the same content
    except _REFUSED:
        return None
    except AttributeError:  # no response
        return None
    return message if idle is None else idle


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
    message is still at hand: a later walk through all of them waits for memory.
    """
    return hashlib.sha256(_write(message)).digest()[:8]
