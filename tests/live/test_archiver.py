"""The archiver on a real broker: killed at any moment, the lake ends as the log of the topic says."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from kafka import OffsetAndMetadata, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.broker import free_ports
from streams.kafka import clients, topics
from streams.kafka.archiver import Progress, Task, archive
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS, Layout
from streams.lake import Appended, Record, Tidied, open_lake
from streams.simulate import World, simulate
from tests.live.conftest import MakeCluster
from tests.streams.lake.test_append import check, without_bytes
from tests.streams.lake.topic import as_logs, of_topic, replayed

PATIENCE = 120
"""Seconds until something must have happened."""


@cache
def county() -> list[bytes]:
    """The log of a county of a few hundred persons, with duplicates and conflicts on top of its own."""
    lines = [bytes(line) for line in simulate(World(persons=250, days=100, seed=5)).events]
    dice = random.Random(5)
    more = dice.sample(lines, 300)
    lines += more
    lines += [line.replace(b'"opter":"', b'"opter":"X', 1) for line in more[:40]]
    dice.shuffle(lines)
    return lines


@pytest.fixture
def topic(layout: Layout) -> str:
    return layout.name(EVENTS)


def say(connection: Connection, topic: str, lines: Sequence[bytes], seed: int = 0) -> None:
    """Put messages into the two partitions of a topic, as they come."""
    dice = random.Random(seed)
    with clients.producer(connection, linger_ms=20) as producer:
        for line in lines:
            producer.send(topic, value=line, partition=dice.randrange(2))
        producer.flush(timeout=PATIENCE)


def heard(connection: Connection, topic: str) -> list[Record]:
    """All that a topic holds, by partition."""
    with clients.consumer(connection, isolation_level="read_committed") as consumer:
        partitions = [TopicPartition(topic, number) for number in range(2)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Record] = []
        while any(consumer.position(one) < end for one, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found += [Record(one.topic, one.partition, one.offset, one.value) for one in records]
    return sorted(found, key=lambda one: (one.partition, one.offset))


class Archivers:
    """Starts archivers of a topic as processes, with very small batches."""

    def __init__(self, lake: Path, connection: Connection, topic: str) -> None:
        self._arguments = ["archive", "--lake", str(lake), "--topic", topic]
        self._arguments += ["--brokers", ",".join(connection.bootstrap)]
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self, *arguments: str, module: Sequence[str] = ("streams.cli",), **environment: str
    ) -> subprocess.Popen[str]:
        """One more archiver."""
        process = subprocess.Popen(
            [sys.executable, "-m", *module, *self._arguments, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT, **environment},
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str, max_bytes: int = 65536) -> tuple[int, str, str]:
        """An archiver that ends by itself: exit code, output, errors."""
        process = self.start(*arguments, FUNDWATCH_ARCHIVER_MAX_BYTES=str(max_bytes))
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def stop(self) -> None:
        """End those that run still."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


ENVIRONMENT = {
    "FUNDWATCH_KEY": "a key of the tests, long enough",
    "FUNDWATCH_ARCHIVER_MAX_BYTES": "65536",
    "FUNDWATCH_ARCHIVER_MAX_SECONDS": "0.2",
    "FUNDWATCH_HTTP_PORT": "0",
}


@pytest.fixture
def archivers(tmp_path: Path, connection: Connection, topic: str) -> Iterator[Archivers]:
    made = Archivers(tmp_path / "lake", connection, topic)
    yield made
    made.stop()


def until(what: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        if process is not None and process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        time.sleep(0.02)


def archived(lake: Path) -> int:
    """How many offsets a lake has."""
    return sum(open_lake(lake).archived.values()) if (lake / "lake.json").exists() else 0


def test_killed_at_any_moment_the_lake_replays_as_the_log(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    say(connection, topic, county())
    dice = random.Random(7)
    for _ in range(12):
        before = archived(lake)
        process = archivers.start()
        until(lambda before=before: archived(lake) > before, process)
        time_left = dice.random() * 1.5
        deadline = time.monotonic() + time_left
        until(lambda deadline=deadline: time.monotonic() > deadline, process)
        process.kill()
        process.wait()
        check(open_lake(lake))
    for step, count, when in [
        ("files", 2, "before"),
        ("files", 1, "after"),
        ("journal", 1, "before"),
        ("journal", 3, "after"),
        ("index", 1, "before"),
        ("index", 2, "after"),
        ("merge", 1, "before"),
        ("merge", 2, "after"),
    ]:
        process = archivers.start(module=("tests.live.dying_archiver", step, str(count), when))
        assert process.wait(PATIENCE) == -signal.SIGKILL, process.communicate()
        check(open_lake(lake))
    assert archived(lake) < len(county()), "nothing was left to archive between the kills"
    code, out, err = archivers.run("--once", max_bytes=2_000_000)
    assert code == 0, err
    assert "messages archived" in out
    monkeypatch.setattr("tests.streams.lake.topic.KEY", ENVIRONMENT["FUNDWATCH_KEY"].encode())
    records = heard(connection, topic)
    assert len(records) == len(county())
    logs, places = as_logs(records, tmp_path / "logs")
    of_log = replayed(logs, tmp_path / "log")
    of_lake = replayed([str(lake)], tmp_path / "run")
    of_log["rejects"] = without_bytes(of_topic(of_log["rejects"], places))
    of_lake["rejects"] = without_bytes(of_lake["rejects"])
    assert of_log["alerts.jsonl"]
    assert of_lake == of_log
    assert open_lake(lake).archived == committed(connection, topic)


def committed(connection: Connection, topic: str) -> dict[tuple[str, int], int]:
    """What a tool would show of the archiver's group."""
    with clients.consumer(connection, group_id="fundwatch-archiver") as consumer:
        return {
            (topic, number): consumer.committed(TopicPartition(topic, number)) or 0 for number in range(2)
        }


class Watch:
    """Remembers what an archiver told."""

    def __init__(self) -> None:
        self.now = Progress(0, 0, 0, {})
        self.most_held = 0
        self.troubles = 0

    def appended(self, done: Appended) -> None:
        """Of no interest here."""

    def tidied(self, done: Tidied) -> None:
        """Of no interest here."""

    def progress(self, now: Progress) -> None:
        self.now = now
        self.most_held = max(self.most_held, now.held)

    def gap(self, *_: object) -> None:
        self.troubles += 1

    def uncommitted(self) -> None:
        self.troubles += 1


def test_told_to_end_it_puts_what_it_holds_into_the_lake(
    tmp_path: Path, connection: Connection, topic: str
) -> None:
    say(connection, topic, county()[:500])
    watch, lake = Watch(), tmp_path / "lake"
    task = Task(topic=topic, lake=lake, key=b"test", max_seconds=3000)
    assert archive(connection, task, watch, lambda: watch.most_held == 500) == 500
    assert archived(lake) == 500
    assert (watch.now.archived, watch.now.held, watch.now.behind) == (500, 0, 0)
    assert all(at.archived == at.polled == at.end for at in watch.now.places.values())
    assert not watch.troubles


def test_sigterm_ends_it_with_0(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    say(connection, topic, county()[:500])
    process = archivers.start()
    until(lambda: archived(tmp_path / "lake") > 0, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "info archiver file archived" in err
    assert "info archiver stopped" in err


def test_it_tells_prometheus_where_it_stands(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    say(connection, topic, county()[:500])
    port = next(free_ports(1))
    process = archivers.start(FUNDWATCH_HTTP_PORT=str(port))
    until(lambda: archived(tmp_path / "lake") == 500, process)

    def told() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                one.name: sum(s.value for s in one.samples if s.name in (one.name, f"{one.name}_total"))
                for one in families
            }

    until(lambda: told()["fundwatch_archiver_events"] == 500, process)
    assert told()["fundwatch_ready"] == 1
    assert told()["fundwatch_lag_events"] == 0
    assert told()["fundwatch_committed_offset"] == 500


def test_a_broker_that_was_away_is_read_on(tmp_path: Path, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(1)
    connection = Connection.of({"bootstrap": cluster.bootstrap})
    with clients.admin(connection) as admin:
        topics.create(admin, Layout(source_partitions=2))
    say(connection, EVENTS.name, county()[:100])
    archivers = Archivers(tmp_path / "lake", connection, EVENTS.name)
    process = archivers.start()
    until(lambda: archived(tmp_path / "lake") == 100, process)
    cluster.brokers[0].kill()
    cluster.brokers[0].start()
    say(connection, EVENTS.name, county()[100:200])
    until(lambda: archived(tmp_path / "lake") == 200, process)
    archivers.stop()


def test_only_one_archiver_writes_a_lake(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    say(connection, topic, county()[:50])
    process = archivers.start()
    until(lambda: archived(tmp_path / "lake") == 50, process)
    code, _, err = archivers.run()
    assert code == 2
    assert "is being written by another process" in err
    assert err.count("\n") == 2, "the line that it started, and one sentence"


def test_where_to_go_on_is_said_by_the_lake_alone(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    def fall_behind() -> None:
        with clients.consumer(connection, group_id="fundwatch-archiver") as consumer:
            consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(3, "", -1)})

    say(connection, topic, county()[:200])
    archivers.run("--once")
    fall_behind()
    archivers.run("--once")
    assert committed(connection, topic) == open_lake(tmp_path / "lake").archived, (
        "lag without anything to archive"
    )
    fall_behind()
    say(connection, topic, county()[200:300])
    assert "100 messages archived" in archivers.run("--once")[1]
    shutil.rmtree(tmp_path / "lake")
    assert "300 messages archived" in archivers.run("--once")[1]


def test_a_gap_in_the_topic_is_refused_unless_it_is_accepted(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    say(connection, topic, county()[:100])
    archivers.run("--once")
    say(connection, topic, county()[100:200])
    begins = {number: end + 2 for (_, number), end in open_lake(tmp_path / "lake").archived.items()}
    with clients.admin(connection) as admin:
        admin.delete_records({TopicPartition(topic, number): end for number, end in begins.items()})
    code, _, err = archivers.run("--once")
    assert code == 2
    assert "the topic no longer has what lies between" in err
    code, out, err = archivers.run("--once", "--accept-gap")
    assert code == 0
    assert "96 messages archived" in out
    assert err.count("they are not archived") == 2


def test_a_topic_that_was_made_anew_is_refused(
    connection: Connection, topic: str, archivers: Archivers, layout: Layout
) -> None:
    say(connection, topic, county()[:100])
    archivers.run("--once")
    with clients.admin(connection) as admin:
        admin.delete_topics([topic])
        until(lambda: topic not in admin.list_topics())
        topics.create(admin, layout)
    code, _, err = archivers.run("--once")
    assert code == 2
    assert "the topic was made anew. Archive it into a new lake" in err


def test_a_topic_that_is_not_there_is_refused(connection: Connection, tmp_path: Path) -> None:
    archivers = Archivers(tmp_path / "lake", connection, "nowhere")
    code, _, err = archivers.run("--once")
    archivers.stop()
    assert code == 2
    assert "There is no topic nowhere: make the topics with fundwatch topics create." in err


def test_new_partitions_and_transactions_are_archived(
    tmp_path: Path, connection: Connection, topic: str, archivers: Archivers
) -> None:
    """What a transaction took back is none; its marks take offsets, too."""
    with clients.producer(connection, transactional_id=f"{topic}-tests") as producer:
        producer.init_transactions()
        for number, line in enumerate(county()[:6]):
            producer.begin_transaction()
            producer.send(topic, value=line, partition=0)
            producer.flush()
            if number % 2:
                producer.abort_transaction()
            else:
                producer.commit_transaction()
    code, _, err = archivers.run("--once")
    assert code == 0, err
    lake = open_lake(tmp_path / "lake")
    assert (lake.counts.read, lake.archived[topic, 0]) == (3, 12)
    with clients.admin(connection) as admin:
        admin.create_partitions({topic: 3})
    with clients.producer(connection) as producer:
        producer.send(topic, value=county()[7], partition=2).get(PATIENCE)
    code, _, err = archivers.run("--once")
    assert code == 0, err
    assert open_lake(tmp_path / "lake").archived == {(topic, 0): 12, (topic, 2): 1}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("to mount a small disk needs the right to")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_ends_it_with_one_sentence_and_loses_nothing(
    connection: Connection, topic: str, small_disk: Path
) -> None:
    say(connection, topic, county())
    archivers = Archivers(small_disk / "lake", connection, topic)
    code, _, err = archivers.run("--once", max_bytes=1_000_000)
    assert code == 75, err
    assert "is full" in err
    assert err.count("\n") == 1, err
    check(open_lake(small_disk / "lake"))
    assert 0 < archived(small_disk / "lake") < len(county())
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    code, _, err = archivers.run("--once", max_bytes=1_000_000)
    archivers.stop()
    assert code == 0, err
    assert archived(small_disk / "lake") == len(county())
    check(open_lake(small_disk / "lake"))
