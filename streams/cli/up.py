"""`fundwatch up`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from msgspec import structs
from rich.live import Live
from rich.text import Text

from streams.cli.options import CONFIG, FOLDER, err
from streams.errors import Refused
from streams.live.telling import Standing
from streams.live.up import Order, run_up
from streams.operation.reading import read
from streams.operation.stopping import asked_to_stop

#: How often the line on the terminal changes, seconds.
_SHOW_EVERY = 0.25


@click.command("up")
@CONFIG
@click.option("--data", type=FOLDER, help="Folder of all that is kept: alerts, lake, state.")
@click.option("--watch", type=FOLDER, help="Folder whose event logs are read as they grow.")
@click.option("--http", "address", metavar="[HOST:]PORT", help="Where POST /events answers.")
@click.option("--once", is_flag=True, help="End when all that is there is judged, archived and swept.")
@click.option(
    "--repair",
    is_flag=True,
    help="With --once: hold what was said against a replay of the lake, and mend it.",
)
def command(
    config: Path | None, data: Path | None, watch: Path | None, address: str | None, once: bool, repair: bool
) -> None:
    """Judge on this machine as messages come, without Kafka, until SIGTERM or Ctrl-C: what was begun is finished first.

    The alerts are in the alert store of the data folder: fundwatch alerts --store sqlite:///DATA/alerts.db.
    """
    if repair and not once:
        raise click.UsageError("--repair goes with --once; a running one repairs at night")
    found = read(config)
    up = found.settings.up
    http = _address(address) if address else None
    if http is None and up.port:
        http = (up.host, up.port)
    order = Order(
        settings=found.settings,
        data=data or up.data,
        watch=watch or up.watch,
        http=http,
        store=None if found.origins["store.url"] == "default" else found.settings.store.url,
        once=once,
        repair=repair,
    )
    with asked_to_stop() as stop, _shown(order) as (order, on_turn):
        code = run_up(order, stop, on_turn)
    raise SystemExit(int(code))


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise Refused(f"--http {given}: write PORT or HOST:PORT, as in 9611 or 127.0.0.1:9611.")
    return host.strip("[]") or "127.0.0.1", int(port)


@contextmanager
def _shown(order: Order) -> Iterator[tuple[Order, Callable[[Standing], None]]]:
    """A line on the terminal that says how it stands, the log below warnings left out; where there is none, nothing."""
    if not err.is_terminal:
        yield order, lambda _: None
        return
    settings = order.settings
    if settings.logging.level == "info":
        quiet = structs.replace(settings.logging, level="warning")
        order = replace(order, settings=structs.replace(settings, logging=quiet))
    with Live(Text("starting"), console=err, auto_refresh=False, transient=False) as live:
        last = 0.0

        def show(standing: Standing) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _SHOW_EVERY:
                last = now
                live.update(Text(line(standing), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield order, show


def line(standing: Standing) -> str:
    """How it stands, in one line: messages, how far event time has come, open alerts by severity, rejects."""
    alerts = " ".join(f"{severity}: {count:,}" for severity, count in standing.alerts.items())
    parts = [
        f"{standing.messages:,} messages, {standing.rate:,.0f}/s",
        f"{standing.waiting:,} wait" if standing.waiting else "",
        f"to {standing.watermark:%Y-%m-%d %H:%M}" if standing.watermark else "",
        f"alerts {alerts or 'none'}",
        f"{standing.rejects:,} rejects",
    ]
    return " · ".join(part for part in parts if part)
