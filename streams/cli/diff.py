"""`fundwatch diff`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from detectors.alert import Alert
from streams.cli.options import FOLDER, out
from streams.compare import compare
from streams.run import Run

#: Alerts listed in each part, unless --all.
SHOWN = 20


@click.command("diff")
@click.argument("before", type=FOLDER, metavar="RUN_A")
@click.argument("after", type=FOLDER, metavar="RUN_B")
@click.option(
    "--all", "everything", is_flag=True, help=f"List every alert, not only the first {SHOWN} of each part."
)
def command(before: Path, after: Path, everything: bool) -> None:
    """Compare two runs: what the second opened, changed and retracted, and why. Exit code 1 where they differ."""
    first, second = Run.open(before), Run.open(after)
    difference = compare(first, second)
    out.print(
        f"opened {len(difference.opened):,}  changed {len(difference.changed):,}  retracted {len(difference.retracted):,}"
    )
    rows = [
        *(("opened", alert, "") for alert in difference.opened),
        *(("changed", new, _changed(old, new)) for old, new in difference.changed),
        *(
            ("retracted", gone.alert, f"{gone.reason}{f' by {gone.msgid}' if gone.msgid else ''}")
            for gone in difference.retracted
        ),
    ]
    table = Table(pad_edge=False)
    for column in ("what", "alert", "rule", "sev", "institution", "CNY", "why"):
        table.add_column(column, justify="right" if column == "CNY" else "left", overflow="fold")
    shown: dict[str, int] = {}
    for what, alert, why in rows:
        shown[what] = shown.get(what, 0) + 1
        if everything or shown[what] <= SHOWN:
            table.add_row(
                what,
                alert.jr_id[:12],
                alert.rule_code,
                alert.sev_deg,
                alert.fixmedins_code or "",
                alert.vola_amt,
                why,
            )
    if rows:
        out.print(table)
        raise SystemExit(1)


def _changed(old: Alert, new: Alert) -> str:
    """The fields in which two revisions differ."""
    fields = [
        name
        for name in old.__struct_fields__
        if name != "revision" and getattr(old, name) != getattr(new, name)
    ]
    return ", ".join(fields)
