"""A packet: what one micro-batch of the source says to one shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from detectors.facts import fact_schemas
from streams.live.columns import Packed, in_groups, pack_each, unpack, unpack_counted
from streams.live.news import FOR_ALL
from streams.live.shards import shard_of

FORMAT = 2

#: Numbers of messages below this one are told apart by packet when packets are put together.
_SEQS = 1 << 40


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
    tables: dict[str, Packed]
    clock: dict[str, datetime]
    again: tuple[str, ...]
    withdrawn: tuple[tuple[str, str, int], ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def encode(packet: Packet) -> bytes:
    """The packet as the value of one Kafka record."""
    (value,) = encode_all([packet])
    return value


def encode_all(packets: Sequence[Packet]) -> list[bytes]:
    """Each packet as the value of one Kafka record: to pack a table costs the same for many rows as for few, so each is packed
    once for all packets."""
    packed: list[dict[str, Packed]] = [{} for _ in packets]
    for name in sorted({name for packet in packets for name in packet.tables}):
        places = [place for place, packet in enumerate(packets) if name in packet.tables]
        tables = [packets[place].tables[name] for place in places]
        bounds = [0, *accumulate(table.num_rows for table in tables)]
        rows = pack_each(name, pa.concat_tables(tables), bounds)
        for place, table, some in zip(places, tables, rows, strict=True):
            if table.num_rows:
                packed[place][name] = some
    compressor = zstandard.ZstdCompressor(level=1)
    return [
        compressor.compress(_encoder.encode(_Wire(FORMAT, tables, dict(one.clock), one.again, one.withdrawn)))
        for one, tables in zip(packets, packed, strict=True)
    ]


def decode(value: bytes) -> Packet:
    """The packet in a Kafka record. Raises ValueError for one of a later format."""
    return _packet(_wire(value))


def _packet(wire: _Wire) -> Packet:
    tables = {name: unpack(name, [rows]) for name, rows in wire.tables.items() if name in fact_schemas()}
    return Packet(tables, wire.clock, wire.again, wire.withdrawn)


def _wire(value: bytes) -> _Wire:
    wire = _decoder.decode(zstandard.ZstdDecompressor().decompress(value))
    if wire.format != FORMAT:
        raise ValueError(f"a packet of format {wire.format}; this fundwatch reads {FORMAT}")
    return wire


def decode_all(values: Sequence[bytes]) -> list[Packet]:
    """The packets in Kafka records, in as few as say the same: to decode many small ones takes far longer than a large one."""
    (packets,) = decode_each([values])
    return packets


def decode_each(groups: Sequence[Sequence[bytes]]) -> list[list[Packet]]:
    """`decode_all` of several groups of records, for all of them at once."""
    wires = [[_wire(value) for value in values] for values in groups]
    tables: list[dict[str, pa.Table]] = [{} for _ in groups]
    for name in sorted(
        {name for some in wires for wire in some for name in wire.tables} & fact_schemas().keys()
    ):
        places = [[place for place, wire in enumerate(some) if name in wire.tables] for some in wires]
        rows = [
            some[place].tables[name] for some, those in zip(wires, places, strict=True) for place in those
        ]
        table, counts = unpack_counted(name, rows)
        seq = table["seq"].to_numpy()
        if seq.max(initial=0) >= _SEQS:
            return [[_packet(wire) for wire in some] for some in wires]
        first = np.repeat(np.array([*chain(*places)], np.uint64) * np.uint64(_SEQS), counts)
        table = table.set_column(0, "seq", pa.array(seq + first))
        for one, piece in zip(tables, in_groups(table, counts, map(len, places)), strict=True):
            if piece.num_rows:
                one[name] = piece
    return [[_as_one(some, theirs)] for some, theirs in zip(wires, tables, strict=True)]


def _as_one(wires: Sequence[_Wire], tables: Mapping[str, pa.Table]) -> Packet:
    """All that these packets say, in one; `tables`: their rows."""
    clock: dict[str, datetime] = {}
    for wire in wires:
        for code, time in wire.clock.items():
            clock[code] = max(time, clock.get(code, time))
    again = tuple(chain.from_iterable(wire.again for wire in wires))
    withdrawn = tuple(chain.from_iterable(wire.withdrawn for wire in wires))
    return Packet(tables, clock, again, withdrawn)


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

    `reads`: the fact tables that the rules of persons can see. A message goes wherever rows of it go: where it tells of
    several persons, to the shards of all of them. One of which nothing is read is left out, unless a row of it was
    rejected, which its visit has to know.
    """
    clock = clock_of(tables)
    parts: list[dict[str, pa.Table]] = [{} for _ in range(shards)]
    for name in sorted((tables.keys() & reads) - {"message"}):
        table = tables[name]
        if name in FOR_ALL:
            for part in parts:
                part[name] = table
            continue
        owner = _owners(table["psn_no"], shards)
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], range(shards + 1))
        taken = table.take(pa.array(order))
        for number, part in enumerate(parts):
            rows = taken.slice(bounds[number], bounds[number + 1] - bounds[number])
            if rows.num_rows:
                part[name] = rows
    if "message" in tables:
        message = _naming_their_own(tables["message"], tables, reads)
        owner = np.where(
            message["bad_rows"].fill_null(0).to_numpy() > 0, _owners(message["psn_no"], shards), -1
        )
        for number, part in enumerate(parts):
            seqs = [table["seq"].to_numpy() for table in part.values()]
            told = np.isin(message["seq"].to_numpy(), np.concatenate(seqs)) if seqs else False
            part["message"] = message.filter(pa.array(told | (owner == number)))
    return [Packet({name: table for name, table in part.items() if table.num_rows}, clock) for part in parts]


def _naming_their_own(message: pa.Table, tables: Mapping[str, pa.Table], reads: frozenset[str]) -> pa.Table:
    """A message names a person where all its rows are that person's, and nobody where one is another's: a shard must
    not meet persons of others in it. A registry that all share may name one (a practitioner is insured too), but tells
    nothing of that person's care."""
    others = [chunk for name in FOR_ALL if name in tables for chunk in tables[name]["seq"].chunks]
    seqs = message["seq"].combine_chunks()
    for name in (tables.keys() & reads) - FOR_ALL.keys() - {"message"}:
        table = tables[name]
        named = message["psn_no"].take(pc.index_in(table["seq"], seqs))
        others += table["seq"].filter(pc.not_equal(table["psn_no"], named)).chunks
    of_others = pc.is_in(seqs, pa.chunked_array(others, pa.uint64()).combine_chunks())
    psn_no = pc.if_else(of_others, pa.scalar(None, pa.string()), message["psn_no"])
    return message.set_column(message.schema.get_field_index("psn_no"), "psn_no", psn_no)


def _owners(persons: pa.ChunkedArray, shards: int) -> Any:
    """The shard of each row; -1 where it names no person."""
    coded = persons.combine_chunks().dictionary_encode()
    of_code = np.array([*(shard_of(one, shards) for one in coded.dictionary.to_pylist()), -1], np.int64)
    return of_code[coded.indices.fill_null(len(of_code) - 1).to_numpy()]
