"""`fundwatch send`."""

from __future__ import annotations

import click

from streams.cli.connection import broker_options
from streams.cli.options import bar, err, out
from streams.kafka.settings import Connection
from streams.kafka.topics import EVENTS
from streams.sources import find_inputs, total_bytes


@click.command("send")
@click.argument("inputs", nargs=-1, required=True, metavar="LOG…")
@broker_options
@click.option("--topic", help=f"Topic to send to (default: {EVENTS.name}, with the prefix).")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Messages a second (default: as fast as it goes).",
)
def command(
    inputs: tuple[str, ...], connection: Connection, prefix: str, topic: str | None, rate: float | None
) -> None:
    """Send event logs into the topic of the source, line by line, as a gateway would.

    What is there already is no harm: a message is known by its msgid.
    """
    from streams.kafka.sending import Sent, send

    files = find_inputs(inputs)
    name = topic or f"{prefix}{EVENTS.name}"
    with bar("send") as progress:
        task = progress.add_task("", total=total_bytes(files))

        def show(done: int, sent: Sent) -> None:
            progress.update(task, completed=done, description=f"{sent.messages:,} messages")

        sent = send(connection, name, files, rate=rate, on_progress=show)
    out.print(f"{sent.messages:,} messages sent to {name}.")
    if sent.left_out:
        err.print(f"fundwatch: {sent.left_out:,} were left out: too long for a record, or broken off.")
