"""`fundwatch replay`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from detectors.watermark import LATENESS
from rules import knowledge as knowledge_module
from rules import rulebook as rulebook_module
from streams.cli.options import (
    FOLDER,
    KNOWLEDGE,
    MEMORY,
    THREADS,
    WORKSPACE,
    Moment,
    bar,
    err,
    key,
    out,
    read_params,
)
from streams.live.rules import load_models
from streams.replay import Filters, Order, Report, replay
from streams.summary import summary
from streams.unmasking import record


@click.command("replay")
@click.argument("inputs", nargs=-1, required=True, metavar="LOG…|LAKE|LEDGER")
@click.option(
    "--out", "folder", type=FOLDER, required=True, help="Folder for the run; must not be there yet."
)
@click.option("--replace", is_flag=True, help="Write over an earlier run.")
@click.option("--as-of", type=Moment(), help="What the platform saw later does not exist.")
@click.option("--from", "from_time", type=Moment(), help="Only alerts that occurred from then on.")
@click.option("--to", "until_time", type=Moment(), help="Only alerts that occurred before then.")
@click.option(
    "--institution", "institutions", multiple=True, help="Only alerts of this institution (repeatable)."
)
@click.option(
    "--rules",
    "codes",
    multiple=True,
    help="Only these rules, by code or id; drafts may be named (repeatable).",
)
@click.option("--param", "params", multiple=True, help="A parameter's value, as GB-07.grace=12 (repeatable).")
@KNOWLEDGE
@click.option(
    "--models",
    "models_folder",
    type=FOLDER,
    help="Models by which the anomaly rules judge (fundwatch train).",
)
@click.option("--rulebook", "rulebook_folder", type=FOLDER, help="Another folder of rules.")
@click.option(
    "--lateness",
    type=float,
    default=LATENESS / timedelta(hours=1),
    show_default=True,
    help="Allowed lateness, hours.",
)
@MEMORY
@THREADS
@click.option("--processes", type=click.IntRange(1), help="Processes that decode logs (default: all cores).")
@WORKSPACE
@click.option("--xlsx", type=FOLDER, help="Also a workbook for officers.")
@click.option(
    "--unmask", metavar="REASON", help="Persons' numbers in clear in the workbook; the reason is recorded."
)
def command(
    inputs: tuple[str, ...],
    folder: Path,
    replace: bool,
    as_of: datetime | None,
    from_time: datetime | None,
    until_time: datetime | None,
    institutions: tuple[str, ...],
    codes: tuple[str, ...],
    params: tuple[str, ...],
    knowledge_folders: tuple[Path, ...],
    models_folder: Path | None,
    rulebook_folder: Path | None,
    lateness: float,
    memory: str,
    threads: int | None,
    processes: int | None,
    workspace: Path | None,
    xlsx: Path | None,
    unmask: str | None,
) -> None:
    """Judge event logs (files, folders, - for standard input), a lake, or an imported ledger.

    Writes alerts.jsonl, rejects.jsonl, coverage.jsonl, evidence.parquet and run.json into the folder of --out.
    Filters choose alerts, never facts: a rule always sees the whole history.
    """
    every = rulebook_module.load(rulebook_folder)
    rulebook = every.select(codes) if codes else every.running()
    secret = key()
    order = Order(
        inputs=inputs,
        out=folder,
        key=secret,
        as_of=as_of,
        lateness=timedelta(hours=lateness),
        filters=Filters(from_time, until_time, frozenset(institutions)),
        params=read_params(params, every, rulebook),
        models=load_models(models_folder) if models_folder else None,
        memory_limit=memory,
        threads=threads,
        processes=processes,
        workspace=workspace,
        replace=replace,
    )
    with bar("replay") as progress:
        report = replay(order, rulebook, knowledge_module.load(*knowledge_folders), _Shown(progress))
    _tell(report, folder)
    if xlsx:
        from streams.xlsx import write_alerts_xlsx

        write_alerts_xlsx(report.alerts, xlsx, unmask=unmask, key=secret)
        if unmask:
            record(folder, f"workbook {xlsx.name}", unmask)
        err.print(f"{xlsx} written" + (f", unmasked: {unmask}" if unmask else ", persons under pseudonyms"))


class _Shown:
    """Progress on the bar: one task a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        group = "judging" if stage.startswith("rule") or stage in ("models", "alerts") else stage
        if group not in self._tasks:
            self._tasks[group] = self._progress.add_task(group, total=total or None)
        self._progress.update(self._tasks[group], completed=done, total=total or None, description=stage)


def _tell(report: Report, folder: Path) -> None:
    """The summary on the terminal: what was read, what was found, what could not be judged."""
    out.print(report.counts.sentence())
    out.print(summary(report.alerts))
    blind = sorted(
        {
            (one.rule_code, ", ".join(one.missing))
            for one in report.coverage
            if one.fixmedins_code is None and one.missing
        }
    )
    if blind:
        out.print("未能判断的规则（缺少的数据）：")
        for code, missing in blind:
            out.print(f"  {code}  {missing}")
    seconds = sum(report.seconds.values())
    out.print(
        f"{report.counts.read:,} messages, {report.fee_lines:,} fee lines in {seconds:.1f} s"
        f" ({report.counts.read / seconds:,.0f} messages/s); written to {folder}"
    )
