"""Other rules, parameters or knowledge: everyone is judged again, and what goes says why."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from detectors.diff import Reason
from detectors.standing import StandingKernel
from rules.rulebook import Rulebook
from streams.changes import CHANGED, OPENED, RETRACTED
from streams.live.shard import Shard
from tests.promises.kernel import knowledge
from tests.streams.live import town
from tests.streams.live.site import LONGEST, Site, kernel, town_rules


@functools.cache
def with_grace(hours: int) -> StandingKernel:
    """The town's kernel with another grace of TL-01."""
    return StandingKernel(town_rules(), knowledge(), {"TL-01": {"grace": hours}}, threads=1)


def visits(*persons: str) -> list[bytes]:
    """A stay of each with a line 36 hours after its end, a check in two places, a settlement after death."""
    return [
        line
        for psn in persons
        for line in (
            town.admitted(f"M-{psn}", 1, psn=psn),
            town.charged(f"M-{psn}", ("1", 6.5, 10), psn=psn),
            town.discharged(f"M-{psn}", 5, psn=psn),
            town.settled(f"M-{psn}", f"S-{psn}", 7, 10, psn=psn),
            town.checked(3, psn=psn),
            town.checked(3.01, psn=psn, hospital="H2"),
            town.died(2, seen=8, psn=psn),
        )
    ]


def reasons(site: Site) -> Counter[tuple[str, str | None]]:
    """Why alerts went, by rule."""
    gone = [change for change in site.told.values() if change.kind == RETRACTED]
    return Counter((change.alert.rule_code, change.reason) for change in gone)


def test_a_rule_that_does_not_run_any_more_retracts_and_a_new_one_opens(tmp_path: Path) -> None:
    with Site(tmp_path, kernel("TL-01", "TL-02", "TL-07")) as site:
        site.hear(*visits("P1", "P2"), *town.others(9))
        assert not site.shards[0].rolls_out
        site.restart(kernel("TL-02", "TL-03", "TL-07"))
        assert site.shards[0].rolls_out
        site.hear(*town.others(20)).look_again()
        assert not site.shards[0].rolls_out
        assert reasons(site) == {("TL-01", Reason.NOT_RUN.value): 2}
        assert site.counts["TL-03", OPENED] == 2
        assert site.agrees()


def test_a_changed_parameter_retracts_and_changes(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(*visits("P1", "P2"), *town.others(9))
        site.restart(with_grace(30)).look_again()
        assert site.counts["TL-01", CHANGED] == 2
        assert site.agrees()
        site.restart(with_grace(48)).look_again()
        assert reasons(site) == {("TL-01", Reason.PARAMETER.value): 2}
        assert site.agrees()
        site.restart(kernel()).look_again()
        assert site.agrees()


def test_a_changed_rule_is_a_reason_too(tmp_path: Path) -> None:
    rules = tuple(
        replace(rule, sql=rule.sql.replace("interval 1 hour", "interval 1 minute"))
        for rule in town_rules().rules
    )
    with Site(tmp_path) as site:
        site.hear(*visits("P1"), *town.others(9))
        site.restart(StandingKernel(Rulebook(rules), knowledge(), threads=1)).look_again()
        assert reasons(site) == {("TL-07", Reason.RULE.value): 1}
        assert site.agrees()


def test_changed_knowledge_is_a_reason_too(tmp_path: Path) -> None:
    known = replace(knowledge(), batch="another")
    with Site(tmp_path) as site:
        site.hear(*visits("P1"), *town.others(9))
        site.restart(StandingKernel(town_rules(), known, threads=1)).look_again()
        assert {change.alert.knowledge_batch for change in site.told.values()} == {"another"}
        assert site.agrees()


def test_judging_everyone_again_goes_on_after_an_interruption(tmp_path: Path) -> None:
    persons = [f"P{number}" for number in range(10, 20)]
    with Site(tmp_path) as site:
        site.hear(*visits(*persons), *town.others(9))
        site.restart(with_grace(48))
        (shard,) = site.shards
        assert shard.look_again(most=4).persons == 4
        site.hear(town.checked(9.5, psn=persons[0])).restart(with_grace(48))
        (shard,) = site.shards
        assert shard.rolls_out
        assert shard.look_again(most=4).persons == 4
        assert shard.rolls_out
        site.look_again()
        assert not site.shards[0].rolls_out
        assert reasons(site) == {("TL-01", Reason.PARAMETER.value): len(persons)}
        assert site.agrees()


def test_a_change_of_rules_during_a_change_of_rules_is_told_against_what_was_said(tmp_path: Path) -> None:
    persons = [f"P{number}" for number in range(10, 16)]
    with Site(tmp_path) as site:
        site.hear(*visits(*persons), *town.others(9)).restart(with_grace(48))
        site.shards[0].look_again(most=3)
        site.restart(kernel("TL-02", "TL-03", "TL-07")).look_again()
        why = {change.reason for change in site.told.values() if change.alert.rule_code == "TL-01"}
        assert why == {Reason.NOT_RUN.value, Reason.PARAMETER.value}
        assert site.agrees()


def test_rules_that_read_more_find_it_in_the_lake(tmp_path: Path) -> None:
    with Site(tmp_path, kernel("TL-02")) as site:
        site.hear(*visits("P1", "P2"), *town.others(9)).archive()
        site.restart(kernel()).look_again()
        assert site.agrees()
        site.hear(town.checked(10, psn="P3"), town.checked(10.01, psn="P1"), *town.others(20)).look_again()
        assert site.agrees()
        site.restart(kernel("TL-02")).look_again()
        site.hear(town.checked(21, psn="P1"), *town.others(22)).archive()
        site.restart(kernel()).look_again()
        site.hear(town.checked(21.01, psn="P1", hospital="H3")).look_again()
        assert site.agrees()


def test_other_rules_over_persons_of_whom_visits_were_let_go_of(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.hear(*visits("P1", "P2"), *town.others(9))
        for day in (60, 90):
            site.hear(town.checked(day), *town.others(day)).look_again().archive().evict()
        assert site.evicted
        site.restart(with_grace(48)).look_again()
        assert reasons(site) == {("TL-01", Reason.PARAMETER.value): 2}
        assert site.agrees()


def test_rules_that_look_further_back_find_it_in_the_lake(tmp_path: Path) -> None:
    near = Rulebook(tuple(replace(rule, lookback=timedelta(days=10)) for rule in town_rules().rules))
    with Site(tmp_path, StandingKernel(near, knowledge(), threads=1)) as site:
        site.hear(town.registered("O1", 60), *town.others(60))
        site.hear(town.registered("O2", 62), town.registered("O3", 70), *town.others(70))
        for day in (88, 89):
            site.hear(town.checked(day), *town.others(day)).look_again().archive().evict()
        assert site.evicted
        site.restart(kernel()).look_again()
        assert ("TL-08", "O3") in {(alert.rule_code, alert.subject) for alert in site.alerts}
        site.hear(town.checked(90))
        assert site.agrees()


def test_the_first_rules_of_a_state_are_no_change(tmp_path: Path) -> None:
    for of in (kernel(), kernel()):
        shard = Shard(tmp_path / "new.db", of)
        assert not shard.rolls_out
        shard.close()
    assert max(rule.lookback for rule in town_rules().rules if rule.lookback) == LONGEST
