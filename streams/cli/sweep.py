"""`fundwatch sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from streams.cli.options import CONFIG, out
from streams.errors import Refused
from streams.operation.exits import Exit

if TYPE_CHECKING:
    from streams.kafka.repair import Repaired


@click.command()
@CONFIG
@click.option("--once", is_flag=True, help="One sweep, said; then end.")
@click.option(
    "--repair",
    is_flag=True,
    help="Compare what the workers said with a replay of the lake, have them look again where it differs, and end.",
)
def command(config: Path | None, once: bool, repair: bool) -> None:
    """Judge from the lake what is not keyed by person or visit, until SIGTERM or Ctrl-C: what was found is said first."""
    from streams.kafka.daily import repair_once
    from streams.kafka.sweeper import run_sweeper, sweep_once
    from streams.live.whole import BrokenOffError
    from streams.operation.reading import read
    from streams.operation.stopping import asked_to_stop

    settings = read(config).settings
    if once and repair:
        raise click.UsageError("give --once or --repair, not both")
    if repair:
        repaired = repair_once(settings)
        _show(repaired)
        raise SystemExit(int(Exit.DIFFERS if repaired.compared.by_rule or repaired.withdrawn else Exit.DONE))
    with asked_to_stop() as stop:
        if not once:
            raise SystemExit(int(run_sweeper(settings, stop)))
        try:
            done = sweep_once(settings, stop)
        except BrokenOffError:
            raise Refused("broken off; nothing of this sweep was stored or said.") from None
    kinds = "  ".join(f"{kind} {done.changes[kind]:,}" for kind in ("opened", "changed", "retracted"))
    out.print(f"{done.rules} rules ran: {kinds}" if done.rules else f"nothing new in the lake: {kinds}")


def _show(repaired: Repaired) -> None:
    """Counts by rule; nobody is named."""
    compared = repaired.compared
    if compared.by_rule:
        table = Table(pad_edge=False)
        for heading in ("rule", "missing", "too many", "other content"):
            table.add_column(heading, justify="left" if heading == "rule" else "right")
        for code, counts in compared.by_rule.items():
            table.add_row(code, *(f"{n:,}" for n in (counts.missing, counts.excess, counts.different)))
        out.print(table)
    else:
        out.print("The workers' alerts are those of the replay.")
    if compared.persons:
        out.print(f"{len(compared.persons):,} persons are looked at again.")
    if repaired.withdrawn:
        out.print(f"{len(repaired.withdrawn):,} messages that are no facts were withdrawn.")
