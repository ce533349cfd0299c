"""What the models cost: fee lines a second into features, stays a second through the models, a million stays to train on, a micro-batch."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import fundwatch
from benchmarks.anomaly.settings import Settings
from benchmarks.anomaly.worlds import KEY, Watch, county, decoded, world
from detectors.anomaly import peers
from detectors.anomaly.fit_expectation import ExpectationFitting
from detectors.anomaly.model import ModelSet, feature_hashes
from detectors.standing import StandingKernel
from rules import knowledge, rulebook
from rules.rulebook import Rulebook
from streams.anomaly.material import Source, features, opened
from streams.anomaly.training import UNITS
from streams.live.rules import OF_PERSONS
from streams.simulate import simulate, write

#: Of whom a lake is read, at the least: five million lines in half a year, beside which opening it is little.
_INSTITUTIONS = 480

#: Messages of a micro-batch.
_BATCHES = (500, 2_000, 8_000)

#: Batches that are judged, after two to warm up.
_REPEATS = 9


def run(settings: Settings, console: Console) -> dict[str, object]:
    """Measure everything; tables, and the figures."""
    told: dict[str, object] = {}
    for part in (_features, _scoring, _training, _batches):
        told |= part(settings, console)
    return told


def _features(settings: Settings, console: Console) -> dict[str, object]:
    """From the lake to the feature tables, on all cores."""
    institutions = max(settings.institutions, _INSTITUTIONS)
    wanted = world(1, fraud=True, institutions=institutions, days=settings.days)
    lake = settings.keep / f"lake-{institutions}-{settings.days}"
    if not lake.exists():
        log = settings.keep / f"log-{institutions}-{settings.days}"
        if not log.exists():
            write(wanted, log)
        fundwatch("lake", "build", str(log / "events"), "--out", str(lake))
    watch = Watch()
    seconds: dict[str, float] = {}
    with opened(Source((str(lake),), KEY), knowledge.load()) as ledger:
        ledger_seconds = watch.lap()
        lines = ledger.rows("fee_line")
        watch.lap()
        features(ledger, UNITS, lambda name, *_: seconds.update({name: watch.lap()}))
    table = Table(title=f"features of {lines:,} fee lines from the lake", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("fee lines/s", justify="right")
    every = sum(seconds.values())
    for name, spent in (
        ("lake → ledger", ledger_seconds),
        *seconds.items(),
        ("all features", every),
        ("lake → features", ledger_seconds + every),
    ):
        table.add_row(name, f"{spent:.2f}", f"{lines / spent:,.0f}")
    console.print(table)
    return {
        "fee_lines": lines,
        "ledger_seconds": ledger_seconds,
        "feature_seconds": seconds,
        "fee_lines_a_second": lines / every,
    }


def _scoring(settings: Settings, console: Console) -> dict[str, object]:
    """Stays a second through model 1, and all subjects through the others."""
    here = county(world(1, fraud=True, institutions=settings.institutions, days=settings.days), settings.keep)
    expectation = ExpectationFitting().fit(here.features, here.as_of, seed=1)
    compared = peers.fit(here.features, here.as_of, seed=1)
    stays = here.features["stay"].num_rows
    one = _best(lambda: expectation.score(here.features))
    two = _best(lambda: compared.score(here.features))
    console.print(
        f"scoring {stays:,} stays: expectation {one:.2f} s ({stays / one:,.0f} stays/s); the institutions and practitioners of these stays: "
        f"peers {two:.2f} s ({stays / two:,.0f} stays/s)",
        soft_wrap=True,
    )
    return {"stays": stays, "expectation_stays_a_second": stays / one, "peers_stays_a_second": stays / two}


def _best(act: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of a few."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _training(settings: Settings, console: Console) -> dict[str, object]:
    """Training on very many stays, in a process of its own for the sake of its memory."""
    county(world(1, fraud=True, institutions=settings.institutions, days=settings.days), settings.keep)
    told: dict[str, object] = json.loads(
        subprocess.run(
            [sys.executable, "-m", "benchmarks.anomaly.large", str(settings.stays), str(settings.institutions), str(settings.days), str(settings.keep)],
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
    )  # fmt: skip
    seconds = told["seconds"]
    assert isinstance(seconds, dict)
    console.print(
        f"training on {told['stays']:,} stays of {told['institutions']:,} institutions: "
        + ", ".join(f"{name} {spent:.0f} s" for name, spent in seconds.items())
        + f"; together {sum(seconds.values()):.0f} s, peak memory {told['peak_mb']:,} MB",
        soft_wrap=True,
    )
    return {"training": told}


def _batches(settings: Settings, console: Console) -> dict[str, object]:
    """What model 1 adds to a micro-batch of the worker's rules, on one thread."""
    wanted = world(2, fraud=True, institutions=min(40, settings.institutions), days=120)
    events = [line for line in simulate(wanted).events if line.startswith(b'{"infno"')]
    here = county(wanted, settings.keep)
    fitted = ExpectationFitting().fit(here.features, here.as_of, seed=1)
    models = ModelSet({fitted.name: fitted}, here.as_of, 1, feature_hashes([fitted]))
    every = rulebook.load().running()
    mine = [rule for rule in every.rules if rule.key in OF_PERSONS]
    plain = Rulebook(tuple(rule for rule in mine if not rule.models))
    known = knowledge.load()
    kernels = {
        "rules alone": StandingKernel(plain, known, threads=1),
        "with model 1": StandingKernel(Rulebook(tuple(mine)), known, models=models, threads=1),
    }
    table = Table(
        title=f"a micro-batch: {len(plain.rules)} rules of persons and visits, one thread, median of {_REPEATS}",
        title_justify="left",
    )
    table.add_column("messages", justify="right")
    for name in (*kernels, "added"):
        table.add_column(f"{name}, ms", justify="right")
    told = {}
    for size in _BATCHES:
        middle = {}
        for name, kernel in kernels.items():
            taken = []
            for turn in range(_REPEATS + 2):
                begin = (turn * size) % max(1, len(events) - size)
                facts = decoded(events[begin : begin + size])
                tables = {unit: parts[0] for unit, parts in facts.sources.items()}
                begun = time.perf_counter()
                with kernel.judged(tables, here.as_of):
                    taken.append(time.perf_counter() - begun)
            middle[name] = statistics.median(taken[2:]) * 1000
        added = middle["with model 1"] - middle["rules alone"]
        table.add_row(f"{size:,}", *(f"{value:.0f}" for value in (*middle.values(), added)))
        told[str(size)] = {**middle, "added": added}
    for kernel in kernels.values():
        kernel.close()
    console.print(table)
    return {"micro_batch_ms": told}
