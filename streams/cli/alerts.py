"""`fundwatch alerts`."""

from __future__ import annotations

import sys
from datetime import datetime
from decimal import Decimal

import click

from detectors.alert import moment
from streams.cli.options import Moment, err, key, out, store_option
from streams.pseudonyms import PREFIX, Pseudonyms
from streams.store.query import MODES, PAGE, Filter, Order
from streams.store.reading import AlertReader
from streams.store.show import as_json, listing
from streams.store.writing import AlertStore


class Amount(click.ParamType):
    """CNY, at most two places."""

    name = "CNY"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read it, or fail with a sentence."""
        try:
            amount = Decimal(str(value))
            if amount != round(amount, 2):
                raise ArithmeticError
        except ArithmeticError:
            self.fail(f"{value!r} is no amount; write 1000 or 17.03", param, ctx)
        return amount


@click.command("alerts")
@store_option
@click.option("--rule", "rules", multiple=True, help="Only of this rule, by code or id (repeatable).")
@click.option(
    "--family", "families", multiple=True, help="Only of this family, as GB or ghost_bed (repeatable)."
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(["1", "2", "3"]),
    help="Only of this severity (repeatable).",
)
@click.option("--institution", "institutions", multiple=True, help="Only of this institution (repeatable).")
@click.option(
    "--person", "persons", multiple=True, help="Only of this person, by psn_no or pseudonym (repeatable)."
)
@click.option("--subject", "subjects", multiple=True, help="Only of this subject (repeatable).")
@click.option(
    "--status",
    type=click.Choice(["open", "retracted", "all"]),
    default="open",
    show_default=True,
    help="What holds, what no longer does, or both.",
)
@click.option("--mode", type=click.Choice(MODES), help="Only of rules that run for good, or on trial.")
@click.option("--since", type=Moment(), help="Only what occurred from then on.")
@click.option("--until", type=Moment(), help="Only what occurred before then.")
@click.option("--least", type=Amount(), help="Only with at least this much money at risk, CNY.")
@click.option("--text", help="Only with this text in the sentence, the rule's name or the subject.")
@click.option(
    "--order",
    type=click.Choice([order.value for order in Order]),
    default=Order.SEVERITY.value,
    show_default=True,
    help="Gravest, most money, or latest (by occurrence, by detection) first.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=PAGE, show_default=True, help="At most so many alerts."
)
@click.option("--after", help="Go on where the page before ended; it says what to write here.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
@click.option(
    "--unmask", metavar="REASON", help="Persons' numbers in clear; the reason is recorded in the store."
)
def command(
    url: str,
    rules: tuple[str, ...],
    families: tuple[str, ...],
    severities: tuple[str, ...],
    institutions: tuple[str, ...],
    persons: tuple[str, ...],
    subjects: tuple[str, ...],
    status: str,
    mode: str | None,
    since: datetime | None,
    until: datetime | None,
    least: Decimal | None,
    text: str | None,
    order: str,
    limit: int,
    after: str | None,
    as_lines: bool,
    unmask: str | None,
) -> None:
    """List the alerts of a store, persons under pseudonyms."""
    names = Pseudonyms(key(), unmask=bool(unmask))
    with AlertReader(url) as reader:
        chosen = Filter(
            rules=rules,
            families=families,
            severities=severities,
            institutions=institutions,
            persons=_numbers(persons, reader, names),
            subjects=subjects,
            statuses=() if status == "all" else (status,),
            modes=(mode,) if mode else (),
            since=moment(since) if since else None,
            until=moment(until) if until else None,
            least=least,
            text=text,
        )
        page = reader.page(chosen, Order(order), limit, after)
        total = reader.total(chosen)
    if unmask:
        with AlertStore(url) as store:
            store.record_unmasking(f"list of {len(page.alerts)} alerts", unmask)
        err.print(f"unmasked; the reason is recorded in {store.place}", soft_wrap=True)
    if as_lines:
        for held in page.alerts:
            sys.stdout.write(as_json(held, names).decode() + "\n")
    else:
        out.print(listing(page, total, Order(order), names))
    if page.after:
        err.print(f"more: --after {page.after}", soft_wrap=True)


def _numbers(given: tuple[str, ...], reader: AlertReader, names: Pseudonyms) -> tuple[str, ...]:
    """Persons by their numbers; a pseudonym that no person here has stands for none."""
    asked = {one for one in given if one.startswith(PREFIX)}
    if not asked:
        return given
    masked = Pseudonyms(names.key)
    found = {psn_no for psn_no in reader.persons() if masked.person(psn_no) in asked}
    return tuple(sorted({*given} - asked | (found or asked)))
