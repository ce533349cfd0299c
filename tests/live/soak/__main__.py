"""The long form: `make soak SEED=1 MINUTES=30`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.live.soak.run import Plan, soak
from tests.live.soak.verdict import LONG, objections, report
from tests.live.soak.world import Wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """0: equal, and enough was done to say so."""
    parser = argparse.ArgumentParser(prog="soak", description="Promise 7 over a real Kafka.")
    parser.add_argument("--seed", type=int, default=1, help="of the world and of the faults")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long at least")
    parser.add_argument("--faults", type=int, default=40, help="do so many at least")
    parser.add_argument("--persons", type=int, default=4000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--lookback", type=int, default=75, help="longest lookback of a rule, days")
    parser.add_argument("--corrections", type=int, default=20, help="worker.corrections_days")
    parser.add_argument(
        "--keep", type=Path, help="folder in which logs, lake, states and the broker's data stay"
    )
    chosen = parser.parse_args(arguments)
    wanted = Wanted(
        chosen.persons,
        chosen.days,
        chosen.seed,
        timedelta(days=chosen.lookback),
        timedelta(days=chosen.corrections),
    )
    least = LONG
    if (chosen.persons, chosen.days, chosen.faults) < (4000, 400, 40):
        least = replace(LONG, events=0, kills=chosen.faults // 2, in_flight=chosen.faults // 4)
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="fundwatch-soak-"))
    try:
        result = soak(
            Plan(wanted, chosen.faults, chosen.minutes), folder / "soak", lambda text: print(text, flush=True)
        )
        against = objections(result, least)
        for text in [*against, *report(result)]:
            print(text, flush=True)
        return 1 if against else 0
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
