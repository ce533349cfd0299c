"""A real Kafka for the tests: one broker a test process, started when the first test asks; others for tests that break them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import Cluster
from streams.cli import options
from streams.kafka import clients, topics
from streams.kafka.settings import Connection

MakeCluster = Callable[[int], Cluster]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The broker that tests share. Leave it running; a test that kills brokers takes `make_cluster`."""
    cluster = Cluster(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[MakeCluster]:
    """Makes running clusters of so many brokers for this test alone, to be killed and started at will."""
    made: list[Cluster] = []

    def make(brokers: int = 1) -> Cluster:
        cluster = Cluster(tmp_path / f"kafka-{len(made)}", brokers)
        made.append(cluster)
        cluster.start()
        return cluster

    yield make
    for cluster in made:
        cluster.kill()


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which no table is folded."""
    monkeypatch.setattr(options.out, "_width", 300)


@pytest.fixture
def connection(broker: Cluster) -> Connection:
    """To the shared broker."""
    return Connection.of({"bootstrap": broker.bootstrap})


@pytest.fixture
def prefix() -> str:
    """Before the names of all topics of this test."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def layout(connection: Connection, prefix: str) -> topics.Layout:
    """All our topics, made under the test's prefix, with few partitions."""
    layout = topics.Layout(prefix, source_partitions=2, judge_partitions=2)
    with clients.admin(connection) as admin:
        topics.create(admin, layout)
    return layout
