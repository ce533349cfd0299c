"""How fast the live part is, on this machine: `python -m benchmarks.live [--persons N] [--days D] [--workers W] [--brief]`.

Broker, archiver, generator and workers run here together; what each took of the processors is said. The router
decodes and parts, the judges judge with all rules of persons and visits, the archiver writes the lake. Rates count
from the first message to the last change said. Ratios compare within one run; absolute figures belong to the
machine that is named above them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks import delays
from benchmarks.__main__ import console, machine
from benchmarks.bed import Bed, Rate, Site, bed
from streams.simulate import World, simulate
from streams.wire import decode
from tests.live.soak import rulebooks

Figures = dict[str, Any]

#: Times that the rules are there, for a rulebook of about 160.
TIMES = 12

#: In so many stretches two counties are compared: of persons, and of months, where what is done once in a while takes longer.
STRETCHES, LONG_STRETCHES = 5, 2

#: Parts of what is taken at most that are offered steadily, until one is sustained: what is taken of a backlog is more than can be
#: offered, since much that waits is judged at once.
PARTS = (0.9, 0.8, 0.7, 0.6, 0.5)

#: For how many seconds each is offered, and within how many after the last message everything is said, if it is sustained.
OFFERED, WITHIN = 25, 5

#: For how many seconds messages are sent at each rate of which delays are measured.
HEARD = 60

#: Messages a second that two cores are to sustain whatever else is found: 130 million a day.
LEAST = 1500


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.live", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--persons", type=int, default=4000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--brief", action="store_true", help="a tenth of it")
    parser.add_argument("--only", choices=[*SCENES], nargs="*", help="only these measurements")
    parser.add_argument("--json", type=Path, help="file for the figures")
    chosen = parser.parse_args(arguments)
    chosen.part = 0.1 if chosen.brief else 1
    if chosen.brief:
        chosen.persons, chosen.days = chosen.persons // 10, 110
    folder = Path(tempfile.mkdtemp(prefix="fundwatch-live-"))
    console.print(f"{machine()}; {chosen.persons:,} persons, {chosen.days} days; {chosen.workers} worker(s)")
    figures: Figures = {
        "county": {
            "machine": machine(),
            "persons": chosen.persons,
            "days": chosen.days,
            "workers": chosen.workers,
        }
    }
    try:
        with bed(folder) as on:
            for name in chosen.only or SCENES:
                begun = time.monotonic()
                figures[name] = SCENES[name](on, chosen, figures)
                console.print(f"{name} measured in {time.monotonic() - begun:.0f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _show(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def county(persons: int, days: int, *, planted: bool = True) -> list[bytes]:
    """Messages in their order of arrival."""
    return [bytes(line) for line in simulate(World(persons, days, 1, planted=planted)).events]


def sustained(on: Bed, chosen: argparse.Namespace, _: Figures) -> Figures:
    """The natural mix as fast as it is taken; a lost disk; then the rate that can be offered for good (sustainable throughput, as
    Karimov et al. have it, ICDE 2018)."""
    with on.site("sustained", chosen.workers) as site:
        lines = county(4 * chosen.persons, chosen.days)
        peak = len(lines) * 3 // 10
        figures = _measured(site, lines[:peak])
        figures["recovery_seconds"] = round(site.recover(), 1)
        most = figures["events_per_second_at_most"]
        return figures | _offered(site, lines[peak:], most, OFFERED * chosen.part)


def _offered(site: Site, lines: Sequence[bytes], most: float, seconds: float) -> Figures:
    """The highest of some rates, by their parts of `most`, that is sustained, and how far behind each was in the end."""
    behind: dict[str, str] = {}
    at = 0
    for part in PARTS:
        some = lines[at : at + round(part * most * seconds)]
        at += len(some)
        if at == len(lines):
            break  # what is left would be over too soon to show anything
        rate = site.through(some, part * most)
        sent = len(some) / (rate.seconds - rate.behind)
        behind[f"{sent:.0f} events/s"] = f"{rate.behind:.1f} s behind"
        if rate.behind <= WITHIN:
            return {"offered": behind, "events_per_second": round(sent)}
    return {"offered": behind}


def many_rules(on: Bed, chosen: argparse.Namespace, _: Figures) -> Figures:
    """The same with the rules repeated under other codes."""
    folder = Path(tempfile.mkdtemp(prefix="rules-"))
    try:
        rules = rulebooks.repeated(folder, TIMES)
        with on.site("many-rules", chosen.workers, rules) as site:
            lines = county(chosen.persons, chosen.days)
            return {"rules": len(rules.rulebook().rules), **_measured(site, lines[: len(lines) // 2])}
    finally:
        shutil.rmtree(folder)


def delay(on: Bed, chosen: argparse.Namespace, figures: Figures) -> Figures:
    """From message to change: at half of the least rate, of the one that is sustained, and of what is taken at most, a minute
    each of four times the persons, so that there are changes enough for a percentile."""
    measured = figures.get("sustained", {})
    names = ("events_per_second", "events_per_second_at_most")
    rates = [LEAST, *(measured[name] for name in names if name in measured)]
    lines = county(4 * chosen.persons, chosen.days)
    told: Figures = {}
    with on.site("delay", chosen.workers) as site:
        at = len(lines) // 6
        site.through(lines[:at])
        for rate in dict.fromkeys(rate / 2 for rate in rates):
            some = lines[at : at + int(rate * HEARD * chosen.part)]
            at += len(some)
            found = delays.measure(site, some, rate)
            told[f"at {found.rate:.0f} events/s"] = {
                "changes": len(found.seconds),
                "p50 seconds": round(found.at(50), 2),
                "p99 seconds": round(found.at(99), 2),
                "cores that the host withheld": round(found.stolen, 2),
            }
    return told


def ten_times_the_persons(on: Bed, chosen: argparse.Namespace, _: Figures) -> Figures:
    """The last messages of a county, and of one with ten times the persons."""
    size = max(chosen.persons // 2, 50)
    small, large = (county(times * size, 60, planted=False) for times in (1, 10))
    return _compared(on, "persons", small, large, STRETCHES)


def ten_times_the_months(on: Bed, chosen: argparse.Namespace, _: Figures) -> Figures:
    """The last five months of a county, and of one with ten times the days before what a history holds.

    No rule looks back over more than ten days, so that a history holds 110: twice as many, and 90 for corrections. Five
    months take so long that what is done every few seconds comes about as often for the one as for the other.
    """
    folder = Path(tempfile.mkdtemp(prefix="rules-"))
    try:
        short = rulebooks.make(folder, timedelta(days=10))[0]
        size, held, before, last = max(chosen.persons * 3 // 4, 50), 110, 100, 150
        small, large = (county(size, days + held + last, planted=False) for days in (before, 10 * before))
        return _compared(on, "months", small, large, LONG_STRETCHES, short)
    finally:
        shutil.rmtree(folder)


#: What is measured, by the name that `--only` takes.
SCENES: dict[str, Callable[[Bed, argparse.Namespace, Figures], Figures]] = {
    "sustained": sustained,
    "delay": delay,
    "many-rules": many_rules,
    "persons": ten_times_the_persons,
    "months": ten_times_the_months,
}


def _measured(site: Site, lines: Sequence[bytes]) -> Figures:
    warm = len(lines) // 5
    site.through(lines[:warm])
    steps = site.steps()
    rate = site.through(lines[warm:])
    spent = site.steps() - steps
    fee_lines = sum(
        decoded.tables["fee_line"].num_rows
        for start in range(warm, len(lines), 20_000)
        if "fee_line"
        in (
            decoded := decode(
                lines[start : start + 20_000],
                source="",
                first_line=1,
                first_seq=0,
                key=b"not of any use here",
            )
        ).tables
    )
    return {
        "events": len(lines),
        "events_per_second_at_most": round(rate.per_second),
        "fee_lines_per_second": round(fee_lines / rate.seconds),
        "cores": {name: round(value, 2) for name, value in rate.cores.items()},
        "history_bytes_per_event": round(site.history_bytes() / len(lines)),
        "judge_seconds_by_step": {name: round(value, 1) for name, value in spent.most_common()},
        "judge_seconds": round(rate.seconds, 1),
    }


def _compared(
    on: Bed,
    name: str,
    small: list[bytes],
    large: list[bytes],
    stretches: int,
    rules: rulebooks.Rules | None = None,
) -> Figures:
    """Cost of as many last messages of both, when the first of both were judged: in stretches of the one and the other in
    turn, since a machine changes by more within minutes than is to be seen here."""
    stretch = min(len(small) * 2 // 5, 60_000) // stretches
    measured = stretch * stretches
    with ExitStack() as stack:
        sites: list[Site] = []
        for size, lines in (("small", small), ("large", large)):
            site = stack.enter_context(on.site(f"{name}-{size}", 1, rules))
            site.through(lines[:-measured])
            sites.append(site)
        _let_go(sites)
        for site in sites:
            site.end_archiving()
        before = [site.steps() for site in sites]
        rates: list[list[Rate]] = [[], []]
        for left in range(measured, 0, -stretch):
            for site, lines, found in zip(sites, (small, large), rates, strict=True):
                found.append(site.through(lines[len(lines) - left : len(lines) - left + stretch]))
        steps = [site.steps() - start for site, start in zip(sites, before, strict=True)]
    costs = [[rate.worker_microseconds for rate in found] for found in rates]
    ratios = [many / few for few, many in zip(*costs, strict=True)]
    return {
        "events_measured": measured,
        "events_before": [len(small) - measured, len(large) - measured],
        "events_per_second": [round(measured / sum(rate.seconds for rate in found)) for found in rates],
        "worker_microseconds_per_event": [round(statistics.mean(found)) for found in costs],
        "judge_seconds_by_step": {
            step: f"{steps[0][step]:.2f} {steps[1][step]:.2f}" for step, _ in steps[1].most_common()
        },
        "cost_ratio": round(sum(costs[1]) / sum(costs[0]), 2),
        "cost_ratio_of_each_stretch": [round(ratio, 2) for ratio in ratios],
    }


def _let_go(sites: Sequence[Site]) -> None:
    """Give the judges two turns of letting go of histories."""
    deadline = time.monotonic() + 70
    while time.monotonic() < deadline or not all(site.has_nothing_to_do() for site in sites):
        time.sleep(1)


def _show(figures: Figures) -> None:
    table = Table(pad_edge=False)
    for heading in ("measured", "figure", "value"):
        table.add_column(heading)
    for name in SCENES:
        for figure, value in figures.get(name, {}).items():
            shown = (
                ", ".join(f"{one} {of}" for one, of in value.items())
                if isinstance(value, dict)
                else f"{value}"
            )
            table.add_row(name, figure.replace("_", " "), shown)
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()
