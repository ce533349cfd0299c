"""A run's alerts in the order that past decisions suggest."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from detectors.alert import Alert
from detectors.anomaly import model
from detectors.anomaly.alertfeatures import DECISIONS, alert_table
from detectors.anomaly.fit_ranking import DECIDED, RankingFitting
from detectors.anomaly.model import ModelError, ModelSet
from detectors.anomaly.ranking import NAME, TABLE, Ranking
from streams.anomaly.reading import LABEL_NAMES, column, read_rows, yes_or_no
from streams.errors import Refused

#: How a table of decisions may name the day of a decision.
DAY_NAMES = ("date", "day", "decided_at", "decided", "decision_date", "time")

#: Columns of a ranked list as a file.
COLUMNS = (
    "rank",
    "jr_id",
    "rule_code",
    "sev_deg",
    "vola_amt",
    "fixmedins_code",
    "chance",
    "decision",
    "reason",
    "reason_en",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What reviewers decided of an alert, and on which day."""

    jr_id: str
    confirmed: bool
    day: date


@dataclass(frozen=True, slots=True)
class Place:
    """An alert in the order. `chance`: that a reviewer confirms it; `decision`: what was decided of it, if anything."""

    alert: Alert
    chance: float
    reason: str
    reason_en: str
    decision: bool | None


def read_decisions(path: Path) -> list[Decision]:
    """A CSV with `jr_id`, whether it was confirmed, and the day. Rows without an answer are left out."""
    rows = read_rows(path, "a table of decisions")
    jr_id = column(rows, ("jr_id",), path, "that name")
    answer = column(rows, LABEL_NAMES, path, "one of them")
    day = column(rows, DAY_NAMES, path, "one of them")
    found = []
    for number, row in enumerate(rows, 2):
        try:
            confirmed = yes_or_no(row[answer])
        except ValueError:
            raise Refused(
                f"{path}, row {number}: {answer} is {row[answer]!r}; write Yes or No, 1 or 0, true or false."
            ) from None
        if confirmed is None:
            continue
        try:
            when = datetime.fromisoformat(row[day]).date()
        except ValueError:
            raise Refused(f"{path}, row {number}: {day} is {row[day]!r}; write it as 2026-03-31.") from None
        found.append(Decision(row[jr_id], confirmed, when))
    return found


def fit(alerts: Iterable[Alert], decisions: Sequence[Decision], as_of: datetime, seed: int = 1) -> Ranking:
    """Learn from decisions. Refuses with a sentence where there are too few about these alerts."""
    table = pa.Table.from_pylist(
        [{"jr_id": one.jr_id, "confirmed": one.confirmed, "day": one.day} for one in decisions], DECISIONS
    )
    try:
        return RankingFitting().fit({TABLE: alert_table(alerts), DECIDED: table}, as_of, seed=seed)
    except ModelError as error:
        raise Refused(str(error)) from error


def keep(ranking: Ranking, folder: Path, as_of: datetime, seed: int = 1) -> None:
    """Put a ranking into a folder of models, beside those that are there, in the place of an earlier ranking."""
    if (folder / model.MODELS).exists():
        there = _load(folder)
        models = ModelSet(
            {**there.models, NAME: ranking}, there.as_of, there.seed, there.features, there.window
        )
    else:
        models = ModelSet({NAME: ranking}, as_of, seed, {})
    model.save(folder, models)


def kept(folder: Path) -> Ranking:
    """The ranking of a folder of models. Refuses where there is none."""
    found = _load(folder).models.get(NAME)
    if not isinstance(found, Ranking):
        raise Refused(
            f"{folder} has no ranking; make one with `fundwatch rank RUN --decisions TABLE --save {folder}`."
        )
    return found


def ordered(alerts: Sequence[Alert], ranking: Ranking, decisions: Iterable[Decision] = ()) -> list[Place]:
    """All alerts, most likely to be confirmed first; where chances are equal by the raw odds, severity and money, then `jr_id`."""
    decided: Mapping[str, bool] = {
        one.jr_id: one.confirmed for one in sorted(decisions, key=lambda one: one.day)
    }
    table = alert_table(alerts)
    scores = {row["subject"]: row for row in ranking.score({TABLE: table}).to_pylist()}
    odds = dict(zip(table["jr_id"].to_pylist(), ranking.odds(table).tolist(), strict=True))
    places = [
        Place(one, scores[one.jr_id]["score"], scores[one.jr_id]["reason"], scores[one.jr_id]["reason_en"], decided.get(one.jr_id))
        for one in alerts
    ]  # fmt: skip
    places.sort(
        key=lambda place: (
            -place.chance,
            -odds[place.alert.jr_id],
            place.alert.sev_deg,
            -float(place.alert.vola_amt),
            place.alert.jr_id,
        )
    )
    return places


def write(places: Iterable[Place], path: Path) -> None:
    """A ranked list as CSV, every alert in it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, place in enumerate(places, 1):
            alert = place.alert
            said = {None: "", True: "confirmed", False: "rejected"}[place.decision]
            rows.writerow(
                (
                    number, alert.jr_id, alert.rule_code, alert.sev_deg, alert.vola_amt, alert.fixmedins_code or "",
                    f"{place.chance:.4f}", said, place.reason, place.reason_en,
                )
            )  # fmt: skip


def _load(folder: Path) -> ModelSet:
    try:
        return model.load(folder)
    except ModelError as error:
        raise Refused(str(error)) from error
