"""Lives over longer than twice a history's reach: whatever comes late, and whatever is lost, the end is the replay's."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from streams.changes import OPENED, RETRACTED
from tests.streams.live import town
from tests.streams.live.lives import lives
from tests.streams.live.site import CORRECTIONS, LONGEST, Site, town_rules

DAYS, SEED = 100, 2

#: What takes back the begin of a visit, by the first letter of its id.
UNDO = {"M": "2404", "O": "2202", "P": "2103"}


def taken_back(site: Site) -> list[bytes]:
    """Cancellations that end an alert of each rule, the oldest: its visits were never there."""
    visits = {}
    for alert in sorted(site.alerts, key=lambda alert: (alert.rule_code, alert.occurred_at), reverse=True):
        if alert.mdtrt_ids and alert.patn_id:
            visits[alert.rule_code] = (alert.patn_id, alert.fixmedins_code or "", alert.mdtrt_ids[0])
    return [
        town.taken_back(
            UNDO[visit[0]], DAYS + 2, psn=psn, hospital=hospital, mdtrt_id=visit, setl_id=f"S-{visit}"
        )
        for psn, hospital, visit in visits.values()
    ]


@pytest.mark.parametrize("lags", [False, True], ids=["in step", "one behind the other"])
def test_lives_longer_than_histories_end_as_in_a_replay(tmp_path: Path, *, lags: bool) -> None:
    assert 2 * (2 * LONGEST + CORRECTIONS).days < DAYS
    chance = random.Random(SEED)
    with Site(tmp_path, shards=3, lagging=random.Random(SEED) if lags else None) as site:
        for batch in lives(SEED, persons=12, days=DAYS):
            site.hear(batch)
            for step, likely in (
                (site.look_again, 0.5),
                (site.archive, 0.4),
                (site.evict, 0.5),
                (site.restart, 0.2),
                (lambda: site.lose_disk(chance.randrange(3)), 0.1),
            ):
                if chance.random() < likely:
                    step()
        site.look_again()
        assert site.agrees()
        site.archive().evict().hear(taken_back(site), town.others(DAYS + 3)).look_again()
        assert site.agrees()
        print(f"{len(site.lines)} messages, {site.evicted} let go of, {dict(site.counts)}")
        every = {rule.code for rule in town_rules().rules}
        assert {code for code, kind in site.counts if kind == OPENED} == every
        assert {code for code, kind in site.counts if kind == RETRACTED} >= every - {"TL-07"}
        assert site.evicted > 10
