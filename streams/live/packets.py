"""A packet: what one micro-batch of the source says to one shard."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from detectors.facts import fact_schemas
from streams.live.columns import pack, unpack, values
from streams.live.news import FOR_ALL
from streams.live.shards import shard_of

FORMAT = 1


@dataclass(frozen=True)
class Packet:
    """Facts for one shard. `clock`: the latest `inf_time` of each institution in the whole micro-batch, so that every
    shard comes to the same watermark. `again`: persons to be looked at once more, with all that the lake has of them.
    `withdrawn`: messages that are not facts after all, as (person, msgid, content)."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    clock: Mapping[str, datetime] = field(default_factory=dict)
    again: tuple[str, ...] = ()
    withdrawn: tuple[tuple[str, str, int], ...] = ()

    @property
    def events(self) -> int:
        """Messages in it."""
        return self.tables["message"].num_rows if "message" in self.tables else 0


class _Wire(msgspec.Struct, array_like=True):
    format: int
    tables: dict[str, bytes]
    clock: dict[str, datetime]
    again: tuple[str, ...]
    withdrawn: tuple[tuple[str, str, int], ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def encode(packet: Packet) -> bytes:
    """The packet as the value of one Kafka record."""
    wire = _Wire(
        FORMAT,
        {name: pack(values(table), slice(None)) for name, table in packet.tables.items() if table.num_rows},
        dict(packet.clock),
        packet.again,
        packet.withdrawn,
    )
    return zstandard.ZstdCompressor(level=1).compress(_encoder.encode(wire))


def decode(value: bytes) -> Packet:
    """The packet in a Kafka record. Raises ValueError for one of a later format."""
    wire = _decoder.decode(zstandard.ZstdDecompressor().decompress(value))
    if wire.format > FORMAT:
        raise ValueError(f"a packet of format {wire.format}; this fundwatch reads up to {FORMAT}")
    tables = {name: unpack(name, [blob]) for name, blob in wire.tables.items() if name in fact_schemas()}
    return Packet(tables, wire.clock, wire.again, wire.withdrawn)


def clock_of(tables: Mapping[str, pa.Table]) -> dict[str, datetime]:
    """The latest `inf_time` of each institution among these messages."""
    message = tables.get("message")
    if message is None:
        return {}
    latest = (
        message.select(["fixmedins_code", "inf_time"])
        .group_by("fixmedins_code")
        .aggregate([("inf_time", "max")])
    )
    return {
        code: time
        for code, time in zip(
            latest["fixmedins_code"].to_pylist(), latest["inf_time_max"].to_pylist(), strict=True
        )
        if code is not None
    }


def split(tables: Mapping[str, pa.Table], shards: int, reads: frozenset[str]) -> list[Packet]:
    """One packet for each shard: the rows of its persons, the registries that all need, and the clock.

    `reads`: the fact tables that the rules of persons can see. A message of which nothing is read there is left out.
    """
    clock = clock_of(tables)
    parts: list[dict[str, pa.Table]] = [{} for _ in range(shards)]
    shared = _messages_of(tables, FOR_ALL)
    for name in sorted(tables.keys() & reads):
        table = tables[name]
        if name in FOR_ALL:
            for part in parts:
                part[name] = table
            continue
        owner = _owners(table["psn_no"], shards)
        if name == "message":
            everywhere = pc.is_in(table["seq"], shared).to_numpy(zero_copy_only=False)
            for number, part in enumerate(parts):
                part[name] = table.filter(pa.array((owner == number) | everywhere))
            continue
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], range(shards + 1))
        taken = table.take(pa.array(order))
        for number, part in enumerate(parts):
            rows = taken.slice(bounds[number], bounds[number + 1] - bounds[number])
            if rows.num_rows:
                part[name] = rows
    return [Packet({name: table for name, table in part.items() if table.num_rows}, clock) for part in parts]


def _messages_of(tables: Mapping[str, pa.Table], names: Collection[str]) -> pa.Array:
    found = [tables[name]["seq"].combine_chunks() for name in names if name in tables]
    return pa.concat_arrays(found) if found else pa.array([], pa.uint64())


def _owners(persons: pa.ChunkedArray, shards: int) -> Any:
    """The shard of each row; -1 where it names no person."""
    coded = persons.combine_chunks().dictionary_encode()
    of_code = np.array([*(shard_of(one, shards) for one in coded.dictionary.to_pylist()), -1], np.int64)
    return of_code[coded.indices.fill_null(len(of_code) - 1).to_numpy()]
