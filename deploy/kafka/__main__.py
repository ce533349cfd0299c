"""`python -m deploy.kafka fetch`, `run` and `caught-up`: what `make test`, `make kafka` and `make demo-kafka` call."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import click
from kafka import KafkaAdminClient

from deploy.kafka import jars
from deploy.kafka.broker import FAST, HOST, BrokerError, Cluster
from streams.kafka import clients, topics
from streams.kafka.lag import Lag
from streams.kafka.settings import connection_of
from streams.operation.reading import read
from streams.store.writing import AlertStore

#: Seconds without news after which all is done; records of a topic's end that are marks of transactions, no changes.
_QUIET, _MARKS = 5.0, 1


@click.group()
def main() -> None:
    """A real Kafka on this machine, without containers."""


@main.command()
def fetch() -> None:
    """Provide what a broker needs: Java, and Kafka's jars."""
    jars.fetch()


@main.command()
@click.option("--port", default=9092, show_default=True, help="Port of the first broker.")
@click.option(
    "--brokers", type=click.IntRange(1, 5), default=1, show_default=True, help="Brokers in the cluster."
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for the data (default: .kafka/data-BROKERS)."
)
@click.option("--fresh", is_flag=True, help="Throw away what is in the folder.")
def run(port: int, brokers: int, data: Path | None, fresh: bool) -> None:
    """Start a broker with the topics made, until Ctrl-C. Messages are kept for the next time."""
    folder = data or jars.CACHE / f"data-{brokers}"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cluster(folder, brokers, port=port, java_options=FAST) as cluster:
            admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
            report = topics.create(admin, topics.Layout())
            admin.close()
            click.echo(
                f"Kafka {jars.kafka_version()} answers at {cluster.bootstrap}; data and log in {folder}; Ctrl-C stops it.\n"
                f"Topics: {', '.join((*report.created, *report.existing))}\n"
                f"In another terminal: fundwatch topics show --brokers {HOST}:{port}"
            )
            while all(broker.running for broker in cluster.brokers):
                time.sleep(0.5)
            raise BrokerError(f"A broker has ended by itself; {folder}/broker-*/broker.log may say why.")
    except KeyboardInterrupt:
        click.echo("Stopped.")


@main.command("caught-up")
@click.option("--config", type=click.Path(path_type=Path), help="Settings of the services.")
@click.option("--store", required=True, help="The alert store that is filled.")
@click.option("--patience", default=180.0, show_default=True, help="Seconds.")
def caught_up(config: Path | None, store: str, patience: float) -> None:
    """Wait until the services have done what there is to do: nothing waits, and no more is said."""
    settings = read(config).settings
    connection, layout = connection_of(settings), topics.Layout(settings.kafka.topic_prefix)
    groups = {
        f"{settings.worker.group}.router": topics.EVENTS,
        f"{settings.worker.group}.judge": topics.PACKETS,
        settings.archiver.group: topics.EVENTS,
    }
    changes = layout.name(topics.CHANGES)
    deadline = time.monotonic() + patience
    quiet_since, before = time.monotonic(), None
    with ExitStack() as stack:
        lags = [
            stack.enter_context(closing(Lag(connection, group, layout.name(topic))))
            for group, topic in groups.items()
        ]
        while time.monotonic() - quiet_since < _QUIET:
            if time.monotonic() > deadline:
                raise BrokerError("waited too long: do all services run?")
            time.sleep(0.5)
            waiting = sum(lag.waiting() for lag in lags)
            said = clients.ends(connection, changes)
            with AlertStore(store) as filled:
                stored = filled.positions(changes)
            if (
                waiting
                or said != before
                or any(end - stored.get(one, 0) > _MARKS for one, end in said.items())
            ):
                quiet_since, before = time.monotonic(), said


if __name__ == "__main__":
    try:
        main()
    except (jars.MissingError, BrokerError) as error:
        sys.exit(f"kafka: {error}")
