"""Fake receipts: FR-01, FR-02, FR-04."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry, sale as stock
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR
from streams.simulate.money import Sums
from streams.simulate.people import Person
from streams.simulate.plants.cast import LATE, REDO, Scene, Script
from streams.simulate.sale import Sale
from streams.simulate.stay import Stay

# -- FR-01: one receipt, two claims -------------------------------------------------------------------------------

fr01 = Script("FR-01")


def _bill(scene: Scene) -> tuple[str, str]:
    """Code and number of an electronic receipt that nobody else has."""
    return f"9977{scene.number % 10:02d}", f"77{len(scene.behaviour.name):02d}{scene.number:04d}{scene.dice.below(90) + 10}"


def _tell_bill(scene: Scene, expect: int | None, text: str, code: str, number: str, *visits: Stay | Clinic, person: Person | None = None) -> None:
    scene.tell(
        expect, text, {"bill_code": code, "bill_no": number}, subject=("bill", f"{code}:{number}" if code else number), person=person,
        mdtrt_ids=[visit.mdtrt_id for visit in visits],
    )  # fmt: skip


@fr01.fraud(LATE)
def one_person_two_stays(scene: Scene) -> None:
    code, number = _bill(scene)
    person, day = scene.person(), scene.day(40)
    one = scene.stay(person, day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(person, day + 25, 4, cat.BACK, scene.township, bill_code=code, bill_no=number)
    _tell_bill(scene, 2, "同一人两次住院使用同一张票据", code, number, one, two)


@fr01.fraud(LATE)
def two_persons(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 3, 5, cat.BACK, bill_code=code, bill_no=number)
    _tell_bill(scene, 1, "两人的住院使用同一张票据", code, number, one, two)


def _claim(scene: Scene, person: Person, stay: Stay, code: str, number: str, days: int) -> None:
    total = stay.bill.sums.total if stay.bill else 0
    registry.manual(
        scene.county, person, stay.place, f"SG{scene.behaviour.name[:4]}{person.number:08d}{days}", stay.begin, stay.end, total, total // 2,
        stay.end + days * DAY, bill_code=code, bill_no=number,
    )  # fmt: skip


@fr01.fraud()
def claimed_by_hand_again(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(14), 5, bill_code=code, bill_no=number)
    _claim(scene, stay.person, stay, code, number, 6)
    _tell_bill(scene, 2, "已直接结算的票据又零星报销", code, number, stay)


@fr01.fraud()
def claimed_by_somebody_else(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(14), 5, bill_code=code, bill_no=number)
    _claim(scene, scene.person(), stay, code, number, 6)
    _tell_bill(scene, 1, "已直接结算的票据由另一人零星报销", code, number, stay)


@fr01.fraud(hidden="只在零星报销之间重复")
def claimed_by_hand_twice(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(20), 5)
    one, two = scene.person(), scene.person()
    _claim(scene, one, stay, code, number, 4)
    _claim(scene, two, stay, code, number, 9)
    _tell_bill(scene, 1, "两人以同一张票据零星报销", code, number, person=one)


@fr01.fraud(hidden="跨医院、跨月")
def months_apart(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(70)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 60, 5, cat.BACK, scene.places.city, bill_code=code, bill_no=number)
    _tell_bill(scene, 1, "相隔两月、两家医院、两人使用同一张票据", code, number, one, two)


@fr01.fraud(REDO)
def invoice_number_twice(scene: Scene) -> None:
    _, number = _bill(scene)
    place, day = scene.township, scene.day(20)
    one = scene.visit(scene.person(), day * DAY + 9 * HOUR, place=place, invono=number)
    two = scene.visit(scene.person(), (day + 8) * DAY + 9 * HOUR, place=place, invono=number)
    scene.tell(
        3, "同一医院同一年内两人门诊发票号相同", {"invono": number, "fixmedins_code": place.code}, subject=("bill", number),
        mdtrt_ids=[one.mdtrt_id, two.mdtrt_id],
    )  # fmt: skip


@fr01.below()
def the_next_number(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 2, 4, cat.BACK, bill_code=code, bill_no=f"{int(number) + 1}")
    _tell_bill(scene, None, "票据号码相邻", code, number, one, two)


@fr01.lookalike()
def another_series(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 2, 4, cat.BACK, bill_code=f"{code}8", bill_no=number)
    _tell_bill(scene, None, "号码相同而票据代码不同", code, number, one, two)


@fr01.lookalike()
def two_institutions(scene: Scene) -> None:
    _, number = _bill(scene)
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono=number)
    two = scene.visit(scene.person(), t + DAY, place=scene.hospital, invono=number)
    _tell_bill(scene, None, "两家机构的发票号碰巧相同", "", number, one, two)


@fr01.lookalike()
def no_number(scene: Scene) -> None:
    number = ("0", "0000000000", "123456", "null")[scene.number % 4]
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono=number)
    two = scene.visit(scene.person(), t + DAY, place=scene.township, invono=number)
    _tell_bill(scene, None, f"发票号为占位值“{number}”", "", number, one, two)


@fr01.lookalike()
def blank_number(scene: Scene) -> None:
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono="")
    two = scene.visit(scene.person(), t + DAY, place=scene.township, invono="")
    _tell_bill(scene, None, "发票号为空", "", "", one, two)


@fr01.lookalike()
def issued_again(scene: Scene) -> None:
    person = scene.person()
    stay = scene.stay(person, scene.day(14), 5, listed=False)
    receipt = stay.receipt
    stay.unsettle(stay.end + 20 * HOUR)
    stay.settle(stay.end + 21 * HOUR, receipt=receipt)
    stay.listed(stay.end + 50 * HOUR)
    _tell_bill(scene, None, "撤销后重新结算沿用原票据", f"99{stay.place.code[-6:]}", receipt, stay)


@fr01.cancelled()
def second_settlement_cancelled(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(18)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 3, 5, cat.BACK, bill_code=code, bill_no=number)
    two.unsettle(two.end + 5 * DAY)
    _tell_bill(scene, None, "使用同一票据的后一次结算被撤销", code, number, one, two)


@fr01.cancelled()
def second_visit_cancelled(scene: Scene) -> None:
    _, number = _bill(scene)
    place, day = scene.township, scene.day(20)
    one = scene.visit(scene.person(), day * DAY + 9 * HOUR, place=place, invono=number)
    two = scene.visit(scene.person(), (day + 8) * DAY + 9 * HOUR, place=place, invono=number)
    two.unsettle(two.begin + 3 * DAY, arrive=two.begin - HOUR)
    _tell_bill(scene, None, "发票号重复的后一次结算被撤销", "", number, one, two)


# -- FR-02: the claim is not the sum of its lines -----------------------------------------------------------------

fr02 = Script("FR-02")

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


@fr02.fraud(LATE, REDO)
def six_cents_too_much(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细多0.06元", _over(scene, 6))


@fr02.fraud(LATE, REDO)
def five_percent_too_much(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细多5%", _over(scene, share=50))


@fr02.fraud(LATE, REDO)
def fifteen_percent_too_much(scene: Scene) -> None:
    scene.tell_settlement(2, "门诊结算总额比明细多15%", _over(scene, share=150))


@fr02.fraud(REDO)
def less_than_the_lines(scene: Scene) -> None:
    scene.tell_settlement(1, "门诊结算总额比明细少8%", _over(scene, share=-80))


@fr02.fraud()
def a_stay_overclaimed(scene: Scene) -> None:
    scene.tell_visit(2, "住院结算总额比明细多12%", _over_stay(scene, share=120))


@fr02.fraud(hidden="分两次结算")
def overclaimed_in_two_settlements(scene: Scene) -> None:
    stay = scene.stay(scene.person(age=64), scene.day(22), 10, cat.STROKE, mid_on=(4,), settle=False)
    sums = stay.owed()
    stay.settle(stay.end + 2 * HOUR, bill=stay.price(_claimed(sums, sums.total // 20)))
    stay.listed(stay.end + 30 * HOUR)
    scene.tell_visit(1, "中途结算与出院结算合计比明细多", stay)


@fr02.fraud(hidden="多报到一行的尾数")
def one_figure_changed(scene: Scene) -> None:
    scene.tell_visit(2, "住院结算总额被加一位数，多5000元", _over_stay(scene, 500000))


@fr02.below()
def five_cents(scene: Scene) -> None:
    scene.tell_settlement(None, "相差0.05元", _over(scene, 5))


@fr02.below()
def a_hundredth_of_a_percent(scene: Scene) -> None:
    scene.tell_visit(None, "住院总额数千元，相差0.06元，不到万分之一", _over_stay(scene, 6))


@fr02.lookalike()
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


@fr02.lookalike()
def settled_midway(scene: Scene) -> None:
    scene.tell_visit(None, "中途结算一次，两次之和等于明细", scene.stay(scene.person(age=64), scene.day(20), 9, cat.STROKE, mid_on=(4,)))


@fr02.lookalike()
def a_row_was_unreadable(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(age=64), scene.day(16), 7, cat.STROKE,
        correct=lambda stay, t: _unreadable(stay, t),
    )  # fmt: skip
    scene.tell_visit(None, "一行明细无法读取，不能判断", stay)


def _unreadable(stay: Stay, t: int) -> None:
    stay.county.outbox.disorder["bad_row"] += 1
    stay.upload([(cat.LIVER, 1, stay.begin + 50 * HOUR), (cat.MRI, 1, stay.begin + 51 * HOUR)], t, broken=True)


@fr02.lookalike()
def no_lines_at_all(scene: Scene) -> None:
    clinic = scene.visit(scene.person(), scene.day(10) * DAY + 10 * HOUR, settle=False)
    clinic.withdraw(clinic.begin + 1000)
    clinic.settle(clinic.begin + 1200, bill=clinic.price(Sums(8600, 0, 0, 0, 8600), 100000))
    scene.tell_settlement(None, "没有任何明细，不能判断", clinic)


@fr02.lookalike()
def refunded_before(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        line = next(line for line in stay.lines if line.item.kind == "04")
        stay.refund(line, line.count, t)

    scene.tell_visit(None, "退费后结算，净额相符", scene.stay(scene.person(age=64), scene.day(16), 7, cat.STROKE, correct=refunded))


@fr02.lookalike()
def withdrawn_and_entered_again(scene: Scene) -> None:
    def again(stay: Stay, t: int) -> None:
        gone = stay.withdraw(None, t)
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)

    scene.tell_visit(None, "全部明细撤销重传后结算", scene.stay(scene.person(age=64), scene.day(16), 7, cat.STROKE, correct=again))


@fr02.cancelled()
def settled_right_afterwards(scene: Scene) -> None:
    clinic = _over(scene, share=200)
    scene.tell_settlement(None, "多报的结算撤销后按明细重新结算", clinic)
    clinic.unsettle(clinic.begin + 2 * DAY)
    clinic.settle(clinic.begin + 2 * DAY + 900)


@fr02.cancelled()
def stay_settled_again(scene: Scene) -> None:
    stay = _over_stay(scene, share=150)
    stay.unsettle(stay.end + 40 * HOUR)
    stay.settle(stay.end + 41 * HOUR)
    stay.listed(stay.end + 60 * HOUR)
    scene.tell_visit(None, "住院多报的结算撤销后重新结算", stay)


# -- FR-04: one pack sold twice -----------------------------------------------------------------------------------

fr04 = Script("FR-04")

_DRUG = cat.ATORVASTATIN


def _sell(scene: Scene, code: str, t: int, place: int = 0, person: Person | None = None) -> Sale:
    """One pack with this trace code, sold in a pharmacy."""
    return scene.buy(person or scene.person(), t, ((_DRUG, 1),), scene.other_pharmacy(place), codes=[[code]])


def _tell_code(scene: Scene, expect: int | None, text: str, code: str, *sales: Sale) -> None:
    scene.tell(
        expect, text, {"drug_trac_codg": code}, subject=("trace_code", code), mdtrt_ids=[sale.mdtrt_id for sale in sales]
    )


def _start(scene: Scene, span: int = 30) -> tuple[str, int]:
    return scene.county.trace_code(_DRUG), scene.day(span) * DAY + 9 * HOUR


@fr04.fraud()
def twice_on_one_day(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, 3, "同一药店同一天两次售出同一追溯码", code, _sell(scene, code, t), _sell(scene, code, t + 5 * HOUR))


@fr04.fraud(LATE, REDO)
def twice_in_one_pharmacy(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, 2, "同一药店隔8天两次售出同一追溯码", code, _sell(scene, code, t), _sell(scene, code, t + 8 * DAY))


@fr04.fraud(LATE, REDO)
def in_two_pharmacies(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, 1, "两家药店售出同一追溯码", code, _sell(scene, code, t), _sell(scene, code, t + 12 * DAY, 1))


@fr04.fraud(LATE)
def three_times(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, 1, "同一追溯码售出3次", code, *(_sell(scene, code, t + n * 7 * DAY) for n in range(3)))


@fr04.fraud(hidden="第二次以自费售出")
def once_for_cash(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    place = scene.other_pharmacy(1)
    stock.stock_sale(scene.county, place.counters[0], [(_DRUG, 1, [code], False)], t + 9 * DAY, t + 9 * DAY + HOUR, mdtrt_sn=f"ZF{code[-9:]}")
    _tell_code(scene, 1, "医保售出后又在另一药店自费售出", code, one)


@fr04.fraud(hidden="夹在多盒之中")
def among_other_packs(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    other = scene.county.trace_code(_DRUG)
    two = scene.buy(
        scene.person(), t + 11 * DAY, ((_DRUG, 2), (cat.ASPIRIN, 1)), scene.other_pharmacy(2), codes=[[other, code], [scene.county.trace_code(cat.ASPIRIN)]]
    )
    _tell_code(scene, 1, "旧追溯码夹在另一药店的多盒药品中", code, one, two)


@fr04.below()
def sold_once(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, None, "只售出一次（2102与3505A为同一次销售）", code, _sell(scene, code, t))


@fr04.lookalike()
def booked_days_later(scene: Scene) -> None:
    code, t = _start(scene)
    sale = scene.buy(scene.person(), t, ((_DRUG, 1),), codes=[[code]], booked=False)
    sale.booked(t + 3 * DAY)
    _tell_code(scene, None, "同一次销售的进销存三天后才上传", code, sale)


@fr04.lookalike()
def returned_and_sold_again(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    one.cancel(t + 2 * DAY)
    one.returned(t + 2 * DAY + 300)
    _tell_code(scene, None, "退货撤销后再次售出", code, one, _sell(scene, code, t + 4 * DAY))


@fr04.lookalike()
def cancelled_and_sold_to_another(scene: Scene) -> None:
    code, t = _start(scene)
    one = scene.buy(scene.person(), t, ((_DRUG, 1),), codes=[[code]], booked=False)
    one.cancel(t + 600, arrive=t - 600)
    _tell_code(scene, None, "结算当场撤销，改售他人", code, one, _sell(scene, code, t + HOUR))


@fr04.lookalike()
def opened_pack(scene: Scene) -> None:
    code, t = _start(scene)
    sales = [scene.buy(scene.person(), t + n * DAY, ((_DRUG, 1),), codes=[[code]], opened=True) for n in range(3)]
    _tell_code(scene, None, "拆零销售，一码多次", code, *sales)


@fr04.lookalike()
def scanned_twice(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, None, "同一次结算内重复扫码", code, scene.buy(scene.person(), t, ((_DRUG, 2),), codes=[[code, code]]))


@fr04.lookalike()
def carton_moved_between_stores(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    for n in (0, 1):
        place = scene.other_pharmacy(n)
        stock.stock_change(scene.county, place.counters[0], _DRUG, 40, t - (3 - n) * DAY, "102" if n else "101", [code], "3")
    _tell_code(scene, None, "调拨时扫过同一追溯码，不是销售", code, one)


@fr04.cancelled()
def second_sale_cancelled(scene: Scene) -> None:
    code, t = _start(scene)
    one, two = _sell(scene, code, t), _sell(scene, code, t + 6 * DAY, 1)
    two.cancel(t + 9 * DAY, arrive=t + 5 * DAY)
    two.returned(t + 9 * DAY + 300)
    _tell_code(scene, None, "第二次销售撤销退货", code, one, two)


@fr04.cancelled()
def first_sale_reversed(scene: Scene) -> None:
    code, t = _start(scene)
    one, two = _sell(scene, code, t), _sell(scene, code, t + 6 * DAY)
    one.reverse(t + 10 * DAY)
    one.returned(t + 10 * DAY + 300)
    _tell_code(scene, None, "第一次结算冲正并退货", code, one, two)


SCRIPTS = (fr01, fr02, fr04)
