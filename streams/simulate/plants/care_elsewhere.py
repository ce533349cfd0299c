"""Care elsewhere during a stay: GB-03."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clock import DAY, HOUR, MINUTE
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("GB-03")

_CARE = ((cat.ULTRASOUND, 1), (cat.AMOXICILLIN, 1))


def _inside(scene: Scene) -> tuple[Stay, int]:
    """An ordinary stay of eight nights in a county hospital, and ten o'clock on its fourth day."""
    person = scene.person()
    stay = scene.bed(person, scene.day(14), 8, cat.CORONARY)
    disguise, scene.disguise = scene.disguise, ""
    scene.course(stay)
    scene.disguise = disguise
    return stay, (stay.first_day + 3) * DAY + 10 * HOUR


@script.fraud(LATE, REDO)
def drugs_bought(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.buy(stay.person, t)
    scene.tell_visit(3, "住院期间药店购药结算", stay)


@script.fraud(LATE, REDO)
def examined_elsewhere(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, _CARE)
    scene.tell_visit(2, "住院期间在另一家医院诊察、做超声", stay)


@script.fraud(REDO)
def outpatient_in_the_same_hospital(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, place=stay.place)
    scene.tell_visit(3, "住院期间在同一医院门诊结算", stay)


@script.fraud(hidden="出院后才结算")
def settled_after_discharge(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, _CARE, settle_at=stay.end + 5 * HOUR)
    scene.tell_visit(2, "住院期间在另一家医院检查，出院后才结算", stay)


@script.fraud(hidden="拆成两次")
def bought_twice(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.buy(stay.person, t)
    scene.buy(stay.person, t + 2 * DAY, place=scene.other_pharmacy())
    scene.tell_visit(3, "住院期间在两家药店各购药一次；药店购药不高于轻度可疑", stay)


@script.fraud(hidden="用家人账户支付")
def paid_from_the_family_account(scene: Scene) -> None:
    owner, partner = scene.married()
    stay = scene.stay(partner, scene.day(14), 8, cat.CORONARY)
    scene.buy(partner, (stay.first_day + 3) * DAY + 15 * HOUR, owner=owner)
    scene.tell_visit(3, "住院期间以配偶账户购药：账户说明谁付钱，不说明谁到场", stay)


@script.fraud()
def just_inside_the_grace(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin + 2 * HOUR + 5 * MINUTE, _CARE)
    scene.tell_visit(2, "入院2小时后在另一家医院检查", stay)


@script.below()
def soon_after_admission(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin + 95 * MINUTE, _CARE)
    scene.tell_visit(None, "入院后2小时之内的门诊", stay)


@script.below()
def shortly_before_discharge(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.buy(stay.person, stay.end - 110 * MINUTE)
    scene.tell_visit(None, "出院前2小时之内购药", stay)


@script.lookalike()
def emergency_room_first(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(
        stay.person,
        stay.begin - 4 * HOUR,
        ((cat.BLOOD, 1),),
        stay.place,
        settle_at=stay.begin + 5 * HOUR,
        med_type="13",
    )
    scene.tell_visit(None, "急诊在入院前，结算在入院后", stay)


@script.lookalike()
def sent_out_for_an_examination(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(
        stay.person, t, ((cat.MRI, 1),), scene.places.city, consult=False, outside=scene.places.city.code
    )
    scene.tell_visit(None, "外检：住院期间送市医院做磁共振（外检标志为1）", stay)


@script.lookalike()
def bought_on_the_way_home(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.buy(stay.person, stay.end + 2 * HOUR)
    scene.tell_visit(None, "出院当日出院后购药", stay)


@script.lookalike()
def seen_before_admission(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin - 3 * HOUR + 20 * MINUTE, _CARE, settle_at=stay.begin + 3 * HOUR)
    scene.tell_visit(None, "入院前在卫生院就诊，当日稍后结算", stay)


@script.cancelled()
def purchase_cancelled(scene: Scene) -> None:
    stay, t = _inside(scene)
    sale = scene.buy(stay.person, t)
    sale.cancel(t + 3 * DAY, arrive=t - HOUR)
    sale.returned(t + 3 * DAY + 60)
    scene.tell_visit(None, "住院期间的购药后来撤销（撤销先到）", stay)


@script.cancelled()
def visit_unsettled(scene: Scene) -> None:
    stay, t = _inside(scene)
    clinic = scene.visit(stay.person, t, _CARE)
    clinic.unsettle(t + DAY)
    clinic.withdraw(t + DAY + 60)
    clinic.unregister(t + DAY + 120)
    scene.tell_visit(None, "住院期间的门诊全部撤销", stay)
