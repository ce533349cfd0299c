"""Promise 3: however the log is cut, the differences said on the way add up to the replay's alerts."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import pytest

from detectors.alert import Alert
from detectors.diff import CANCELLING, Arrived, Changes, Reason, apply, diff
from detectors.facts import Facts
from tests.promises.conftest import Judged
from tests.promises.kernel import (
    alerts_of,
    as_bytes,
    facts_of,
    message,
    rulebook,
    watermark_of,
    watermark_of_facts,
)
from tests.promises.test_cancellation import envelope, settlement, succeeded, visit_of


def arrived(lines: list[bytes]) -> list[Arrived]:
    """The messages of a batch as `diff` wants them."""
    found = []
    for read in map(message, lines):
        if read is None:
            continue
        data = (read.get("input") or {}).get("data") or read.get("data") or {}
        rows = data if isinstance(data, list) else [data]
        try:
            when = datetime.fromisoformat(str(read.get("inf_time")))
        except ValueError:
            continue
        for row in rows:
            subjects = {
                row.get("psn_no"),
                row.get("fixmedins_code"),
                row.get("dr_codg"),
                row.get("med_list_codg"),
            }
            found.append(
                Arrived(
                    str(read["msgid"]), when, str(read.get("infno") or read.get("registry")),
                    tuple(sorted(str(name) for name in subjects if name)),
                    row.get("mdtrt_id"), row.get("setl_id"), row.get("omsgid"),
                )
            )  # fmt: skip
    return found


def taken_back(world: Judged) -> list[bytes]:
    """Cancellations that end one alert of each rule: every visit that it is about is cancelled. What a model says of an
    institution rests on more visits than an alert shows, so there all of them are, of the one that has fewest."""
    openings: dict[str, bytes] = {}
    reads = {}
    at: defaultdict[str, list[str]] = defaultdict(list)
    for read in map(message, world.lines):
        for infno, cancel in (("2401", "2404"), ("2201", "2202"), ("2102", "2103")):
            if succeeded(read, infno) and read is not None:
                data, mdtrt_id = opening(read)
                reads[mdtrt_id] = (read, cancel, data)
                at[read["fixmedins_code"]].append(mdtrt_id)
    wanted: dict[str, None] = {}
    codes = {alert.rule_code for alert in world.alerts}
    for rule in rulebook().rules:
        if rule.code not in codes:
            continue
        of_rule = [alert for alert in world.alerts if alert.rule_code == rule.code]
        if rule.models and rule.subject[0] == "institution":
            visits = min((at[str(alert.fixmedins_code)] for alert in of_rule), key=len)
        else:
            visits = next(
                one.mdtrt_ids for one in of_rule if one.mdtrt_ids and set(one.mdtrt_ids) <= reads.keys()
            )
        wanted.update(dict.fromkeys(visits))
    for number, mdtrt_id in enumerate(wanted):
        read, cancel, data = reads[mdtrt_id]
        openings[mdtrt_id] = envelope(read, cancel, number, data)
    return list(openings.values())


def opening(read: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What a cancellation of this 2401, 2201 or 2102 must say, and the visit that it opens."""
    if read["infno"] == "2102":
        data = settlement(read)
        return data, str(data["mdtrt_id"])
    node = read["input"].get("mdtrtinfo") or read["input"]["data"]
    mdtrt_id = str(visit_of(read))
    return {"psn_no": node["psn_no"], "mdtrt_id": mdtrt_id}, mdtrt_id


@pytest.mark.parametrize("seed", [11, 12])
def test_any_cutting_into_batches_ends_with_the_alerts_of_the_whole(world: Judged, seed: int) -> None:
    chance = random.Random(seed)
    lines = [*world.lines, *taken_back(world)]
    cuts = [*sorted(chance.sample(range(1, len(world.lines)), 5)), len(world.lines), len(lines)]
    parts: list[Facts] = []
    held: list[Alert] = []
    opened: Counter[str] = Counter()
    retracted: Counter[str] = Counter()
    reasons: Counter[Reason] = Counter()
    for start, end in zip([0, *cuts], cuts, strict=False):
        parts.append(facts_of(lines[start:end], first_seq=start))
        after = alerts_of(Facts.union(parts), watermark_of_facts(Facts.union(parts)))
        difference = diff(held, after, Changes(arrived(lines[start:end])))
        held = apply(held, difference)
        assert as_bytes(held) == as_bytes(after)
        opened.update(alert.rule_code for alert in difference.opened)
        retracted.update(one.alert.rule_code for one in difference.retracted)
        reasons.update(one.reason for one in difference.retracted)
    whole = alerts_of(random.Random(seed).sample(lines, len(lines)), watermark_of(lines))
    assert as_bytes(held) == as_bytes(whole)
    every = {rule.code for rule in rulebook().rules}
    print(f"opened {dict(opened)}\nretracted {dict(retracted)}\nreasons {dict(reasons)}")
    assert every <= opened.keys()
    assert every <= retracted.keys(), f"never retracted: {sorted(every - retracted.keys())}"
    assert reasons[Reason.CANCELLED] >= len(every) - 2


def test_the_transactions_that_take_back_are_those_of_the_ledger() -> None:
    assert {"2103", "2202", "2205", "2208", "2302", "2305", "2404", "2405", "2601"} == CANCELLING
