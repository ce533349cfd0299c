"""A state that knows nothing, or not all: persons of whom only the lake knows, disks that are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streams.live import town
from tests.streams.live.site import Site

#: Rules whose facts the first days bring, so that a later day brings the finding.
FIRST = [
    town.insured(0),
    town.priced(0, 50),
    town.admitted("M1", 1),
    town.registered("O1", 2, hospital="H2"),
    town.settled("O1", "S2", 2, 10, outpatient=True, hospital="H2"),
    town.registered("O2", 3, psn="P2"),
    town.registered("O3", 4, psn="P2"),
    *town.others(5),
]
THEN = [
    [town.discharged("M1", 6), town.charged("M1", ("1", 6, 60))],
    [town.registered("O4", 6, psn="P2"), *town.others(7)],
    [town.charged("M1", ("2", 9, 10)), town.settled("M1", "S1", 9, 90), *town.others(16)],
]


def go_on(site: Site) -> None:
    for batch in THEN:
        site.hear(batch).look_again()
        assert site.agrees()


def test_persons_of_whom_only_the_lake_knows_are_looked_up_there(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.lines, site._not_archived = list(FIRST), list(FIRST)
        site.archive().restart()
        for path in tmp_path.glob("shard-*"):
            path.unlink()
        site.restart()
        site.hear(town.priced(0, 50, msgid=town.msgid_of(FIRST[1])), town.others(5.1))
        go_on(site)


@pytest.mark.parametrize(
    ("expired", "looked_again"),
    [(False, False), (True, False), (True, True)],
    ids=["of all packets", "of the lake alone", "of the lake alone, everyone looked at before more comes"],
)
def test_a_lost_state_is_built_again(tmp_path: Path, expired: bool, looked_again: bool) -> None:
    with Site(tmp_path) as site:
        site.hear(FIRST).look_again().archive()
        if expired:
            site.forget_packets()
        site.lose_disk()
        if looked_again:
            site.look_again()
        go_on(site)


@pytest.mark.parametrize("back", range(len(THEN)))
def test_a_state_that_is_behind_what_was_said_goes_on_from_there(tmp_path: Path, back: int) -> None:
    with Site(tmp_path) as site:
        site.hear(FIRST)
        for number, batch in enumerate(THEN):
            if number == back:
                before = site.state_now()
            site.hear(batch)
        said = len(site.told)
        site.lose_disk(but=before).look_again()
        assert site.agrees()
        assert len(site.told) == said
        site.hear(town.died(8, seen=17)).look_again()
        assert site.agrees()


def test_a_lost_state_of_long_ago(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(FIRST).look_again()
        for batch in THEN:
            site.hear(batch)
        for day in (60, 90):
            site.hear(town.others(day)).look_again().archive().evict()
        assert site.evicted
        site.lose_disk().look_again()
        assert site.agrees()
        site.hear(town.died(1, seen=91)).look_again()
        assert site.agrees()
        site.archive().evict()
        site.hear(town.died(1, seen=91, psn="P2", source="police")).look_again()
        assert site.agrees()


def test_who_is_to_be_looked_at_again_and_is_not_known_is_looked_up_in_the_lake(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(FIRST).look_again().archive().forget_packets()
        site.lose_disk()
        site.hear(again=("P1", "P2"))
        site.look_again()
        go_on(site)
