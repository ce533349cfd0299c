"""`fundwatch worker`."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.options import CONFIG


@click.command()
@CONFIG
@click.option(
    "--roll-out",
    is_flag=True,
    help="Let the group judge by this worker's rules from now on; its other workers must be stopped.",
)
def command(config: Path | None, roll_out: bool) -> None:
    """Judge persons and visits as their messages come, until SIGTERM or Ctrl-C: what was begun is finished first."""
    from streams.kafka.worker import run_worker
    from streams.operation.reading import read

    raise SystemExit(int(run_worker(read(config).settings, roll_out=roll_out)))
