"""The one idea: `evaluate(facts, rulebook, knowledge, models, watermark)` returns alerts, and nothing else happens."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import duckdb

from detectors import engine, ledger
from detectors import facts as fact_tables
from detectors.alert import (
    ACCOUNT_MONEY,
    FUND_MONEY,
    Alert,
    clipped,
    distinct,
    identity,
    moment,
    plain,
    told,
    with_revision,
)
from detectors.anomaly import tables as model_tables
from detectors.anomaly.model import ModelSet
from detectors.coverage import Coverage, cover
from detectors.errors import RuleError
from detectors.facts import Facts
from detectors.settle import QUERIES, Finding, Settled, settle
from rules.knowledge import Knowledge
from rules.rulebook import Rule, Rulebook, coverage_query
from rules.schema import MACROS_SQL, MODELS_SQL, ledger_names, table_of

#: What the caller is told after each step: "load", "ledger", "models" (where there are some), "rule GB-01", …, "alerts".
OnStep = Callable[[str], None]

#: Values by rule code that replace a parameter's default.
Params = Mapping[str, Mapping[str, Any]]


#: Columns by which visits and settlements are told apart, whatever the rules read of them.
_TOLD_OF = ("mdtrt_id", "psn_no", "fixmedins_code", "setl_id", "setl_time")

#: What the source supplies.
PROVIDED = "select name from provided"

#: What a rule returns that reads what models say: an alert states it.
OF_MODELS = frozenset({"model_hash", "score", "explanation"})


@dataclass(frozen=True)
class Timer:
    """A finding of a rule of absence that the watermark has not reached: whom it is about (if a person), and when."""

    rule_code: str
    psn_no: str | None
    due_at: datetime


@dataclass(frozen=True)
class Result:
    """Open alerts sorted by `jr_id`, who could and could not be judged, and what is not yet due."""

    alerts: list[Alert] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)


def evaluate(
    facts: Facts | duckdb.DuckDBPyConnection,
    rulebook: Rulebook,
    knowledge: Knowledge,
    models: ModelSet | None = None,
    watermark: datetime | None = None,
    subjects: Collection[str] | None = None,
    *,
    params: Params | None = None,
    con: duckdb.DuckDBPyConnection | None = None,
    on_step: OnStep = lambda _: None,
) -> Result:
    """Judge facts, or a ledger that is already built, by every rule of the rulebook.

    `watermark` (Asia/Shanghai): how far event time has come; a row of absence due later stays silent, `None` opens
    all. `subjects`: the persons to look at. `con`: an empty database to work in, else one in memory. `models`: the
    anomaly models; rules that read what they say do not judge without them. Raises `RuleError` where a rule breaks
    its contract.
    """
    if isinstance(facts, Facts):
        con = con or engine.connect()
        fact_tables.load(con, facts, subjects)
        build(con, rulebook, models, unique=facts.unique)
        on_step("ledger")
    else:
        con = facts
    prepare(con, knowledge)
    return judge(con, rulebook, knowledge, watermark, models=models, params=params, on_step=on_step)


def judge(
    con: duckdb.DuckDBPyConnection,
    rulebook: Rulebook,
    knowledge: Knowledge,
    watermark: datetime | None = None,
    *,
    models: ModelSet | None = None,
    params: Params | None = None,
    covered: bool = True,
    on_step: OnStep = lambda _: None,
) -> Result:
    """Score a prepared ledger with the models, run every rule on it and word what they find. `covered`: say also who
    could be judged."""
    values = params or {}
    provided = _provided(con)
    if models is not None:
        model_tables.fill(con, rulebook, models, provided)
        on_step("models")
    found: list[tuple[Rule, dict[str, Any]]] = []
    coverage: list[Coverage] = []
    timers: list[Timer] = []
    for rule in rulebook.rules:
        missing = _lacking(rule, provided, models)
        if covered:
            coverage.extend(cover(con, rule, missing, values.get(rule.code)))
        if not missing:
            waiting: list[dict[str, Any]] = []
            rows = violations(con, rule, values.get(rule.code), watermark, waiting)
            found.extend((rule, row) for row in rows)
            timers.extend(Timer(rule.code, row.get("psn_no"), row["due_at"]) for row in waiting)
        on_step(f"rule {rule.code}")
    alerts = word(con, found, knowledge, values)
    on_step("alerts")
    return Result(alerts, coverage, timers)


def score(con: duckdb.DuckDBPyConnection, rulebook: Rulebook, models: ModelSet) -> None:
    """Fill the tables of what models say, as far as these rules read them, of a prepared ledger without judging."""
    model_tables.fill(con, rulebook, models, _provided(con))


def coverage(
    con: duckdb.DuckDBPyConnection,
    rulebook: Rulebook,
    params: Params | None = None,
    models: ModelSet | None = None,
) -> list[Coverage]:
    """Who of a prepared ledger can be judged by every rule, and who cannot, without judging anybody."""
    provided = _provided(con)
    values = params or {}
    model_tables.fill(con, rulebook, models, provided)
    return [
        line
        for rule in rulebook.rules
        for line in cover(con, rule, _lacking(rule, provided, models), values.get(rule.code))
    ]


def _provided(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return frozenset(name for (name,) in engine.execute(con, PROVIDED).fetchall())


def _lacking(rule: Rule, provided: frozenset[str], models: ModelSet | None) -> tuple[str, ...]:
    """What the rule needs and neither the source supplies nor a model says."""
    from_source = sorted(set(rule.needs) - provided - rule.models)
    return (*from_source, *model_tables.lacking(rule, models, provided))


def build(
    con: duckdb.DuckDBPyConnection,
    rulebook: Rulebook,
    models: ModelSet | None = None,
    *,
    unique: bool,
    tables: Collection[str] = (),
    slices: int = 1,
) -> None:
    """Build of the ledger what these rules and their models read (and `tables`), from the facts loaded in a database."""
    ledger.build(
        con,
        tables=needed_tables(rulebook, models) | set(tables),
        unique=unique,
        slices=slices,
        columns=needed_columns(rulebook, models, tables),
    )
    provide(con, ledger_names())


def stated(rule: Rule, params: Mapping[str, Any] | None, models: ModelSet | None) -> dict[str, str]:
    """What besides the facts decides what a rule finds: its parameters, and the models, where it reads what they say."""
    values = rule.param_texts(params)
    return values | {"model": models.hash} if rule.models and models else values


def needed_tables(rulebook: Rulebook, models: ModelSet | None = None) -> set[str]:
    """The ledger tables that the rules and their models read, and those that settling an alert reads."""
    tables = {"message", "settlement", "fee_line", "manual_reimbursement"}
    for rule in rulebook.rules:
        tables |= set(map(table_of, (*rule.needs, *rule.may_use))) - rule.models
    for one in model_tables.files_of(rulebook.rules, models):
        tables |= one.tables
    return tables


def needed_columns(
    rulebook: Rulebook, models: ModelSet | None = None, tables: Collection[str] = ()
) -> dict[str, frozenset[str]]:
    """The columns of the wide ledger tables that the rules and their models read, what `tables` rest on, and whoever words,
    settles, counts or explains an alert."""
    texts = [*QUERIES, *_TOLD_OF]
    for rule in rulebook.rules:
        texts += [rule.query, coverage_query(rule), *rule.needs, *rule.may_use]
    for one in model_tables.files_of(rulebook.rules, models):
        texts += one.queries
    return ledger.used_columns(texts, needed_tables(rulebook, models) | set(tables))


def provide(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """State which ledger tables and `table.column`s the source supplies; rules that need others do not judge."""
    con.execute("create table provided as select unnest($names::varchar[]) as name", {"names": sorted(names)})


def prepare(con: duckdb.DuckDBPyConnection, knowledge: Knowledge, standing: Iterable[str] = ()) -> None:
    """Give a ledger the macros, the knowledge and the tables of models that rules use, then close the database to the
    outside world. `standing`: statements that will run again and again on few facts."""
    con.execute(MACROS_SQL.read_text(encoding="utf-8"))
    con.execute(MODELS_SQL.read_text(encoding="utf-8"))
    con.execute("create schema knowledge")
    for name, table in sorted(knowledge.tables.items()):
        with engine.given(con, f"given_{name}", table):
            con.execute(f"create table knowledge.{name} as select * from given_{name}")
    engine.plan(con, standing)
    engine.lock(con)


def violations(
    con: duckdb.DuckDBPyConnection,
    rule: Rule,
    params: Mapping[str, Any] | None = None,
    watermark: datetime | None = None,
    waiting: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """What one rule finds in a prepared ledger: one row an anchor, plain Python values.

    A row with `due_at` counts once the watermark has reached it; of several due rows of one anchor the latest holds.
    Rows that are not due are added to `waiting`.
    """
    try:
        result = engine.execute(con, rule.text(params))
        names = [column[0] for column in result.description or []]
        rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    except duckdb.Error as error:
        raise RuleError(f"{rule.path}: {error}") from error
    required = {*rule.anchor, rule.subject[1], "severity", "occurred_at", "evidence"}
    required |= OF_MODELS if rule.models else set()
    if absent := sorted(required - set(names)):
        raise RuleError(f"{rule.path}: the result lacks {', '.join(absent)}; select them")
    held: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        due = row.get("due_at")
        if due is not None and watermark is not None and due > watermark:
            if waiting is not None:
                waiting.append(row)
            continue
        key = tuple(row[name] for name in rule.anchor)
        other = held.get(key)
        if other is not None and (due is None or other.get("due_at") is None or due == other["due_at"]):
            raise RuleError(
                f"{rule.path}: two rows for the anchor {key}; return one row an anchor and due time"
            )
        if other is None or due > other["due_at"]:
            held[key] = row
        if row["severity"] not in rule.severity:
            raise RuleError(f"{rule.path}: severity {row['severity']} is not among those the header declares")
    return list(held.values())


def word(
    con: duckdb.DuckDBPyConnection,
    found: Sequence[tuple[Rule, dict[str, Any]]],
    knowledge: Knowledge,
    params: Params,
) -> list[Alert]:
    """The alerts of what the rules found, sorted by `jr_id`. Raises `RuleError` for a row that cannot be worded."""
    for rule, row in found:
        _check(rule, row, knowledge)
    findings = [
        Finding(
            items=row.get("items") or [],
            evidence=distinct(row["evidence"]),
            mdtrt_ids=distinct([*(row.get("mdtrt_ids") or []), row.get("mdtrt_id")]),
            occurred_at=row["occurred_at"],
            lookback=rule.lookback,
            of_account=rule.money == "account",
        )
        for rule, row in found
    ]
    settled = settle(con, findings)
    alerts = [
        _alert(rule, row, finding, one, knowledge, params.get(rule.code))
        for (rule, row), finding, one in zip(found, findings, settled, strict=True)
    ]
    return sorted(alerts, key=lambda alert: alert.jr_id)


def _check(rule: Rule, row: Mapping[str, Any], knowledge: Knowledge) -> None:
    """Refuse a row that lacks what every alert has."""
    if not distinct(row["evidence"] or []):
        raise RuleError(f"{rule.path}: a row without evidence; name the messages it rests on")
    for column in (rule.subject[1], "occurred_at"):
        if row[column] is None:
            raise RuleError(f"{rule.path}: a row without {column}; leave out what has none")
    for law in rule.law:
        if law not in knowledge.law:
            raise RuleError(f"{rule.path}: no law '{law}' in the knowledge; law.yaml lists them")
    for name in _spoken_of(rule.sentence):
        if name not in row:
            raise RuleError(
                f"{rule.path}: the sentence speaks of {{{name}}}, which the query does not select"
            )


@cache
def _spoken_of(sentence: str) -> tuple[str, ...]:
    """The columns that a sentence speaks of."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def _alert(
    rule: Rule,
    row: Mapping[str, Any],
    finding: Finding,
    settled: Settled,
    knowledge: Knowledge,
    params: Mapping[str, Any] | None,
) -> Alert:
    subject_type, subject_column = rule.subject
    anchor = {name: plain(row[name]) for name in rule.anchor}
    due = row.get("due_at")
    detected_at = max(
        (time for time in (settled.last_seen, due) if time is not None), default=row["occurred_at"]
    )
    numbers = {name: told(row, name) for name in _spoken_of(rule.sentence)}
    subject = str(row[subject_column])
    return with_revision(
        Alert(
            jr_id=identity(rule.rule_id, subject, anchor),
            revision="",
            mode="shadow" if rule.status == "shadow" else "live",
            rule_id=rule.rule_id,
            rule_code=rule.code,
            rule_version=rule.version,
            rule_hash=rule.logic_hash,
            knowledge_batch=knowledge.batch,
            params=rule.param_texts(params) | ({"model": row["model_hash"]} if rule.models else {}),
            official_gz_code=rule.official_code,
            official_rule_name=rule.official_name,
            rule_name=rule.name,
            vola_cont=clipped(rule.sentence.format_map(numbers)),
            vola_evid=clipped(
                "；".join([*(knowledge.law[key] for key in rule.law), *([rule.basis] if rule.basis else [])])
            ),
            case_cause_no=list(rule.case_cause),
            sev_deg=str(row["severity"]),
            vola_bhvr_type="1" if rule.behaviour == "encounter" else "2",
            vola_amt=f"{settled.amount:.2f}",
            vola_amt_stas="1" if settled.priced else "0",
            amount_method=_method(rule, settled),
            route=rule.route,
            stage="post" if settled.all_settled else "in",
            subject_type=subject_type,
            subject=subject,
            anchor=anchor,
            patn_id=row.get("psn_no"),
            fixmedins_code=row.get("fixmedins_code"),
            mdtrt_ids=distinct([*finding.mdtrt_ids, *(item.mdtrt_id for item in settled.items)]),
            setl_ids=distinct([*(row.get("setl_ids") or []), *(item.setl_id for item in settled.items)]),
            dr_codes=distinct([*(row.get("dr_codes") or []), *settled.doctors]),
            opter=row.get("opter"),
            items=settled.items,
            evidence=list(finding.evidence),
            occurred_at=moment(row["occurred_at"]),
            detected_at=moment(detected_at),
            score=row["score"] if rule.models else None,
            explanation=row["explanation"] if rule.models else None,
        )
    )


def _method(rule: Rule, settled: Settled) -> str:
    """How `vola_amt` was reckoned, for the reader."""
    payer = ACCOUNT_MONEY if rule.money == "account" else FUND_MONEY
    if not any(item.violating for item in settled.items):
        return f"{payer}：本条不计金额"
    if not settled.priced:
        return f"{payer}：尚未结算，涉及费用{settled.gross:.2f}元"
    if settled.by_line:
        return f"{payer}：按明细占政策范围内金额的比例分摊"
    return f"{payer}：所涉结算的全额"
