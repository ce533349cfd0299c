"""What comes after its visit was let go of: in the end always what a replay says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.streams.live import town
from tests.streams.live.site import Site, packets

#: The days by which everything of the first ten days has been let go of.
LATER = (60, 90)


def past_visits(site: Site) -> Site:
    """Visits of the first days, let go of by everyone but the lake; whoever has them is known."""
    site.hear(
        town.insured(0, gend="2"),
        town.priced(0, 50),
        town.admitted("M1", 1),
        town.charged("M1", ("1", 1.5, 40), ("2", 9, 30)),
        town.registered("O1", 2, hospital="H2"),
        town.diagnosed("O1", 2, "O80", hospital="H2"),
        town.charged("O1", ("1", 2, 40), outpatient=True, hospital="H2"),
        town.settled("O1", "S2", 2.1, 40, outpatient=True, hospital="H2", msgid="settled-S2"),
        town.discharged("M1", 5),
        town.settled("M1", "S1", 6, 70, msgid="settled-S1"),
        town.looked_up(7, psn="P2"),
        town.diagnosed("O5", 7, "O80", psn="P2"),
        town.others(10),
    )
    for day in LATER:
        site.hear(
            town.registered(f"O{day}", day, hospital="H3"),
            town.registered(f"Q{day}", day, psn="P2"),
            town.others(day + 1),
        )
        site.look_again().archive().evict()
    assert site.evicted >= 2
    assert site.by_rule().keys() >= {"TL-01", "TL-03", "TL-04"}
    return site


LATE = {
    "a death": [town.died(1, seen=91)],
    "a death that another source says too, and one that is withdrawn": [
        town.died(1, seen=91),
        town.died(1, seen=91.1, source="police"),
        town.died(1, seen=91.2, vali_flag="0"),
    ],
    "a cancelled settlement": [town.taken_back("2305", 91, setl_id="S1", mdtrt_id="M1")],
    "a cancelled outpatient settlement": [
        town.taken_back("2208", 91, setl_id="S2", mdtrt_id="O1", hospital="H2")
    ],
    "a cancelled stay": [town.taken_back("2404", 91, mdtrt_id="M1")],
    "a discharge taken back": [town.taken_back("2405", 91, mdtrt_id="M1")],
    "a reversed settlement": [town.taken_back("2601", 91, omsgid="settled-S1", oinfno="2304")],
    "a settlement list": [town.listed("M1", "S1", 91)],
    "an insured period": [town.insured(91, gend="1")],
    "a late line": [town.charged("M1", ("3", 9.5, 10), seen=91)],
    "a line with a recent time": [town.charged("M1", ("3", 90.5, 10), seen=91)],
    "a refund": [town.charged("M1", ("3", 9, -30), cnt=-1, refunds="2", seen=91)],
    "a withdrawn line": [town.withdrawn("M1", "2", seen=91)],
    "another settlement of the stay": [town.settled("M1", "S9", 91, 5)],
    "another settlement, then its cancellation": [
        town.settled("M1", "S9", 91, 5),
        town.taken_back("2305", 91.5, setl_id="S9", mdtrt_id="M1"),
    ],
    "a look-up that says something else": [town.looked_up(91, psn="P2", place="990102")],
    "look-ups that say something else and the first again": [
        town.looked_up(91, psn="P2", gend="2"),
        town.looked_up(92, psn="P2", gend="1"),
    ],
    "a lower limit in the catalogue": [town.priced(1, 35, msgid="catalogue-lower")],
    "a price that nobody knew": [town.priced(91, 20)],
}


@pytest.fixture(scope="module")
def long_after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("past")) as site:
        yield past_visits(site)


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_what_comes_late_ends_as_in_a_replay(long_after: Site, tmp_path: Path, late: list[bytes]) -> None:
    with long_after.copied(tmp_path) as site:
        for line in late:
            site.hear(line).look_again()
        assert site.agrees()


def test_a_fact_on_time_changes_alerts_as_far_back_as_the_lookback(long_after: Site, tmp_path: Path) -> None:
    with long_after.copied(tmp_path) as site:
        site.hear(town.admitted("M2", 92), town.others(92)).look_again()
        site.hear(
            town.registered("O2", 109, hospital="H2"),
            town.settled("O2", "S3", 109, 0, outpatient=True, hospital="H2"),
            town.others(109),
        ).look_again()
        assert ("TL-04", "M2") in {(alert.rule_code, alert.subject) for alert in site.alerts}
        assert site.agrees()


def test_a_timer_of_somebody_of_whom_visits_were_let_go_of_fires(long_after: Site, tmp_path: Path) -> None:
    with long_after.copied(tmp_path) as site:
        site.hear(town.admitted("M2", 92), town.settled("M2", "S3", 100, 0), town.others(100)).look_again()
        site.hear(town.others(104.9)).look_again()
        assert ("TL-03", "M2") not in {(alert.rule_code, alert.subject) for alert in site.alerts}
        site.hear(town.others(105.2)).look_again()
        assert ("TL-03", "M2") in {(alert.rule_code, alert.subject) for alert in site.alerts}
        assert site.agrees()


def test_a_reversal_goes_with_the_visit_of_the_message_that_it_reverses(
    long_after: Site, tmp_path: Path
) -> None:
    with long_after.copied(tmp_path) as site:
        site.hear(
            town.admitted("M2", 92), town.settled("M2", "S3", 94, 10, msgid="settled-S3"), town.others(95)
        )
        site.hear(town.taken_back("2601", 95, omsgid="settled-S3", oinfno="2304"))
        site.hear(town.charged("M2", ("1", 93, 20), seen=118), town.others(122)).look_again()
        assert site.agrees()
        site.archive().evict().hear(town.registered("O2", 122)).look_again()
        assert site.agrees()


def test_a_registry_that_repeats_itself_has_nobody_looked_at_again(long_after: Site, tmp_path: Path) -> None:
    with long_after.copied(tmp_path) as site:
        (shard,) = site.shards
        shard.take(packets([town.priced(92, 50)], site.kernel), 1000)
        assert shard.look_again().persons == 0
        shard.take(packets([town.priced(92, 45)], site.kernel), 1001)
        assert shard.look_again().persons > 1
