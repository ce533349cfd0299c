"""What holds for every log: order, duplicates, threads, and cancellation. On small random worlds full of collisions."""

import random
from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any

import pytest

from detectors.ledger import OF_FEW_QUERIES
from rules.schema import ledger_columns
from tests.detectors.ledger.log import Ledger, Message, at, build, say

#: What may differ when a cancellation replaces the absence of its target.
EXEMPT = {"cancellation", "fee_line_all", "settlement_all", "message"}


def world(seed: int) -> list[Message]:
    """Stays, outpatient visits and purchases of few persons, with times that collide and much that is taken back."""
    dice = random.Random(seed)
    log: list[Message] = []

    def hour() -> int:
        return dice.randrange(40)

    def add(
        kind: str, *rows: dict[str, Any], when: float | None = None, bad_rows: int = 0, **one: Any
    ) -> None:
        name = f"{dice.choice('abc')}{len(log)}"
        log.append(say(kind, name, hour() if when is None else when, *rows, bad_rows=bad_rows, **one))

    for number in range(4):
        who = {
            "psn_no": f"P{dice.randrange(2)}",
            "fixmedins_code": f"H{dice.randrange(2)}",
            "mdtrt_id": f"M{number}",
        }
        stay, outpatient = number < 2, number == 2
        diagnosis = {"into": "diagnosis", "diag_srt_no": 1, "maindiag_flag": "1"} | who
        if stay:
            add("2401", who | {"adm_bed": "1"}, diagnosis | {"diag_code": "A"})
            for _ in range(dice.randrange(3)):
                change = who | dice.choice(
                    [{"adm_bed": "2"}, {"med_type": "24"}, {"begntime": at(3)}, {"endtime": at(50)}]
                )
                add("2403", change, diagnosis | {"diag_code": "B"})
            for _ in range(dice.randrange(3)):
                add("2402", who | {"dscg_way": dice.choice("15")}, diagnosis | {"diag_code": "C"})
            add("4402A", medcas_drord_detl_id="1", drord_begntime=at(hour()), **who)
            add("4501", rpotc_no="1", report="examination", exam_date=date(2026, 1, 2), **who)
        elif outpatient:
            add("2201", **who)
            add("2203", who, diagnosis | {"diag_code": "D"})
        for _ in range(dice.randrange(6) if number < 3 else 0):
            line = who | {
                "feedetl_sn": str(dice.randrange(4)),
                "cnt": dice.choice([1, 2, 3, -1]),
                "chrg_bchno": dice.choice("XY"),
            }
            line["init_feedetl_sn"] = dice.choice([None, "1"]) if line["cnt"] == -1 else None
            add("2301" if stay else "2204", bad_rows=dice.choice([0, 0, 1]), **line)
        for settlement in range(dice.randrange(3) if number < 3 else 1):
            paid = who | {"setl_id": f"S{number}{settlement}", "chrg_bchno": dice.choice("XY")}
            fund = {
                "into": "fund_item",
                "fund_payamt": 5,
                "setl_id": paid["setl_id"],
                "psn_no": who["psn_no"],
            }
            if number < 3:
                add("2304" if stay else "2207", paid, fund)
                add("4101", who | {"setl_id": paid["setl_id"], "adm_way": dice.choice("123")})
            else:
                sold = {k: paid[k] for k in (*who, "setl_id")} | {"feedetl_sn": "1"}
                scan = sold | {"into": "trace_scan", "drug_trac_codg": "C"}
                add("2102", paid | {"begntime": at(hour())}, fund, sold | {"into": "fee_line"}, scan)
            if dice.random() < 0.5:
                add("3505A", {k: paid[k] for k in ("psn_no", "fixmedins_code", "setl_id")})
        if dice.random() < 0.4:
            add("2302" if stay else "2205", feedetl_sn="1", chrg_bchno="X", **who)
        if dice.random() < 0.3:
            add("9601", **who)
    return log


def cancellations(log: list[Message], dice: random.Random) -> Iterable[tuple[Message, list[Message]]]:
    """Cancellations of things in the log, each with the log as if its target had not been."""

    def back(kind: str, target: Message, **named: Any) -> Message:
        first = target.rows[0][1]
        who = {
            "psn_no": first["psn_no"],
            "fixmedins_code": first["fixmedins_code"],
            "mdtrt_id": target.mdtrt_id,
        }
        return say(kind, f"{dice.choice('abc')}-{kind}-{target.msgid}", dice.randrange(40), **(who | named))

    def without(*gone: Callable[[Message], bool]) -> list[Message]:
        return [m for m in log if not any(test(m) for test in gone)]

    def sells(setls: set[Any]) -> Callable[[Message], bool]:
        return lambda m: m.kind == "3505A" and m.rows[0][1]["setl_id"] in setls

    for target in log:
        setl_id = target.rows[0][1].get("setl_id")
        visit_setls = {
            m.rows[0][1]["setl_id"]
            for m in log
            if m.kind in ("2304", "2207") and m.mdtrt_id == target.mdtrt_id
        }
        reversal = back("2601", target, omsgid=target.msgid, oinfno=target.kind, mdtrt_id=None)
        if target.kind in ("2102", "2207", "2304"):
            rest = without(lambda m, t=target: m is t, sells({setl_id}))
            yield (
                back({"2102": "2103", "2207": "2208", "2304": "2305"}[target.kind], target, setl_id=setl_id),
                rest,
            )
            yield reversal, rest
        if target.kind in ("2401", "2201"):
            rest = without(lambda m, t=target: m.mdtrt_id == t.mdtrt_id, sells(visit_setls))
            yield back({"2401": "2404", "2201": "2202"}[target.kind], target), rest
            if target.kind == "2401":
                yield reversal, rest
        if target.kind == "2402":
            taken = back("2405", target)

            def before(m: Message, t: Message = target, x: Message = taken) -> bool:
                return m.kind == "2402" and m.mdtrt_id == t.mdtrt_id and (m.hour, m.msgid) < (x.hour, x.msgid)

            yield taken, without(before)


def everything(ledger: Ledger, exempt: Collection[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    tables = sorted(set(ledger_columns()).difference(exempt))
    ledger.con(*tables)
    return {table: ledger.rows(table) for table in tables}


@pytest.mark.parametrize("seed", range(4))
def test_a_cancellation_is_the_log_without_its_target(seed: int) -> None:
    log, dice = world(seed), random.Random(seed)
    pairs = list(cancellations(log, dice))
    assert pairs
    for cancellation, rest in dice.sample(pairs, k=min(3, len(pairs))):
        place = dice.randrange(len(log))
        with_it = everything(build([*log[:place], cancellation, *log[place:]]), EXEMPT | {"quiet_spell"})
        assert with_it == everything(build(rest), EXEMPT | {"quiet_spell"}), cancellation


@pytest.mark.parametrize("seed", range(4))
def test_joins_in_slices_give_the_same_ledger(seed: int) -> None:
    log = world(seed)
    assert everything(build(log, slices=3)) == everything(build(log))


@pytest.mark.parametrize("views", [(), OF_FEW_QUERIES], ids=["nothing", "lines, too"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_anew_is_what_was_copied(seed: int, views: Collection[str]) -> None:
    log, dice = world(seed), random.Random(seed)
    log += [cancellation for cancellation, _ in dice.sample(list(cancellations(log, dice)), k=2)]
    assert everything(build(log, views=views)) == everything(build(log))
    copies = log + dice.sample(log, k=9)
    assert everything(build(copies, views=views)) == everything(build(copies))


@pytest.mark.parametrize("seed", range(2))
def test_order_of_arrival_duplicates_and_threads_change_nothing(seed: int) -> None:
    log, dice = world(seed), random.Random(seed)
    log += [cancellation for cancellation, _ in dice.sample(list(cancellations(log, dice)), k=2)]
    log += [say("2302", "w", 20, mdtrt_id="M0", feedetl_sn="0000", psn_no=log[0].rows[0][1]["psn_no"])]
    expected = everything(build(log))
    shuffled = dice.sample(log, k=len(log)) + dice.sample(log, k=3)
    assert everything(build(shuffled, threads=4)) == expected
