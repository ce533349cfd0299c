"""What the anomaly models are worth: `python -m benchmarks.anomaly [--only honest,fraud,leakage,speed]`.

honest   worlds without fraud: discoveries within what the false discovery rate allows; a shuffled truth tells nothing
fraud    worlds with fraud that no rule decides: who stands at the top at equal size, which honest ones do, recall by strength
leakage  features as of T of everything known today are those of what was known at T
speed    fee lines a second into features, stays a second through the models, training on a million stays, what a micro-batch costs

Counties that were made once are kept in --keep, by the hash of the feature files, so that a model can be tried again quickly.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.__main__ import machine
from benchmarks.anomaly import fraud, honest, leakage, speed
from benchmarks.anomaly.settings import Settings

PARTS = {"honest": honest.run, "fraud": fraud.run, "leakage": leakage.run, "speed": speed.run}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.anomaly", description="What the anomaly models are worth."
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--seeds", type=int, default=20, help="worlds without fraud")
    parser.add_argument("--fraud-seeds", type=int, default=8, help="worlds with fraud")
    parser.add_argument("--institutions", type=int, default=120)
    parser.add_argument("--days", type=int, default=181)
    parser.add_argument(
        "--stays", type=int, default=1_000_000, help="stays that are trained on for the speed"
    )
    parser.add_argument("--keep", type=Path, help="where counties stay (default: a folder that goes away)")
    parser.add_argument(
        "--out", type=Path, default=Path("bench-anomaly"), help="where figures.json and plots go"
    )
    chosen = parser.parse_args(arguments)
    names = [name.strip() for name in chosen.only.split(",")]
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    console = Console(highlight=False, width=170)
    console.print(machine())
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as passing:
        settings = Settings(
            chosen.seeds,
            chosen.fraud_seeds,
            chosen.institutions,
            chosen.days,
            chosen.stays,
            chosen.keep or Path(passing),
            chosen.out,
        )
        path = chosen.out / "figures.json"
        told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name in names:
            console.rule(name)
            told[name] = PARTS[name](settings, console)
            path.write_text(
                json.dumps(told, ensure_ascii=False, indent=1, default=float) + "\n", encoding="utf-8"
            )
        console.print(f"\nfigures: {path}")


if __name__ == "__main__":
    main()
