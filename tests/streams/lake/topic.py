"""Logs as topics: the same messages as records of partitions, and what a replay of either writes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rules import knowledge
from rules.rulebook import load
from streams import run
from streams.lake import Record
from streams.replay import Order, replay

KEY = b"test"
TOPIC = "settlement.events"


def as_topic(lines: Sequence[bytes], partitions: int, seed: int = 1) -> list[Record]:
    """The lines in the order of their arrival, each in some partition, with offsets that have gaps."""
    dice = random.Random(seed)
    ends = dict.fromkeys(range(partitions), 0)
    records = []
    for line in lines:
        partition = dice.randrange(partitions)
        ends[partition] += dice.choice([0, 0, 0, 0, 3])
        records.append(Record(TOPIC, partition, ends[partition], line))
        ends[partition] += 1
    return records


def as_logs(records: Sequence[Record], folder: Path) -> tuple[list[str], dict[tuple[str, int], Record]]:
    """A log for each partition, and which record each line is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    places: dict[tuple[str, int], Record] = {}
    for partition in sorted({record.partition for record in records}):
        some = [record for record in records if record.partition == partition]
        path = folder / f"{TOPIC}-{partition}.jsonl"
        path.write_bytes(b"".join((record.value or b"") + b"\n" for record in some))
        paths.append(str(path))
        places |= {(path.name, line): record for line, record in enumerate(some, 1)}
    return paths, places


def cut(records: Sequence[Record], seed: int, most: int) -> Iterator[list[Record]]:
    """The records in pieces of 0 to so many."""
    dice = random.Random(seed)
    at = 0
    while at < len(records):
        size = dice.randint(0, most)
        yield list(records[at : at + size])
        at += size


def replayed(inputs: Sequence[str], out: Path, rules: Sequence[str] = ()) -> dict[str, Any]:
    """What a replay writes: the bytes of its files, its rejects, and its counts."""
    book = load()
    order = Order(inputs=inputs, out=out, key=KEY, processes=1, threads=2)
    replay(order, book.select(rules) if rules else book.running(), knowledge.load())
    found: dict[str, Any] = {
        name: (out / name).read_bytes()
        for name in (run.ALERTS, run.COVERAGE, run.CANCELLATIONS, run.EVIDENCE)
    }
    found["rejects"] = [json.loads(line) for line in (out / run.REJECTS).read_bytes().splitlines()]
    found["counts"] = json.loads((out / run.RUN).read_bytes())["counts"]
    return found


def of_topic(
    rejects: Sequence[dict[str, Any]], places: dict[tuple[str, int], Record]
) -> list[dict[str, Any]]:
    """Rejects of logs as they are of the topic that these logs are: its place, and no byte offset."""
    told = []
    for reject in rejects:
        record = places[reject["source"], reject["line"]]
        source = f"{record.topic}-{record.partition}"
        told.append({**reject, "source": source, "line": record.offset, "byte_offset": None})
    return told
