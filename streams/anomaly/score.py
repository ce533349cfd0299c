"""Score: who is unlike their peers, as a table that people read, and the alerts that there is time for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from detectors.alert import Alert, encode
from detectors.anomaly import compute, featurefile
from detectors.anomaly.model import WHOLE, ModelSet
from detectors.anomaly.sentences import TOLD
from detectors.evaluate import judge
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from streams.anomaly.material import Opened, Source, features, opened
from streams.errors import Refused
from streams.inputs import OnProgress
from streams.run import ALERTS, written_whole

SCORES = "scores.csv"
ABOUT = "scores.json"

#: The columns of scores.csv.
COLUMNS = (
    "subject_type", "subject", "period", "model", "score", "rank", "cases", "patients", "money", "observed", "expected",
    "low", "high", "reason", "reason_en", "not_enough",
)  # fmt: skip

#: Subjects of each type for whose alerts there is time: what a team of inspectors looks at in a month.
BUDGET = 20

#: Patients, and money (CNY; the whole claim, else fund and deductible) of each subject, for the whole of the time.
_SIZES = """
with money as (
    select mdtrt_id, coalesce(nullif(sum(medfee_sumamt), 0), sum(fund_pay_sumamt) + coalesce(sum(act_pay_dedc), 0)) as cost
    from settlement group by mdtrt_id
)
select 'institution' as subject_type, fixmedins_code as subject, count(distinct psn_no) as patients, sum(cost)::double as money
from visit left join money using (mdtrt_id) where fixmedins_code is not null group by fixmedins_code
union all
select 'practitioner', atddr_no, count(distinct psn_no), sum(cost)::double
from visit left join money using (mdtrt_id) where atddr_no <> '' group by atddr_no
order by all
"""


@dataclass(frozen=True)
class Scored:
    """What came of scoring. `frame`: the rows of scores.csv; `alerts`: those within the budget, of `found` in all."""

    frame: pd.DataFrame
    alerts: list[Alert]
    found: int
    models: ModelSet


def score(
    source: Source, models: ModelSet, folder: Path, rulebook: Rulebook, knowledge: Knowledge, *, budget: int = BUDGET,
    replace: bool = False, on_progress: OnProgress = lambda *_: None,
) -> Scored:  # fmt: skip
    """Score a source, and write scores.csv, alerts.jsonl and scores.json into a new folder."""
    with opened(source, knowledge, on_progress, rules=rulebook) as ledger:
        units = sorted({unit for one in models.models.values() for unit in one.units})
        found = features(ledger, units, on_progress)
        _refuse_what_is_lacking(models, found, ledger)
        scores = models.score(found)
        on_progress("scores", 1, 1)
        frame = table(scores, ledger.con.sql(_SIZES).to_arrow_table())
        result = judge(ledger.con, rulebook, knowledge, ledger.mark, models=models, covered=False)
        on_progress("alerts", 1, 1)
        described = ledger.described
    alerts = within_budget(result.alerts, frame, budget)
    with written_whole(folder, replace=replace, marker=ABOUT) as new:
        frame.to_csv(new / SCORES, index=False, columns=list(COLUMNS), lineterminator="\n")
        (new / ALERTS).write_bytes(b"".join(encode(alert) + b"\n" for alert in alerts))
        about = {
            "models": {
                "hash": models.hash,
                "as_of": str(models.as_of),
                "each": {n: m.hash for n, m in models.models.items()},
            },
            "inputs": described,
            "as_of": str(source.as_of) if source.as_of else None,
            "rows": len(frame),
            "budget": budget,
            "alerts": {"found": len(result.alerts), "written": len(alerts)},
        }
        (new / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return Scored(frame, alerts, len(result.alerts), models)


def _refuse_what_is_lacking(models: ModelSet, found: Mapping[str, pa.Table], ledger: Opened) -> None:
    files = featurefile.load()
    for one in models.models.values():
        for unit in one.units:
            if unit not in found:
                lacking = ", ".join(compute.lacking(files[unit], ledger.provided))
                raise Refused(
                    f"the source lacks {lacking}, which the model '{one.name}' stands on; train without it."
                )


def table(scores: Mapping[str, pa.Table], sizes: pa.Table) -> pd.DataFrame:
    """All scores by model, subject type, period and rank. Of stays only those that are told: nobody reads the others."""
    parts = [one.drop_columns(["drivers", "shown"]).to_pandas() for one in scores.values()]
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[(frame["subject_type"] != "stay") | (frame["score"] >= TOLD)]
    frame = frame.sort_values(
        ["model", "subject_type", "period", "score", "subject"],
        ascending=[True, True, True, False, True],
        na_position="last",
        ignore_index=True,
    )
    place = frame.groupby(["model", "subject_type", "period"]).cumcount() + 1
    frame["rank"] = place.where(frame["score"].notna()).astype("Int64")
    known = sizes.to_pandas().assign(period=WHOLE)
    return frame.merge(known, how="left", on=["subject_type", "subject", "period"]).assign(
        patients=lambda all_: all_["patients"].astype("Int64"), money=lambda all_: all_["money"].round(2)
    )


def within_budget(alerts: list[Alert], frame: pd.DataFrame, budget: int) -> list[Alert]:
    """The alerts of the first `budget` subjects of each type that have any, in the order of the one list; of subjects that
    are not on it (stays, rings) by their alerts' own score."""
    listed = frame[(frame["model"] == "overall") & frame["score"].notna()]
    place = dict(
        zip(zip(listed["subject_type"], listed["subject"], strict=True), listed["rank"], strict=True)
    )

    def order(alert: Alert) -> tuple[float, float, str]:
        rank = place.get((alert.subject_type, alert.subject))
        return (float(rank) if rank is not None else np.inf, -float(alert.score or 0), alert.jr_id)

    kept: list[Alert] = []
    seen: dict[str, Counter[str]] = {}
    for alert in sorted(alerts, key=order):
        subjects = seen.setdefault(alert.subject_type, Counter())
        if alert.subject in subjects or len(subjects) < budget:
            subjects[alert.subject] += 1
            kept.append(alert)
    return sorted(kept, key=lambda alert: alert.jr_id)
