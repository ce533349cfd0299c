"""One receipt, two claims: FR-01."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Person
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("FR-01")


def _bill(scene: Scene) -> tuple[str, str]:
    """Code and number of an electronic receipt that nobody else has."""
    return (
        f"9977{scene.number % 10:02d}",
        f"77{len(scene.behaviour.name):02d}{scene.number:04d}{scene.dice.below(90) + 10}",
    )


def _tell_bill(
    scene: Scene,
    expect: int | None,
    text: str,
    code: str,
    number: str,
    *visits: Stay | Clinic,
    person: Person | None = None,
) -> None:
    scene.tell(
        expect,
        text,
        {"bill_code": code, "bill_no": number},
        subject=("bill", f"{code}:{number}" if code else number),
        person=person,
        mdtrt_ids=[visit.mdtrt_id for visit in visits],
    )


@script.fraud(LATE)
def one_person_two_stays(scene: Scene) -> None:
    code, number = _bill(scene)
    person, day = scene.person(), scene.day(40)
    one = scene.stay(person, day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(person, day + 25, 4, cat.BACK, scene.township, bill_code=code, bill_no=number)
    _tell_bill(scene, 2, "同一人两次住院使用同一张票据", code, number, one, two)


@script.fraud(LATE)
def two_persons(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 3, 5, cat.BACK, bill_code=code, bill_no=number)
    _tell_bill(scene, 1, "两人的住院使用同一张票据", code, number, one, two)


def _claim(scene: Scene, person: Person, stay: Stay, code: str, number: str, days: int) -> None:
    total = stay.bill.sums.total if stay.bill else 0
    registry.manual(
        scene.county,
        person,
        stay.place,
        f"SG{scene.behaviour.name[:4]}{person.number:08d}{days}",
        stay.begin,
        stay.end,
        total,
        total // 2,
        stay.end + days * DAY,
        bill_code=code,
        bill_no=number,
    )


@script.fraud()
def claimed_by_hand_again(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(14), 5, bill_code=code, bill_no=number)
    _claim(scene, stay.person, stay, code, number, 6)
    _tell_bill(scene, 2, "已直接结算的票据又零星报销", code, number, stay)


@script.fraud()
def claimed_by_somebody_else(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(14), 5, bill_code=code, bill_no=number)
    _claim(scene, scene.person(), stay, code, number, 6)
    _tell_bill(scene, 1, "已直接结算的票据由另一人零星报销", code, number, stay)


@script.fraud(hidden="只在零星报销之间重复")
def claimed_by_hand_twice(scene: Scene) -> None:
    code, number = _bill(scene)
    stay = scene.stay(scene.person(), scene.day(20), 5)
    one, two = scene.person(), scene.person()
    _claim(scene, one, stay, code, number, 4)
    _claim(scene, two, stay, code, number, 9)
    _tell_bill(scene, 1, "两人以同一张票据零星报销", code, number, person=one)


@script.fraud(hidden="跨医院、跨月")
def months_apart(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(70)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 60, 5, cat.BACK, scene.places.city, bill_code=code, bill_no=number)
    _tell_bill(scene, 1, "相隔两月、两家医院、两人使用同一张票据", code, number, one, two)


@script.fraud(REDO)
def invoice_number_twice(scene: Scene) -> None:
    _, number = _bill(scene)
    place, day = scene.township, scene.day(20)
    one = scene.visit(scene.person(), day * DAY + 9 * HOUR, place=place, invono=number)
    two = scene.visit(scene.person(), (day + 8) * DAY + 9 * HOUR, place=place, invono=number)
    scene.tell(
        3,
        "同一医院同一年内两人门诊发票号相同",
        {"invono": number, "fixmedins_code": place.code},
        subject=("bill", number),
        mdtrt_ids=[one.mdtrt_id, two.mdtrt_id],
    )


@script.below()
def the_next_number(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 2, 4, cat.BACK, bill_code=code, bill_no=f"{int(number) + 1}")
    _tell_bill(scene, None, "票据号码相邻", code, number, one, two)


@script.lookalike()
def another_series(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(14)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 2, 4, cat.BACK, bill_code=f"{code}8", bill_no=number)
    _tell_bill(scene, None, "号码相同而票据代码不同", code, number, one, two)


@script.lookalike()
def two_institutions(scene: Scene) -> None:
    _, number = _bill(scene)
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono=number)
    two = scene.visit(scene.person(), t + DAY, place=scene.hospital, invono=number)
    _tell_bill(scene, None, "两家机构的发票号碰巧相同", "", number, one, two)


@script.lookalike()
def no_number(scene: Scene) -> None:
    number = ("0", "0000000000", "123456", "null")[scene.number % 4]
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono=number)
    two = scene.visit(scene.person(), t + DAY, place=scene.township, invono=number)
    _tell_bill(scene, None, f"发票号为占位值“{number}”", "", number, one, two)


@script.lookalike()
def blank_number(scene: Scene) -> None:
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(scene.person(), t, place=scene.township, invono="")
    two = scene.visit(scene.person(), t + DAY, place=scene.township, invono="")
    _tell_bill(scene, None, "发票号为空", "", "", one, two)


@script.lookalike()
def issued_again(scene: Scene) -> None:
    person = scene.person()
    stay = scene.stay(person, scene.day(14), 5, listed=False)
    receipt = stay.receipt
    stay.unsettle(stay.end + 20 * HOUR)
    stay.settle(stay.end + 21 * HOUR, receipt=receipt)
    stay.listed(stay.end + 50 * HOUR)
    _tell_bill(scene, None, "撤销后重新结算沿用原票据", f"99{stay.place.code[-6:]}", receipt, stay)


@script.cancelled()
def second_settlement_cancelled(scene: Scene) -> None:
    code, number = _bill(scene)
    day = scene.day(18)
    one = scene.stay(scene.person(), day, 4, cat.GASTRITIS, bill_code=code, bill_no=number)
    two = scene.stay(scene.person(), day + 3, 5, cat.BACK, bill_code=code, bill_no=number)
    two.unsettle(two.end + 5 * DAY)
    _tell_bill(scene, None, "使用同一票据的后一次结算被撤销", code, number, one, two)


@script.cancelled()
def second_visit_cancelled(scene: Scene) -> None:
    _, number = _bill(scene)
    place, day = scene.township, scene.day(20)
    one = scene.visit(scene.person(), day * DAY + 9 * HOUR, place=place, invono=number)
    two = scene.visit(scene.person(), (day + 8) * DAY + 9 * HOUR, place=place, invono=number)
    two.unsettle(two.begin + 3 * DAY, arrive=two.begin - HOUR)
    _tell_bill(scene, None, "发票号重复的后一次结算被撤销", "", number, one, two)
