"""Every rule that comes with fundwatch: the linter has nothing to say, and all its cases hold."""

from __future__ import annotations

import pytest

from detectors.cases import Bench
from rules import knowledge
from rules.casefile import Case, read_cases
from rules.lint import lint_rule
from rules.lint.rulebook import check_rulebook
from rules.rulebook import Rule, load
from rules.sqltext import with_values

RULES = load().rules
CASES = [(rule, case) for rule in RULES for case in read_cases(rule)]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(knowledge.load())


@pytest.fixture(scope="module")
def planned() -> Bench:
    return Bench(knowledge.load(), RULES)


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_the_linter_has_nothing_to_say_of(rule: Rule, bench: Bench) -> None:
    assert [str(issue) for issue in lint_rule(rule, bench.knowledge)] == []


def test_no_two_rules_share_a_code_or_a_name() -> None:
    assert [str(issue) for issue in check_rulebook(RULES)] == []


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule.code} {case.name}" for rule, case in CASES])
def test_the_case_holds(rule: Rule, case: Case, bench: Bench, planned: Bench) -> None:
    for outcome in (bench.run(rule, case), planned.run(rule, case)):
        assert outcome.passed, "\n".join([f"{case.path}:{case.line}", *outcome.differences])


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_parameters_are_of_the_same_type_as_literals(rule: Rule, bench: Bench) -> None:
    for name, value in rule.param_values().items():
        bound = bench.con.execute(f"select typeof(${name}), ${name}", {name: value}).fetchone()
        (kind, literal) = bench.con.execute(
            with_values(f"select typeof(${name}), ${name}", {name: value})
        ).fetchone()
        assert (kind.partition("(")[0], literal) == (bound[0].partition("(")[0], bound[1])
