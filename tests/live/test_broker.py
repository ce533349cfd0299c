"""The ground the live tests stand on: brokers keep what they were given through kill -9, and stop when told."""

from __future__ import annotations

import pytest
from kafka import KafkaProducer, TopicPartition

from deploy.kafka.broker import BrokerError, Cluster, free_ports
from streams.kafka import clients, topics
from streams.kafka.settings import Connection
from tests.live.conftest import MakeCluster


def to(cluster: Cluster) -> Connection:
    return Connection.of({"bootstrap": cluster.bootstrap})


def say(cluster: Cluster, value: bytes) -> None:
    producer = KafkaProducer(**to(cluster).producer())
    producer.send(topics.EVENTS.name, value=value, partition=0).get(30)
    producer.close()


def heard(cluster: Cluster) -> list[bytes]:
    with clients.consumer(to(cluster)) as consumer:
        consumer.assign([TopicPartition(topics.EVENTS.name, 0)])
        seen: list[bytes] = []
        while not seen:
            for records in consumer.poll(timeout_ms=500).values():
                seen.extend(record.value for record in records)
        return seen


def test_a_killed_broker_comes_back_on_its_port_with_what_it_held(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(1)
    with clients.admin(to(cluster)) as admin:
        topics.create(admin, topics.Layout())
    say(cluster, b"kept")
    address, before = cluster.bootstrap, cluster.brokers[0].pid
    cluster.brokers[0].kill()
    assert not cluster.brokers[0].running
    cluster.brokers[0].start()
    assert cluster.bootstrap == address
    assert cluster.brokers[0].pid != before
    assert heard(cluster) == [b"kept"]
    say(cluster, b"more")
    cluster.stop()
    assert not cluster.brokers[0].running
    with pytest.raises(BrokerError, match="does not run"):
        _ = cluster.brokers[0].pid


def test_three_brokers_go_on_when_one_is_killed(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(3)
    with clients.admin(to(cluster)) as admin:
        report = topics.create(admin, topics.Layout())
        assert not report.differences
        assert {found.replication for found in topics.found(admin, topics.Layout()).values()} == {3}
    say(cluster, b"before")
    cluster.brokers[0].kill()
    say(cluster, b"after")
    cluster.brokers[0].start()
    cluster.brokers[0].wait(3)


def test_a_broker_that_cannot_start_says_what_it_logged_last(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(1)
    broker = cluster.brokers[0]
    broker.kill()
    (broker.folder / "data" / "meta.properties").write_text("version=1\nnode.id=7\n")
    with pytest.raises(BrokerError, match=r"(?s)ended while it started:.*meta\.properties"):
        broker.start()


def test_ports_are_free_and_not_handed_out_twice() -> None:
    assert len(set(free_ports(20))) == 20
