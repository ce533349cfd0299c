"""Why a rule fired on a subject, or which line of it let the subject through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

import duckdb
from sqlglot import exp

from detectors.evaluate import violations
from detectors.trail import Condition, Ledger, Trail
from rules.rulebook import Rule
from rules.sqltree import Step


class Verdict(Enum):
    """What became of the subject."""

    FIRED = "fired"
    NOT_DUE = "not due"
    UNKNOWN_SUBJECT = "unknown subject"
    NOT_IN_POPULATION = "not in population"
    NOT_ENOUGH_DATA = "not enough data"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Tested:
    """A condition put to the subject's rows.

    `met`: how many of the `rows` meet it; `holds`: whether the nearest row does (the row that meets most);
    `values`: that row's columns in the condition, and the parameters in it; `exempt`: the exemption it applies.
    """

    text: str
    comment: str
    line: int
    holds: bool
    met: int
    rows: int
    values: Mapping[str, Any]
    exempt: str | None = None


@dataclass(frozen=True)
class Dropout:
    """A step that has no row of the subject though all it needs has: the join or the conditions that let none pass.

    `joined`: the table in which no row matched, where it was a join.
    """

    step: str
    comment: str
    joined: str | None
    tested: tuple[Tested, ...]


@dataclass(frozen=True)
class Passed:
    """A step and how many rows of the subject it keeps; None where its rows do not tell whose they are."""

    step: str
    comment: str
    rows: int | None


@dataclass(frozen=True)
class Explanation:
    """All that can be said of one rule and one subject."""

    rule: Rule
    subject: str
    verdict: Verdict
    missing: tuple[str, ...] = ()
    population: tuple[Tested, ...] = ()
    passed: tuple[Passed, ...] = ()
    dropouts: tuple[Dropout, ...] = ()
    findings: tuple[Mapping[str, Any], ...] = field(default=())


def explain(
    con: duckdb.DuckDBPyConnection,
    rule: Rule,
    subject: str,
    params: Mapping[str, Any] | None = None,
    watermark: datetime | None = None,
) -> Explanation:
    """Walk a subject (the id that an alert would have) through a rule, in a ledger that is built and prepared.

    Raises `RulebookError` for parameters out of bounds.
    """
    ledger = Ledger(con, rule, params)
    trail = Trail(ledger, subject)
    column = rule.subject[1]
    found = [row for row in violations(con, rule, params, None) if str(row[column]) == subject]
    due = [row for row in violations(con, rule, params, watermark) if str(row[column]) == subject]
    if found:
        passed = tuple(_passed(trail, step) for step in ledger.tree.steps[:-1])
        verdict = Verdict.FIRED if due else Verdict.NOT_DUE
        return Explanation(rule, subject, verdict, passed=passed, findings=tuple(due or found))
    everyone = rule.judges.source
    if trail.ties_to(f"select * from {everyone}"):
        rows = trail.count(f"select * from {everyone}")
        if not rows:
            return Explanation(rule, subject, Verdict.UNKNOWN_SUBJECT)
        population = _population(trail)
        if population and not all(one.holds for one in population):
            return Explanation(rule, subject, Verdict.NOT_IN_POPULATION, population=population)
        missing = tuple(
            reason
            for reason, condition in rule.judges.missing.items()
            if trail.count(rule.judges.rows("*", judged=False), condition)
            == trail.count(rule.judges.rows("*", judged=False))
        )
        if not trail.count(rule.judges.rows("*", judged=True)):
            return Explanation(
                rule, subject, Verdict.NOT_ENOUGH_DATA, missing=missing or tuple(rule.judges.missing)
            )
    passed = tuple(_passed(trail, step) for step in ledger.tree.steps[:-1])
    dropouts = tuple(_dropouts(trail))
    return Explanation(rule, subject, Verdict.DROPPED, passed=passed, dropouts=dropouts)


def _passed(trail: Trail, step: Step) -> Passed:
    return Passed(step.name, step.comment, trail.rows_of(step.name))


def _population(trail: Trail) -> tuple[Tested, ...]:
    """The population's own conditions, put to the subject."""
    judges = trail.ledger.rule.judges
    if judges.where is None:
        return ()
    line = trail.ledger.rule.document.line("judges", "from")
    return _tested(trail, f"from {judges.source}", "", [Condition(judges.where, "", None, line)])


def _dropouts(trail: Trail) -> list[Dropout]:
    """The steps at which the subject is lost, from the final select backwards along what it needs."""
    steps = {step.name: step for step in trail.ledger.tree.steps}
    found: list[Dropout] = []
    seen: set[str] = set()

    def look(step: Step) -> None:
        for select in _branches(step.tree):
            empty = [one for source in _needed(select) if (one := _empty(trail, steps, step, source))]
            for one in empty:
                if one.name == step.name or one.name not in seen:
                    seen.add(one.name)
                    look(one)
            if not empty and (dropout := _dropout(trail, step, select)) is not None:
                found.append(dropout)

    look(steps[""])
    return found


def _empty(trail: Trail, steps: Mapping[str, Step], step: Step, source: exp.Expr) -> Step | None:
    """What to look into where a source has no row of the subject: its step, or the query it is; else None."""
    if isinstance(source, exp.Table):
        named = steps.get(source.name) if not source.db else None
        return named if named is not None and trail.rows_of(named.name) == 0 else None
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query):
        text = source.this.sql(dialect="duckdb", comments=False)
        if trail.ties_to(text) and trail.count(text) == 0:
            return Step(step.name, step.comment, source.this, step.line)
    return None


def _branches(tree: exp.Expr) -> list[exp.Select]:
    """The selects of a step: one, or those that a UNION joins."""
    if isinstance(tree, exp.Select):
        return [tree]
    if isinstance(tree, exp.SetOperation):
        return [*_branches(tree.left), *_branches(tree.right)]
    if isinstance(tree, exp.Subquery):
        return _branches(tree.this)
    return []


def _needed(select: exp.Select) -> list[exp.Expr]:
    """Sources without whose rows a select can have none: its FROM, its inner and semi joins."""
    from_ = select.args.get("from_")
    sources = [from_.this] if from_ is not None else []
    return sources + [join.this for join in select.args.get("joins") or [] if _is_inner(join)]


def _is_inner(join: exp.Join) -> bool:
    """Whether rows without a match are lost in a join."""
    return join.side not in ("LEFT", "FULL") and join.kind != "ANTI"


def _dropout(trail: Trail, step: Step, select: exp.Select) -> Dropout | None:
    """What in a select lets no row of the subject pass; None where its rows cannot be told apart."""
    tree = trail.ledger.tree
    from_ = select.args.get("from_")
    if from_ is None:
        return None
    joins: list[exp.Join] = select.args.get("joins") or []
    tables = [from_.this]
    restriction = trail.restriction(tables, select)
    so_far = from_.sql(dialect="duckdb", comments=False)
    for join in joins:
        joined = f"{so_far} {join.sql(dialect='duckdb', comments=False)}"
        if _is_inner(join) and join.kind != "SEMI":
            tables.append(join.this)
        before, restriction = restriction, trail.restriction(tables, select)
        reached = before is None or trail.has(so_far, before)
        if restriction and _is_inner(join) and reached and not trail.has(joined, restriction):
            on = join.args.get("on")
            crossed = f"{so_far}, {join.this.sql(dialect='duckdb', comments=False)}"
            tested = _tested(trail, crossed, restriction, tree.conditions(on)) if on is not None else ()
            return Dropout(step.name, step.comment, join.this.sql(dialect="duckdb", comments=False), tested)
        if restriction and join.kind == "ANTI" and reached and not trail.has(joined, restriction):
            return Dropout(step.name, step.comment, None, (_excluded(trail, join),))
        so_far = joined
    if restriction is None:
        return None
    where = select.args.get("where")
    if where is not None:
        tested = _tested(trail, so_far, restriction, tree.conditions(where))
        if tested and not all(one.holds for one in tested):
            return Dropout(step.name, step.comment, None, tested)
    having = select.args.get("having") or select.args.get("qualify")
    if having is not None:
        filtered = f"where {where.this.sql(dialect='duckdb', comments=False)}" if where is not None else ""
        group = select.args.get("group")
        grouped = group.sql(dialect="duckdb", comments=False) if group is not None else ""
        tested = _tested(
            trail, so_far, restriction, tree.conditions(having), where=filtered, group=grouped, select=select
        )
        if tested and not all(one.holds for one in tested):
            return Dropout(step.name, step.comment, None, tested)
    return None


def _excluded(trail: Trail, join: exp.Join) -> Tested:
    """An anti join that took all rows of the subject away, as one condition that does not hold."""
    on = join.args.get("on")
    conditions = trail.ledger.tree.conditions(on) if on is not None else []
    return Tested(
        text=join.sql(dialect="duckdb", comments=False).lower(),
        comment="；".join(one.comment for one in conditions if one.comment),
        line=conditions[0].line if conditions else trail.ledger.rule.sql_line,
        holds=False,
        met=0,
        rows=1,
        values={},
        exempt=next((one.exempt for one in conditions if one.exempt), None),
    )


def _as_named(window: exp.Expr) -> str:
    """A named window as a WINDOW clause writes it."""
    return window.sql(dialect="duckdb").replace(" OVER (", " AS (", 1)


def _tested(
    trail: Trail,
    source: str,
    restriction: str,
    conditions: Sequence[Condition],
    *,
    where: str = "",
    group: str = "",
    select: exp.Select | None = None,
) -> tuple[Tested, ...]:
    """Each condition by itself on the subject's rows of a source, with the numbers of the nearest row."""
    windows = select.args.get("windows") if select is not None else None
    named = f"window {', '.join(_as_named(one) for one in windows)}" if windows else ""
    rows = trail.try_conditions(source, restriction, conditions, where=where, group=group, window=named)
    if not rows:
        return ()
    nearest = max(rows, key=lambda row: sum(row.held))
    return tuple(
        Tested(
            text=condition.text,
            comment=condition.comment,
            line=condition.line,
            holds=nearest.held[number],
            met=sum(row.held[number] for row in rows),
            rows=len(rows),
            values=nearest.values[number],
            exempt=condition.exempt,
        )
        for number, condition in enumerate(conditions)
    )
