"""The sweep: whatever the lake grew by, and whenever it was killed, it ends with the replay's alerts, and says why what
is gone is gone."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as altered

from detectors.diff import CANCELLING
from rules.rulebook import Rulebook
from streams.changes import RETRACTED, Change, Fact
from streams.errors import Refused
from streams.live.sweep import Sweep, Swept
from streams.live.whole import BrokenOffError, Means
from tests.promises.conftest import Judged
from tests.promises.conftest import world as world
from tests.promises.kernel import as_bytes
from tests.promises.test_batches import taken_back
from tests.streams.live.county import County, again, holds, judging, of_rules


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path)


def cut(lines: list[bytes], parts: int, seed: int) -> Iterator[list[bytes]]:
    places = sorted(random.Random(seed).sample(range(1, len(lines)), parts - 1))
    for start, end in zip([0, *places], [*places, len(lines)], strict=True):
        yield lines[start:end]


@pytest.fixture(scope="module")
def grown(world: Judged, tmp_path_factory: pytest.TempPathFactory) -> County:
    """A county swept after each of several appends, the last of which takes back a finding of every rule."""
    county = County(tmp_path_factory.mktemp("county"))
    for lines in [*cut(world.lines, 4, seed=5), taken_back(world)]:
        county.grow(lines)
        county.once()
    return county


def test_after_every_append_swept_it_ends_with_the_alerts_of_the_replay(grown: County) -> None:
    changes = grown.outbox()
    expected = grown.replayed()
    assert as_bytes(holds(changes)) == as_bytes(expected)
    every = {rule.code for rule in judging().rulebook.rules}
    opened = Counter(change.alert.rule_code for change in changes if change.kind == "opened")
    retracted = Counter(change.alert.rule_code for change in changes if change.kind == RETRACTED)
    print(f"opened {dict(opened)}\nretracted {dict(retracted)}")
    assert opened.keys() == every
    assert retracted.keys() == every, "nothing is tested of a rule that takes nothing back"


def test_a_retraction_names_the_cancellation_that_ended_it(grown: County, world: Judged) -> None:
    cancelled = [change for change in grown.outbox() if change.reason == "cancelled"]
    kinds = {json.loads(line)["msgid"]: json.loads(line)["infno"] for line in taken_back(world)}
    ended = [kinds[change.reason_msgid] for change in cancelled if change.reason_msgid in kinds]
    assert len(ended) >= len(judging().rulebook.rules) - 1
    assert set(ended) <= CANCELLING


def test_what_is_said_brings_the_facts_that_it_rests_on(grown: County) -> None:
    for change in grown.outbox():
        told = {fact.msgid for fact in change.facts}
        assert told == (set() if change.kind == RETRACTED else set(change.alert.evidence))
    facts: list[Fact] = grown.outbox()[0].facts
    assert {"message"} < {fact.table for fact in facts}
    assert json.loads(facts[0].data)["msgid"] == facts[0].msgid


def test_a_lake_in_which_nothing_changed_is_left_alone(county: County, world: Judged) -> None:
    county.grow(world.lines[:2000])
    steps: list[str] = []
    sweep = county.sweep(on_step=steps.append)
    assert sweep.once().ran == tuple(rule.code for rule in judging().rulebook.rules)
    assert "rule GB-05" in steps
    steps.clear()
    assert sweep.once() == Swept()
    sweep.close()
    assert county.once() == Swept(), "nor by one that starts anew"
    assert not steps


def test_rules_of_which_no_table_got_rows_are_not_asked_again(county: County, world: Judged) -> None:
    county.grow(world.lines[:-200])
    before = county.once()
    orders = [line for line in world.lines[-4000:] if b'"infno":"4402A"' in line]
    assert orders
    county.grow([again(line) for line in orders[:3]])
    after = county.once()
    assert set(before.ran) - set(after.ran) == {"FP-06", "FR-04", "PA-02"}
    assert as_bytes(holds(county.outbox())) == as_bytes(county.replayed())


def test_killed_between_storing_and_sending_it_says_everything_once(county: County, world: Judged) -> None:
    """Whatever of the outbox reached the topic before the kill, and was not noted as sent."""
    county.grow(world.lines[:9000])
    topic: list[Change] = []
    chance = random.Random(3)
    for lines in [world.lines[9000:12000], world.lines[12000:], taken_back(world)]:
        county.once()
        dying = county.sweep()
        sent = dying.said.waiting(chance.randrange(1, max(2, dying.said.depth)))[1]
        topic += sent  # confirmed by the broker; then the power went
        dying.close()
        county.grow(lines)
        sweep = county.sweep()
        assert sweep.resume({change.jr_id: change for change in topic})
        sweep.once()
        while True:
            number, waiting = sweep.said.waiting(40)
            if not waiting:
                break
            topic += waiting
            sweep.sent(number)
        sweep.close()
    sweep = county.sweep()
    sweep.once()
    topic += sweep.said.waiting(10_000)[1]
    sweep.close()
    assert as_bytes(holds(topic)) == as_bytes(county.replayed())
    assert any(change.reason == "cancelled" for change in topic)


def test_killed_before_storing_it_finds_the_same_again(county: County, world: Judged) -> None:
    county.grow(world.lines)

    class Killed(BaseException):
        pass

    def die(step: str) -> None:
        if step == "diff":
            raise Killed

    dying = county.sweep(on_step=die)
    with pytest.raises(Killed):
        dying.once()
    dying.close()
    assert county.outbox() == []
    county.once()
    assert as_bytes(holds(county.outbox())) == as_bytes(of_rules(world.alerts, judging().rulebook))


def test_a_state_that_was_lost_goes_on_from_what_was_said(county: County, world: Judged) -> None:
    county.grow(world.lines)
    county.once()
    topic = county.outbox()
    county.state.unlink()
    for beside in county.folder.glob("sweeper.db-*"):
        beside.unlink()
    county.grow(taken_back(world))
    sweep = county.sweep()
    assert not sweep.resume({change.jr_id: change for change in topic})
    sweep.once()
    topic += sweep.said.waiting(10_000)[1]
    sweep.close()
    assert as_bytes(holds(topic)) == as_bytes(county.replayed())
    assert any(change.reason == "cancelled" for change in topic)


def test_what_another_said_under_the_same_number_is_not_taken_for_ones_own(
    county: County, world: Judged
) -> None:
    county.grow(world.lines)
    county.once()
    topic = {change.jr_id: change for change in county.outbox()}
    some = next(iter(topic.values()))
    foreign = replace_alert(some)
    sweep = county.sweep()
    assert not sweep.resume({**topic, foreign.jr_id: foreign})
    sweep.once()
    (mended,) = sweep.said.waiting()[1]
    sweep.close()
    assert (mended.jr_id, mended.seq, mended.kind) == (some.jr_id, 2, "changed")
    assert mended.alert == some.alert


def replace_alert(change: Change) -> Change:
    return altered(change, alert=altered(change.alert, revision="another", vola_cont="another"))


@pytest.mark.parametrize(
    ("how", "reason"),
    [("rule", "rule not run"), ("parameter", "parameter changed"), ("knowledge", "knowledge changed")],
)
def test_what_other_rules_do_not_find_any_more_says_so(
    county: County, world: Judged, how: str, reason: str
) -> None:
    county.grow(world.lines)
    county.once()
    before = judging()
    after = {
        "rule": replace(
            before, rulebook=Rulebook(tuple(r for r in before.rulebook.rules if r.code != "GB-05"))
        ),
        "parameter": replace(before, params={"FP-06": {"short_cards": "50", "long_cards": "100"}}),
        "knowledge": replace(before, knowledge=replace(before.knowledge, batch="another")),
    }[how]
    swept = county.once(after)
    assert swept.changes, "nothing came of it"
    gone = {change.reason for change in swept.changes if change.kind == RETRACTED}
    if how == "knowledge":
        assert gone == set()
        assert {change.kind for change in swept.changes} == {"changed"}
    else:
        assert gone == {reason}
    assert county.once(after) == Swept()


def test_a_sweep_that_is_broken_off_stores_nothing(county: County, world: Judged) -> None:
    county.grow(world.lines[:3000])
    means = Means(threads=1)
    sweep = Sweep(
        county.state,
        county.lake,
        judging(),
        means,
        on_step=lambda step: means.breaker.break_off() if step == "rule FR-01" else None,
    )
    with pytest.raises(BrokenOffError):
        sweep.once()
    assert sweep.said.depth == 0
    sweep.close()
    assert county.once().ran


def test_without_a_lake_it_says_what_to_do(county: County) -> None:
    with pytest.raises(Refused, match="is no lake"):
        county.once()
