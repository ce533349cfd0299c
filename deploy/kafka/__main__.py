"""`python -m deploy.kafka fetch` and `python -m deploy.kafka run`: what `make test` and `make kafka` call."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path

import click
from kafka import KafkaAdminClient

from deploy.kafka import jars
from deploy.kafka.broker import FAST, HOST, BrokerError, Cluster
from streams.kafka import topics


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


if __name__ == "__main__":
    try:
        main()
    except (jars.MissingError, BrokerError) as error:
        sys.exit(f"kafka: {error}")
