"""What an alert says of itself, and what reviewers decided of its like: the features by which open alerts are ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.alert import Alert

Floats = npt.NDArray[np.float64]

#: An alert as the ranking reads it.
ALERTS = pa.schema(
    [
        ("jr_id", pa.string()),
        ("rule", pa.string()),
        ("institution", pa.string()),  # NULL where it is about none
        ("severity", pa.int64()),  # 1 gravest
        ("amount", pa.float64()),  # CNY at risk; 0 where nothing is settled yet
        ("settled", pa.bool_()),
        ("evidence", pa.int64()),  # messages
        ("visits", pa.int64()),
        ("items", pa.int64()),
        ("score", pa.float64()),  # of the model that raised it; NULL for a rule's
    ]
)

#: What reviewers decided.
DECISIONS = pa.schema([("jr_id", pa.string()), ("confirmed", pa.bool_()), ("day", pa.date32())])

#: The features, with what they are called: Chinese, English.
FEATURES: Mapping[str, tuple[str, str]] = {
    "severity": ("疑点等级", "its severity"),
    "amount": ("涉及金额", "its amount"),
    "settled": ("是否已结算", "whether it is settled"),
    "evidence": ("证据条数", "how much evidence it has"),
    "visits": ("涉及就诊数", "how many visits it is about"),
    "items": ("涉及明细数", "how many items it is about"),
    "score": ("模型分值", "the model's score"),
    "by_model": ("由模型提出", "that a model raised it"),
    "rule_share": ("同规则以往确认率", "how often its rule was confirmed"),
    "institution_share": ("同机构以往确认率", "how often its institution was confirmed"),
}

#: Decisions that everybody's share weighs as many as, so that one decision is no habit: of a rule, of an institution.
RULE_WEIGHT, INSTITUTION_WEIGHT = 10.0, 5.0


def alert_table(alerts: Iterable[Alert]) -> pa.Table:
    """Alerts as the ranking reads them, sorted by `jr_id`, each once."""
    rows = [
        (
            one.jr_id, one.rule_code, one.fixmedins_code, int(one.sev_deg), float(Decimal(one.vola_amt)),
            one.stage == "post", len(one.evidence), len(one.mdtrt_ids), len(one.items), one.score,
        )
        for one in {alert.jr_id: alert for alert in alerts}.values()
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(ALERTS)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, ALERTS, strict=True)], ALERTS
    )


@dataclass(frozen=True)
class Past:
    """Decisions counted: by rule and by institution how many, and how many of them confirmed."""

    decided: int
    confirmed: int
    rules: Mapping[str, tuple[int, int]]
    institutions: Mapping[str, tuple[int, int]]

    @property
    def share(self) -> float:
        """Everybody's share of confirmed; one half and one half more decisions, so that it is never 0 or 1."""
        return (self.confirmed + 1) / (self.decided + 2)

    def rule_share(self, rule: str) -> float:
        """Of a rule, drawn towards everybody's where decisions are few."""
        decided, confirmed = self.rules.get(rule, (0, 0))
        return (confirmed + RULE_WEIGHT * self.share) / (decided + RULE_WEIGHT)

    def institution_share(self, institution: str | None) -> float:
        """Of an institution, likewise."""
        decided, confirmed = self.institutions.get(institution or "", (0, 0))
        return (confirmed + INSTITUTION_WEIGHT * self.share) / (decided + INSTITUTION_WEIGHT)


def past(rules: Sequence[str], institutions: Sequence[str | None], confirmed: Sequence[bool]) -> Past:
    """Count decisions, given row by row."""
    by_rule: dict[str, tuple[int, int]] = {}
    by_institution: dict[str, tuple[int, int]] = {}
    for rule, institution, yes in zip(rules, institutions, confirmed, strict=True):
        some, of_them = by_rule.get(rule, (0, 0))
        by_rule[rule] = (some + 1, of_them + yes)
        if institution:
            some, of_them = by_institution.get(institution, (0, 0))
            by_institution[institution] = (some + 1, of_them + yes)
    return Past(len(confirmed), sum(confirmed), by_rule, by_institution)


def matrix(alerts: pa.Table, known: Past) -> Floats:
    """The features of each alert (rows) in the order of `FEATURES` (columns), with what was decided until then.

    Counts and money as logarithms, shares as log odds.
    """
    severity = np.array(alerts["severity"].to_pylist(), dtype=float)
    score = np.array([np.nan if one is None else one for one in alerts["score"].to_pylist()], dtype=float)
    rule = np.array([known.rule_share(one) for one in alerts["rule"].to_pylist()], dtype=float)
    institution = np.array(
        [known.institution_share(one) for one in alerts["institution"].to_pylist()], dtype=float
    )
    found: Floats = np.column_stack(
        [
            3 - severity,
            np.log1p(np.maximum(0.0, np.array(alerts["amount"].to_pylist(), dtype=float))),
            np.array(alerts["settled"].to_pylist(), dtype=float),
            *(np.log1p(np.array(alerts[name].to_pylist(), dtype=float)) for name in ("evidence", "visits", "items")),
            np.nan_to_num(score, nan=0.0),
            (~np.isnan(score)).astype(float),
            np.log(rule / (1 - rule)),
            np.log(institution / (1 - institution)),
        ]
    ) if len(severity) else np.empty((0, len(FEATURES)))  # fmt: skip
    return found


def month(day: date) -> str:
    """The calendar month of a day, as 2026-03."""
    return f"{day.year:04d}-{day.month:02d}"
