"""`fundwatch rank`."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import click
from rich.table import Table

from streams.anomaly import ranking as rankings
from streams.cli.options import FOLDER, Moment, key, out
from streams.errors import Refused
from streams.pseudonyms import Pseudonyms
from streams.run import Run


@click.command("rank")
@click.argument("run", type=FOLDER)
@click.option(
    "--decisions", "table", type=FOLDER, help="CSV of past decisions: jr_id, confirmed, date. Learn from it."
)
@click.option(
    "--past",
    "earlier",
    type=FOLDER,
    multiple=True,
    help="Another run that has alerts which were decided (repeatable).",
)
@click.option("--models", type=FOLDER, help="Use the ranking in this folder, and learn nothing.")
@click.option("--save", type=FOLDER, help="Keep what was learned in this folder of models.")
@click.option("--as-of", type=Moment(), help="Only decisions until then (default: all).")
@click.option("--out", "path", type=FOLDER, help="Write all alerts in their order as CSV.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many are shown.")
def command(
    run: Path,
    table: Path | None,
    earlier: tuple[Path, ...],
    models: Path | None,
    save: Path | None,
    as_of: datetime | None,
    path: Path | None,
    limit: int,
) -> None:
    """Order a run's alerts by what reviewers decided of their like: most likely to be confirmed first. None is left out."""
    if (table is None) == (models is None):
        raise Refused(
            "Give either --decisions TABLE, to learn from, or --models FOLDER, with what was learned."
        )
    alerts = Run.open(run).alerts()
    decisions = rankings.read_decisions(table) if table else []
    if models:
        ranking = rankings.kept(models)
    else:
        known = [*alerts, *(alert for other in earlier for alert in Run.open(other).alerts())]
        until = as_of or datetime.combine(max((one.day for one in decisions), default=date.min), time())
        ranking = rankings.fit(known, decisions, until)
        if save:
            rankings.keep(ranking, save, until)
    told = ranking.meta["measured"]
    out.print(
        f"ranking {ranking.hash}, learned from {ranking.known.decided:,} decisions of {ranking.meta['decisions_from']} to "
        f"{ranking.meta['decisions_until']}; on the {told['decisions']:,} of {told['from']} to {told['until']}, which it had not seen: "
        f"AUC {told['auc']:.3f} (by severity and money alone {told['auc_by_severity_and_amount']:.3f}), Brier score {told['brier']:.3f} "
        f"(by the share alone {told['brier_of_the_share_alone']:.3f})",
        soft_wrap=True,
    )
    places = rankings.ordered(alerts, ranking, decisions)
    if path:
        rankings.write(places, path)
    names = Pseudonyms(key())
    shown = Table(pad_edge=False)
    for name in ("", "chance", "rule", "severity", "CNY", "jr_id", "decided", "疑点"):
        shown.add_column(name, justify="right" if name in ("", "chance", "CNY") else "left")
    for number, place in enumerate(places[:limit], 1):
        alert = place.alert
        shown.add_row(
            str(number), f"{place.chance:.0%}", alert.rule_code, alert.sev_deg, alert.vola_amt, alert.jr_id[:12],
            {None: "", True: "confirmed", False: "rejected"}[place.decision], names.sentence(alert),
        )  # fmt: skip
    out.print(shown)
    if len(places) > limit:
        out.print(f"{len(places) - limit:,} more; all of them with --out FILE or --limit {len(places)}")
