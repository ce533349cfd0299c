"""How messages reach the log: out of order, twice, and some of them broken.

A message's place in the file is its `inf_time` plus a delay drawn here. Most are seconds late, some hours, a
few days. About one in a hundred comes twice. Broken lines are additions: copies of a sound message under a
msgid of their own (but for the conflict, which keeps it), so that nothing of the county is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from streams.simulate import places
from streams.simulate.clock import DATE, DATE_DIGITS, DAY, TIME, TIME_DIGITS
from streams.simulate.dice import Dice

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_CYCLE = len(_PAIRS) ** 2

#: Kinds of broken lines, in the order in which they take turns.
BROKEN = ("not_json", "no_msgid", "bad_time", "bad_row", "wrong_encoding", "conflict")


@dataclass(slots=True)
class Outbox:
    """Collects what is sent, by day of arrival.

    `buckets`: day of arrival → (time of arrival, line without its end). `counts`: messages by infno or registry.
    `disorder`: what was done to them, by kind. `noise` scales it.
    """

    dice: Dice
    noise: float = 1.0
    buckets: defaultdict[int, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    disorder: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    #: Whether sound messages get broken copies beside them (a bad row marks a whole visit as incomplete).
    breaking: bool = True
    _turn: int = 0
    #: Share of messages that do not arrive within seconds.
    _tail: float = field(init=False)
    #: 1 where even the others come some seconds out of order, 0 without noise.
    _shuffled: int = field(init=False)

    def __post_init__(self) -> None:
        self._tail = 0.032 * self.noise
        self._shuffled = 1 if self.noise else 0

    def send(self, counter: places.Counter, infno: str, t: int, body: str, arrive: int | None = None) -> str:
        """A finished transaction, seen by the platform at `t` (seconds). Returns its msgid.

        `body`: what follows the envelope, `"input":{…},"response":{…}`. `arrive`: when it stands in the log.
        """
        place = counter.place
        if place.outages:
            for start, stop in place.outages:
                if start <= t < stop:
                    t = stop + (t - start) // 30
                    break
        number = place.sent
        place.sent = number + 1
        number %= _CYCLE
        day, second = divmod(t, DAY)
        msgid = f"{place.code}{DATE_DIGITS[day]}{TIME_DIGITS[second]}{_PAIRS[number // 1296]}{_PAIRS[number % 1296]}"
        line = (
            f'{{"infno":"{infno}","msgid":"{msgid}{counter.head}{DATE[day]} {TIME[second]}{counter.tail}{body}}}'
        ).encode()
        self.counts[infno] += 1
        self.pending += 1
        if arrive is None:
            u = self.dice.u()
            arrive = (
                t + int(u * 7919) % 41 * self._shuffled if u >= self._tail else self._untimely(u, t, line)
            )
        self.buckets[arrive // DAY].append((arrive, line))
        return msgid

    def register(self, registry: str, msgid: str, t: int, data: str) -> str:
        """A row of a registry, heard of at `t`. `data`: the inside of its data object."""
        day, second = divmod(t, DAY)
        line = f'{{"registry":"{registry}","msgid":"{msgid}","inf_time":"{DATE[day]} {TIME[second]}","data":{{{data}}}}}'.encode()
        self.counts[registry] += 1
        self.pending += 1
        u = self.dice.u()
        arrive = t + int(u * 7919) % 41 * self._shuffled if u >= self._tail else self._untimely(u, t, line)
        self.buckets[arrive // DAY].append((arrive, line))
        return msgid

    def _untimely(self, u: float, t: int, line: bytes) -> int:
        """When one of the few messages of time `t` that do not arrive at once does so; `u` < the tail says why.

        Now and then it arrives twice, or a broken copy beside it.
        """
        u /= self.noise
        fraction = u * 7919 % 1
        if u < 0.010:  # twice
            again = t + (int(fraction * 90) if u < 0.008 else int(fraction * 3 * DAY))
            self.buckets[again // DAY].append((again, line))
            self.disorder["duplicate"] += 1
            self.pending += 1
            return t + int(fraction * 30)
        if u < 0.0106:
            if self.breaking:
                self._break(t, line, fraction)
            return t + int(fraction * 30)
        if u < 0.026:
            self.disorder["late_minutes"] += 1
            return t + 60 + int(fraction * 1800)
        if u < 0.031:
            self.disorder["late_hours"] += 1
            return t + 1800 + int(fraction * 20 * 3600)
        self.disorder["late_days"] += 1
        return t + DAY + int(fraction * 2 * DAY)

    def _break(self, t: int, sound: bytes, fraction: float) -> None:
        """A broken copy of a sound line."""
        kind = BROKEN[self._turn % len(BROKEN)]
        self._turn += 1
        line = sound.decode()
        start = line.index('"msgid":"') + 9
        stop = line.index('"', start)
        clock = line.index('"inf_time":"') + 12
        other = f"{line[:start]}{line[start : stop - 1]}~{line[stop:]}"
        if kind == "not_json":
            broken = other[: 60 + int(fraction * (len(other) - 90))].encode()
        elif kind == "no_msgid":
            broken = f"{line[: start - 9]}{line[stop + 2 :]}".encode()
        elif kind == "bad_time":
            broken = f"{other[:clock]}2026-13-45 99:00:00{other[clock + 19 :]}".encode()
        elif kind == "bad_row":
            if line[10:14] not in (
                "2204",
                "2301",
            ):  # a broken copy of another kind would be a second settlement
                self._turn -= 1
                return
            here = other.index('"fee_ocur_time":"') + 17
            broken = f"{other[:here]}2026-02-30 25:61:00{other[here + 19 :]}".encode()
        elif kind == "wrong_encoding":
            broken = other.encode("gbk")
            if broken == other.encode():
                self._turn -= 1
                return
        else:  # conflict: the same msgid, other content, later
            day, second = divmod(t + 60, DAY)
            broken = f"{line[:clock]}{DATE[day]} {TIME[second]}{line[clock + 19 :]}".encode()
        self.disorder[kind] += 1
        self.pending += 1
        when = t + 60 + int(fraction * 300)
        self.buckets[when // DAY].append((when, broken))
