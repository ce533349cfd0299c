"""Clients of kafka-python for commands: opened, closed, and what goes wrong with a broker said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.errors import Refused
from streams.kafka.settings import Connection

PATIENCE = 10_000
"""Milliseconds until a broker must have answered."""


@contextmanager
def admin(connection: Connection) -> Iterator[Any]:
    """A KafkaAdminClient."""
    from kafka import KafkaAdminClient

    with _open(KafkaAdminClient, connection, connection.admin(bootstrap_timeout_ms=PATIENCE)) as client:
        yield client


@contextmanager
def consumer(connection: Connection, **options: Any) -> Iterator[Any]:
    """A KafkaConsumer."""
    from kafka import KafkaConsumer

    made = connection.consumer(bootstrap_timeout_ms=PATIENCE, **options)
    with _open(KafkaConsumer, connection, made) as client:
        yield client


@contextmanager
def producer(connection: Connection, **options: Any) -> Iterator[Any]:
    """A KafkaProducer."""
    from kafka import KafkaProducer

    made = connection.producer(bootstrap_timeout_ms=PATIENCE, max_block_ms=PATIENCE, **options)
    with _open(KafkaProducer, connection, made) as client:
        yield client


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
        raise Refused(
            f"No broker answers at {where} by {connection.security_protocol}; is it running, and is that its protocol?"
        ) from error
