"""A worker that is told to end does so, however far its start has come."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.services import FUNDWATCH, Worker
from streams.kafka.settings import Connection
from streams.kafka.topics import Layout
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
