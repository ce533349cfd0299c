"""One row of scores: a ring in a period, held against the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from scipy.stats import poisson

from detectors.anomaly import peers
from detectors.anomaly.model import WHOLE
from detectors.anomaly.rings import communities, meetings, said
from detectors.anomaly.rings import pairs as pairing
from detectors.anomaly.rings.chance import Rates
from detectors.anomaly.rings.communities import LEAST_MEMBERS, Ring
from detectors.anomaly.rings.meetings import LEAST_DATES, Arrivals
from detectors.anomaly.rings.pairs import Line, Pairs

#: Encounters that are shown at the most.
SHOWN = 10

#: Evidence, in lines, of the smallest ring at the line: two links.
AT_LINE = float(LEAST_MEMBERS - 1)


def row(
    ring: Ring, period: str, some: Arrivals, rates: Rates, line: Line, kin: Collection[tuple[str, str]],
    living: dict[str, str],
) -> dict[str, Any]:  # fmt: skip
    """The row of a ring, as `SCORES` has it, from its members' arrivals of the period."""
    empty: dict[str, Any] = {
        "subject_type": "ring", "subject": ring.subject, "period": period, "model": "rings", "score": None, "cases": len(some),
        "observed": None, "expected": None, "low": None, "high": None, "reason": None, "reason_en": None,
        "not_enough": said.FEW_VISITS, "drivers": [], "shown": [],
    }  # fmt: skip
    _, visits = np.unique(some.person, return_counts=True)
    if (visits >= LEAST_DATES).sum() < LEAST_MEMBERS:
        return empty
    found = pairing.pairs(some, rates)
    together = communities.best(found, some, line.reached(found))
    number = {psn_no: place for place, psn_no in enumerate(ring.members)}
    links, rows = [], []
    for (_, one, other), (evidence, at) in sorted(together.items()):
        a, b = str(some.people[one]), str(some.people[other])
        if evidence > 0 and not meetings.explained(a, b, kin, living):
            links.append((number[a], number[b], evidence))
            rows.append(at)
    held = communities.tree(len(ring.members), links)
    evidence = sum(links[at][2] for at in held)
    score = float(peers.graded(np.array(evidence), np.array(AT_LINE)))
    if not held:
        return empty | {
            "score": 0.0,
            "not_enough": None,
            "reason": said.NOTHING,
            "reason_en": said.NOTHING_EN,
        }
    kept = np.zeros(len(found), dtype=bool)
    kept[[rows[at] for at in held]] = True
    told = found.where(kept)
    dates, shown = gathered(told, some)
    place, _ = Counter(told.place.tolist()).most_common(1)[0]
    observed, expected = float(told.close.mean()), float(told.expected_close.mean())
    members = len(set(told.first.tolist()) | set(told.second.tolist()))
    reason, reason_en = said.sentences(members, str(some.places[place]), dates, observed, expected)
    return empty | {
        "score": round(score, 12), "not_enough": None, "observed": round(observed, 6), "expected": round(expected, 6),
        "low": 0.0, "high": _high(expected), "reason": reason, "reason_en": reason_en,
        "drivers": _drivers(told, observed, expected, evidence), "shown": shown,
    }  # fmt: skip


def hosts(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For institutions where a ring is at the line over the whole of the time: the row of its surest ring, as the institution's."""
    surest: dict[str, dict[str, Any]] = {}
    for one in rows:
        if one["period"] != WHOLE or one["score"] is None or one["score"] < peers.AT_LINE:
            continue
        institution = one["subject"].partition(":")[0]
        if institution not in surest or one["score"] > surest[institution]["score"]:
            surest[institution] = one
    return [
        {**one, "subject_type": "institution", "subject": institution} for institution, one in surest.items()
    ]


def _high(expected: float) -> float:
    """Up to where nineteen of twenty pairs come by chance."""
    return float(poisson.ppf(0.95, expected))


def _drivers(told: Pairs, observed: float, expected: float, evidence: float) -> list[dict[str, Any]]:
    common = float(told.expected.mean())
    return [
        {
            "indicator": "joint_dates", "observed": round(observed, 6), "expected": round(expected, 6), "low": 0.0,
            "high": _high(expected), "cases": int(told.close.sum()), "z": round(evidence, 3),
        },
        {
            "indicator": "common_dates", "observed": round(float(told.dates.mean()), 6), "expected": round(common, 6), "low": 0.0,
            "high": _high(common), "cases": int(told.dates.sum()), "z": round(evidence, 3),
        },
    ]  # fmt: skip


def gathered(told: Pairs, some: Arrivals) -> tuple[int, list[str]]:
    """On how many dates linked members came together, and the encounters of it: the largest gatherings first."""
    linked = {(int(p), int(a), int(b)) for p, a, b in zip(told.place, told.first, told.second, strict=True)}
    met = meetings.meetings(some)
    groups: dict[tuple[int, int], set[int]] = {}
    for first, second in zip(met.first[met.close].tolist(), met.second[met.close].tolist(), strict=True):
        key = (int(some.place[first]), int(some.person[first]), int(some.person[second]))
        if key in linked:
            groups.setdefault((int(some.day[first]), int(some.place[first])), set()).update((first, second))
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    shown: list[str] = []
    for _, some_arrivals in largest:
        for at in sorted(some_arrivals):
            if str(some.visit[at]) not in shown:
                shown.append(str(some.visit[at]))
    return len({day for day, _ in groups}), shown[:SHOWN]
