"""A shard, step by step: what it says, when, and what it keeps through restarts and failures."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from detectors.diff import Reason
from streams.changes import CHANGED, OPENED, RETRACTED, Change
from streams.live.packets import Packet
from streams.live.past import LakePast
from streams.live.shard import Shard
from tests.streams.live import town
from tests.streams.live.site import CORRECTIONS, Site, kernel, packets, tables_of

PERSONS = ["P1", "P2", "P3", "P4", "P5"]

#: A life in which alerts open, change and go: of a line after the discharge, visits elsewhere, a missing list.
LIFE: list[list[bytes]] = [
    [town.insured(0), town.priced(0, 50), town.admitted("M1", 1), *town.others(2)],
    [
        town.charged("M1", ("1", 2, 60)),
        town.registered("O1", 3, hospital="H2"),
        town.registered("O2", 3, psn="P2"),
    ],
    [town.settled("O1", "S2", 3.1, 0, outpatient=True, hospital="H2"), town.registered("O3", 4, psn="P2")],
    [
        town.discharged("M1", 5, msgid="out"),
        town.charged("M1", ("2", 6.5, 10)),
        town.registered("O4", 5, psn="P2"),
    ],
    [town.settled("M1", "S1", 7, 70, msgid="settled-S1"), *town.others(8)],
    [town.charged("M1", ("3", 8, 10)), town.died(2, seen=9)],
    [*town.others(13)],
    [town.withdrawn("M1", "2", "3", seen=14), town.taken_back("2202", 14, psn="P2", mdtrt_id="O3")],
    [town.taken_back("2305", 15, setl_id="S1", mdtrt_id="M1"), *town.others(16)],
]


#: Fewer rules, where it does not matter which.
LESS = kernel("TL-01", "TL-02", "TL-03", "TL-08")


def told(site: Site) -> list[tuple[str, int, str, str]]:
    """What was said last, as a text."""
    return sorted(
        (change.alert.rule_code, change.seq, change.kind, change.alert.revision)
        for change in site.told.values()
    )


def live(site: Site, between: Callable[[Site], Any] = lambda _: None) -> Site:
    """The life, and something between any two steps."""
    for batch in LIFE:
        site.hear(batch)
        between(site)
        site.look_again()
        between(site)
    return site


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The life, without anything between."""
    with Site(tmp_path_factory.mktemp("calm"), LESS) as site:
        yield live(site)


def test_a_life_is_told_as_it_happens(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        for number, batch in enumerate(LIFE):
            site.hear(batch).look_again()
            assert number % 3 != 2 or site.agrees()
        assert {kind for _, kind in site.counts} == {OPENED, CHANGED, RETRACTED}
        assert {code for code, kind in site.counts if kind == RETRACTED} >= {
            "TL-01",
            "TL-02",
            "TL-03",
            "TL-08",
        }


def test_a_restart_between_any_two_steps_changes_nothing_of_what_is_said(calm: Site, tmp_path: Path) -> None:
    with Site(tmp_path, LESS) as shaken:
        live(shaken, Site.restart)
        assert told(shaken) == told(calm)
        assert shaken.agrees()


def test_what_was_not_sent_before_a_restart_is_sent_after_it(tmp_path: Path) -> None:
    path = tmp_path / "shard.db"
    waiting: list[Change] = []
    for position, batch in enumerate(LIFE, start=1):
        shard = Shard(path, LESS)
        assert shard.position == position - 1
        assert shard.said.waiting()[1] == waiting
        waiting += shard.take(packets(batch, LESS), position).changes
        shard.close()
    assert len(waiting) > 5


def test_a_step_says_how_much_there_was_to_do(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "shard.db", LESS)
    took = shard.take(packets([*LIFE[0], *LIFE[1], *LIFE[1]], LESS), 1)
    assert (took.events, took.copies, took.persons) == (7, 3, 2)
    took = shard.take([], 2)
    assert (took.events, took.copies, took.persons, took.changes, shard.position) == (0, 0, 0, (), 2)
    persons, size = shard.size()
    assert persons == 2
    assert size > 0
    shard.close()


def test_catching_up_says_nothing_until_everyone_is_looked_at_again(calm: Site, tmp_path: Path) -> None:
    with Site(tmp_path, LESS) as catching_up:
        for batch in LIFE:
            catching_up.hear(batch, judge=False)
        assert catching_up.told == {}
        catching_up.look_again()
        assert catching_up.agrees()
        assert catching_up.alerts == calm.alerts


@pytest.mark.parametrize("step", [3, 7])
def test_who_succeeds_on_an_empty_disk_goes_on_from_what_was_said(tmp_path: Path, step: int) -> None:
    with Site(tmp_path, LESS) as site:
        for batch in LIFE[:step]:
            site.hear(batch).look_again()
        before = dict(site.told)
        site.lose_disk().look_again()
        assert site.told == before
        for batch in LIFE[step:]:
            site.hear(batch).look_again()
        assert site.agrees()


class Interrupted(Exception):  # noqa: N818 it stands for anything that may go wrong
    pass


@pytest.mark.parametrize("looking_again", [False, True], ids=["in a packet", "in looking again"])
def test_a_failure_within_a_step_leaves_the_state_as_it_was(tmp_path: Path, looking_again: bool) -> None:
    def stumble(name: str) -> None:
        if name == failing:
            raise Interrupted

    rules = kernel("TL-01", "TL-03")
    shard = Shard(tmp_path / "shard.db", rules)
    for position, batch in enumerate(LIFE[:5], start=1):
        shard.take(packets(batch, rules), position)
    if looking_again:
        shard.take([Packet(again=("P1", "P2"))], 6)
    shard.close()
    before = contents(tmp_path / "shard.db")
    for failing in ("begin", "load", "ledger", "rule TL-01", "alerts", "diff"):
        shard = Shard(tmp_path / "shard.db", rules, on_step=stumble)
        with pytest.raises(Interrupted):
            shard.look_again() if looking_again else shard.take(packets(LIFE[5], rules), 6)
        shard.close()
        assert contents(tmp_path / "shard.db") == before, failing
    shard = Shard(tmp_path / "shard.db", rules)
    shard.take(packets([line for batch in LIFE[5:] for line in batch], rules), 9)
    while shard.look_again().persons:
        pass
    with rules.judged(tables_of([line for batch in LIFE for line in batch]), shard.watermark) as judged:
        whole = judged.result.alerts
    assert sorted(alert.jr_id for alert in shard.said.open_of()) == [alert.jr_id for alert in whole]
    shard.close()


def contents(path: Path) -> dict[str, list[Any]]:
    """All tables of a state file."""
    con = sqlite3.connect(path)
    names = [name for (name,) in con.execute("select name from sqlite_master where type = 'table'")]
    found = {name: con.execute(f"select * from {name} order by 1, 2").fetchall() for name in names}
    con.close()
    return found


def test_a_full_disk_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "shard.db", LESS)
    shard.take(packets(LIFE[0], LESS), 1)
    before = contents(tmp_path / "shard.db")
    (pages,) = shard._con.execute("pragma page_count").fetchone()
    shard._con.execute(f"pragma max_page_count = {pages}")
    many = [town.registered(f"X{number}", 3, psn=f"P{number}") for number in range(200)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        shard.take(packets(many, LESS), 2)
    shard.close()
    assert contents(tmp_path / "shard.db") == before
    shard = Shard(tmp_path / "shard.db", LESS)
    shard.take(packets(many, LESS), 2)
    assert shard.position == 2
    shard.close()


def test_timers_fire_when_the_watermark_has_reached_them_and_not_before(tmp_path: Path) -> None:
    due, lateness = 7 + 5, 2 / 24
    with Site(tmp_path, LESS) as site:
        for batch in LIFE[:5]:
            site.hear(batch).look_again()
        site.hear(town.others(due + lateness - 1 / 86400)).restart()
        assert site.shards[0].look_again().persons == 0
        assert not site.by_rule().get("TL-03")
        site.hear(town.others(due + lateness))
        assert site.shards[0].look_again().persons == 0
        (change,) = (change for change in site.told.values() if change.alert.rule_code == "TL-03")
        assert (change.kind, change.alert.detected_at) == (OPENED, town.when(due))
        assert site.agrees()


def test_a_shard_alone_looks_at_what_has_come_due_when_it_is_asked_to(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "shard.db", LESS)
    for position, batch in enumerate([*LIFE[:5], [*town.others(20)]], 1):
        took = shard.take(packets(batch, LESS), position)
    assert "TL-03" not in {change.alert.rule_code for change in took.changes}
    assert {change.alert.rule_code for change in shard.look_again().changes} == {"TL-03"}
    shard.close()


def test_a_timer_whose_cause_is_gone_does_not_fire(tmp_path: Path) -> None:
    with Site(tmp_path, LESS) as site:
        for batch in LIFE[:5]:
            site.hear(batch).look_again()
        site.hear(town.listed("M1", "S1", 11), *town.others(20))
        assert site.shards[0].look_again().persons == 0
        assert not site.by_rule().get("TL-03")
        assert site.agrees()


def test_a_watermark_that_is_set_back_closes_what_is_not_due_any_more(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(
            town.admitted("M1", 1), town.settled("M1", "S1", 7, 0), town.checked(30, psn="P2")
        ).look_again()
        assert site.by_rule() == {"TL-03": 1}
        site.hear(town.checked(9, psn="P3", hospital="H9")).look_again()
        assert site.by_rule() == {}
        assert site.agrees()
        site.hear(town.others(31)).look_again()
        assert site.agrees()


def test_who_is_to_be_looked_at_again_is(tmp_path: Path) -> None:
    with Site(tmp_path, LESS) as site:
        for batch in LIFE[:6]:
            site.hear(batch).look_again()
        site.hear(again=("P1", "P7"))
        assert site.shards[0].look_again().persons == 2
        assert site.shards[0].look_again().persons == 0
        assert site.agrees()


def test_what_is_withdrawn_was_never_said(tmp_path: Path) -> None:
    with Site(tmp_path, LESS) as site:
        for batch in LIFE[:6]:
            site.hear(batch).look_again()
        line = next(one for batch in LIFE[:6] for one in batch if town.msgid_of(one) == "out")
        content = tables_of([line])["message"]["content"].to_pylist()[0]
        site.hear(withdrawn=(("P1", "out", content), ("P1", "unknown", 1))).look_again()
        assert not site.by_rule().get("TL-01")
        site.lines.remove(line)
        assert site.agrees()


def test_the_same_msgid_with_another_content_for_the_same_person_is_decided_as_in_a_replay(
    tmp_path: Path,
) -> None:
    late, early = town.discharged("M1", 3, msgid="out", seen=9), town.discharged("M1", 5, msgid="out", seen=5)
    for order in ([late, early], [early, late]):
        folder = tmp_path / str(order.index(late))
        with Site(folder, LESS) as site:
            site.hear(town.admitted("M1", 1), town.charged("M1", ("1", 6.5, 10)), *town.others(9))
            for line in order:
                site.hear(line).look_again()
                assert site.agrees()
            assert site.by_rule()["TL-01"] == 1


def test_the_same_msgid_for_another_person_differs_until_it_is_withdrawn(tmp_path: Path) -> None:
    stays = [town.admitted(f"M-{psn}", 1, psn=psn) for psn in ("P1", "P2")]
    lines = [town.charged(f"M-{psn}", ("1", 6.5, 10), psn=psn, seen=7) for psn in ("P1", "P2")]
    first = town.discharged("M-P1", 5, psn="P1", msgid="out")
    second = town.discharged("M-P2", 5, psn="P2", msgid="out", seen=6)
    with Site(tmp_path, LESS, shards=2) as site:
        site.hear(*stays, *lines, second).look_again()
        assert site.agrees()
        site.hear(first).look_again()
        with pytest.raises(AssertionError):
            site.agrees()
        content = tables_of([second])["message"]["content"].to_pylist()[0]
        site.hear(withdrawn=(("P2", "out", content),)).look_again()
        assert site.agrees()
        assert site.by_rule()["TL-01"] == 1


def test_a_dropped_finding_is_said_when_something_comes(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "shard.db", LESS)
    for position, batch in enumerate(LIFE[:4], start=1):
        shard.take(packets(batch, LESS), position)
    found = {change.jr_id for change in shard.said.waiting()[1]}
    assert len(found) == 2
    shard.drop({})
    assert shard.said.depth == 0
    assert shard.look_again().persons == 0
    shard.take(packets([town.admitted("M8", 8), town.admitted("M9", 8, psn="P2")], LESS), 5)
    assert {change.jr_id for change in shard.said.waiting()[1]} == found
    shard.close()


def test_a_retraction_says_what_ended_the_alert(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(town.insured(0, msgid="was"), town.diagnosed("O1", 1, "O80"), town.admitted("M1", 1))
        site.hear(town.charged("M1", ("1", 6.5, 10)), town.discharged("M1", 5), *town.others(7))
        site.hear(town.insured(8, gend="2", msgid="is"))
        site.hear(town.withdrawn("M1", "1", seen=8, msgid="back"))
        gone = {change.alert.rule_code: (change.reason, change.reason_msgid) for change in site.told.values()}
        assert gone == {"TL-05": (Reason.REGISTRY.value, "is"), "TL-01": (Reason.CANCELLED.value, "back")}


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


def test_a_message_about_several_persons_is_whole_where_one_of_them_is_known_and_another_is_not(
    tmp_path: Path,
) -> None:
    with Site(tmp_path) as site:
        site.hear(
            *(town.checked(3, psn=psn) for psn in PERSONS), town.beds_checked(3.01, PERSONS, hospital="H2")
        )
        site.archive().forget_packets().lose_disk()
        site.hear(town.checked(9, psn="P1")).look_again()
        assert site.by_rule() == {"TL-07": len(PERSONS)}
        site.hear(town.checked(10, psn="P2"), again=PERSONS).look_again()
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


def test_nothing_is_let_go_of_without_a_lake(tmp_path: Path) -> None:
    with Site(tmp_path, LESS, with_lake=False) as site:
        site.hear(LIFE[0]).hear(town.others(200)).look_again().evict()
        assert site.evicted == 0
    shard = Shard(tmp_path / "new.db", kernel(), past=LakePast(tmp_path / "none"), corrections=CORRECTIONS)
    assert shard.evict() == 0
    shard.close()
