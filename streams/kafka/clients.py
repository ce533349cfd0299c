"""Clients of kafka-python for commands: opened, closed, and what goes wrong with a broker said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.errors import Refused
from streams.kafka.settings import Connection

PATIENCE = 10_000
"""Milliseconds until a broker must have answered, unless the site says otherwise."""


class NoAnswer(Refused):
    """No broker answers: it may later."""


@contextmanager
def admin(connection: Connection) -> Iterator[Any]:
    """A KafkaAdminClient."""
    from kafka import KafkaAdminClient

    with _open(KafkaAdminClient, connection, _patient(connection.admin())) as client:
        yield client


@contextmanager
def consumer(connection: Connection, **options: Any) -> Iterator[Any]:
    """A KafkaConsumer."""
    from kafka import KafkaConsumer

    with _open(KafkaConsumer, connection, _patient(connection.consumer(**options))) as client:
        yield client


@contextmanager
def producer(connection: Connection, **options: Any) -> Iterator[Any]:
    """A KafkaProducer."""
    from kafka import KafkaProducer

    made = {"max_block_ms": PATIENCE, **_patient(connection.producer(**options))}
    with _open(KafkaProducer, connection, made) as client:
        yield client


def ends(connection: Connection, topic: str) -> dict[int, int]:
    """Partition → offset that the next record will get. Raises `NoAnswer` or KafkaError where no broker answers."""
    from kafka import TopicPartition

    with consumer(connection, group_id=None) as asked:
        parts = [TopicPartition(topic, one) for one in asked.partitions_for_topic(topic) or ()]
        return {part.partition: int(end) for part, end in asked.end_offsets(parts).items()}


def _patient(options: dict[str, Any]) -> dict[str, Any]:
    return {"bootstrap_timeout_ms": PATIENCE, **options}


@contextmanager
def _open(kind: Any, connection: Connection, options: dict[str, Any]) -> Iterator[Any]:
    from kafka import errors

    where = ",".join(connection.bootstrap)
    try:
        client = kind(**options)
        try:
            yield client
        finally:
            client.close()
    except errors.SaslAuthenticationFailedError as error:
        raise Refused(
            f"The broker at {where} does not let us in; check user, password and mechanism."
        ) from error
    except errors.AuthorizationError as error:
        raise Refused(f"The broker at {where} does not allow that to us ({type(error).__name__}).") from error
    except (errors.KafkaTimeoutError, errors.KafkaConnectionError) as error:
        # A broker that refuses a log-in or a certificate just goes away, and the library tries again.
        asked = ["is it running", "is that its protocol"]
        if "SASL" in connection.security_protocol:
            asked.append("are user and password right")
        if connection.security_protocol.endswith("SSL"):
            asked.append("is its certificate one that ssl_ca trusts")
        raise NoAnswer(
            f"No broker answers at {where} by {connection.security_protocol}; {', '.join(asked[:-1])}, and {asked[-1]}?"
        ) from error
