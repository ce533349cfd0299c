"""`fundwatch rules`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from rules.rulebook import Rulebook, RulebookError, load
from rules.yamltext import SourceError
from streams.cli.options import FOLDER, Moment, key, out, read_params
from streams.errors import Refused


@contextmanager
def _refusing() -> Iterator[None]:
    """Errors of rule files and of requests, as one sentence."""
    try:
        yield
    except (SourceError, RulebookError) as error:
        raise Refused(str(error)) from error


@click.group()
def command() -> None:
    """List, lint, test and explain the rules."""


@command.command("list")
def list_rules() -> None:
    """Show every rule: code, name, status, what it speaks of."""
    from streams.rulecard import listing

    with _refusing():
        out.print(listing(load().rules))


@command.command()
@click.option("--rules", "folder", type=FOLDER, help="Folder of rules (default: those of fundwatch).")
def lint(folder: Path | None) -> None:
    """Check rule files for what could break them. Exit code 1 where there are issues."""
    from rules.lint import lint as issues_of

    with _refusing():
        issues = issues_of(folder)
    for issue in issues:
        click.echo(str(issue))
    click.echo(f"{len(issues)} issues")
    if issues:
        raise SystemExit(1)


@command.command()
@click.argument("codes", nargs=-1)
@click.option("--rules", "folder", type=FOLDER, help="Folder of rules (default: those of fundwatch).")
def test(codes: tuple[str, ...], folder: Path | None) -> None:
    """Run the cases of the rules named, or of all. Exit code 1 where one does not hold."""
    from detectors.cases import report

    with _refusing():
        rulebook = _chosen(load(folder), codes)
        failed = report(rulebook, click.echo)
    if failed:
        raise SystemExit(1)


@command.command()
@click.argument("code")
@click.option(
    "--subject", help="Id of the subject that an alert of the rule would have: a visit, a person, a bill."
)
@click.option("--ledger", type=FOLDER, help="Folder of a ledger (fundwatch import … --out).")
@click.option(
    "--param", "params", multiple=True, metavar="CODE.NAME=VALUE", help="Another value of a parameter."
)
@click.option("--knowledge", "knowledge", type=FOLDER, multiple=True, help="Further knowledge (repeatable).")
@click.option("--models", type=FOLDER, help="Models that an anomaly rule reads (fundwatch train).")
@click.option("--watermark", type=Moment(), help="How far event time has come (default: everything is due).")
@click.option(
    "--unmask", metavar="REASON", help="Show persons in clear; the reason is recorded with the ledger."
)
def explain(
    code: str,
    subject: str | None,
    ledger: Path | None,
    params: tuple[str, ...],
    knowledge: tuple[Path, ...],
    models: Path | None,
    watermark: datetime | None,
    unmask: str | None,
) -> None:
    """Show a rule's card; with a subject and a ledger: why it fired on it, or which line let it through."""
    from rules import knowledge as knowledge_tables
    from streams.rulecard import card, story

    with _refusing():
        rulebook = load()
        rule = rulebook.rule(code)
        known = knowledge_tables.load(*knowledge)
        if subject is None and ledger is None:
            out.print(card(rule, known.law))
            return
        if subject is None or ledger is None:
            raise Refused("give both --subject and --ledger: a subject is looked up in a ledger.")
        if rule.models and models is None:
            raise Refused(f"{rule.code} reads what models say; name their folder with --models.")
        from detectors.evaluate import prepare, score
        from detectors.explain import explain as explain_subject
        from streams.ledger_files import open_ledger
        from streams.live.rules import load_models
        from streams.pseudonyms import Pseudonyms
        from streams.unmasking import record

        con = open_ledger(ledger)
        prepare(con, known)
        if models is not None:
            score(con, Rulebook((rule,)), load_models(models))
        values = read_params(params, rulebook, rulebook.select((rule.code,))).get(rule.code)
        if unmask:
            record(ledger, f"{rule.code} {subject}", unmask)
        names = Pseudonyms(key(), unmask=unmask is not None)
        out.print(story(explain_subject(con, rule, subject, values, watermark), names.person))


def _chosen(rulebook: Rulebook, codes: tuple[str, ...]) -> Rulebook:
    return rulebook.select(codes) if codes else rulebook
