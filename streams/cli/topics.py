"""`fundwatch topics create`, `fundwatch topics show` and `fundwatch topics script`."""

from __future__ import annotations

import click
from rich.table import Table

from streams.cli.connection import broker_options
from streams.cli.options import out
from streams.kafka import clients, topics
from streams.kafka.settings import Connection
from streams.kafka.topics import TOPICS, Difference, Layout


@click.group("topics")
def command() -> None:
    """The topics that the live part needs."""


_source = click.option(
    "--source-partitions",
    type=click.IntRange(1),
    default=Layout.source_partitions,
    show_default=True,
    help="Partitions of the source.",
)
_judge = click.option(
    "--judge-partitions",
    type=click.IntRange(1),
    default=Layout.judge_partitions,
    show_default=True,
    help="Partitions by person: at most so many workers at once.",
)


@command.command("create")
@broker_options
@_source
@_judge
@click.option(
    "--replication",
    type=click.IntRange(1),
    help="Replicas of each partition (default: one a broker, at most 3).",
)
def create(
    connection: Connection,
    prefix: str,
    source_partitions: int,
    judge_partitions: int,
    replication: int | None,
) -> None:
    """Make the topics that are not there. Those that are stay as they are; exit code 1 where they differ."""
    with clients.admin(connection) as admin:
        report = topics.create(admin, Layout(prefix, source_partitions, judge_partitions, replication))
    for name in report.created:
        out.print(f"created   {name}")
    for name in report.existing:
        out.print(f"existing  {name}")
    _tell(report.differences)


@command.command("show")
@broker_options
@_source
@_judge
@click.option(
    "--replication",
    type=click.IntRange(1),
    help="Replicas that are meant (default: one a broker, at most 3).",
)
def show(
    connection: Connection,
    prefix: str,
    source_partitions: int,
    judge_partitions: int,
    replication: int | None,
) -> None:
    """Show the topics as they are on the broker. Exit code 1 where one is missing or differs from what is meant."""
    layout = Layout(prefix, source_partitions, judge_partitions, replication)
    with clients.admin(connection) as admin:
        there = topics.found(admin, layout)
        different = topics.differences(admin, layout)
    table = Table(pad_edge=False)
    for heading in ("topic", "partitions", "replicas", "kept"):
        table.add_column(heading, no_wrap=True)
    for topic in TOPICS:
        if topic in there:
            has = there[topic]
            table.add_row(layout.name(topic), str(has.partitions), str(has.replication), topics.kept(has))
        else:
            table.add_row(layout.name(topic), "–", "–", "not there")
    out.print(table)
    missing = [layout.name(topic) for topic in TOPICS if topic not in there]
    if missing:
        out.print(
            f"{len(missing)} of {len(TOPICS)} topics are not there; fundwatch topics create makes them."
        )
    _tell(different)
    if missing:
        raise SystemExit(1)


@command.command("script")
@click.option("--prefix", default="", help="Put before the name of every topic.")
@_source
@_judge
@click.option(
    "--replication",
    type=click.IntRange(1),
    default=topics.MOST_REPLICAS,
    show_default=True,
    help="Replicas of each partition.",
)
def script(prefix: str, source_partitions: int, judge_partitions: int, replication: int) -> None:
    """Print a shell script that makes the topics with Kafka's own tool."""
    click.echo(topics.script(Layout(prefix, source_partitions, judge_partitions), replication), nl=False)


def _tell(differences: list[Difference] | tuple[Difference, ...]) -> None:
    """Say how topics differ; exit code 1 where they do."""
    for one in differences:
        out.print(one.sentence)
    if differences:
        raise SystemExit(1)
