"""The world of a soak: a simulated county, and what comes to it late, twice, out of order, or broken."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from detectors import engine
from detectors.evaluate import evaluate
from detectors.facts import Facts
from rules import knowledge
from rules.rulebook import Rulebook
from streams.simulate import World, simulate
from streams.wire import decode
from tests.live.soak import disorder, late
from tests.live.soak.lines import span

KEY = "a key for soaking only, no secret"


@dataclass(frozen=True)
class Wanted:
    """`persons` over `days`, drawn from `seed`. No rule looks back over more than `longest`, and facts may be late by
    `corrections`: the world should last more than twice the horizon."""

    persons: int = 4000
    days: int = 400
    seed: int = 1
    longest: timedelta = timedelta(days=75)
    corrections: timedelta = timedelta(days=20)

    @property
    def horizon(self) -> timedelta:
        """How far back a history reaches (H)."""
        return 2 * self.longest + self.corrections


@dataclass(frozen=True)
class Made:
    """Messages in their order of arrival, and what was done to the county's own, by kind. `late_from`: where the first of
    those stands that tell of what is long past."""

    lines: list[bytes]
    late_from: int
    counts: Counter[str] = field(default_factory=Counter)
    lasts: timedelta = timedelta()


def make(wanted: Wanted, rulebook: Rulebook) -> Made:
    """The world, the same for the same arguments. `rulebook`: what it is judged by at first, so that what is taken
    back late is what alerts rest on."""
    chance = random.Random(wanted.seed)
    lines = [bytes(line) for line in simulate(World(wanted.persons, wanted.days, wanted.seed)).events]
    begin, end = span(lines)
    found = _alerts(lines, rulebook, end)
    counts: Counter[str] = Counter()
    latecomers = late.facts(lines, found, end - wanted.horizon, end, chance)
    for what, *_ in latecomers:
        counts[what] += 1
    lines = late.inserted(lines, latecomers, chance)
    lines = disorder.repeated_and_reordered(lines, chance, counts)
    lines = disorder.poisoned(lines, chance, counts)
    told = {one for _, _, one in latecomers}
    late_from = next((place for place, one in enumerate(lines) if one in told), len(lines))
    return Made(lines, late_from, counts, end - begin)


def _alerts(lines: Sequence[bytes], rulebook: Rulebook, end: datetime) -> list[late.Old]:
    """What is found in the county as it is, as far as it matters here."""
    parts = []
    for start in range(0, len(lines), 20_000):
        decoded = decode(
            lines[start : start + 20_000], source="county", first_line=1, first_seq=start, key=KEY.encode()
        )
        parts.append(Facts.of(decoded.tables))
    con = engine.connect()
    alerts = evaluate(Facts.union(parts), rulebook, knowledge.load(), None, end, con=con).alerts
    con.close()
    return [
        late.Old(one.rule_code, datetime.fromisoformat(one.occurred_at), tuple(one.mdtrt_ids))
        for one in alerts
    ]
