"""How commands are told of the broker."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from streams.errors import Refused
from streams.kafka.settings import SETTINGS, Connection


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --brokers, --kafka and --prefix; the command gets `connection` and `prefix`."""

    @click.option(
        "--brokers",
        default="127.0.0.1:9092",
        show_default=True,
        help="Brokers to ask first, as host:port,host:port.",
    )
    @click.option(
        "--kafka",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of the connection, as security_protocol=SSL (repeatable).",
    )
    @click.option("--prefix", default="", help="Put before the name of every topic.")
    @wraps(command)
    def told(brokers: str, settings: tuple[str, ...], **others: Any) -> Any:
        return command(connection=_connection(brokers, settings), **others)

    return told


def _connection(brokers: str, settings: tuple[str, ...]) -> Connection:
    values = {"bootstrap": brokers}
    options: dict[str, str] = {}
    for one in settings:
        name, equals, value = one.partition("=")
        if not equals:
            raise Refused(f"--kafka {one}: write NAME=VALUE, as in security_protocol=SSL.")
        if name == "password":
            raise Refused(
                "--kafka password=…: others on this machine could read it; write password_file=PATH."
            )
        (values if name in SETTINGS else options)[name] = value
    return Connection.of(values, options)
