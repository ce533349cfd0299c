"""`fundwatch dlq list` and `fundwatch dlq redrive`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import click
from rich.table import Table

from streams.cli.connection import broker_options
from streams.cli.options import bar, out
from streams.errors import Refused
from streams.kafka.dlq import Entry, shown_sentence, source_topic
from streams.kafka.redrive import LEFT, Plan, Redrive, Selection, list_rejects, plan_redrive
from streams.kafka.settings import Connection
from streams.kafka.topics import REJECTS

_SHANGHAI = timezone(timedelta(hours=8))

_topic = click.option("--topic", help=f"Topic of the rejects (default: {REJECTS.name}, with the prefix).")
_reason = click.option(
    "--reason", "reasons", multiple=True, help="Only rejects with this reason code (repeatable)."
)


class _Place(click.ParamType):
    """Where a reject stands in its topic, as the list shows it."""

    name = "partition:offset"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        found = re.fullmatch(r"(?:(\d+):)?(\d+)", str(value))
        if found is None:
            self.fail(f"{value!r} is no place; write PARTITION:OFFSET as the list shows it", param, ctx)
        return int(found[1] or 0), int(found[2])


@click.group("dlq")
def command() -> None:
    """Messages that are no facts: look at why, and send them back."""


@command.command("list")
@broker_options
@_topic
@_reason
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show, the newest."
)
def list_(
    connection: Connection, prefix: str, topic: str | None, reasons: tuple[str, ...], limit: int
) -> None:
    """List rejects that wait: reason, sentence, where they came from, size, time. Never what the message says."""
    name = topic or f"{prefix}{REJECTS.name}"
    with _shown("rejects") as progress:
        listing = list_rejects(connection, name, Selection(frozenset(reasons)), limit, progress)
    if listing.newest:
        out.print(_table(listing.newest))
    counts = ", ".join(f"{reason} {count:,}" for reason, count in listing.waiting.most_common())
    out.print(f"{listing.waiting.total():,} rejects wait in {name}{f': {counts}' if counts else ''}.")
    if listing.redriven:
        out.print(f"{listing.redriven:,} more were sent back.")


@command.command("redrive")
@broker_options
@_topic
@_reason
@click.option(
    "--offset",
    "places",
    type=_Place(),
    multiple=True,
    help="Only the reject that stands there, as PARTITION:OFFSET (repeatable).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--confirm", type=click.IntRange(0), help="Do not ask; send if it is exactly that many.")
def redrive(
    connection: Connection,
    prefix: str,
    topic: str | None,
    reasons: tuple[str, ...],
    places: tuple[tuple[int, int], ...],
    dry_run: bool,
    confirm: int | None,
) -> None:
    """Send messages back to where they came from, as they came: once, however often this is called."""
    name = topic or f"{prefix}{REJECTS.name}"
    selection = Selection(frozenset(reasons), frozenset(places))
    if dry_run:
        with _shown("rejects") as progress:
            _tell(plan_redrive(connection, name, selection, progress))
        return
    with Redrive(connection, name) as right:
        with _shown("rejects") as progress:
            plan = plan_redrive(connection, name, selection, progress)
        _tell(plan)
        if not plan.send and confirm is None:
            return
        _confirm(len(plan.send), confirm)
        with _shown("sent back") as progress:
            sent = right.send(plan, progress)
    out.print(f"{sent:,} messages were sent back to {plan.source}.")


def _confirm(count: int, given: int | None) -> None:
    answer = given if given is not None else click.prompt("Type their number to send them", type=int)
    if answer != count:
        raise Refused(f"There are {count:,} messages to send back, not {answer:,}; nothing was sent.")


def _tell(plan: Plan) -> None:
    out.print(f"{len(plan.send):,} messages to send back to {plan.source}.")
    for why, count in plan.left.most_common():
        out.print(f"{count:,} stay: {LEFT[why]}.")


def _table(entries: list[Entry]) -> Table:
    again = any(one.redrives for one in entries)
    table = Table(pad_edge=False)
    for heading in ("at", "reason", "what is wrong", "from", "bytes", "time"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "at")
    if again:
        table.add_column("sent back", justify="right")
    for one in entries:
        row = (
            f"{one.at.partition}:{one.at.offset}",
            shown_sentence(one.reason),
            shown_sentence(one.sentence),
            shown_sentence(_source(one)),
            f"{one.length:,}",
            _time(one.timestamp_ms),
        )
        table.add_row(*row, *([str(one.redrives or "")] if again else []))
    return table


def _source(one: Entry) -> str:
    """Partition and offset in the topic whose rejects these are; another topic is named."""
    if one.source is None:
        return "unknown"
    place = f"{one.source.partition}:{one.source.offset}"
    return place if one.source.topic == source_topic(one.at.topic) else f"{one.source.topic} {place}"


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(_SHANGHAI)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int], None]]:
    with bar(what) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
