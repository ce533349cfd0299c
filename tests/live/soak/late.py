"""Facts that come when the history has gone: deaths, cancellations, corrections of visits long past."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.live.soak.lines import Message, changed, days, first, line, message, seen, succeeded

#: Of each rule, alerts whose visits are taken back; of each other kind of latecomer, at most so many.
PER_RULE = 20
PER_KIND = 25

#: What opens a visit or settles it, and what takes that back.
_TAKEN_BACK = {"2401": "2404", "2201": "2202", "2102": "2103", "2207": "2208", "2304": "2305", "2402": "2405"}


@dataclass(frozen=True)
class Old:
    """An alert found in the county."""

    rule_code: str
    occurred_at: datetime
    visits: tuple[str, ...]


Latecomer = tuple[str, datetime, bytes]
"""What it is, when the platform sees it, and the message."""


def facts(
    lines: Sequence[bytes], found: Sequence[Old], gone: datetime, end: datetime, chance: random.Random
) -> list[Latecomer]:
    """Latecomers that are heard of between `gone` and `end`, all of them about what lies before `gone` less the time
    until they are heard of."""
    county = _County(lines, gone - days(20))
    maker = _Maker(gone, end, chance)
    every: list[Latecomer] = []
    every += maker.taken_back(found, county)
    every += maker.deaths(county)
    every += maker.reversed(county)
    every += maker.lines_added(county)
    every += maker.not_insured(county)
    every += maker.moved_institutions(found, county)
    every += maker.conflicts(county)
    return every


def inserted(lines: Sequence[bytes], latecomers: Sequence[Latecomer], chance: random.Random) -> list[bytes]:
    """The log with the latecomers at the places where their time has come."""
    waiting = sorted(latecomers, key=lambda one: (one[1], one[2]), reverse=True)
    result = []
    for one in lines:
        result.append(one)
        if waiting and chance.random() < 0.2 and (read := message(one)):
            time = seen(read)
            while waiting and time and waiting[-1][1] <= time:
                result.append(waiting.pop()[2])
    result += [one for _, _, one in reversed(waiting)]
    return result


class _County:
    """The messages before a time, by what they are about."""

    def __init__(self, lines: Sequence[bytes], before: datetime) -> None:
        self.of_visit: defaultdict[str, dict[str, Message]] = defaultdict(dict)
        self.kinds: defaultdict[str, list[Message]] = defaultdict(list)
        self.registry: defaultdict[str, list[Message]] = defaultdict(list)
        last: dict[str, datetime] = {}
        for read in filter(None, map(message, lines)):
            time = seen(read)
            if "registry" in read:
                self.registry[read["registry"]].append(read)
                continue
            visit = first(read, "mdtrt_id")
            if visit and time:
                last[visit] = max(time, last.get(visit, time))
            for infno in ("2401", "2402", "2201", "2102", "2207", "2304", "2301"):
                if visit and succeeded(read, infno):
                    self.of_visit[visit].setdefault(infno, read)
                    self.kinds[infno].append(read)
        self.past = {visit for visit, time in last.items() if time < before}

    def old(self, infno: str) -> list[Message]:
        """Messages of this kind, of visits of which nothing was heard since."""
        return [read for read in self.kinds[infno] if first(read, "mdtrt_id") in self.past]


class _Maker:
    def __init__(self, gone: datetime, end: datetime, chance: random.Random) -> None:
        self._gone = gone
        self._end = end
        self._chance = chance
        self._number = 0

    def taken_back(self, found: Sequence[Old], county: _County) -> Iterator[Latecomer]:
        """Visits on which old alerts rest are cancelled, settlements and discharges undone. One alert of each rule stays."""
        done: defaultdict[str, int] = defaultdict(int)
        left = Counter(alert.rule_code for alert in found)
        for alert in self._chance.sample(found, len(found)):
            if done[alert.rule_code] >= PER_RULE or not set(alert.visits) <= county.past:
                continue
            if left[alert.rule_code] == 1:
                continue
            left[alert.rule_code] -= 1
            for visit in alert.visits:
                had = [infno for infno in _TAKEN_BACK if infno in county.of_visit[visit]]
                if not had:
                    continue
                done[alert.rule_code] += 1
                infno = self._chance.choice(had)
                read = county.of_visit[visit][infno]
                yield self._late("taken back", read, infno=_TAKEN_BACK[infno], input={"data": _target(read)},
                                 response={"infcode": 0, "output": {}})  # fmt: skip

    def deaths(self, county: _County) -> Iterator[Latecomer]:
        """Persons turn out to have died before an old settlement."""
        for read in self._some(county.old("2304") + county.old("2207")):
            died = (seen(read) or self._gone) - days(self._chance.randrange(2, 20))
            data = {"psn_no": first(read, "psn_no"), "die_date": f"{died:%Y-%m-%d}", "source": "civil"}
            yield self._register("death", "death", data)

    def reversed(self, county: _County) -> Iterator[Latecomer]:
        """Old messages are reversed by their msgid."""
        for read in self._some(county.old("2304") + county.old("2401")):
            data = {"psn_no": first(read, "psn_no"), "omsgid": read["msgid"], "oinfno": read["infno"]}
            yield self._late("reversed", read, infno="2601", input={"data": data},
                             response={"infcode": 0, "output": {}})  # fmt: skip

    def lines_added(self, county: _County) -> Iterator[Latecomer]:
        """Lines of a stay long past come once more, as others."""
        for read in self._some(county.old("2301")):
            text = line({name: read[name] for name in ("input", "response")}).decode()
            numbers = {row["feedetl_sn"] for row in read["input"]["feedetail"]}
            for number in numbers:
                text = text.replace(f'"{number}"', f'"{number}X"')
            again = message(f'{{"msgid":"","inf_time":"2026-01-01 00:00:00",{text[1:]}'.encode()) or {}
            yield self._late("lines", read, input=again["input"], response=again["response"])

    def not_insured(self, county: _County) -> Iterator[Latecomer]:
        """Insurance turns out to have ended before an old settlement."""
        of_person = {read["data"]["psn_no"]: read for read in county.registry["insured"]}
        for read in self._some(county.old("2304") + county.old("2207")):
            known = of_person.get(first(read, "psn_no") or "")
            if known:
                until = (seen(read) or self._gone) - days(self._chance.randrange(10, 30))
                if f"{until:%Y-%m-%d}" > known["data"]["begndate"]:
                    data = {**known["data"], "enddate": f"{until:%Y-%m-%d}"}
                    yield self._register("insured", "insured", data)

    def moved_institutions(self, found: Sequence[Old], county: _County) -> Iterator[Latecomer]:
        """Institutions turn out to lie elsewhere, which is news for persons whom nothing touches afterwards."""
        places = {
            place
            for alert in found
            if alert.rule_code == "FP-02" and alert.occurred_at < self._gone
            for visit in alert.visits
            for read in county.of_visit[visit].values()
            if (place := first(read, "fixmedins_code"))
        }
        rows = [read for read in county.registry["institution"] if read["data"]["fixmedins_code"] in places]
        for read in rows[:3]:
            data = {**read["data"], "longitude": f"{float(read['data']['longitude']) + 0.9:.6f}"}
            yield self._register("institution", "institution", data)

    def conflicts(self, county: _County) -> Iterator[Latecomer]:
        """Another content under the msgid of an old message: some later than it, which lose, some earlier, which win."""
        for read in self._some(county.old("2304"))[:10]:
            when = (seen(read) or self._gone) + timedelta(minutes=self._chance.choice([-1, 1]))
            what, time, _ = self._late("conflict", read)
            other = changed(read, read["msgid"], when, opter=f"X{self._number}")
            other = _other_sum(other)
            yield what, time, line(other)

    def _some(self, every: list[Message]) -> list[Message]:
        return self._chance.sample(every, min(PER_KIND, len(every)))

    def _time(self) -> datetime:
        return self._gone + (self._end - self._gone) * self._chance.uniform(0.1, 0.97)

    def _late(self, what: str, read: Message, **fields: Any) -> Latecomer:
        self._number += 1
        when = self._time()
        return what, when, line(changed(read, f"LATE{self._number:026}", when, **fields))

    def _register(self, what: str, registry: str, data: dict[str, Any]) -> Latecomer:
        self._number += 1
        when = self._time()
        msgid = f"REG-late-{self._number:08}"
        return (
            what,
            when,
            line(
                {"registry": registry, "msgid": msgid, "inf_time": f"{when:%Y-%m-%d %H:%M:%S}", "data": data}
            ),
        )


def _target(read: Message) -> dict[str, Any]:
    """What a message that takes this one back must name."""
    names = ("setl_id", "mdtrt_id") if read["infno"] in ("2304", "2207", "2102") else ("mdtrt_id",)
    return {"psn_no": first(read, "psn_no"), **{name: first(read, name) for name in names}}


def _other_sum(read: Message) -> Message:
    """The same settlement with ten yuan more."""
    response = {**read["response"], "output": {**read["response"]["output"]}}
    info = dict(response["output"]["setlinfo"])
    for name in ("medfee_sumamt", "fund_pay_sumamt"):
        info[name] = f"{float(info[name]) + 10:.2f}"
    response["output"]["setlinfo"] = info
    return {**read, "response": response}
