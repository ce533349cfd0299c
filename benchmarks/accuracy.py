"""Planted fraud against what a replay found: recall, precision, and every alert on a subject where nothing was planted.

    python -m benchmarks.accuracy COUNTY RUN

COUNTY is what `fundwatch simulate` wrote, RUN what `fundwatch replay COUNTY/events` wrote. A fraud plant is found
when an alert of its rule is about its subject, or about its visits; at its severity when the alert's is the expected
one. Precision counts, among alerts of severity 1 and 2, those that belong to a plant of their rule that expects one.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def concerns(plant: Record, alert: Record) -> bool:
    """Whether an alert is about what was planted."""
    if alert["subject"] == plant["subject"]:
        return True
    named = {value for value in plant["anchor"].values() if isinstance(value, str)}
    if named and (
        named <= {str(value) for value in alert["anchor"].values()}
        or all(len(v) > 4 and v in alert["subject"] for v in named)
    ):
        return True
    visits = set(plant.get("mdtrt_ids") or ())
    return bool(visits & set(alert["mdtrt_ids"])) or (not visits and alert["patn_id"] == plant["psn_no"])


def main(county: Path, run: Path) -> None:
    console = Console(highlight=False, width=160)
    truth = read(county / "truth.jsonl")
    alerts = read(run / "alerts.jsonl")
    by_rule: defaultdict[str, list[Record]] = defaultdict(list)
    for alert in alerts:
        by_rule[alert["rule_code"]].append(alert)
    explained: dict[str, str] = {}
    tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
    misses: list[tuple[Record, str]] = []
    for plant in truth:
        code, kind = plant["rule_code"], plant["kind"]
        hits = [alert for alert in by_rule[code] if concerns(plant, alert)]
        for alert in hits:
            if kind == "fraud" or explained.get(alert["jr_id"]) != "fraud":
                explained[alert["jr_id"]] = kind
        for other in plant.get("also") or ():
            for alert in by_rule[other]:
                if concerns(plant, alert):
                    explained.setdefault(alert["jr_id"], kind)
        severities = {int(alert["sev_deg"]) for alert in hits}
        if kind == "fraud":
            group = "disguised" if plant["disguised"] else "plain"
            tally[code][group] += 1
            tally[code][f"{group} found"] += bool(hits)
            tally[code][f"{group} at severity"] += plant["expect"] in severities
            if plant["expect"] not in severities:
                misses.append((plant, f"expected {plant['expect']}, got {sorted(severities) or 'nothing'}"))
        else:
            tally[code]["innocent"] += 1
            serious = {severity for severity in severities if severity <= 2}
            tally[code]["innocent raised"] += bool(serious)
            unexpected = severities - {plant["expect"]} if plant["expect"] else severities
            if serious or (unexpected and kind != "lookalike"):
                misses.append((plant, f"{kind}: raised at {sorted(severities)}"))
    table = Table(title="planted and found", pad_edge=False)
    for column in ("rule", "plain", "found", "at severity", "disguised", "found", "at severity", "innocent", "raised at 1-2",
                   "alerts 1-2", "of plants"):  # fmt: skip
        table.add_column(column, justify="right")
    total: Counter[str] = Counter()
    for code in sorted(tally):
        serious = [alert for alert in by_rule[code] if alert["sev_deg"] in "12"]
        tally[code]["serious"] = len(serious)
        tally[code]["of plants"] = sum(explained.get(alert["jr_id"]) == "fraud" for alert in serious)
        total += tally[code]
        table.add_row(code, *_row(tally[code]))
    table.add_section()
    table.add_row("all", *_row(total), style="bold")
    console.print(table)
    for group in ("plain", "disguised"):
        if total[group]:
            console.print(
                f"recall {group}: {total[f'{group} found'] / total[group]:.3f}, at severity {total[f'{group} at severity'] / total[group]:.3f}"
            )
    if total["serious"]:
        console.print(f"precision at severity 1-2: {total['of plants'] / total['serious']:.3f}")
    console.print(f"\n{len(misses)} plants not as expected")
    for plant, why in misses:
        console.print(
            f"  {plant['rule_code']} {plant['plant_id']} {why}: {plant['description']}（{plant.get('disguise') or ''}）{plant['mdtrt_ids']}"
        )
    strange = [alert for alert in alerts if alert["sev_deg"] in "12" and alert["jr_id"] not in explained]
    console.print(f"\n{len(strange)} alerts of severity 1-2 where nothing was planted")
    for alert in strange:
        console.print(
            f"  {alert['rule_code']} {alert['sev_deg']} {alert['jr_id'][:12]} {alert['subject']}: {alert['vola_cont']}"
        )


def _row(counts: Counter[str]) -> list[str]:
    names = ("plain", "plain found", "plain at severity", "disguised", "disguised found", "disguised at severity",
             "innocent", "innocent raised", "serious", "of plants")  # fmt: skip
    return [str(counts[name]) for name in names]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
