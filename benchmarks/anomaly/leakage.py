"""Whether features of a time know the future: features as of T of all facts, against those of a log that ends at T."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.anomaly.settings import Settings
from benchmarks.anomaly.worlds import decoded, features_of
from detectors.facts import Facts
from streams.simulate import World, simulate

#: Times that are tried in each world.
_TIMES = 4


def run(settings: Settings, console: Console) -> dict[str, object]:
    """Try several times of several worlds; a table, and the figures."""
    table = Table(title="features as of T", title_justify="left")
    for title in (
        "world",
        "T",
        "messages until T",
        "later",
        "of them about a time before T",
        "feature rows",
        "rows that differ",
        "rows that all facts would change",
    ):
        table.add_column(title, justify="right")
    told = []
    for seed in track(range(1, max(1, settings.seeds // 7) + 1), "leakage", console=console, transient=True):
        wanted = World(persons=60, days=120, seed=seed, noise=3.0, anomalies=True, institutions=20)
        events = simulate(wanted).events
        stamped = [(when, line) for line in events if (when := _seen(line))]
        everything = decoded([line for _, line in stamped])
        end = features_of(everything)
        for number in range(1, _TIMES + 1):
            moment = datetime.combine(wanted.start, datetime.min.time()) + timedelta(
                days=24 * number, hours=7 * number, minutes=13
            )
            known = features_of(replace(everything, as_of=moment))
            before = features_of(decoded([line for when, line in stamped if when <= moment]))
            later = [line for when, line in stamped if when > moment]
            differ = sum(_differing(known[unit], before[unit]) for unit in known)
            moved = sum(_differing(known[unit], end[unit]) for unit in known)
            late = _late(decoded(later), moment)
            rows = sum(one.num_rows for one in known.values())
            table.add_row(
                str(seed),
                str(moment),
                *(f"{n:,}" for n in (len(stamped) - len(later), len(later), late, rows, differ, moved)),
            )
            told.append(
                {
                    "seed": seed,
                    "as_of": str(moment),
                    "late": late,
                    "rows": rows,
                    "differ": differ,
                    "would_change": moved,
                }
            )
    console.print(table)
    console.print(
        f"rows that differ, over all: {sum(int(str(one['differ'])) for one in told):,} of {sum(int(str(one['rows'])) for one in told):,}"
    )
    return {"times": told}


def _seen(line: bytes) -> datetime | None:
    """When the platform saw a message; None for a broken line."""
    try:
        return datetime.strptime(json.loads(line)["inf_time"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 platform times carry no zone
    except (ValueError, KeyError, TypeError):
        return None


def _late(facts: Facts, moment: datetime) -> int:
    """Fee lines that the platform saw after a time and that were given before it."""
    count = 0
    for source in facts.sources.get("fee_line", ()):
        assert isinstance(source, pa.Table)
        count += sum(when is not None and when <= moment for when in source["fee_ocur_time"].to_pylist())
    return count


def _differing(one: pa.Table, other: pa.Table) -> int:
    """Rows of the first that are not in the second as they are."""
    if one.equals(other):
        return 0
    return len(_texts(one) - _texts(other))


def _texts(table: pa.Table) -> set[str]:
    rows: Sequence[dict[str, object]] = table.to_pylist()
    return {repr(row) for row in rows}
