"""What the models are to find, the rules do not decide."""

from __future__ import annotations

from detectors.evaluate import evaluate
from detectors.facts import Facts
from rules import knowledge, rulebook
from rules.rulebook import Rulebook
from streams.simulate import World, simulate
from streams.wire import decode


def test_no_exact_rule_speaks_of_institutions_that_misbehave_or_are_unusual() -> None:
    log = simulate(World(persons=30, days=110, seed=4, anomalies=True, institutions=24))
    facts = Facts.of(decode(log.events, source="log", first_line=1, first_seq=1, key=b"k" * 32).tables)
    rules = Rulebook(tuple(rule for rule in rulebook.load().running().rules if not rule.models))
    alerts = evaluate(facts, rules, knowledge.load()).alerts
    houses = {one.subject for one in log.labels if one.subject_type == "institution"}
    theirs = [alert for alert in alerts if alert.fixmedins_code in houses]
    assert len(alerts) > 50  # the plants of the rules, elsewhere
    assert [(alert.rule_code, alert.vola_cont) for alert in theirs] == []
