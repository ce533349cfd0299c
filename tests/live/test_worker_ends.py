"""A worker that is told to end does so, however far its start has come."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.kafka.services import FUNDWATCH, Worker
from streams.kafka.settings import Connection
from streams.kafka.topics import ALERTS, Layout
from streams.operation.exits import Exit
from tests.live.soak.watching import Groups, wait_for

#: Seconds within which a worker that has done nothing yet must have ended.
SOON = 40.0


@pytest.fixture
def worker(
    tmp_path: Path, connection: Connection, layout: Layout, request: pytest.FixtureRequest
) -> Iterator[Worker]:
    settings = {
        "kafka": {"bootstrap": ",".join(connection.bootstrap), "topic_prefix": layout.prefix},
        "worker": {"lake": str(tmp_path / "lake"), "session_timeout_seconds": 6},
    }
    worker = Worker(tmp_path, settings, command=request.param, environment={})
    yield worker
    worker.kill()


FUNDWATCH_WORKER = (*FUNDWATCH, "worker")
SLOW = (sys.executable, "-m", "tests.live.soak.child", "--slow-start")


def begun(worker: Worker) -> bool:
    return worker.log.exists() and "worker started" in worker.log.read_text()


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER, SLOW], indirect=True, ids=["worker", "slow worker"])
@pytest.mark.parametrize("turns", [0, 1, 5, 10])
def test_it_ends_while_it_starts(worker: Worker, turns: int) -> None:
    """`turns`: tenths of a second after it has said that it starts."""
    worker.start()
    waited: list[bool] = []

    def is_so_far() -> bool:
        if begun(worker):
            waited.append(True)
        return len(waited) > turns

    wait_for(is_so_far, "it starts")
    assert worker.end(SOON), worker.log.read_text()


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER], indirect=True, ids=["worker"])
def test_it_ends_in_order_when_it_judges(worker: Worker, connection: Connection, layout: Layout) -> None:
    groups = Groups(connection, layout, "fundwatch-worker")
    worker.start()
    wait_for(lambda: groups.members() == 1 and bool(worker.partitions()), "it judges")
    assert worker.end(SOON), worker.log.read_text()
    assert worker.wait(1) == Exit.DONE


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER], indirect=True, ids=["worker"])
def test_it_ends_while_it_waits_for_what_another_left_unsaid(
    worker: Worker, connection: Connection, layout: Layout
) -> None:
    """Who died over a transaction hides what was said after it, for as long as a transaction may last."""
    options = connection.producer(transactional_id=f"{layout.prefix}dead", transaction_timeout_ms=120_000)
    dead = KafkaProducer(**options)
    dead.init_transactions()
    dead.begin_transaction()
    dead.send(layout.name(ALERTS), key=b"jr", value=b"begun", partition=0).get(10)
    groups = Groups(connection, layout, "fundwatch-worker")
    worker.start()
    wait_for(lambda: groups.members() == 1, "it is given partitions")
    time.sleep(5)
    assert not worker.partitions()
    assert worker.end(SOON), worker.log.read_text()
    assert worker.wait(1) == Exit.DONE
    dead.close(timeout=1)


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER], indirect=True, ids=["worker"])
def test_it_ends_where_its_state_is_of_another_format(worker: Worker) -> None:
    for partition in range(2):
        with closing(sqlite3.connect(worker.state / f"shard-{partition:04}.db")) as state:
            state.execute("pragma user_version = 99")
    worker.start()
    assert worker.wait(SOON) == Exit.UNHEALTHY
    assert "worker failed" in worker.log.read_text()


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER], indirect=True, ids=["worker"])
def test_it_ends_when_its_router_is_killed(worker: Worker, connection: Connection, layout: Layout) -> None:
    groups = Groups(connection, layout, "fundwatch-worker")
    worker.start()
    wait_for(lambda: groups.members() == 1 and bool(worker.partitions()), "it judges")
    os.kill(router_of(worker), signal.SIGKILL)
    assert worker.wait(SOON) == Exit.UNHEALTHY
    assert "worker failed" in worker.log.read_text()


@pytest.mark.parametrize("worker", [FUNDWATCH_WORKER], indirect=True, ids=["worker"])
def test_its_router_gives_way_to_it_and_ends_when_it_is_killed(worker: Worker) -> None:
    worker.start()
    wait_for(lambda: begun(worker) and bool(worker.partitions()), "it judges")
    router = router_of(worker)
    lower = min(priority(worker.pid) + 5, 19)
    wait_for(lambda: priority(router) == lower, "the router gives way", SOON)
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(router), "the router ends", SOON)


def priority(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def router_of(worker: Worker) -> int:
    """The process that a worker's router is."""
    told = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(worker.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = (line for line in told.stdout.splitlines() if "spawn_main" in line)
    return int(found.split()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
