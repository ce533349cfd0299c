"""Promise 8: facts outside a rule's lookback from the anchor change nothing about that alert."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence

import pytest

from detectors.alert import Alert
from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, encode, message, rulebook

#: Far beyond every lookback.
YEARS = 20

#: Beyond every lookback still, and soon enough for what is due after a discharge.
YEARS_LATER = 3

_DATE = re.compile(r"\b(20\d\d)-(\d\d-\d\d)")
_LINE_IDS = re.compile(
    r'("(?:feedetl_sn|init_feedetl_sn|rpotc_no|drord_no|medcas_drord_detl_id)"\s*:\s*")([^"]+)"'
)
_IDS = re.compile(
    r'("(?:msgid|mdtrt_id|setl_id|omsgid|mdtrt_sn|rpotc_no|drord_no|medcas_drord_detl_id|bill_no|invono|drug_trac_codg|'
    r'rtal_docno|refl_old_mdtrt_id)"\s*:\s*")([^"]+)"'
)


def _shift(text: str, years: int) -> str:
    return _DATE.sub(lambda found: f"{int(found[1]) + years}-{found[2]}", text)


def long_after(line: bytes) -> bytes:
    """The same event of the same persons at the same institutions, twenty years later under other numbers."""
    text = _shift(line.decode(), YEARS)
    return _IDS.sub(lambda found: f'{found[1]}{found[2][:26]}x20"', text).encode()


def bounded() -> set[str]:
    """The rules that state a lookback."""
    return {rule.code for rule in rulebook().rules if rule.lookback is not None}


def unlike(before: Iterable[Alert], after: Iterable[Alert]) -> list[tuple[str, bytes, bytes | None]]:
    """The alerts of bounded rules that are not the same afterwards."""
    by_id = {alert.jr_id: alert for alert in after}
    return [
        (alert.rule_code, encode(alert), encode(by_id[alert.jr_id]) if alert.jr_id in by_id else None)
        for alert in before
        if alert.rule_code in bounded()
        and (alert.jr_id not in by_id or by_id[alert.jr_id].revision != alert.revision)
    ]


def test_what_lies_outside_the_lookback_changes_nothing(world: Judged) -> None:
    good = [line for line in world.lines if (read := message(line)) is not None and "registry" not in read]
    again = alerts_of([*world.lines, *map(long_after, good)], world.watermark)
    changed = unlike(world.alerts, again)
    assert not changed, changed[:3]
    assert {alert.rule_code for alert in world.alerts} >= bounded()
    assert len(again) > len(world.alerts), "the later events raise alerts of their own"


def stays_of(lines: Sequence[bytes]) -> dict[str, list[str]]:
    """Person → their stays, by admission."""
    stays: dict[str, dict[str, None]] = {}
    for read in filter(None, map(message, sorted(lines, key=_begin))):
        if read.get("infno") == "2402":
            info = read["input"]["dscginfo"]
            stays.setdefault(info["psn_no"], {})[info["mdtrt_id"]] = None
    return {psn_no: list(ids) for psn_no, ids in stays.items()}


def _begin(line: bytes) -> str:
    read = message(line)
    return str(read.get("inf_time", "")) if read is not None else ""


def discharged_later(lines: Sequence[bytes], chosen: Collection[str]) -> tuple[list[bytes], list[bytes]]:
    """The log in which these stays are never discharged, and discharges of theirs, as transfers, three years later."""
    kept: list[bytes] = []
    later: dict[str, bytes] = {}
    for line in lines:
        read = message(line)
        kind = read.get("infno") if read is not None else None
        if read is None or kind not in ("2402", "2405"):
            kept.append(line)
            continue
        stay = read["input"]["dscginfo" if kind == "2402" else "data"]["mdtrt_id"]
        if stay not in chosen:
            kept.append(line)
        elif kind == "2402":
            late = json.loads(_shift(line.decode(), YEARS_LATER))
            late["msgid"] = f"{late['msgid'][:26]}late"
            late["input"]["dscginfo"] |= {"dscg_way": "2", "die_date": ""}
            later[stay] = json.dumps(late, ensure_ascii=False).encode()
    return kept, list(later.values())


@pytest.mark.parametrize(
    ("choose", "speak"),
    [
        (lambda stays: stays, {"GB-02", "GB-03", "GB-05", "GB-08", "IN-05", "FP-02", "FP-03", "FP-04", "FP-07", "FI-08"}),
        (lambda stays: stays[-1:], {"GB-02", "IN-05", "IN-06", "FP-03"}),
        (lambda stays: stays[:-1], {"GB-02", "FP-03"}),
    ],
    ids=["every stay", "the last stay of each person", "all but the last"],
)  # fmt: skip
def test_a_discharge_beyond_the_lookback_changes_nothing(
    world: Judged, choose: Callable[[list[str]], list[str]], speak: set[str]
) -> None:
    chosen = {stay for stays in stays_of(world.lines).values() for stay in choose(stays)}
    kept, later = discharged_later(world.lines, chosen)
    assert len(later) > 10
    before = alerts_of(kept, None)
    after = alerts_of([*kept, *later], None)
    changed = unlike(before, after)
    assert not changed, changed[:3]
    new = {alert.jr_id: alert for alert in after}.keys() - {alert.jr_id for alert in before}
    assert not {alert.rule_code for alert in after if alert.jr_id in new} & bounded()
    assert {alert.rule_code for alert in before} >= speak


def said_later(line: bytes) -> bytes:
    """The same lines, orders, reports and measurements of the same visit, three years later."""
    text = _shift(line.decode(), YEARS_LATER)
    read = json.loads(_LINE_IDS.sub(lambda found: f'{found[1]}{found[2][:24]}late"', text))
    read["msgid"] = f"{read['msgid'][:26]}late"
    return json.dumps(read, ensure_ascii=False).encode()


def test_what_an_open_stay_is_charged_beyond_the_lookback_changes_nothing(world: Judged) -> None:
    chosen = {stay for stays in stays_of(world.lines).values() for stay in stays}
    kept, _ = discharged_later(world.lines, chosen)
    kinds = ("2301", "4402A", "4501", "4502", "4602")
    later = [said_later(line) for line in kept if (read := message(line)) and read.get("infno") in kinds]
    assert len(later) > 1000
    before = alerts_of(kept, None)
    changed = unlike(before, alerts_of([*kept, *later], None))
    assert not changed, changed[:3]
    assert {alert.rule_code for alert in before} >= {"GB-02", "GB-03", "GB-05", "GB-08", "IN-05", "FP-03"}
