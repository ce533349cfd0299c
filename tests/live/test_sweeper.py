"""The sweeper on a real broker: each change once whoever dies when, one voice at a time, and what repair tells the judges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition

from detectors.alert import Alert
from streams import changes
from streams.changes import Change
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.control import Control
from streams.kafka.daily import STATE, Daily, repair_once
from streams.kafka.settings import Connection
from streams.kafka.speaker import Speaker
from streams.kafka.spoken import spoken
from streams.kafka.sweeper import sweep_once
from streams.kafka.topics import ALERTS, CHANGES, PACKETS, Layout, Topic
from streams.lake import open_lake
from streams.live.packets import Packet
from streams.live.packets import decode as decode_packet
from streams.live.repair import replayed
from streams.live.shards import shard_of
from streams.live.sweep import SWEEPER, Sweep
from streams.live.whole import Means
from streams.operation.exits import Exit
from streams.operation.logging import setup
from streams.operation.metrics import SHANGHAI, SweeperMetrics, instruments
from streams.operation.settings import Archiver, Http, Kafka, Limits, Logging, Settings, Sweeper, Worker
from streams.simulate import World, simulate
from tests.streams.live.county import KEY, County, built_in, every, holds, judging

#: Seconds that something may take that is waited for.
PATIENCE = 300.0

Fundwatch = Callable[..., "subprocess.Popen[bytes]"]


@cache
def lines() -> list[bytes]:
    """A small county in which the sweeper's rules speak."""
    return [bytes(line) for line in simulate(World(persons=60, days=110, seed=3)).events]


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path)


@pytest.fixture
def settings(connection: Connection, layout: Layout, county: County) -> Settings:
    return Settings(
        kafka=Kafka(bootstrap=",".join(connection.bootstrap), topic_prefix=layout.prefix),
        worker=Worker(group="tested"),
        sweeper=Sweeper(lake=county.lake, state=county.folder / "state", tick_seconds=10, threads=1),
        archiver=Archiver(max_seconds=1),
        http=Http(port=0),
        logging=Logging(level="error"),
        limits=Limits(),
    )


def told(connection: Connection, layout: Layout, topic: Topic) -> list[Any]:
    """All records of a topic that were committed."""
    with clients.consumer(connection, group_id=None, isolation_level="read_committed") as consumer:
        parts = [TopicPartition(layout.name(topic), one) for one in range(layout.partitions(topic))]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        found: list[Any] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=500).values():
                found.extend(records)
        return found


def said(connection: Connection, layout: Layout, topic: Topic = CHANGES) -> list[Change]:
    return [changes.decode(record.value) for record in told(connection, layout, topic)]


def in_order(some: list[Change]) -> list[Change]:
    return sorted(some, key=lambda change: (change.jr_id, change.seq))


def test_what_a_sweep_finds_is_said_once_on_both_topics(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    county.grow(lines())
    done = sweep_once(settings, threading.Event())
    found = said(connection, layout)
    assert done.changes == {"opened": len(found)}
    assert holds(in_order(found)) == county.replayed()
    assert {change.alert.rule_code for change in found} == {rule.code for rule in judging().rulebook.rules}
    for record in told(connection, layout, ALERTS):
        assert record.partition == shard_of(record.key.decode(), 2)
        assert "facts" not in json.loads(record.value)
        assert dict(record.headers)["ce_source"] == b"/fundwatch/sweeper"
    assert all(change.facts for change in found)
    again = sweep_once(settings, threading.Event())
    assert (again.rules, again.changes) == (0, {})
    assert len(said(connection, layout)) == len(found)


def test_killed_between_storing_sending_and_noting_it_says_each_change_once(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    third = len(lines()) // 3
    path = settings.sweeper.state / STATE
    for number in range(3):
        county.grow(lines()[number * third : (number + 1) * third if number < 2 else None])
        dying = Sweep(path, county.lake, judging(), Means(threads=1))
        assert dying.resume(spoken(connection, layout, SWEEPER)), "what was said is not what is held"
        assert dying.once().changes
        if number:  # part of it was said and confirmed, and then it died
            with Speaker(connection, layout) as speaker:
                speaker.say(dying.said.waiting(2)[1])
        dying.close()
    sweep_once(settings, threading.Event())
    assert holds(in_order(said(connection, layout))) == county.replayed()


@pytest.fixture
def fundwatch(settings: Settings, tmp_path: Path) -> Iterator[Fundwatch]:
    """Starts `fundwatch sweep` as a process with these settings."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*more: str, **environment: str) -> subprocess.Popen[bytes]:
        given = {
            "FUNDWATCH_KAFKA_BOOTSTRAP": settings.kafka.bootstrap,
            "FUNDWATCH_KAFKA_TOPIC_PREFIX": settings.kafka.topic_prefix,
            "FUNDWATCH_SWEEPER_LAKE": str(settings.sweeper.lake),
            "FUNDWATCH_SWEEPER_STATE": str(settings.sweeper.state),
            "FUNDWATCH_SWEEPER_TICK_SECONDS": "10",
            "FUNDWATCH_HTTP_PORT": "0",
            "FUNDWATCH_KEY": KEY.decode(),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **environment,
        }
        with (tmp_path / f"log-of-{len(started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "sweep", *more],
                env={**os.environ, **given},
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(holds_: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds_():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_killed_while_the_lake_grows_it_ends_with_the_alerts_of_the_replay(
    connection: Connection, layout: Layout, settings: Settings, county: County, fundwatch: Fundwatch
) -> None:
    quarter = len(lines()) // 4
    for number in range(4):
        county.grow(lines()[number * quarter : (number + 1) * quarter if number < 3 else None])
        before = len(said(connection, layout))
        sweeper = fundwatch()
        wait_for(lambda before=before: len(said(connection, layout)) > before)  # type: ignore[misc]
        sweeper.kill()
        sweeper.wait()
    sweep_once(settings, threading.Event())
    assert holds(in_order(said(connection, layout))) == county.replayed()


def test_a_second_sweeper_silences_the_first(
    connection: Connection, layout: Layout, settings: Settings, county: County, fundwatch: Fundwatch
) -> None:
    half = len(lines()) // 2
    county.grow(lines()[:half])
    first = fundwatch()
    wait_for(lambda: said(connection, layout))
    other = msgspec.structs.replace(
        settings, sweeper=msgspec.structs.replace(settings.sweeper, state=county.folder / "other")
    )
    sweep_once(other, threading.Event())
    county.grow(lines()[half:])
    assert first.wait(PATIENCE) == Exit.UNHEALTHY
    sweep_once(other, threading.Event())
    assert holds(in_order(said(connection, layout))) == county.replayed()


def test_sigterm_drains_and_it_tells_how_it_is(
    settings: Settings, county: County, fundwatch: Fundwatch
) -> None:
    from deploy.kafka.broker import free_ports

    county.grow(lines())
    (port,) = free_ports(1)
    sweeper = fundwatch(FUNDWATCH_HTTP_PORT=str(port))
    coverage = settings.sweeper.state / "coverage.jsonl"
    wait_for(coverage.exists)
    wait_for(lambda: "fundwatch_coverage_subjects{" in metrics(port))
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200
    scraped = metrics(port)
    assert 'fundwatch_sweeps_total{outcome="success"} 1.0' in scraped
    assert 'fundwatch_alert_changes_total{outcome="opened",rule_id="ghost_bed.bed_shared"}' in scraped
    sweeper.send_signal(signal.SIGTERM)
    assert sweeper.wait(PATIENCE) == Exit.DONE
    log = (county.folder / "log-of-0").read_text()
    for event in ("started", "ready", "sweep done", "coverage published", "draining", "stopped"):
        assert event in log
    for alert in county.replayed():
        assert alert.subject not in log


def metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def worker_says(connection: Connection, layout: Layout, alerts: list[Alert], seq: int = 1) -> None:
    with clients.producer(connection) as producer:
        for alert in alerts:
            kind = "opened" if seq == 1 else "changed"
            change = Change(alert.jr_id, seq, kind, alert, speaker="worker")
            producer.send(
                layout.name(ALERTS),
                changes.encode(change, with_facts=False),
                change.jr_id.encode(),
                partition=shard_of(alert.patn_id or "", 2),
            )
        producer.flush()


def packets_told(connection: Connection, layout: Layout) -> dict[int, list[Packet]]:
    found: defaultdict[int, list[Packet]] = defaultdict(list)
    for record in told(connection, layout, PACKETS):
        found[record.partition].append(decode_packet(record.value))
    return dict(found)


def test_repair_has_the_workers_look_again_at_whom_something_differs_of(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    county.grow(lines())
    missing, changed, *rest = replayed(open_lake(county.lake), every().of_worker, Means(threads=1))
    worker_says(connection, layout, [msgspec.structs.replace(changed, revision="another"), *rest])
    sweep_once(settings, threading.Event())  # what the sweeper says is none of the worker's
    before = len(said(connection, layout))
    repaired = repair_once(settings)
    assert repaired.compared.persons == {missing.patn_id, changed.patn_id}
    assert sum(counts.total for counts in repaired.compared.by_rule.values()) == 2
    asked = packets_told(connection, layout)
    assert {person for some in asked.values() for packet in some for person in packet.again} == {
        missing.patn_id,
        changed.patn_id,
    }
    for number, some in asked.items():
        assert {shard_of(person, 2) for packet in some for person in packet.again} == {number}
    assert len(said(connection, layout)) == before, "it spoke for the worker"

    worker_says(connection, layout, [missing])
    worker_says(connection, layout, [changed], seq=2)
    assert repair_once(settings).compared.persons == frozenset()
    assert packets_told(connection, layout) == asked


def test_what_agrees_once_the_lake_has_caught_up_is_no_difference(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    county.grow(lines()[:-1500])
    whole = County(county.folder / "whole")
    whole.folder.mkdir()
    whole.grow(lines())
    ahead = replayed(open_lake(whole.lake), every().of_worker, Means(threads=1))
    behind = replayed(open_lake(county.lake), every().of_worker, Means(threads=1))
    assert ahead != behind
    worker_says(connection, layout, ahead)
    patient = msgspec.structs.replace(settings, archiver=Archiver(max_seconds=60))
    archiver = threading.Timer(5.0, lambda: county.grow(lines()[-1500:]))
    archiver.start()
    repaired = repair_once(patient)
    archiver.join()
    assert repaired.compared.by_rule == {}
    assert packets_told(connection, layout) == {}


def test_a_message_that_is_no_fact_after_all_is_withdrawn_once(
    connection: Connection,
    layout: Layout,
    settings: Settings,
    county: County,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FUNDWATCH_KEY", KEY.decode())
    (one, other), line = two_persons()
    message = json.loads(line.replace(one.encode(), other.encode()))
    message["inf_time"] = "2027-01-01 00:00:00"
    county.grow([line, json.dumps(message, ensure_ascii=False).encode()])
    repaired = repair_once(settings)
    ((person, msgid, _),) = repaired.withdrawn
    assert (person, msgid) == (other, message["msgid"])
    ((number, (packet,)),) = packets_told(connection, layout).items()
    assert number == shard_of(other, 2)
    assert packet.withdrawn == tuple(repaired.withdrawn)
    assert repair_once(settings).withdrawn == frozenset()
    assert len(told(connection, layout, PACKETS)) == 1


def two_persons() -> tuple[list[str], bytes]:
    """Two insured persons, and a settlement of the first."""
    found: dict[str, bytes] = {}
    for line in lines():
        if b'"infno":"2304"' in line:
            message = json.loads(line)
            found.setdefault(message["input"]["data"]["psn_no"], line)
    first, second = list(found)[:2]
    return [first, second], found[first]


def test_repair_does_not_compare_what_is_judged_by_other_rules(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    county.grow(lines()[:50])
    control = Control(connection, layout, "tested")
    control.set_rules("other")
    with pytest.raises(Refused, match="judges by other rules"):
        repair_once(settings)
    control.set_rules(built_in().of_worker.hash)
    assert repair_once(settings).compared.by_rule == {}


def test_repair_runs_once_in_its_hour_of_the_night(
    connection: Connection, layout: Layout, settings: Settings, county: County
) -> None:
    county.grow(lines()[:3000])
    expected = replayed(open_lake(county.lake), every().of_worker, Means(threads=1))
    assert expected
    hour = {"now": datetime(2026, 11, 26, 2, 59, tzinfo=SHANGHAI)}
    daily = Daily(
        settings,
        every(),
        KEY,
        Means(threads=1),
        SweeperMetrics(instruments(), [rule.rule_id for rule in every().rulebook.rules], 10),
        setup(settings.logging, "sweeper"),
        now=lambda: hour["now"],
    )
    asked = []
    for day, at in ((26, 2), (26, 3), (26, 3), (26, 4), (27, 3)):
        hour["now"] = datetime(2026, 11, day, at, 30, tzinfo=SHANGHAI)
        daily.mend()
        asked.append(len(told(connection, layout, PACKETS)))
    once = asked[1]
    assert once
    assert asked == [0, once, once, once, 2 * once]


def test_the_command_says_counts_and_names_nobody(county: County, fundwatch: Fundwatch) -> None:
    county.grow(lines())
    assert fundwatch("--once").wait(PATIENCE) == Exit.DONE
    assert (
        f"{len(built_in().of_sweeper.rulebook.rules)} rules ran: opened"
        in (county.folder / "log-of-0").read_text()
    )
    repairing = fundwatch("--repair", FUNDWATCH_ARCHIVER_MAX_SECONDS="1")
    assert repairing.wait(PATIENCE) == Exit.DIFFERS
    shown = (county.folder / "log-of-1").read_text()
    assert "too many" in shown
    assert "persons are looked at again" in shown
    for alert in replayed(open_lake(county.lake), every().of_worker, Means(threads=1)):
        assert str(alert.patn_id) not in shown
