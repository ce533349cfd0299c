"""Promise 6: the log with a cancellation says what the log without its target says, at the same watermark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from detectors.alert import Alert
from rules.rulebook import Rulebook
from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, as_bytes, message, rulebook

#: Rules that look at what was taken back are exempt, and say so in their header.
RULES = Rulebook(tuple(rule for rule in rulebook().rules if not rule.reads_all))

LATE = "2030-01-01 00:00:00"


def envelope(of: dict[str, Any], infno: str, number: int, data: Any) -> bytes:
    """A cancelling message from the institution of another, seen by the platform after everything else."""
    return json.dumps(
        {
            "infno": infno, "msgid": f"Z{infno}{number:024}", "inf_time": LATE, "opter_type": "1", "opter": "YB001",
            "fixmedins_code": of["fixmedins_code"], "mdtrtarea_admvs": of.get("mdtrtarea_admvs"),
            "input": {"data": data}, "response": {"infcode": 0, "output": {}},
        }
    ).encode()  # fmt: skip


def settlement(read: dict[str, Any]) -> dict[str, Any]:
    info: dict[str, Any] = read["response"]["output"]["setlinfo"]
    given = read["input"].get("data") or read["input"].get("druginfo")
    return {"setl_id": info["setl_id"], "mdtrt_id": info["mdtrt_id"], "psn_no": given["psn_no"]}


def visit_of(read: dict[str, Any]) -> str | None:
    if read.get("infno") == "2401":
        found = read["response"]["output"]["result"]["mdtrt_id"]
    else:
        found = next(walk(read, "mdtrt_id"), None)
    return None if found is None else str(found)


def walk(read: Any, name: str) -> Iterable[str]:
    if isinstance(read, dict):
        if read.get(name):
            yield read[name]
        for value in read.values():
            yield from walk(value, name)
    elif isinstance(read, list):
        for value in read:
            yield from walk(value, name)


def succeeded(read: dict[str, Any] | None, infno: str) -> bool:
    return bool(read) and read.get("infno") == infno and str(read["response"].get("infcode")) == "0"  # type: ignore[index]


def touched(alerts: list[Alert]) -> set[str]:
    return {name for alert in alerts for name in (*alert.mdtrt_ids, *alert.setl_ids)}


def pick(world: Judged, infno: str, most: int = 25) -> list[dict[str, Any]]:
    """Messages of that kind that alerts rest on, a few of each rule, and each msgid once."""
    rests_on: dict[str, set[str]] = {}
    for alert in world.alerts:
        for msgid in alert.evidence:
            rests_on.setdefault(msgid, set()).add(alert.rule_code)
    seen: dict[str, dict[str, Any]] = {}
    count: dict[str, int] = {}
    for read in map(message, world.lines):
        if not succeeded(read, infno) or read is None or read["msgid"] in seen:
            continue
        codes = rests_on.get(read["msgid"], set())
        if any(count.get(code, 0) < 3 for code in codes) or (not codes and count.get("", 0) < 5):
            for code in codes or {""}:
                count[code] = count.get(code, 0) + 1
            seen[read["msgid"]] = read
    return list(seen.values())[:most]


def without(lines: list[bytes], gone: Callable[[dict[str, Any]], bool]) -> list[bytes]:
    kept = []
    for line in lines:
        read = message(line)
        if read is None or not gone(read):
            kept.append(line)
    return kept


def compare(world: Judged, cancellations: list[bytes], gone: Callable[[dict[str, Any]], bool]) -> None:
    cancelled = alerts_of([*world.lines, *cancellations], world.watermark, RULES)
    never = alerts_of(without(world.lines, gone), world.watermark, RULES)
    assert as_bytes(cancelled) == as_bytes(never)
    before = {alert.jr_id for alert in world.alerts if alert.rule_code in {rule.code for rule in RULES.rules}}
    retracted = before - {alert.jr_id for alert in cancelled}
    assert retracted, "nothing was retracted, so nothing was tested"


@pytest.mark.parametrize(("settled", "cancel"), [("2304", "2305"), ("2207", "2208"), ("2102", "2103")])
def test_a_cancelled_settlement_leaves_the_log_as_if_it_had_never_been(
    world: Judged, settled: str, cancel: str
) -> None:
    targets = pick(world, settled)
    gone = {read["msgid"] for read in targets}
    cancelling = [envelope(read, cancel, n, settlement(read)) for n, read in enumerate(targets)]
    sales = {settlement(read)["setl_id"] for read in targets} if settled == "2102" else set()

    def target(read: dict[str, Any]) -> bool:
        # What the pharmacy reported of a sale that did not happen goes with it.
        return read["msgid"] in gone or (
            read.get("infno") in ("3505A", "3506A") and bool(sales & set(walk(read, "setl_id")))
        )

    compare(world, cancelling, target)


@pytest.mark.parametrize("reversed_kind", ["2304", "2207", "2102"])
def test_a_reversed_settlement_message_leaves_the_log_as_if_it_had_never_been(
    world: Judged, reversed_kind: str
) -> None:
    targets = pick(world, reversed_kind)
    gone = {read["msgid"] for read in targets}
    sales = {settlement(read)["setl_id"] for read in targets} if reversed_kind == "2102" else set()
    cancelling = [
        envelope(
            read,
            "2601",
            n,
            {"psn_no": settlement(read)["psn_no"], "omsgid": read["msgid"], "oinfno": reversed_kind},
        )
        for n, read in enumerate(targets)
    ]

    def target(read: dict[str, Any]) -> bool:
        return read["msgid"] in gone or (
            read.get("infno") in ("3505A", "3506A") and bool(sales & set(walk(read, "setl_id")))
        )

    compare(world, cancelling, target)


@pytest.mark.parametrize(("begun", "cancel"), [("2401", "2404"), ("2201", "2202"), ("2401", "2601")])
def test_a_cancelled_visit_leaves_the_log_as_if_it_had_never_been(
    world: Judged, begun: str, cancel: str
) -> None:
    targets = pick(world, begun)
    visits = {visit_of(read) for read in targets}
    settlements = {
        settlement(read)["setl_id"]
        for read in map(message, world.lines)
        if read
        and (succeeded(read, "2304") or succeeded(read, "2207"))
        and settlement(read)["mdtrt_id"] in visits
    }
    cancelling = []
    for n, read in enumerate(targets):
        node = read["input"].get("mdtrtinfo") or read["input"]["data"]
        data = (
            {"psn_no": node["psn_no"], "omsgid": read["msgid"], "oinfno": begun}
            if cancel == "2601"
            else {"psn_no": node["psn_no"], "mdtrt_id": visit_of(read)}
        )
        cancelling.append(envelope(read, cancel, n, data))

    def target(read: dict[str, Any]) -> bool:
        if "registry" in read:
            return False
        named = set(walk(read, "mdtrt_id")) | ({visit_of(read)} if succeeded(read, "2401") else set())
        return bool(named & visits) or bool(settlements & set(walk(read, "setl_id")))

    compare(world, cancelling, target)


def test_a_cancelled_discharge_leaves_the_log_as_if_it_had_never_been(world: Judged) -> None:
    targets = pick(world, "2402")
    visits = {visit_of(read) for read in targets}
    cancelling = [
        envelope(read, "2405", n, {"psn_no": read["input"]["dscginfo"]["psn_no"], "mdtrt_id": visit_of(read)})
        for n, read in enumerate(targets)
    ]
    compare(world, cancelling, lambda read: read.get("infno") == "2402" and visit_of(read) in visits)
