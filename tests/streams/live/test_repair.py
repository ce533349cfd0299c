"""Repair: what differs is found, by rule and person, whoever is concerned is looked at again, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from detectors.alert import Alert
from detectors.standing import StandingKernel
from streams.lake import open_lake
from streams.live.packets import Packet, split
from streams.live.past import LakePast, NoPast
from streams.live.repair import Counts, compare, packets, replayed, withdrawn
from streams.live.shard import Shard
from streams.live.shards import shard_of
from streams.live.whole import Means
from streams.wire import decode
from tests.promises.conftest import Judged
from tests.promises.conftest import world as world
from tests.promises.kernel import as_bytes
from tests.streams.live.county import KEY, County, again, every, of_rules

MEANS = Means(threads=1)
BY = every().of_worker


@pytest.fixture(scope="module")
def county(world: Judged, tmp_path_factory: pytest.TempPathFactory) -> County:
    county = County(tmp_path_factory.mktemp("county"))
    county.grow(world.lines)
    return county


@pytest.fixture(scope="module")
def should(county: County) -> list[Alert]:
    return replayed(open_lake(county.lake), BY, MEANS)


def test_it_replays_what_the_worker_speaks_for(should: list[Alert], world: Judged) -> None:
    assert as_bytes(should) == as_bytes(of_rules(world.alerts, BY.rulebook))
    assert {alert.rule_code for alert in should} == {rule.code for rule in BY.rulebook.rules}


def test_some_persons_alone_give_their_alerts(county: County, should: list[Alert]) -> None:
    persons = {alert.patn_id or "" for alert in should[::5]}
    some = replayed(open_lake(county.lake), BY, MEANS, persons)
    assert as_bytes(some) == as_bytes([alert for alert in should if alert.patn_id in persons])


def test_differences_are_counted_by_rule_and_name_the_persons(should: list[Alert]) -> None:
    missing, different, excess, *rest = should
    reworded = msgspec.structs.replace(different, revision="another")
    compared = compare([missing, different, *rest], [reworded, excess, *rest])
    assert compared.persons == {missing.patn_id, different.patn_id, excess.patn_id}
    sums = [(one.missing, one.excess, one.different) for one in compared.by_rule.values()]
    assert tuple(map(sum, zip(*sums, strict=True))) == (1, 1, 1)
    assert compare(should, should).by_rule == {}
    assert compare(should, [], [missing.patn_id or ""]).persons == {missing.patn_id}


def test_each_person_is_told_to_the_shard_that_owns_it() -> None:
    told = packets({f"P{n}" for n in range(50)}, [("P7", "m", 1), ("Q", "n", 2)], 4)
    assert sum(len(packet.again) for packet in told.values()) == 50
    for number, packet in told.items():
        names = [*packet.again, *(psn_no for psn_no, *_ in packet.withdrawn)]
        assert {shard_of(name, 4) for name in names} == {number}
    assert packets([], [], 4) == {}


class Judges:
    """A shard of everybody that heard only some of the messages. `from_start`: it began when there was no lake."""

    def __init__(self, path: Path, county: County, lines: list[bytes], *, from_start: bool) -> None:
        self.kernel = StandingKernel(BY.rulebook, BY.knowledge, threads=1)
        Shard(path, self.kernel, past=NoPast() if from_start else LakePast(county.lake)).close()
        self.shard = Shard(path, self.kernel, past=LakePast(county.lake), corrections=timedelta(days=900))
        self.take(self.packet(lines))

    def packet(self, lines: list[bytes]) -> Packet:
        tables: Mapping[str, pa.Table] = decode(lines, source="w", first_line=1, first_seq=0, key=KEY).tables
        return split(tables, 1, self.kernel.reads).packets()[0]

    def take(self, packet: Packet) -> None:
        self.shard.take([packet], self.shard.position + 1)
        while self.shard.look_again().persons:
            pass


@pytest.mark.parametrize("from_start", [False, True])
def test_who_is_looked_at_again_ends_with_the_alerts_of_the_replay(
    county: County, world: Judged, should: list[Alert], tmp_path: Path, from_start: bool
) -> None:
    lost = {alert.patn_id or "" for alert in should[::9]}
    heard = [line for line in world.lines if not any(person.encode() in line for person in lost)]
    judges = Judges(tmp_path / "shard.db", county, heard, from_start=from_start)
    before = compare(should, judges.shard.said.open_of())
    assert before.persons >= lost
    for packet in packets(before.persons, [], 1).values():
        judges.take(packet)
    assert compare(should, judges.shard.said.open_of()).by_rule == {}


def conflicting(world: Judged, should: list[Alert]) -> tuple[bytes, str]:
    """A settlement of somebody with alerts, said under the same msgid later and with another person."""
    persons = {alert.patn_id or "" for alert in should}
    line, person = next(
        (line, person)
        for line in world.lines
        if b'"infno":"2304"' in line
        for person in persons
        if person.encode() in line
    )
    other = min(persons - {person})
    message = json.loads(line.replace(person.encode(), other.encode()))
    message["inf_time"] = "2027-01-01 00:00:00"
    return json.dumps(message, ensure_ascii=False).encode(), other


def test_a_message_that_lost_against_another_persons_is_withdrawn(
    world: Judged, should: list[Alert], tmp_path: Path
) -> None:
    loser, other = conflicting(world, should)
    own = County(tmp_path)
    own.grow(world.lines)
    assert list(withdrawn(open_lake(own.lake), KEY)) == []
    own.grow([loser])
    message = decode([loser], source="w", first_line=1, first_seq=0, key=KEY).tables["message"]
    (row,) = message.select(["msgid", "content"]).to_pylist()
    assert list(withdrawn(open_lake(own.lake), KEY)) == [(other, row["msgid"], row["content"])]


def test_one_that_was_in_the_lake_and_lost_to_what_came_later_is_withdrawn_too(
    world: Judged, should: list[Alert], tmp_path: Path
) -> None:
    loser, other = conflicting(world, should)
    own = County(tmp_path, archived=True)
    own.grow([loser])
    assert list(withdrawn(open_lake(own.lake), KEY)) == []
    own.grow(world.lines)
    ((person, msgid, _),) = withdrawn(open_lake(own.lake), KEY)
    assert (person, msgid) == (other, json.loads(loser)["msgid"])


def test_one_that_lost_against_another_of_the_same_person_is_not(world: Judged, tmp_path: Path) -> None:
    line = next(line for line in world.lines if b'"infno":"2304"' in line)
    own = County(tmp_path)
    own.grow([line, again(line, msgid=json.loads(line)["msgid"], inf_time="2027-01-01 00:00:00")])
    assert list(withdrawn(open_lake(own.lake), KEY)) == []


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3).total == 6
