"""Promise 3: however the log is cut, the differences said on the way add up to the replay's alerts."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from detectors.alert import Alert
from detectors.diff import CANCELLING, Arrived, Changes, Reason, apply, diff
from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, as_bytes, message, rulebook, watermark_of


def arrived(lines: list[bytes]) -> list[Arrived]:
    """The messages of a batch as `diff` wants them."""
    from datetime import datetime

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
            subjects = {row.get("psn_no"), row.get("fixmedins_code"), row.get("dr_codg"), row.get("med_list_codg")}
            found.append(
                Arrived(
                    str(read["msgid"]), when, str(read.get("infno") or read.get("registry")),
                    tuple(sorted(str(name) for name in subjects if name)),
                    row.get("mdtrt_id"), row.get("setl_id"), row.get("omsgid"),
                )
            )  # fmt: skip
    return found


@pytest.mark.parametrize("seed", [11, 12])
def test_any_cutting_into_batches_ends_with_the_alerts_of_the_whole(world: Judged, seed: int) -> None:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, len(world.lines)), 14))
    held: list[Alert] = []
    opened: Counter[str] = Counter()
    retracted: Counter[str] = Counter()
    reasons: Counter[Reason] = Counter()
    for start, end in zip([0, *cuts], [*cuts, len(world.lines)], strict=True):
        so_far = world.lines[:end]
        after = alerts_of(so_far, watermark_of(so_far))
        difference = diff(held, after, Changes(arrived(world.lines[start:end])))
        held = apply(held, difference)
        assert as_bytes(held) == as_bytes(after)
        opened.update(alert.rule_code for alert in difference.opened)
        retracted.update(one.alert.rule_code for one in difference.retracted)
        reasons.update(one.reason for one in difference.retracted)
    assert as_bytes(held) == as_bytes(world.alerts)
    every = {rule.code for rule in rulebook().rules}
    assert every <= opened.keys()
    print(f"opened {dict(opened)}\nretracted {dict(retracted)}\nreasons {dict(reasons)}")
    assert every <= retracted.keys(), f"never retracted: {sorted(every - retracted.keys())}"
    assert reasons[Reason.CANCELLED] > 0


def test_the_transactions_that_take_back_are_those_of_the_ledger() -> None:
    assert {"2103", "2202", "2205", "2208", "2302", "2305", "2404", "2405", "2601"} == CANCELLING
