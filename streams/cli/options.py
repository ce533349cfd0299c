"""What several commands ask for in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from detectors import engine
from rules.rulebook import Rulebook
from streams.errors import Refused
from streams.secrets import site_key

#: Results go to standard output, progress and notes to standard error. What stands in data is text, never markup.
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)

FOLDER = click.Path(path_type=Path)

#: Of every live service: where its settings are.
CONFIG = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    help="File of settings, YAML or TOML (default: the one that FUNDWATCH_CONFIG names).",
)


#: Which alert store a command is about.
store_option = click.option(
    "--store",
    "url",
    metavar="URL",
    default="sqlite:///alerts.db",
    envvar="FUNDWATCH_STORE_URL",
    show_default=True,
    show_envvar=True,
    help="The alert store: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
)


class Moment(click.ParamType):
    """A time as the platform writes it; a date alone is its first moment."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        for pattern in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"):
            try:
                return datetime.strptime(value, pattern)  # noqa: DTZ007 platform times carry no zone
            except ValueError:
                continue
        try:
            return datetime.combine(datetime.strptime(value, "%Y-%m-%d"), time())  # noqa: DTZ007
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-01-31 or '2026-01-31 08:00:00'", param, ctx)


def key() -> bytes:
    """The site's secret; that there is none is said on standard error."""
    return site_key(lambda sentence: err.print(f"fundwatch: {sentence}", soft_wrap=True))


class Memory(click.ParamType):
    """An amount of memory as the engine writes it."""

    name = "memory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            engine.in_bytes(str(value))
        except ValueError as error:
            self.fail(f"{error}; write 4GB or 800MB", param, ctx)
        return str(value)


#: Of every command that works through a history: by which knowledge, and with what of the machine.
KNOWLEDGE = click.option(
    "--knowledge", "knowledge_folders", type=FOLDER, multiple=True, help="Further knowledge (repeatable)."
)
MEMORY = click.option(
    "--memory",
    type=Memory(),
    default=engine.MEMORY_LIMIT,
    show_default=True,
    help="Memory for the engine before it spills.",
)
THREADS = click.option(
    "--threads", type=click.IntRange(1), help="Threads of the engine (default: all cores)."
)
WORKSPACE = click.option("--workspace", type=FOLDER, help="Folder for temporary files.")


@contextmanager
def bar(title: str) -> Iterator[Progress]:
    """A progress bar on standard error with rate of completion and time left; silent where that is no terminal."""
    with Progress(
        SpinnerColumn(),
        TextColumn(title),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        yield progress


def read_params(given: tuple[str, ...], every: Rulebook, chosen: Rulebook) -> dict[str, dict[str, str]]:
    """`GB-07.grace=12` → values by rule code; bounds are checked by the rule.

    Refuses what is not of that form, and a parameter of a rule (one of `every`) that is not among the `chosen`.
    """
    running = {rule.code for rule in chosen.rules}
    params: dict[str, dict[str, str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        code, dot, parameter = name.partition(".")
        if not (equals and dot and parameter and value):
            raise Refused(f"--param {one}: write CODE.NAME=VALUE, as in GB-07.grace=12.")
        code = every.rule(code).code
        if code not in running:
            raise Refused(
                f"--param {one}: {code} does not run; name it in --rules, or leave the parameter out."
            )
        params.setdefault(code, {})[parameter] = value
    for code, values in params.items():
        every.rule(code).values(values)
    return params
