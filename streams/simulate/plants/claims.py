"""A claim that is not the sum of its lines: FR-02."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR
from streams.simulate.money import Sums
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("FR-02")

_SMALL = ((cat.OMEPRAZOLE, 1), (cat.BLOOD, 1))


def _claimed(sums: Sums, cents: int) -> Sums:
    """A claim of so many cents more than its lines."""
    return Sums(sums.total + cents, sums.own, sums.over, sums.first, sums.scope + cents)


def _over(scene: Scene, cents: int = 0, *, share: int = 0) -> Clinic:
    """An outpatient claim of so much (or so many thousandths) more than its lines."""
    clinic = scene.visit(scene.person(), scene.day(10) * DAY + 10 * HOUR, _SMALL, settle=False)
    sums = clinic.owed()
    late = 26 * HOUR if scene.disguise == LATE else 0
    bill = clinic.price(_claimed(sums, cents + sums.total * share // 1000), 100000)
    clinic.settle(clinic.begin + 1200 + late, bill=bill)
    if scene.disguise == REDO:
        clinic.unsettle(clinic.begin + 2000)
        clinic.settle(clinic.begin + 2600, bill=bill)
    return clinic


def _over_stay(scene: Scene, cents: int = 0, *, share: int = 0) -> Stay:
    """An inpatient claim of so much more than its lines."""
    stay = scene.stay(scene.person(age=64), scene.day(18), 8, cat.STROKE, settle=False)
    sums = stay.owed()
    stay.settle(stay.end + 2 * HOUR, bill=stay.price(_claimed(sums, cents + sums.total * share // 1000)))
    stay.listed(stay.end + 30 * HOUR)
    return stay


@script.fraud(LATE, REDO)
def six_cents_too_much(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细多0.06元", _over(scene, 6))


@script.fraud(LATE, REDO)
def five_percent_too_much(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细多5%", _over(scene, share=50))


@script.fraud(LATE, REDO)
def fifteen_percent_too_much(scene: Scene) -> None:
    scene.tell_settlement(2, "门诊结算总额比明细多15%", _over(scene, share=150))


@script.fraud(REDO)
def less_than_the_lines(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细少8%", _over(scene, share=-80))


@script.fraud()
def a_stay_overclaimed(scene: Scene) -> None:
    scene.tell_visit(2, "住院结算总额比明细多12%", _over_stay(scene, share=120))


@script.fraud(hidden="分两次结算")
def overclaimed_in_two_settlements(scene: Scene) -> None:
    stay = scene.stay(scene.person(age=64), scene.day(22), 10, cat.STROKE, mid_on=(4,), settle=False)
    sums = stay.owed()
    stay.settle(stay.end + 2 * HOUR, bill=stay.price(_claimed(sums, sums.total // 20)))
    stay.listed(stay.end + 30 * HOUR)
    scene.tell_visit(1, "中途结算与出院结算合计比明细多", stay)


@script.fraud(hidden="多报到一行的尾数")
def one_figure_changed(scene: Scene) -> None:
    scene.tell_visit(2, "住院结算总额被加一位数，多5000元", _over_stay(scene, 500000))


@script.below()
def five_cents(scene: Scene) -> None:
    scene.tell_settlement(None, "相差0.05元", _over(scene, 5))


@script.below()
def a_hundredth_of_a_percent(scene: Scene) -> None:
    scene.tell_visit(None, "住院总额数千元，相差0.06元，不到万分之一", _over_stay(scene, 6))


@script.lookalike()
def lines_that_come_afterwards(scene: Scene) -> None:
    stay = scene.stay(scene.person(age=64), scene.day(18), 8, cat.STROKE, settle=False)
    late = [(cat.XUESAITONG, 2, stay.end - HOUR), (cat.CT, 1, stay.end - 2 * HOUR)]
    sums = stay.owed()
    for item, count, _ in late:
        priced = item.priced(count)
        sums.total += priced.total
        sums.first += priced.first
        sums.scope += priced.scope
    stay.settle(stay.end + 2 * HOUR, bill=stay.price(sums))
    stay.upload(late, stay.end + 22 * HOUR)
    stay.listed(stay.end + 40 * HOUR)
    scene.tell_visit(None, "部分明细在结算后20小时补传", stay)


@script.lookalike()
def settled_midway(scene: Scene) -> None:
    scene.tell_visit(
        None,
        "中途结算一次，两次之和等于明细",
        scene.stay(scene.person(age=64), scene.day(20), 9, cat.STROKE, mid_on=(4,)),
    )


@script.lookalike()
def a_row_was_unreadable(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(age=64),
        scene.day(16),
        7,
        cat.STROKE,
        correct=lambda stay, t: _unreadable(stay, t),
    )
    scene.tell_visit(None, "一行明细无法读取，不能判断", stay)


def _unreadable(stay: Stay, t: int) -> None:
    stay.county.outbox.disorder["bad_row"] += 1
    stay.upload(
        [(cat.LIVER, 1, stay.begin + 50 * HOUR), (cat.MRI, 1, stay.begin + 51 * HOUR)], t, broken=True
    )


@script.lookalike()
def no_lines_at_all(scene: Scene) -> None:
    clinic = scene.visit(scene.person(), scene.day(10) * DAY + 10 * HOUR, settle=False)
    clinic.withdraw(clinic.begin + 1000)
    clinic.settle(clinic.begin + 1200, bill=clinic.price(Sums(8600, 0, 0, 0, 8600), 100000))
    scene.tell_settlement(None, "没有任何明细，不能判断", clinic)


@script.lookalike()
def refunded_before(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        line = next(line for line in stay.lines if line.item.kind == "04")
        stay.refund(line, line.count, t)

    scene.tell_visit(
        None,
        "退费后结算，净额相符",
        scene.stay(scene.person(age=64), scene.day(16), 7, cat.STROKE, correct=refunded),
    )


@script.lookalike()
def withdrawn_and_entered_again(scene: Scene) -> None:
    def again(stay: Stay, t: int) -> None:
        gone = stay.withdraw(None, t)
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)

    scene.tell_visit(
        None,
        "全部明细撤销重传后结算",
        scene.stay(scene.person(age=64), scene.day(16), 7, cat.STROKE, correct=again),
    )


@script.cancelled()
def settled_right_afterwards(scene: Scene) -> None:
    clinic = _over(scene, share=200)
    scene.tell_settlement(None, "多报的结算撤销后按明细重新结算", clinic)
    clinic.unsettle(clinic.begin + 2 * DAY)
    clinic.settle(clinic.begin + 2 * DAY + 900)


@script.cancelled()
def stay_settled_again(scene: Scene) -> None:
    stay = _over_stay(scene, share=150)
    stay.unsettle(stay.end + 40 * HOUR)
    stay.settle(stay.end + 41 * HOUR)
    stay.listed(stay.end + 60 * HOUR)
    scene.tell_visit(None, "住院多报的结算撤销后重新结算", stay)
