"""Lives of some persons at random, over longer than a history reaches: visits and whatever is said of them later."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.streams.live import town

HOSPITALS = ("H1", "H2", "H3", "H4", "H5")


def lives(seed: int, persons: int, days: int) -> list[list[bytes]]:
    """Messages in their order of arrival, in micro-batches. Most come at once, some days later, a few very late."""
    chance = random.Random(seed)
    lines = [(town.when(0), town.priced(0, 50)), (town.when(0), town.priced(0, 80, "A2"))]
    for number in range(persons):
        lines += [(_seen(line), line) for line in _life(chance, f"P{number}", days)]
    for day in range(1, days):
        if day % 4 == 0:
            lines += [(_seen(line), line) for line in town.others(day)]
        if chance.random() < 0.03:
            line = town.priced(day, chance.choice((30, 50, 70)), chance.choice(("A1", "A2", "A3")))
            lines.append((_seen(line), line))
    lines += chance.sample(lines, len(lines) // 20)
    lines.sort(key=lambda pair: pair[0])
    batches: list[list[bytes]] = [[]]
    for _, line in lines:
        batches[-1].append(line)
        if chance.random() < 1 / 110:
            batches.append([])
    return [chance.sample(batch, len(batch)) for batch in batches if batch]


def _seen(line: bytes) -> str:
    return str(json.loads(line)["inf_time"])


def _life(chance: random.Random, psn: str, days: int) -> Iterator[bytes]:
    """What happens to one person, and when the platform sees it."""

    def seen(day: float) -> float:
        how = chance.random()
        late = 0.0 if how < 0.8 else chance.uniform(0, 8) if how < 0.93 else chance.uniform(0, days)
        return min(day + late, days + chance.random())

    if chance.random() < 0.6:
        yield town.insured(0, psn=psn, gend=chance.choice("12"))
    day = chance.uniform(0, 20)
    while day < days:
        hospital = chance.choice(HOSPITALS)
        if chance.random() < 0.4:
            yield from _stay(chance, psn, day, hospital, seen)
        else:
            yield from _clinic(chance, psn, day, hospital, seen)
        day += chance.choice((0.3, 2, 4, 9, 35, 70)) * chance.uniform(0.5, 1.5)
    for _ in range(chance.randint(0, 2)):
        yield _news(chance, psn, chance.uniform(0, days), days)


def _stay(chance, psn, day, hospital, seen) -> Iterator[bytes]:  # type: ignore[no-untyped-def]
    visit = f"M-{psn}-{day:.3f}"
    setl_id = f"S-{visit}"
    who: dict[str, Any] = {"psn": psn, "hospital": hospital}
    end = day + chance.uniform(0.5, 15)
    yield town.admitted(visit, day, seen=seen(day), msgid=f"in-{visit}", **who)
    total = 0.0
    for number in range(chance.randint(1, 3)):
        when, amount = chance.uniform(day, end + chance.choice((0, 3))), float(chance.randint(1, 90))
        total += amount
        code = chance.choice(("A1", "A2", "A3"))
        yield town.charged(visit, (str(number), when, amount), code=code, seen=seen(when), **who)
    if chance.random() < 0.15:
        yield town.charged(visit, ("r", end, -amount), cnt=-1, refunds=str(number), seen=seen(end + 1), **who)
    if chance.random() < 0.85:
        yield town.discharged(visit, end, seen=seen(end), **who)
    if chance.random() < 0.85:
        said = total if chance.random() < 0.7 else total + 1
        yield town.settled(visit, setl_id, end + 0.1, said, seen=seen(end + 0.1), msgid=f"set-{visit}", **who)
        if chance.random() < 0.6:
            yield town.listed(visit, setl_id, seen(end + chance.uniform(0, 8)), **who)
        undone = {
            "2305": {"setl_id": setl_id, "mdtrt_id": visit},
            "2601": {"omsgid": f"set-{visit}", "oinfno": "2304"},
        }
        if chance.random() < 0.3:
            kind = chance.choice(sorted(undone))
            yield town.taken_back(kind, seen(end + 2), **undone[kind], **who)
            if chance.random() < 0.5:
                yield town.settled(visit, f"{setl_id}-b", end + 3, total, seen=seen(end + 3), **who)
    if chance.random() < 0.15:
        yield town.taken_back(chance.choice(("2404", "2405")), seen(end + 1), mdtrt_id=visit, **who)
    if chance.random() < 0.15:
        yield town.withdrawn(visit, chance.choice(("0", "0000")), seen=seen(end + 1), **who)


def _clinic(chance, psn, day, hospital, seen) -> Iterator[bytes]:  # type: ignore[no-untyped-def]
    who: dict[str, Any] = {"psn": psn, "hospital": hospital}
    if chance.random() < 0.2:
        visit = f"P-{psn}-{day:.3f}"
        yield town.sold(visit, f"S-{visit}", day, 20, **who)
        if chance.random() < 0.3:
            yield town.taken_back("2103", seen(day + 1), setl_id=f"S-{visit}", mdtrt_id=visit, **who)
        return
    visit = f"O-{psn}-{day:.3f}"
    if chance.random() < 0.4:
        yield town.looked_up(day, gend=chance.choice("112"), **who)
    if chance.random() < 0.5:
        yield town.checked(day, psn=psn, hospital=chance.choice(HOSPITALS))
        yield town.beds_checked(day + 0.01, [psn, "P0", "P1"], hospital=hospital)
    yield town.registered(visit, day, seen=seen(day), **who)
    if chance.random() < 0.5:
        yield town.diagnosed(visit, day, chance.choice(("O80", "K29")), seen=seen(day), **who)
    yield town.charged(visit, ("1", day, 40), outpatient=True, seen=seen(day), **who)
    if chance.random() < 0.8:
        yield town.settled(visit, f"S-{visit}", day + 0.1, 40, outpatient=True, seen=seen(day + 0.1), **who)
        if chance.random() < 0.2:
            yield town.taken_back("2208", seen(day + 1), setl_id=f"S-{visit}", mdtrt_id=visit, **who)
    if chance.random() < 0.1:
        yield town.taken_back("2202", seen(day + 1), mdtrt_id=visit, **who)


def _news(chance: random.Random, psn: str, day: float, days: int) -> bytes:
    """What a registry learns, at any time later."""
    seen = chance.uniform(day, days)
    if chance.random() < 0.5:
        return town.died(day, seen=seen, psn=psn, source=chance.choice(("civil", "police")))
    return town.insured(seen, psn=psn, gend=chance.choice("12"), vali_flag=chance.choice("110"))
