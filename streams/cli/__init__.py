"""The command line: one module a command, imported when it is called."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import click
import duckdb

from detectors.errors import RuleError
from rules.rulebook import RulebookError, SourceError
from streams.errors import Refused
from streams.operation import disk
from streams.operation.exits import Exit
from streams.operation.process import collect_seldom, give_way, keep_blocks_at_hand

#: Command → module under streams.cli that holds it as `command`, and its line in the help.
COMMANDS = {
    "simulate": ("simulate", "Write the event log of an invented county, with planted fraud and its truth."),
    "import": ("import_", "Turn exported tables into a ledger, by a declared mapping."),
    "lake": ("lake", "Build or describe a lake: the facts of event logs as Parquet."),
    "archive": ("archive", "Put a topic into a lake, continuously, each event once."),
    "replay": ("replay", "Judge event logs, a lake or a ledger, and write the alerts."),
    "rank": ("rank", "Order a run's alerts by what reviewers decided of their like."),
    "evaluate": ("evaluate", "Compare scores with a truth, beside the plain baselines."),
    "train": ("train", "Train the anomaly models on a history."),
    "score": ("score", "Score institutions, practitioners and stays with trained models."),
    "diff": ("diff", "Compare the alerts of two runs."),
    "show": (
        "show",
        "Show one alert of a run or a store: the finding, the law, the evidence as a time line.",
    ),
    "alerts": ("alerts", "List the alerts of a store, by rule, institution, person, money, time."),
    "store": ("store", "Fill an alert store: from a replay's run, or from Kafka."),
    "rules": ("rules", "List, lint, test and explain the rules."),
    "topics": ("topics", "Make and show the topics of a Kafka."),
    "send": ("send", "Send event logs into the topic of the source, as a gateway would."),
    "up": ("up", "Judge on this machine as messages come, without Kafka."),
    "worker": ("worker", "Judge persons and visits as their messages come from Kafka."),
    "sweep": ("sweep", "Judge from the lake what is not keyed by person or visit; repair."),
    "brake": ("brake", "Show what a braked worker would say, and let it, or drop it."),
    "dlq": ("dlq", "List what was rejected, and send it back."),
    "knowledge": ("knowledge", "Import published knowledge points."),
    "config": ("config", "Show or check the settings of the live services."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(f"streams.cli.{module}").command
        command.short_help = summary
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("fundwatch"), prog_name="fundwatch")
def cli() -> None:
    """Watch the settlement stream of a medical-insurance fund, and say with evidence where it is being cheated."""


class _Terminated(BaseException):
    """Somebody asked the process to end (SIGTERM)."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM unwind the work, so that temporary folders and half results go with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _settle_process(command: list[str]) -> None:
    if command in (["worker"], ["up"]):
        keep_blocks_at_hand()
        collect_seldom()
    if command in (["archive"], ["sweep"]):
        give_way()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. A refusal is one sentence on standard error and exit code 2; a full disk is 75, Ctrl-C 130,
    SIGTERM 143.
    """
    if arguments is None:
        _settle_process(sys.argv[1:2])
    try:
        with _terminable(), disk.told({}):
            cli.main(args=arguments, prog_name="fundwatch", standalone_mode=False)
    except disk.DiskFull as full:
        click.echo(f"fundwatch: {full}", err=True)
        sys.exit(Exit.DISK_FULL)
    except (Refused, RulebookError, SourceError, RuleError) as refusal:
        click.echo(f"fundwatch: {refusal}", err=True)
        sys.exit(Exit.REFUSED)
    except duckdb.OutOfMemoryException:
        click.echo(
            "fundwatch: the engine's memory does not suffice; give more with --memory, or fewer --threads.",
            err=True,
        )
        sys.exit(Exit.REFUSED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"fundwatch: {place}{error.strerror or error}.", err=True)
        sys.exit(Exit.REFUSED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt, _Terminated) as error:
        click.echo("fundwatch: interrupted; nothing was left half written.", err=True)
        sys.exit(Exit.TERMINATED if isinstance(error, _Terminated) else Exit.INTERRUPTED)
