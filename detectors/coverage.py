"""Who could be judged, who could not, and what was missing: "not enough data" is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec

from detectors.errors import RuleError
from rules.rulebook import Rule, coverage_query
from rules.sqltext import parameters


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `coverage.jsonl`: a rule at an institution (`None`: everywhere, where a whole table is missing).

    `judged` and `not_judged` count the rule's population; `missing` counts the latter by what was lacking.
    """

    rule_code: str
    rule_id: str
    fixmedins_code: str | None
    judged: int
    not_judged: int
    missing: dict[str, int]


def cover(
    con: duckdb.DuckDBPyConnection,
    rule: Rule,
    lacking: tuple[str, ...],
    params: Mapping[str, Any] | None = None,
) -> list[Coverage]:
    """A rule's coverage of a ledger; `lacking`: the tables and columns it needs that the source does not supply.

    Raises `RuleError` where the population's SQL fails.
    """
    if lacking:
        return [
            Coverage(
                rule_code=rule.code, rule_id=rule.rule_id, fixmedins_code=None, judged=0, not_judged=0,
                missing=dict.fromkeys(lacking, 0),
            )
        ]  # fmt: skip
    reasons = list(rule.judges.missing)
    query = coverage_query(rule)
    names = parameters(query)
    bound = {name: value for name, value in rule.param_values(params).items() if name in names}
    try:
        rows = con.execute(query, bound).fetchall()
    except duckdb.Error as error:
        raise RuleError(f"{rule.path}: judges: {error}") from error
    return [
        Coverage(
            rule_code=rule.code,
            rule_id=rule.rule_id,
            fixmedins_code=institution,
            judged=judged,
            not_judged=sum(counts),
            missing={reason: count for reason, count in zip(reasons, counts, strict=True) if count},
        )
        for institution, judged, *counts in sorted(rows, key=lambda row: row[0] or "")
    ]
