"""Settled while not insured: FP-07."""

from __future__ import annotations

from streams.simulate import registry
from streams.simulate.catalogue import CHRONICS
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Period, Person
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script

script = Script("FP-07")


def _left(scene: Scene, span: int = 40) -> tuple[Person, int]:
    """A resident whose insurance ended, and its last day (day number)."""
    person = scene.person()
    day = scene.day(span, lead=8)
    person.periods[0].end = day
    scene.hush(person, day, scene.county.world.last)
    return person, day


@script.fraud(LATE, REDO)
def the_day_after(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(1, "停保次日的门诊由统筹基金支付", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@script.fraud(LATE, REDO)
def weeks_after(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(
        1, "停保三周后的门诊由统筹基金支付", scene.visit(person, (day + 21) * DAY + 9 * HOUR)
    )


@script.fraud(REDO)
def between_two_periods(scene: Scene) -> None:
    person, day = _left(scene)
    person.periods.append(Period("310", day + 35))
    scene.tell_settlement(1, "两段参保之间断保时的门诊", scene.visit(person, (day + 16) * DAY + 9 * HOUR))


@script.fraud()
def under_another_insurance(scene: Scene) -> None:
    person = scene.person()
    person.periods[0].insutype = "390"
    scene.alone(person)
    clinic = scene.visit(person, scene.day(4) * DAY + 9 * HOUR)
    scene.tell_settlement(1, "参加居民医保而按职工医保结算", clinic)


@script.fraud(hidden="停保登记滞后")
def ended_in_secret(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(40, lead=8)
    scene.hush(person, day, scene.county.world.last)
    clinic = scene.visit(person, (day + 9) * DAY + 9 * HOUR)
    registry.insured(
        scene.county,
        person,
        (day + 24) * DAY + 9 * HOUR,
        Period("310", person.periods[0].begin, day),
        version=2,
    )
    scene.tell_settlement(1, "停保登记在结算之后才到", clinic)


@script.fraud(hidden="分散到多次")
def again_and_again(scene: Scene) -> None:
    person, day = _left(scene)
    for n in range(2):
        sale = scene.buy(
            person, (day + 6 + 9 * n) * DAY + 10 * HOUR, ((CHRONICS[0].drugs[0], 1),), med_type="14"
        )
        scene.tell_settlement(1, f"停保后继续以慢特病购药（第{n + 1}次）", sale)


@script.below()
def on_the_last_day(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(None, "参保最后一天的门诊", scene.visit(person, day * DAY + 9 * HOUR))


@script.lookalike()
def account_balance_only(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(
        None, "停保后用账户余额购药，基金没有支付", scene.buy(person, (day + 10) * DAY + 10 * HOUR)
    )


@script.lookalike()
def moved_to_another_insurance(scene: Scene) -> None:
    person, day = _left(scene)
    scene.alone(person)
    scene.visit(person, (day - 4) * DAY + 9 * HOUR)
    person.periods.append(Period("390", day + 1))
    person.insutype, person.described = "390", ""
    scene.tell_settlement(
        None, "停保次日转入居民医保并按居民医保结算", scene.visit(person, (day + 8) * DAY + 9 * HOUR)
    )


@script.lookalike()
def two_periods_without_a_gap(scene: Scene) -> None:
    person, day = _left(scene)
    person.periods.append(Period("310", day + 1))
    scene.tell_settlement(None, "换单位，两段参保首尾相接", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@script.lookalike()
def nothing_to_pay_for_the_fund(scene: Scene) -> None:
    person, day = _left(scene)
    clinic = scene.visit(person, (day + 12) * DAY + 9 * HOUR, settle=False)
    bill = clinic.price(clinic.owed(), 100000)
    bill.psn += bill.fund
    bill.cash += bill.fund
    bill.hifp = bill.fund = bill.ratio = 0
    bill.funds = []
    clinic.settle(clinic.begin + 1200, bill=bill)
    scene.tell_settlement(None, "停保后的门诊全部由个人支付", clinic)


@script.cancelled()
def paid_up_afterwards(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(
        None, "断保期间的门诊，后来补缴，参保追溯连续", scene.visit(person, (day + 10) * DAY + 9 * HOUR)
    )
    registry.insured(scene.county, person, (day + 25) * DAY + 9 * HOUR, Period("310", day + 1))


@script.cancelled()
def settlement_cancelled(scene: Scene) -> None:
    person, day = _left(scene)
    clinic = scene.visit(person, (day + 10) * DAY + 9 * HOUR)
    scene.tell_settlement(None, "停保后的结算被撤销", clinic)
    clinic.unsettle(clinic.begin + DAY)
