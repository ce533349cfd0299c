"""More days charged than the stay has: GB-01."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clock import DAY, HOUR
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Given, Stay

script = Script("GB-01")


def _after(stay: Stay, *hours: int, item: cat.Item = cat.BED) -> list[Given]:
    """The item once at each of these hours after the discharge."""
    return [(item, 1, stay.end + hour * HOUR) for hour in hours]


@script.fraud(LATE, REDO)
def both_end_days(scene: Scene) -> None:
    person, nights = scene.person(), 6
    stay = scene.bed(person, scene.day(12), nights)
    scene.course(stay, extra={nights: _after(stay, -1)})
    scene.tell_visit(3, "住院6天收床位费7天：入院日和出院日都收", stay)


@script.fraud(LATE, REDO)
def two_beds_too_many(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 6)
    scene.course(
        stay, settle_at=stay.end + 30 * HOUR, correct=lambda stay, t: _upload(stay, _after(stay, 10, 22), t)
    )
    scene.tell_visit(1, "住院6天收床位费8天", stay)


def _upload(stay: Stay, given: list[Given], t: int) -> None:
    stay.upload(given, t)


@script.fraud(hidden="跨护理级别拆分")
def two_levels_of_nursing(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 7)
    extra = {day: [(cat.NURSING_3, 1, stay.begin + day * DAY + 2 * HOUR)] for day in (1, 2, 3)}
    scene.course(stay, extra=extra)
    scene.tell_visit(1, "二级护理与三级护理同日并收，护理合计比住院天数多3天", stay)


@script.fraud(hidden="拆成多行")
def rounds_in_small_pieces(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 5)
    given = [*_after(stay, 3, 20, item=cat.WARD_ROUND), (cat.WARD_ROUND, 1, stay.begin - 10 * HOUR)]

    def pieces(stay: Stay, t: int) -> None:
        for n, one in enumerate(given):
            stay.upload([one], t + 20 * n)

    scene.course(stay, settle_at=stay.end + 26 * HOUR, correct=pieces)
    scene.tell_visit(1, "住院诊查费比住院天数多3天，分3次零散上传", stay)


@script.fraud(hidden="出院改早一天")
def discharge_moved_forward(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 7)

    def earlier(stay: Stay, t: int) -> None:
        stay.upload([(cat.BED, 1, stay.end - HOUR)], t)
        stay.discharge(t + 60)
        stay.cancel_discharge(t + 300)
        stay.end -= DAY

    scene.course(stay, correct=earlier, discharge_last=True)
    scene.tell_visit(1, "先按7天出院，撤销后改为6天出院，床位费仍为8天", stay)


@script.below()
def as_many_as_nights(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 6)
    scene.tell_visit(None, "床位费天数等于住院天数", stay)


@script.below()
def in_and_out_on_one_day(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(age=66), scene.day(4), 0, cat.CATARACT_CASE, hour=8, end_hour=16, med_type="28"
    )
    scene.tell_visit(None, "当日入出院收1天床位费", stay)


@script.lookalike()
def escort_bed(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 6)
    scene.course(stay, extra={day: [(cat.BED_ESCORT, 1, stay.begin + day * DAY + HOUR)] for day in range(6)})
    scene.tell_visit(None, "另收陪护床位费", stay)


@script.lookalike()
def newborn_in_the_mothers_room(scene: Scene) -> None:
    mother = scene.person(gend="2", age=28)
    stay = scene.bed(mother, scene.day(10), 4, cat.DELIVERY, scene.places.maternity, med_type="52")
    extra = {day: [(cat.BED_NEWBORN, 1, stay.begin + day * DAY + 2 * HOUR)] for day in range(1, 4)}
    scene.course(stay, extra=extra)
    scene.tell_visit(None, "母婴同室，新生儿床位费记在母亲账上", stay)


@script.lookalike()
def intensive_care_on_the_day_of_moving(scene: Scene) -> None:
    person = scene.person(age=70)
    stay = scene.bed(person, scene.day(14), 9, cat.FRACTURE)
    scene.course(stay, icu=frozenset((1, 2)), extra={2: [(cat.BED, 1, stay.begin + 2 * DAY + 13 * HOUR)]})
    scene.tell_visit(None, "转科当日监护病房与普通床位各收1天", stay)


@script.lookalike()
def overcharged_and_refunded(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        line = stay.upload([(cat.BED, 2, stay.end - 2 * HOUR)], t)[0]
        stay.refund(line, 2, t + 200, when=line.t)

    stay = scene.stay(scene.person(), scene.day(12), 6, correct=refunded)
    scene.tell_visit(None, "多收2天床位费，结算前全部退费", stay)


@script.lookalike()
def uploaded_twice_with_the_same_number(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(),
        scene.day(12),
        6,
        correct=lambda stay, t: stay.repeat([line for line in stay.lines if line.item is cat.BED], t),
    )
    scene.tell_visit(None, "床位费以相同流水号重传", stay)


@script.lookalike()
def not_discharged_yet(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.bed(person, day, 5)
    scene.hush(person, day, scene.county.world.last)
    scene.course(stay, discharge=False, settle=False, extra={4: [(cat.BED, 1, stay.begin + 4 * DAY + HOUR)]})
    scene.tell_visit(None, "尚未办理出院，不能判断", stay, also=["FI-08"])


@script.cancelled()
def corrected_and_settled_again(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 6)
    scene.course(
        stay,
        settle_at=stay.end + 30 * HOUR,
        correct=lambda stay, t: _upload(stay, _after(stay, 10, 22), t),
        listed=False,
    )
    t = stay.end + 40 * HOUR
    stay.unsettle(t)
    stay.withdraw([line for line in stay.lines if line.item is cat.BED and line.t > stay.end], t + 300)
    stay.settle(t + 900)
    stay.listed(t + DAY)
    scene.tell_visit(None, "多收的床位费撤销后重新结算", stay)


@script.cancelled()
def admission_cancelled(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 6)
    scene.course(stay, extra={6: _after(stay, -1)}, listed=False)
    stay.unsettle(stay.end + 20 * HOUR)
    stay.withdraw(None, stay.end + 21 * HOUR)
    stay.cancel_admission(stay.end + 22 * HOUR)
    scene.tell_visit(None, "整次住院被撤销", stay)
