"""From the topic into the store, through a real broker: each change once, wherever the filler ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.kafka.broker import Cluster
from streams.changes import Change, encode, headers
from streams.errors import Refused
from streams.kafka import clients
from streams.kafka.settings import Connection
from streams.kafka.store_filler import OPTIONS, Filled, Filling, fill
from streams.kafka.topics import CHANGES, Layout
from streams.store.query import Filter
from streams.store.reading import AlertReader
from streams.store.writing import AlertStore
from tests.streams.said import a_change, a_fact, a_retraction, an_alert

#: Seconds that something may take that is waited for.
PATIENCE = 60.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/alerts.db"


@pytest.fixture
def producer(connection: Connection, layout: Layout) -> Any:
    with clients.producer(connection, transactional_id=f"{layout.prefix}judge") as made:
        made.init_transactions()
        yield made


def send(producer: Any, layout: Layout, changes: Sequence[Change], *, commit: bool = True) -> None:
    """One transaction, as a judge would: an alert's changes go to one partition."""
    producer.begin_transaction()
    futures = [
        producer.send(
            layout.name(CHANGES),
            key=change.jr_id.encode(),
            value=encode(change, with_facts=True),
            headers=headers(change),
            partition=int(change.jr_id[:2], 16) % layout.judge_partitions,
        )
        for change in changes
    ]
    for future in futures:
        future.get(PATIENCE)
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


def filled(connection: Connection, layout: Layout, url: str, **how: Any) -> Filled:
    """Fill to the topic's end."""
    filling = Filling(layout.name(CHANGES), once=True, **how)
    with AlertStore(url) as store, clients.consumer(connection, **OPTIONS) as consumer:
        return fill(store, consumer, filling)


def sizes(url: str) -> dict[str, int]:
    with AlertReader(url) as reader:
        return reader.sizes()


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def told(begin: int, end: int) -> list[Change]:
    return [a_change(1, an_alert(number), facts=[a_fact(f"m{number}")]) for number in range(begin, end)]


def test_what_was_committed_is_stored_once_and_what_was_aborted_never(
    connection: Connection, layout: Layout, producer: Any, url: str
) -> None:
    send(producer, layout, told(0, 30))
    send(producer, layout, told(30, 40), commit=False)
    assert filled(connection, layout, url) == Filled(records=30, added=30)
    send(producer, layout, [a_retraction(2, an_alert(3)), *told(40, 42)])
    assert filled(connection, layout, url) == Filled(records=3, added=3)
    assert filled(connection, layout, url) == Filled()
    assert filled(connection, layout, url, from_start=True) == Filled(records=33, repeated=33)
    assert sizes(url) == {"alert": 32, "revision": 33, "fact": 32}
    with AlertReader(url) as reader:
        (gone,) = reader.page(Filter(statuses=("retracted",))).alerts
        assert (gone.alert.jr_id, gone.reason, gone.reason_msgid) == (
            an_alert(3).jr_id,
            "cancelled",
            "back-1",
        )


def test_once_stops_at_the_end_that_there_was_at_the_start(
    connection: Connection, layout: Layout, producer: Any, url: str
) -> None:
    send(producer, layout, told(0, 10))

    def say_more(_: Any) -> None:
        send(producer, layout, told(10, 20))

    assert filled(connection, layout, url, told=say_more).records == 10
    assert filled(connection, layout, url).records > 0


def test_it_goes_on_until_it_is_told_to_stop(
    connection: Connection, layout: Layout, producer: Any, url: str
) -> None:
    stop, ended = threading.Event(), []

    def run() -> None:
        with AlertStore(url) as store, clients.consumer(connection, **OPTIONS) as consumer:
            ended.append(fill(store, consumer, Filling(layout.name(CHANGES)), stop))

    thread = threading.Thread(target=run)
    thread.start()
    for begin in (0, 10, 20):
        send(producer, layout, told(begin, begin + 10))
        wait_for(lambda begin=begin: _alerts(url) == begin + 10)  # type: ignore[misc]
    stop.set()
    thread.join(PATIENCE)
    assert ended == [Filled(records=30, added=30)]


def test_killed_at_any_moment_it_ends_with_the_same_store(
    connection: Connection, layout: Layout, producer: Any, broker: Cluster, url: str, tmp_path: Path
) -> None:
    """`kill -9` again and again while records come, then SIGTERM, which drains."""
    command = [
        sys.executable, "-m", "streams.cli", "store", "fill", "--store", url,
        "--brokers", broker.bootstrap, "--prefix", layout.prefix, "--batch", "3",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "FUNDWATCH_HTTP_PORT": "0"}
    said = tmp_path / "said"
    in_flight = 0

    def start() -> subprocess.Popen[bytes]:
        with said.open("wb") as out:
            return subprocess.Popen(command, env=environment, stderr=out)

    filler = start()
    try:
        for round_ in range(3):
            send(producer, layout, told(round_ * 300, round_ * 300 + 300))
            least = round_ * 300 + 20
            wait_for(lambda least=least: _alerts(url) >= least)  # type: ignore[misc]
            filler.kill()
            filler.wait()
            in_flight += _alerts(url) < round_ * 300 + 300
            filler = start()
        send(producer, layout, told(900, 905))
        wait_for(lambda: _alerts(url) == 905)
        filler.send_signal(signal.SIGTERM)
        filler.wait(PATIENCE)
    finally:
        filler.kill()
        filler.wait()
    assert filler.returncode == 0
    assert in_flight, "killed only when there was nothing to do"
    assert "info store changes stored" in said.read_text()
    assert "info store stopped" in said.read_text()
    assert sizes(url) == {"alert": 905, "revision": 905, "fact": 905}
    assert filled(connection, layout, url) == Filled()


def _alerts(url: str) -> int:
    try:
        return sizes(url)["alert"]
    except Refused:
        return -1  # it is only being made


def test_a_record_that_is_no_change_stops_it_until_it_is_passed_over(
    connection: Connection, layout: Layout, producer: Any, url: str
) -> None:
    send(producer, layout, told(0, 5))
    with clients.producer(connection) as stranger:
        placed = stranger.send(layout.name(CHANGES), b"{}", partition=0).get(PATIENCE)
    with pytest.raises(Refused, match=f"--pass-over 0:{placed.offset}"):
        filled(connection, layout, url)
    with pytest.raises(Refused, match="jr_id"):
        filled(connection, layout, url)
    filled(connection, layout, url, pass_over={(0, placed.offset)})
    assert sizes(url)["alert"] == 5
    assert filled(connection, layout, url) == Filled()


def test_another_topic_than_it_has_read_is_refused(
    connection: Connection, layout: Layout, producer: Any, url: str
) -> None:
    send(producer, layout, told(0, 5))
    with AlertStore(url) as store:
        store.set_positions({(layout.name(CHANGES), 0): 10**6})
    with pytest.raises(Refused, match="another topic than it was"):
        filled(connection, layout, url)
    assert filled(connection, layout, url, from_start=True).added == 5


def test_records_that_were_deleted_before_they_were_stored_are_told_of(
    connection: Connection, layout: Layout, url: str
) -> None:
    from kafka import TopicPartition

    with clients.producer(connection) as plain:
        for change in told(0, 5):
            plain.send(layout.name(CHANGES), encode(change, with_facts=True), partition=0).get(PATIENCE)
    with AlertStore(url) as store:
        store.set_positions({(layout.name(CHANGES), 0): 1})
    with clients.admin(connection) as admin:
        admin.delete_records({TopicPartition(layout.name(CHANGES), 0): 4})
    gone: list[tuple[int, ...]] = []
    assert filled(connection, layout, url, gone=lambda *which: gone.append(which)).added == 1
    assert gone == [(0, 1, 3)]


def test_a_topic_that_is_not_there_is_refused(connection: Connection, prefix: str, url: str) -> None:
    with pytest.raises(Refused, match="is not there"):
        filled(connection, Layout(prefix), url)


def test_a_store_of_loaded_runs_is_refused(connection: Connection, layout: Layout, url: str) -> None:
    with AlertStore(url) as store:
        store.note_run({"filters": {}}, [])
    with pytest.raises(Refused, match="holds loaded runs"):
        filled(connection, layout, url)
