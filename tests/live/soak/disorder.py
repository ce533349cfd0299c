"""What a network and a careless gateway do to a log: copies, another order, and messages that are none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from streams.wire.reject import LONGEST_MESSAGE
from tests.live.soak.lines import line, message

#: Messages that come a second time; those that come only at the end of the log; how far others are thrown about.
_TWICE = 0.02
_HELD_BACK = 0.0005
_THROWN = 60

#: One message in so many is followed by one that is none.
_POISON_EVERY = 400


def repeated_and_reordered(
    lines: Sequence[bytes], chance: random.Random, counts: Counter[str]
) -> list[bytes]:
    """The same messages, some twice (the second anywhere behind the first), near ones in another order, and a few at
    the very end, whatever their time."""
    placed: list[tuple[float, bytes]] = []
    for place, one in enumerate(lines):
        if chance.random() < _HELD_BACK and message(one):
            counts["held back"] += 1
            placed.append((len(lines) * chance.uniform(0.97, 1.0), one))
        else:
            placed.append((place + chance.uniform(0, _THROWN), one))
        if chance.random() < _TWICE:
            counts["twice"] += 1
            placed.append((chance.uniform(place, len(lines)), one))
    placed.sort(key=lambda one: one[0])
    return [one for _, one in placed]


def poisoned(lines: Sequence[bytes], chance: random.Random, counts: Counter[str]) -> list[bytes]:
    """The same messages, and among them some that are no facts; one is too long."""
    result: list[bytes] = []
    too_long = len(lines) * 3 // 5
    for place, one in enumerate(lines):
        result.append(one)
        if place == too_long:
            counts["too long"] += 1
            result.append(b'{"infno":"2401","msgid":"TOO-LONG","pad":"%s"}' % (b"x" * LONGEST_MESSAGE))
        elif chance.random() * _POISON_EVERY < 1:
            kind, bad = _bad(one, len(result), chance)
            counts[kind] += 1
            result.append(bad)
    return result


def _bad(sound: bytes, number: int, chance: random.Random) -> tuple[str, bytes]:
    read = message(sound)
    kinds = ["not JSON", "not JSON", "no object", "no msgid", "no time"] + (["no input"] if read else [])
    kind = chance.choice(kinds)
    if kind == "no object":
        return kind, chance.choice([b"[]", b"17", b'"text"', b"null", b"{}"])
    if kind == "not JSON" or read is None:
        return "not JSON", chance.choice([sound[: len(sound) // 2], b"\xff\xfe\x00" + sound[:40], b"<xml/>"])
    msgid = f"POISON-{number:08}"
    if kind == "no msgid":
        return kind, line({name: value for name, value in read.items() if name != "msgid"})
    if kind == "no time":
        return kind, line({**read, "msgid": msgid, "inf_time": "2026-02-30 25:61:00"})
    return kind, line({**read, "msgid": msgid, "input": None, "data": None})
