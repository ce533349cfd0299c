"""A packet: what one micro-batch of the source says to one shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, chain, pairwise
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from detectors.facts import fact_schemas
from streams.live.columns import Array, Packed, in_groups, pack, pack_each, unpack, unpack_counted
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
    tables = {name: pack(name, table) for name, table in sorted(packet.tables.items()) if table.num_rows}
    return _value(_Wire(FORMAT, tables, dict(packet.clock), packet.again, packet.withdrawn))


def _value(wire: _Wire) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(_encoder.encode(wire))


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


@dataclass(frozen=True)
class Share:
    """Which rows of a table go to which shard. `rows`: their numbers, those of each shard together; None: all of them to every
    shard. `bounds`: where those of each shard begin, and the last end."""

    table: pa.Table
    rows: Array | None
    bounds: Sequence[int]


@dataclass(frozen=True)
class Parts:
    """Facts parted among shards. `shares`: by table. `clock`: as that of a packet."""

    shares: Mapping[str, Share]
    clock: Mapping[str, datetime]
    shards: int

    def packets(self) -> list[Packet]:
        """One for each shard."""
        tables: list[dict[str, pa.Table]] = [{} for _ in range(self.shards)]
        for name, share in self.shares.items():
            if share.rows is None:
                parts = [share.table] * self.shards
            else:
                taken = share.table.take(pa.array(share.rows))
                parts = [taken.slice(first, stop - first) for first, stop in pairwise(share.bounds)]
            for some, part in zip(tables, parts, strict=True):
                if part.num_rows:
                    some[name] = part
        return [Packet(some, self.clock) for some in tables]

    def encoded(self) -> list[bytes]:
        """The packets as values of Kafka records. To pack a table takes as long for few rows as for many, so each is packed once
        for all shards."""
        tables: list[dict[str, Packed]] = [{} for _ in range(self.shards)]
        for name, share in self.shares.items():
            if share.rows is None:
                packed = [pack(name, share.table)] * self.shards
            else:
                packed = pack_each(name, share.table, share.bounds, share.rows)
            for some, rows in zip(tables, packed, strict=True):
                if rows.cells:
                    some[name] = rows
        return [_value(_Wire(FORMAT, some, dict(self.clock), (), ())) for some in tables]


def split(tables: Mapping[str, pa.Table], shards: int, reads: frozenset[str]) -> Parts:
    """To each shard the rows of its persons, the registries that all need, and the clock.

    `reads`: the fact tables that the rules of persons can see. A message goes wherever rows of it go: where it tells of
    several persons, to the shards of all of them. One of which nothing is read is left out, unless a row of it was
    rejected, which its visit has to know.
    """
    shares: dict[str, Share] = {}
    told: list[list[Array]] = [[] for _ in range(shards)]
    for name in sorted((tables.keys() & reads) - {"message"}):
        table = tables[name]
        seqs = table["seq"].to_numpy()
        if name in FOR_ALL:
            shares[name] = Share(table, None, ())
            for some in told:
                some.append(seqs)
            continue
        owner = _owners(table["psn_no"], shards)
        rows = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[rows], range(shards + 1)).tolist()
        shares[name] = Share(table, rows, bounds)
        for some, (first, stop) in zip(told, pairwise(bounds), strict=True):
            some.append(seqs[rows[first:stop]])
    if "message" in tables:
        message = _naming_their_own(tables["message"], tables, reads)
        is_bad = message["bad_rows"].fill_null(0).to_numpy() > 0
        owner = np.where(is_bad, _owners(message["psn_no"], shards), -1) if is_bad.any() else -1
        seq = message["seq"].to_numpy()
        none = np.array([], np.uint64)
        of_each = [
            np.flatnonzero(np.isin(seq, np.concatenate([none, *some])) | (owner == number))
            for number, some in enumerate(told)
        ]
        shares["message"] = Share(
            message, np.concatenate(of_each), [*accumulate(map(len, of_each), initial=0)]
        )
    return Parts(dict(sorted(shares.items())), clock_of(tables), shards)


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
