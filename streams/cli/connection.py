"""How commands are told of the broker: by the settings of the live services, and by options that go before them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from streams.cli.options import CONFIG
from streams.errors import Refused
from streams.kafka.settings import SETTINGS, Connection, connection_of
from streams.operation.reading import read
from streams.operation.settings import Settings


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --config, --brokers, --kafka and --prefix; the command gets `connection` and `prefix`."""

    @_broker_options
    @wraps(command)
    def told(settings: Settings, **others: Any) -> Any:  # noqa: ARG001
        return command(**others)

    return told


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `broker_options`; the command gets `settings` besides."""
    return _broker_options(command)


def _broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    @CONFIG
    @click.option(
        "--brokers",
        help="Brokers to ask first, as host:port,host:port (default: kafka.bootstrap of the settings).",
    )
    @click.option(
        "--kafka",
        "given",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of the connection, as security_protocol=SSL (repeatable); those of the settings do not count then.",
    )
    @click.option("--prefix", help="Put before the name of every topic (default: kafka.topic_prefix).")
    @wraps(command)
    def told(
        config: Path | None, brokers: str | None, given: tuple[str, ...], prefix: str | None, **others: Any
    ) -> Any:
        settings = read(config).settings
        if brokers or given:
            connection = _connection(brokers or settings.kafka.bootstrap, given)
        else:
            connection = connection_of(settings)
        if prefix is None:
            prefix = settings.kafka.topic_prefix
        return command(settings=settings, connection=connection, prefix=prefix, **others)

    return told


def _connection(brokers: str, given: tuple[str, ...]) -> Connection:
    values = {"bootstrap": brokers}
    options: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise Refused(f"--kafka {one}: write NAME=VALUE, as in security_protocol=SSL.")
        if name == "password":
            raise Refused(
                "--kafka password=…: others on this machine could read it; write password_file=PATH."
            )
        (values if name in SETTINGS else options)[name] = value
    return Connection.of(values, options)
