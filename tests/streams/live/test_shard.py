"""A shard, step by step."""

from __future__ import annotations

from pathlib import Path

from tests.streams.live import town
from tests.streams.live.site import Site

PERSONS = ["P1", "P2", "P3", "P4", "P5"]


def test_a_message_about_several_persons_reaches_each_of_them_once(tmp_path: Path) -> None:
    beds = town.beds_checked(3.01, PERSONS, hospital="H2", msgid="beds")
    with Site(tmp_path, shards=2) as site:
        site.hear(beds)
        site.hear(*(town.checked(3, psn=psn) for psn in PERSONS), beds)
        site.hear(beds).look_again()
        assert site.by_rule() == {"TL-07": len(PERSONS)}
        assert site.agrees()
        site.archive().restart()
        for day in (60, 61):
            site.hear(*town.others(day)).look_again().archive().evict()
        assert site.evicted >= len(PERSONS)
        site.hear(town.checked(3.02, psn="P1", hospital="H3"), beds).look_again()
        assert site.agrees()


def test_a_practitioner_who_is_insured_too_is_spoken_for_by_one_shard(tmp_path: Path) -> None:
    doctors = [town.tell("practitioner", 4, dr_codg=f"D{psn}", psn_no=psn) for psn in PERSONS]
    with Site(tmp_path, shards=2) as site:
        for psn in PERSONS:
            site.hear(town.checked(3, psn=psn), town.checked(3.01, psn=psn, hospital="H2"))
        site.archive()
        site.lose_disk(0)
        site.lose_disk(1)
        site.hear(*doctors).look_again()
        assert site.by_rule() == {"TL-07": len(PERSONS)}
        assert site.agrees()
