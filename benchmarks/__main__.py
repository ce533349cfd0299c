"""How fast a replay is, on this machine: `python -m benchmarks [--persons N] [--days D] [--runs R]`.

A county is simulated once, then replayed as whole processes, from its log and from its lake, with all rules. Medians
of the runs; wall seconds from start to written alerts. Ratios within one run compare; absolute figures belong to the
machine that is named above them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

console = Console(highlight=False)


def fundwatch(*arguments: str) -> float:
    """Run a command as a process of its own; wall seconds."""
    begun = time.perf_counter()
    environment = {**os.environ, "FUNDWATCH_KEY": os.environ.get("FUNDWATCH_KEY", "a key for measuring only")}
    subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments], check=True, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - begun


def replayed(source: Path, out: Path, runs: int, title: str) -> tuple[float, dict[str, Any]]:
    """Median wall seconds of replays of a source, and the run.json of the last."""
    walls = []
    for _ in track(range(runs), title, console=console, transient=True):
        walls.append(fundwatch("replay", str(source), "--out", str(out), "--replace"))
    described: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return statistics.median(walls), described


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="How fast a replay is, on this machine.")
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder in which the county, its lake and the runs stay")
    chosen = parser.parse_args(arguments)
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="fundwatch-bench-"))
    county, lake = folder / "county", folder / "lake"
    console.print(
        f"{machine()}; {chosen.persons:,} persons, {chosen.days} days; median of {chosen.runs} runs"
    )
    try:
        simulating = fundwatch(
            "simulate", "--persons", str(chosen.persons), "--days", str(chosen.days), "--seed", "1", "--out", str(county)
        ) if not county.exists() else None  # fmt: skip
        building = (
            fundwatch("lake", "build", str(county / "events"), "--out", str(lake))
            if not lake.exists()
            else None
        )
        log_wall, log = replayed(county / "events", folder / "run-log", chosen.runs, "from the log")
        lake_wall, lake_run = replayed(lake, folder / "run-lake", chosen.runs, "from the lake")
        same = (folder / "run-log" / "alerts.jsonl").read_bytes() == (
            folder / "run-lake" / "alerts.jsonl"
        ).read_bytes()
        _show(
            log["counts"], simulating, building, {"log": (log_wall, log), "lake": (lake_wall, lake_run)}, same
        )
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _show(
    counts: dict[str, Any],
    simulating: float | None,
    building: float | None,
    runs: dict[str, tuple[float, dict[str, Any]]],
    same: bool,
) -> None:
    events, lines = counts["read"], counts["fee_lines"]
    console.print(
        f"{events:,} events, {lines:,} fee lines; alerts from log and lake are {'equal' if same else 'DIFFERENT'}"
    )
    table = Table(pad_edge=False)
    for column in ("what", "seconds", "events/s", "fee lines/s", "peak MB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, seconds in (("simulate", simulating), ("lake build", building)):
        if seconds:
            table.add_row(name, f"{seconds:.1f}", f"{events / seconds:,.0f}", f"{lines / seconds:,.0f}", "")
    for name, (seconds, described) in runs.items():
        memory = f"{described['peak_memory_mb']:,}"
        table.add_row(
            f"replay from {name}",
            f"{seconds:.1f}",
            f"{events / seconds:,.0f}",
            f"{lines / seconds:,.0f}",
            memory,
        )
    console.print(table)
    stages = Table(title="where the seconds go", title_justify="left", pad_edge=False)
    stages.add_column("stage")
    for name in runs:
        stages.add_column(name, justify="right")
    for stage in runs["lake"][1]["seconds"]:
        stages.add_row(
            stage, *(f"{described['seconds'].get(stage, 0):.2f}" for _, described in runs.values())
        )
    console.print(stages)


if __name__ == "__main__":
    main()
