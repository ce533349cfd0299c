"""A micro-batch becomes one packet a shard, and a packet a record's value and back."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import zstandard

from detectors.facts import fact_schemas
from streams.live.news import FOR_ALL
from streams.live.packets import Packet, decode, decode_all, decode_each, encode, split
from streams.live.shards import shard_of
from streams.simulate import World, simulate
from tests.streams.live import town
from tests.streams.live.site import kernel, tables_of

SHARDS = 3
ALL = frozenset(fact_schemas())


@pytest.fixture(scope="module")
def county() -> dict[str, pa.Table]:
    """The facts of a little of everything, disorder included."""
    lines = [bytes(line) for line in simulate(World(persons=60, days=110, seed=3)).events]
    doctor = town.tell("practitioner", 3, dr_codg="D1", psn_no="P1")
    return tables_of([*lines[:4000], doctor, town.beds_checked(3, ["P1", "P2", "P3", "P4"])])


def rows(table: pa.Table, *without: str) -> list[str]:
    names = [name for name in table.schema.names if name not in without]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in table.select(names).to_pylist())


def test_a_packet_comes_back_as_it_was(county: dict[str, pa.Table]) -> None:
    for packet in split(county, SHARDS, ALL).packets():
        again = decode(encode(packet))
        assert again.clock == packet.clock
        assert again.tables.keys() == packet.tables.keys()
        for name, table in packet.tables.items():
            assert again.tables[name].equals(table.combine_chunks()), name


def test_packets_encoded_together_are_what_they_are_one_by_one(county: dict[str, pa.Table]) -> None:
    for tables in (county, {name: table.slice(0, 3) for name, table in county.items()}, {}):
        for reads in (ALL, kernel().reads, frozenset({"practitioner"})):
            parts = split(tables, SHARDS, reads)
            assert parts.encoded() == [encode(packet) for packet in parts.packets()]


def test_a_packet_without_rows_is_one_without_the_table(county: dict[str, pa.Table]) -> None:
    empty = Packet({"outpatient": county["outpatient"].slice(0, 0)})
    assert decode(encode(empty)) == Packet()


def test_packets_together_say_what_they_say_one_by_one(county: dict[str, pa.Table]) -> None:
    packets = [
        *split(county, SHARDS, ALL).packets(),
        Packet({}, {"H1": town.at(1)}, ("P1",), (("P1", "m", 1),)),
    ]
    packets.append(Packet({}, {"H1": town.at(9)}, ("P2",)))
    (one,) = decode_all([encode(packet) for packet in packets])
    assert one.again == ("P1", "P2")
    assert one.withdrawn == (("P1", "m", 1),)
    assert one.clock == packets[0].clock | {"H1": town.at(9)}
    msgids = dict(zip(*(one.tables["message"][name].to_pylist() for name in ("seq", "msgid")), strict=True))
    assert len(msgids) == sum(packet.events for packet in packets)
    for name, table in one.tables.items():
        assert rows(table, "seq") == sorted(
            row for packet in packets if name in packet.tables for row in rows(packet.tables[name], "seq")
        )
        assert [msgids[seq] for seq in table["seq"].to_pylist()] == table["msgid"].to_pylist()


def test_groups_of_packets_are_decoded_together_as_apart(county: dict[str, pa.Table]) -> None:
    parts = split(county, SHARDS, ALL).packets()
    groups = [[encode(one) for one in some] for some in (parts[:2], [], parts[2:], [Packet(again=("P1",))])]
    assert [len(some) for some in decode_each(groups)] == [1] * len(groups)
    for (together,), values in zip(decode_each(groups), groups, strict=True):
        (apart,) = decode_all(values)
        assert together.tables.keys() == apart.tables.keys()
        for name, table in together.tables.items():
            assert table.combine_chunks().equals(apart.tables[name].combine_chunks()), name
        assert (together.clock, together.again) == (apart.clock, apart.again)


def test_packets_whose_numbers_might_meet_stay_apart(county: dict[str, pa.Table]) -> None:
    far = county["message"].slice(0, 3)
    far = far.set_column(0, "seq", pc.add(far["seq"], pa.scalar(2**61, pa.uint64())))
    packets = [Packet({"message": county["message"].slice(0, 3)}), Packet({"message": far})]
    apart = decode_all([encode(packet) for packet in packets])
    assert [rows(one.tables["message"]) for one in apart] == [rows(one.tables["message"]) for one in packets]
    assert decode_all([]) == [Packet()]


def test_what_a_packet_asks_for_comes_back_too() -> None:
    packet = Packet({}, {"H1": town.at(1)}, ("P1", "P2"), (("P1", "m", 2**64 - 1),))
    assert decode(encode(packet)) == packet
    assert packet.events == 0


def test_a_packet_of_another_format_is_refused_and_its_later_tables_are_passed_over() -> None:
    wire = [2, {"of_tomorrow": [0, b"", b""]}, {}, [], []]
    assert decode(zstandard.compress(msgspec.msgpack.encode(wire))) == Packet()
    for other in (1, 3):
        wire[0] = other
        with pytest.raises(ValueError, match=f"format {other}"):
            decode(zstandard.compress(msgspec.msgpack.encode(wire)))


def test_every_row_of_a_person_is_at_exactly_one_shard(county: dict[str, pa.Table]) -> None:
    parts = split(county, SHARDS, ALL).packets()
    for name, table in county.items():
        if name == "message" or name in FOR_ALL or "psn_no" not in table.schema.names:
            continue
        of_persons = table.filter(pc.is_valid(table["psn_no"]))
        found = [row for part in parts if name in part.tables for row in rows(part.tables[name])]
        assert sorted(found) == rows(of_persons), name
        for number, part in enumerate(parts):
            if name in part.tables:
                owners = {shard_of(psn_no, SHARDS) for psn_no in part.tables[name]["psn_no"].to_pylist()}
                assert owners == {number}


def test_every_row_has_its_message_beside_it(county: dict[str, pa.Table]) -> None:
    for part in split(county, SHARDS, ALL).packets():
        messages = part.tables["message"]["seq"].to_pylist()
        assert len(messages) == len(set(messages))
        for name, table in part.tables.items():
            assert set(table["seq"].to_pylist()) <= set(messages), name


def test_registries_of_what_all_share_are_everywhere_and_name_nobody(county: dict[str, pa.Table]) -> None:
    for part in split(county, SHARDS, ALL).packets():
        for name in FOR_ALL:
            assert part.tables[name].equals(county[name])
        message = part.tables["message"]
        of_registries = message.filter(pc.is_in(message["kind"], pa.array(sorted(FOR_ALL))))
        assert of_registries.num_rows
        assert of_registries["psn_no"].null_count == of_registries.num_rows


def test_a_message_names_its_person_where_it_tells_of_nobody_else() -> None:
    tables = tables_of([town.beds_checked(3, ["P1", "P2"]), town.checked(1)])
    message = tables["message"]
    slip = pa.array(["P1", "P1"], pa.string())
    tables["message"] = message.set_column(message.schema.get_field_index("psn_no"), "psn_no", slip)
    parts = [part.tables["message"] for part in split(tables, 16, ALL).packets() if part.events]
    assert len(parts) == 2
    assert sorted(name or "" for part in parts for name in part["psn_no"].to_pylist()) == ["", "", "P1"]


def test_the_clock_is_the_same_everywhere(county: dict[str, pa.Table]) -> None:
    parts = split(county, SHARDS, kernel().reads).packets()
    message = county["message"]
    latest: dict[str, datetime] = {}
    for code, time in zip(
        message["fixmedins_code"].to_pylist(), message["inf_time"].to_pylist(), strict=True
    ):
        if code is not None:
            latest[code] = max(time, latest.get(code, time))
    assert all(part.clock == latest for part in parts)


def test_what_no_rule_of_persons_reads_is_left_out(county: dict[str, pa.Table]) -> None:
    reads = frozenset({"message", "insured"})
    parts = split(county, SHARDS, reads).packets()
    assert {name for part in parts for name in part.tables} == reads
    for part in parts:
        assert set(part.tables["message"]["kind"].to_pylist()) <= {"insured"}


def test_a_message_of_which_a_row_was_rejected_goes_with_its_person() -> None:
    line = json.loads(town.charged("M1", ("1", 1, 10), ("2", 2, 20)))
    line["input"]["feedetail"][1]["cnt"] = "many"
    reads = frozenset({"message", "death"})
    (part,) = split(tables_of([json.dumps(line).encode()]), 1, reads).packets()
    assert part.tables["message"]["bad_rows"].to_pylist() == [1]


def test_nothing_heard_is_a_packet_without_anything() -> None:
    assert split({}, 2, ALL).packets() == [Packet(), Packet()]
