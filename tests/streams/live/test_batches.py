"""Promise 3, live: however messages are cut and in whatever order they come, what is said ends as in a replay."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from detectors.facts import renumbered
from detectors.standing import Registries, StandingKernel
from rules.rulebook import Rulebook
from streams.changes import OPENED, RETRACTED
from streams.live.news import FOR_ALL
from tests.promises.conftest import Judged
from tests.promises.kernel import (
    PARAMS,
    alerts_of,
    as_bytes,
    knowledge,
    models,
    rulebook,
    watermark_of,
    world_lines,
)
from tests.promises.test_batches import taken_back
from tests.streams.live.site import Site, tables_of

#: The rules that a worker speaks for.
RULES = Rulebook(tuple(rule for rule in rulebook().rules if rule.key in ("person", "visit")))
CODES = {rule.code for rule in RULES.rules}

_PERSON = re.compile(rb'"psn_no":"([^"]+)"')


@pytest.fixture(scope="module")
def of_persons() -> StandingKernel:
    return StandingKernel(RULES, knowledge(), PARAMS, models(), threads=2)


@pytest.fixture(scope="module")
def world() -> Judged:
    """The messages of some persons of each rule, in the promises' county, and what a replay says of them."""
    lines = list(world_lines())
    mark = watermark_of(lines)
    chosen: set[str] = set()
    count: Counter[str] = Counter()
    for alert in alerts_of(lines, mark, RULES):
        count[alert.rule_code] += 1
        if count[alert.rule_code] <= 2 and alert.patn_id:
            chosen.add(alert.patn_id)
    assert count.keys() == CODES
    named = [{found.decode() for found in _PERSON.findall(line)} for line in lines]
    kept = [line for line, persons in zip(lines, named, strict=True) if not persons or persons & chosen]
    mark = watermark_of(kept)
    return Judged(kept, mark, alerts_of(kept, mark, RULES))


def test_any_batches_in_any_order_with_copies_end_as_a_replay(
    world: Judged, of_persons: StandingKernel, tmp_path: Path
) -> None:
    chance = random.Random(2)
    copies = chance.sample(world.lines, len(world.lines) // 10)
    lines = chance.sample([*world.lines, *copies], len(world.lines) + len(copies))
    cancellations = taken_back(world)
    cuts = [0, *sorted(chance.sample(range(1, len(lines)), 2)), len(lines)]
    with Site(tmp_path, of_persons, shards=2, with_lake=False) as site:
        for start, end in pairwise(cuts):
            site.hear(lines[start:end])
        site.look_again()
        assert as_bytes(site.alerts) == as_bytes(world.alerts)
        site.hear(cancellations).look_again()
        everything = [*lines, *cancellations]
        whole = alerts_of(everything, watermark_of(everything), RULES)
        assert as_bytes(site.alerts) == as_bytes(whole)
        opened, retracted = (
            {code for code, kind in site.counts if kind == wanted} for wanted in (OPENED, RETRACTED)
        )
        assert opened == CODES
        assert retracted == CODES, f"never retracted: {sorted(CODES - retracted)}"
        print(
            {kind: sum(n for (_, k), n in site.counts.items() if k == kind) for kind in (OPENED, RETRACTED)}
        )


def test_a_kernel_that_stands_says_what_evaluate_says(world: Judged, of_persons: StandingKernel) -> None:
    for _ in ("the first time", "and again"):
        with of_persons.judged(tables_of(world.lines), world.watermark) as judged:
            assert as_bytes(judged.result.alerts) == as_bytes(world.alerts)


def test_registries_that_stay_are_judged_by_like_those_that_come_with_the_facts(
    world: Judged, of_persons: StandingKernel
) -> None:
    """Whichever stood before, and with the `seq` of other facts, as where two shards number their messages."""
    tables = tables_of(world.lines)
    names = [name for name in FOR_ALL if name in tables]
    seqs = pa.chunked_array([chunk for name in names for chunk in tables[name]["seq"].chunks])
    messages = tables["message"]
    of_registries = pc.is_in(messages["seq"], seqs.combine_chunks())
    facts = {name: table for name, table in tables.items() if name not in names}
    facts["message"] = messages.filter(pc.invert(of_registries))
    every, _ = renumbered(
        {name: tables[name] for name in names} | {"message": messages.filter(of_registries)}, 0
    )
    assert every["message"].num_rows > 20
    some = {name: every[name] for name in ("message", "institution")}

    def judged(registries: Registries) -> list[bytes]:
        with of_persons.judged(facts, world.watermark, registries=registries) as judged:
            return as_bytes(judged.result.alerts)

    with of_persons.judged(facts, world.watermark) as without:
        alone = as_bytes(without.result.alerts)
    assert alone != as_bytes(world.alerts)
    for registries, wanted in (
        (Registries(every, 1), as_bytes(world.alerts)),
        (Registries(every, 1), as_bytes(world.alerts)),
        (Registries(some, 2), None),
        (Registries(), alone),
        (Registries(every, 1), as_bytes(world.alerts)),
    ):
        found = judged(registries)
        if wanted is not None:
            assert found == wanted
        else:
            assert found not in (alone, as_bytes(world.alerts))
    judged(Registries())
