"""Ghost beds: GB-01, 02, 03, 05, 07, 08."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Illness
from streams.simulate.clock import DATE, DAY, HOUR, MINUTE
from streams.simulate.plants.cast import LATE, REDO, Scene, Script
from streams.simulate.stay import Given, Stay

# -- GB-01: more days charged than the stay has -------------------------------------------------------------------

gb01 = Script("GB-01")


def _after(stay: Stay, *hours: int, item: cat.Item = cat.BED) -> list[Given]:
    """The item once at each of these hours after the discharge."""
    return [(item, 1, stay.end + hour * HOUR) for hour in hours]


@gb01.fraud(LATE, REDO)
def both_end_days(scene: Scene) -> None:
    person, nights = scene.person(), 6
    stay = scene.bed(person, scene.day(12), nights)
    scene.course(stay, extra={nights: _after(stay, -1)})
    scene.tell_visit(3, "住院6天收床位费7天：入院日和出院日都收", stay)


@gb01.fraud(LATE, REDO)
def two_beds_too_many(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 6)
    scene.course(stay, settle_at=stay.end + 30 * HOUR, correct=lambda stay, t: _upload(stay, _after(stay, 10, 22), t))
    scene.tell_visit(1, "住院6天收床位费8天", stay)


def _upload(stay: Stay, given: list[Given], t: int) -> None:
    stay.upload(given, t)


@gb01.fraud(hidden="跨护理级别拆分")
def two_levels_of_nursing(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 7)
    extra = {day: [(cat.NURSING_3, 1, stay.begin + day * DAY + 2 * HOUR)] for day in (1, 2, 3)}
    scene.course(stay, extra=extra)
    scene.tell_visit(1, "二级护理与三级护理同日并收，护理合计比住院天数多3天", stay)


@gb01.fraud(hidden="拆成多行")
def rounds_in_small_pieces(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 5)
    given = [*_after(stay, 3, 20, item=cat.WARD_ROUND), (cat.WARD_ROUND, 1, stay.begin - 10 * HOUR)]

    def pieces(stay: Stay, t: int) -> None:
        for n, one in enumerate(given):
            stay.upload([one], t + 20 * n)

    scene.course(stay, settle_at=stay.end + 26 * HOUR, correct=pieces)
    scene.tell_visit(1, "住院诊查费比住院天数多3天，分3次零散上传", stay)


@gb01.fraud(hidden="出院改早一天")
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


@gb01.below()
def as_many_as_nights(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 6)
    scene.tell_visit(None, "床位费天数等于住院天数", stay)


@gb01.below()
def in_and_out_on_one_day(scene: Scene) -> None:
    stay = scene.stay(scene.person(age=66), scene.day(4), 0, cat.CATARACT_CASE, hour=8, end_hour=16, med_type="28")
    scene.tell_visit(None, "当日入出院收1天床位费", stay)


@gb01.lookalike()
def escort_bed(scene: Scene) -> None:
    person = scene.person()
    stay = scene.bed(person, scene.day(12), 6)
    scene.course(stay, extra={day: [(cat.BED_ESCORT, 1, stay.begin + day * DAY + HOUR)] for day in range(6)})
    scene.tell_visit(None, "另收陪护床位费", stay)


@gb01.lookalike()
def intensive_care_on_the_day_of_moving(scene: Scene) -> None:
    person = scene.person(age=70)
    stay = scene.bed(person, scene.day(14), 9, cat.FRACTURE)
    scene.course(stay, icu=frozenset((1, 2)), extra={2: [(cat.BED, 1, stay.begin + 2 * DAY + 13 * HOUR)]})
    scene.tell_visit(None, "转科当日监护病房与普通床位各收1天", stay)


@gb01.lookalike()
def overcharged_and_refunded(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        line = stay.upload([(cat.BED, 2, stay.end - 2 * HOUR)], t)[0]
        stay.refund(line, 2, t + 200, when=line.t)

    stay = scene.stay(scene.person(), scene.day(12), 6, correct=refunded)
    scene.tell_visit(None, "多收2天床位费，结算前全部退费", stay)


@gb01.lookalike()
def uploaded_twice_with_the_same_number(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(), scene.day(12), 6, correct=lambda stay, t: stay.repeat([line for line in stay.lines if line.item is cat.BED], t)
    )
    scene.tell_visit(None, "床位费以相同流水号重传", stay)


@gb01.lookalike()
def not_discharged_yet(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.bed(person, day, 5)
    scene.hush(person, day, scene.county.world.last)
    scene.course(stay, discharge=False, settle=False, extra={4: [(cat.BED, 1, stay.begin + 4 * DAY + HOUR)]})
    scene.tell_visit(None, "尚未办理出院，不能判断", stay, also=["FI-08"])


@gb01.cancelled()
def corrected_and_settled_again(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 6)
    scene.course(stay, settle_at=stay.end + 30 * HOUR, correct=lambda stay, t: _upload(stay, _after(stay, 10, 22), t), listed=False)
    t = stay.end + 40 * HOUR
    stay.unsettle(t)
    stay.withdraw([line for line in stay.lines if line.item is cat.BED and line.t > stay.end], t + 300)
    stay.settle(t + 900)
    stay.listed(t + DAY)
    scene.tell_visit(None, "多收的床位费撤销后重新结算", stay)


@gb01.cancelled()
def admission_cancelled(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 6)
    scene.course(stay, extra={6: _after(stay, -1)}, listed=False)
    stay.unsettle(stay.end + 20 * HOUR)
    stay.withdraw(None, stay.end + 21 * HOUR)
    stay.cancel_admission(stay.end + 22 * HOUR)
    scene.tell_visit(None, "整次住院被撤销", stay)


# -- GB-02: days without care -------------------------------------------------------------------------------------

gb02 = Script("GB-02")

#: First and last day (MM-DD) of stretches with public holidays in which no idle days are planted.
_HOLIDAYS = (("12-30", "12-31"), ("01-01", "01-04"), ("02-13", "02-25"), ("04-03", "04-07"), ("04-28", "05-06"), ("06-17", "06-23"), ("09-23", "10-09"))


def _monday(scene: Scene, span: int) -> int:
    """A Monday with `span` days that no public holiday touches."""
    for _ in range(200):
        day = scene.day(span + 7, on=0)
        texts = [DATE[day + n][5:] for n in range(span)]
        if not any(low <= text <= high for text in texts for low, high in _HOLIDAYS):
            return day
    raise AssertionError("No week without holidays; the world is too short for GB-02.")


def _idle(scene: Scene, days: set[int], nights: int = 11, illness: Illness = cat.STROKE, **knobs: object) -> Stay:
    """A stay from a Monday on (day 0), idle on these days."""
    return scene.stay(scene.person(age=62), _monday(scene, nights + 1), nights, illness, idle=frozenset(days), **knobs)  # type: ignore[arg-type]


@gb02.fraud(LATE, REDO)
def three_idle_days(scene: Scene) -> None:
    scene.tell_visit(2, "周二至周四连续3天只有床位、护理、诊察", _idle(scene, {1, 2, 3}))


@gb02.fraud(LATE, REDO)
def two_idle_days(scene: Scene) -> None:
    scene.tell_visit(3, "周二、周三连续2天只有床位、护理、诊察", _idle(scene, {1, 2}))


@gb02.fraud(hidden="跨周末")
def idle_over_the_weekend(scene: Scene) -> None:
    scene.tell_visit(2, "周四、周五、下周一空床，周末既不中断也不计数", _idle(scene, {3, 4, 5, 6, 7}))


@gb02.fraud(LATE)
def half_of_a_short_stay(scene: Scene) -> None:
    scene.tell_visit(2, "住院4天，其中周二、周三空床，占一半", _idle(scene, {1, 2}, nights=4))


@gb02.fraud()
def idle_where_orders_are_never_uploaded(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3, 4}, place=scene.places.townships[1])
    scene.tell_visit(3, "从不上传医嘱和报告的卫生院，连续4天空床", stay)


@gb02.fraud(hidden="加收取暖费")
def idle_but_heated(scene: Scene) -> None:
    person = scene.person(age=62)
    day = _monday(scene, 12)
    stay = scene.bed(person, day, 11, cat.STROKE)
    idle = (1, 2, 3)
    scene.course(stay, idle=frozenset(idle), extra={n: [(cat.HEATING, 1, (day + n) * DAY + 20 * HOUR)] for n in idle} if not _winter(day) else {})
    scene.tell_visit(2, "连续3天只有床位、护理、诊察和取暖费", stay)


def _winter(day: int) -> bool:
    return DATE[day][5:7] in ("12", "01", "02")


@gb02.fraud(hidden="撤销重录")
def idle_after_entering_again(scene: Scene) -> None:
    def again(stay: Stay, t: int) -> None:
        gone = stay.withdraw(None, t)
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)

    scene.tell_visit(2, "费用全部撤销后重传，仍连续3天空床", _idle(scene, {2, 3, 4}, correct=again))


@gb02.below()
def one_idle_day(scene: Scene) -> None:
    scene.tell_visit(None, "只有周三1天空床", _idle(scene, {2}))


@gb02.below()
def friday_and_the_weekend(scene: Scene) -> None:
    scene.tell_visit(None, "周五至周日空床，计数只有1天", _idle(scene, {4, 5, 6}))


@gb02.lookalike()
def on_leave(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3})
    stay.face((stay.first_day + 1) * DAY + 6 * HOUR, "20")
    stay.face((stay.first_day + 3) * DAY + 22 * HOUR, "21")
    scene.tell_visit(None, "经批准请假3天，有请假和销假认证", stay)


@gb02.lookalike()
def psychiatric_ward(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3, 4}, 25, cat.SCHIZOPHRENIA, place=scene.places.psychiatric, med_type="21303", by_day=True)
    scene.tell_visit(None, "精神科按床日住院，4天空床低于7天", stay)


@gb02.lookalike()
def rehabilitation_by_the_day(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3, 4}, 20, _REHABILITATION, med_type="2105", by_day=True)
    scene.tell_visit(None, "康复住院按床日付费，4天空床低于7天", stay)


_REHABILITATION = Illness("Z50.100", "康复治疗", "A50", (cat.XUESAITONG,), (cat.BLOOD,), (), (cat.REHABILITATION,), (15, 25))


@gb02.lookalike()
def under_a_standing_order(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3})
    stay.ordered([(cat.CITICOLINE, stay.begin + 2 * HOUR, stay.end - HOUR)], stay.begin + 4 * HOUR)
    scene.tell_visit(None, "空床3天内有长期医嘱在执行", stay)


@gb02.lookalike()
def treated_every_other_day(scene: Scene) -> None:
    scene.tell_visit(None, "隔日治疗，没有连续空床", _idle(scene, {1, 3, 7, 9}))


@gb02.lookalike()
def forgotten_lines_added(scene: Scene) -> None:
    def added(stay: Stay, t: int) -> None:
        stay.upload([(cat.CITICOLINE, 1, (stay.first_day + n) * DAY + 10 * HOUR) for n in (1, 2, 3)], t)

    scene.tell_visit(None, "漏传的药品费用在结算前补齐", _idle(scene, {1, 2, 3}, correct=added))


@gb02.cancelled()
def idle_stay_cancelled(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3}, listed=False)
    stay.unsettle(stay.end + 20 * HOUR)
    stay.withdraw(None, stay.end + 21 * HOUR)
    stay.cancel_admission(stay.end + 22 * HOUR)
    scene.tell_visit(None, "空床的住院整次撤销", stay)


@gb02.cancelled()
def settled_again_with_care(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3}, listed=False)
    t = stay.end + 20 * HOUR
    stay.unsettle(t)
    stay.upload([(cat.CITICOLINE, 1, (stay.first_day + n) * DAY + 10 * HOUR) for n in (1, 2, 3)], t + 300)
    stay.settle(t + 900)
    stay.listed(t + DAY)
    scene.tell_visit(None, "撤销结算，补传治疗费用后重新结算", stay)


# -- GB-03: care elsewhere during a stay --------------------------------------------------------------------------

gb03 = Script("GB-03")

_CARE = ((cat.ULTRASOUND, 1), (cat.AMOXICILLIN, 1))


def _inside(scene: Scene) -> tuple[Stay, int]:
    """An ordinary stay of eight nights in a county hospital, and ten o'clock on its fourth day."""
    person = scene.person()
    stay = scene.bed(person, scene.day(14), 8, cat.CORONARY)
    disguise, scene.disguise = scene.disguise, ""
    scene.course(stay)
    scene.disguise = disguise
    return stay, (stay.first_day + 3) * DAY + 10 * HOUR


@gb03.fraud(LATE, REDO)
def drugs_bought(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.buy(stay.person, t)
    scene.tell_visit(3, "住院期间药店购药结算", stay)


@gb03.fraud(LATE, REDO)
def examined_elsewhere(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, _CARE)
    scene.tell_visit(2, "住院期间在另一家医院诊察、做超声", stay)


@gb03.fraud(REDO)
def outpatient_in_the_same_hospital(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, place=stay.place)
    scene.tell_visit(3, "住院期间在同一医院门诊结算", stay)


@gb03.fraud(hidden="出院后才结算")
def settled_after_discharge(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, _CARE, settle_at=stay.end + 5 * HOUR)
    scene.tell_visit(2, "住院期间在另一家医院检查，出院后才结算", stay)


@gb03.fraud(hidden="拆成两次")
def bought_twice(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.buy(stay.person, t)
    scene.buy(stay.person, t + 2 * DAY, place=scene.other_pharmacy())
    scene.tell_visit(3, "住院期间在两家药店各购药一次；药店购药不高于轻度可疑", stay)


@gb03.fraud(hidden="用家人账户支付")
def paid_from_the_family_account(scene: Scene) -> None:
    owner, partner = scene.married()
    stay = scene.stay(partner, scene.day(14), 8, cat.CORONARY)
    scene.buy(partner, (stay.first_day + 3) * DAY + 15 * HOUR, owner=owner)
    scene.tell_visit(3, "住院期间以配偶账户购药：账户说明谁付钱，不说明谁到场", stay)


@gb03.fraud()
def just_inside_the_grace(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin + 2 * HOUR + 5 * MINUTE, _CARE)
    scene.tell_visit(2, "入院2小时后在另一家医院检查", stay)


@gb03.below()
def soon_after_admission(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin + 95 * MINUTE, _CARE)
    scene.tell_visit(None, "入院后2小时之内的门诊", stay)


@gb03.below()
def shortly_before_discharge(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.buy(stay.person, stay.end - 110 * MINUTE)
    scene.tell_visit(None, "出院前2小时之内购药", stay)


@gb03.lookalike()
def emergency_room_first(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(
        stay.person, stay.begin - 4 * HOUR, ((cat.BLOOD, 1),), stay.place, settle_at=stay.begin + 5 * HOUR, med_type="13",
    )  # fmt: skip
    scene.tell_visit(None, "急诊在入院前，结算在入院后", stay)


@gb03.lookalike()
def sent_out_for_an_examination(scene: Scene) -> None:
    stay, t = _inside(scene)
    scene.visit(stay.person, t, ((cat.MRI, 1),), scene.places.city, consult=False, outside=scene.places.city.code)
    scene.tell_visit(None, "外检：住院期间送市医院做磁共振（外检标志为1）", stay)


@gb03.lookalike()
def bought_on_the_way_home(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.buy(stay.person, stay.end + 2 * HOUR)
    scene.tell_visit(None, "出院当日出院后购药", stay)


@gb03.lookalike()
def seen_before_admission(scene: Scene) -> None:
    stay, _ = _inside(scene)
    scene.visit(stay.person, stay.begin - 3 * HOUR + 20 * MINUTE, _CARE, settle_at=stay.begin + 3 * HOUR)
    scene.tell_visit(None, "入院前在卫生院就诊，当日稍后结算", stay)


@gb03.cancelled()
def purchase_cancelled(scene: Scene) -> None:
    stay, t = _inside(scene)
    sale = scene.buy(stay.person, t)
    sale.cancel(t + 3 * DAY, arrive=t - HOUR)
    sale.returned(t + 3 * DAY + 60)
    scene.tell_visit(None, "住院期间的购药后来撤销（撤销先到）", stay)


@gb03.cancelled()
def visit_unsettled(scene: Scene) -> None:
    stay, t = _inside(scene)
    clinic = scene.visit(stay.person, t, _CARE)
    clinic.unsettle(t + DAY)
    clinic.withdraw(t + DAY + 60)
    clinic.unregister(t + DAY + 120)
    scene.tell_visit(None, "住院期间的门诊全部撤销", stay)


# -- GB-05: one bed, two patients ---------------------------------------------------------------------------------

gb05 = Script("GB-05")


def _share(scene: Scene, day: int, days: int, dept: str = "A03.01") -> str:
    """A bed that nobody else has in these days."""
    return scene.hospital.bed(dept, day, day + days, scene.county.world.first - 400)


@gb05.fraud(LATE, REDO)
def one_night(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=17)
    two = scene.stay(scene.person(), day + 4, 6, bed=bed, dept="A03.01", hour=9)
    scene.tell_two(3, "两人同住一床32小时，跨1夜", one, two)


@gb05.fraud(LATE, REDO)
def several_nights(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 3, 6, bed=bed, dept="A03.01")
    scene.tell_two(2, "两人同住一床4夜", one, two)


@gb05.fraud()
def three_in_one_bed(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    stays = [scene.stay(scene.person(), day + n, 6, bed=bed, dept="A03.01") for n in range(3)]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        scene.tell_two(2, "三人同住一床", stays[one], stays[two])


@gb05.fraud(hidden="先入别床再调入")
def moved_in(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 9, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 2, 8, dept="A03.01", moved=((day + 3) * DAY + 9 * HOUR, bed))
    scene.tell_two(2, "后者从别床调入，同床6夜", one, two)


@gb05.fraud()
def without_department(scene: Scene) -> None:
    day = scene.day(16)
    bed = f"{90 + scene.number}{scene.number % 7}"
    stays = []
    for offset in (0, 2):
        stay = scene.bed(scene.person(), day + offset, 6, bed=bed, dept="A03.01")
        stay.dept = ""
        stays.append(scene.course(stay))
    scene.tell_two(3, "没有科室编码，同号床同住4夜", *stays)


@gb05.fraud(hidden="出院撤销后改迟")
def discharge_postponed(scene: Scene) -> None:
    day = scene.day(18)
    bed = _share(scene, day, 14)
    one = scene.bed(scene.person(), day, 8, bed=bed, dept="A03.01")
    end, one.end = one.end, one.end - 4 * DAY
    one.discharge()
    one.cancel_discharge(one.end + 30 * HOUR)
    one.end = end
    scene.course(one)
    two = scene.stay(scene.person(), day + 5, 6, bed=bed, dept="A03.01")
    scene.tell_two(2, "前者出院被撤销并推迟，与后者同床3夜", one, two)


@gb05.below()
def handed_over_on_one_day(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=9)
    two = scene.stay(scene.person(), day + 5, 5, bed=bed, dept="A03.01", hour=15)
    scene.tell_two(None, "上午出院下午入院", one, two)


@gb05.below()
def overlapping_a_few_hours(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=16)
    two = scene.stay(scene.person(), day + 5, 5, bed=bed, dept="A03.01", hour=10)
    scene.tell_two(None, "重叠6小时，没有跨夜", one, two)


@gb05.lookalike()
def same_number_in_another_department(scene: Scene) -> None:
    day = scene.day(16)
    bed = f"7{scene.number:02d}"
    one = scene.stay(scene.person(), day, 6, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 1, 6, cat.CORONARY, bed=bed, dept="A03.04")
    scene.tell_two(None, "不同科室的同号床", one, two)


@gb05.lookalike()
def newborn_beside_the_mother(scene: Scene) -> None:
    day = scene.day(14)
    place = scene.places.maternity
    bed = place.bed("A05.02", day, day + 8, scene.county.world.first - 400)
    mother = scene.stay(scene.person(gend="2", age=28), day, 5, cat.DELIVERY, place, bed=bed, dept="A05.02", med_type="52")
    baby = scene.newborn(day)
    child = scene.stay(baby, day + 1, 4, cat.NEWBORN, place, bed=bed, dept="A05.02", newborn=1)
    scene.tell_two(None, "新生儿与母亲同床", mother, child)


@gb05.lookalike()
def extra_bed(scene: Scene) -> None:
    day = scene.day(16)
    name = ("加1", "0", "无", "加床")[scene.number % 4]
    one = scene.stay(scene.person(), day, 6, bed=name, dept="A03.01")
    two = scene.stay(scene.person(), day + 1, 6, bed=name, dept="A03.01")
    scene.tell_two(None, f"占位床号“{name}”", one, two)


@gb05.lookalike()
def moved_away_before(scene: Scene) -> None:
    day = scene.day(16)
    bed, other = _share(scene, day, 12), _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 8, bed=bed, dept="A03.01", moved=((day + 2) * DAY + 9 * HOUR, other))
    two = scene.stay(scene.person(), day + 3, 6, bed=bed, dept="A03.01")
    scene.tell_two(None, "前者先调到别床，后者才入住", one, two)


@gb05.lookalike()
def discharge_recorded_late(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.bed(scene.person(), day, 5, bed=bed, dept="A03.01")
    scene.course(one, discharge=False, settle_at=one.end + 3 * DAY)
    one.discharge(one.end + 70 * HOUR)
    two = scene.stay(scene.person(), day + 6, 5, bed=bed, dept="A03.01")
    scene.tell_two(None, "前者按时出院，出院登记晚报3天", one, two)


@gb05.cancelled()
def second_admission_reversed(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.bed(scene.person(), day + 2, 5, bed=bed, dept="A03.01")
    two.admit()
    two.reverse(two.admitted, "2401", two.begin + 5 * DAY)
    scene.tell_two(None, "后者入院登记被冲正", one, two)


@gb05.cancelled()
def second_admission_cancelled(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 2, 5, bed=bed, dept="A03.01", settle=False)
    two.withdraw(None, two.end + DAY)
    two.cancel_admission(two.end + DAY + 600)
    scene.tell_two(None, "后者入院撤销", one, two)


# -- GB-07: charged after discharge -------------------------------------------------------------------------------

gb07 = Script("GB-07")


def _charged_after(scene: Scene, *given: tuple[cat.Item, float], apart: bool = False) -> Stay:
    """A stay charged with items so many hours after its discharge, and settled four days after it."""
    stay = scene.bed(scene.person(), scene.day(16), 6)
    lines: list[Given] = [(item, 1, stay.end + int(hours * HOUR)) for item, hours in given]

    def charge(stay: Stay, t: int) -> None:
        if apart:
            for n, line in enumerate(lines):
                stay.upload([line], t + 20 * n)
        else:
            stay.upload(lines, t)

    return scene.course(stay, settle_at=stay.end + 4 * DAY + 3 * HOUR, correct=charge)


@gb07.fraud(LATE, REDO)
def nursing_after_discharge(scene: Scene) -> None:
    scene.tell_visit(1, "出院30小时后仍收二级护理", _charged_after(scene, (cat.NURSING_2, 30)), also=["GB-01"])


@gb07.fraud(LATE, REDO)
def drugs_after_discharge(scene: Scene) -> None:
    scene.tell_visit(3, "出院30小时后仍收药费（不是出院带药）", _charged_after(scene, (cat.SALINE, 30)))


@gb07.fraud()
def just_after_a_day(scene: Scene) -> None:
    scene.tell_visit(1, "出院24小时10分后收床位费", _charged_after(scene, (cat.BED, 24 + 1 / 6)), also=["GB-01"])


@gb07.fraud(hidden="分散多行")
def a_little_every_day(scene: Scene) -> None:
    stay = _charged_after(scene, (cat.WARD_ROUND, 27), (cat.SALINE, 33), (cat.BLOOD, 52), apart=True)
    scene.tell_visit(1, "出院后分3次收诊察、药品、化验", stay, also=["GB-01"])


@gb07.fraud(REDO)
def tests_after_discharge(scene: Scene) -> None:
    scene.tell_visit(3, "出院3天后收化验和检查", _charged_after(scene, (cat.LIVER, 71), (cat.XRAY, 72)))


@gb07.fraud(hidden="出院改早")
def discharge_made_earlier(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 8)

    def earlier(stay: Stay, t: int) -> None:
        stay.discharge(t)
        stay.cancel_discharge(t + 60)
        stay.end -= 3 * DAY

    scene.course(stay, correct=earlier, discharge_last=True)
    scene.tell_visit(1, "出院日改早3天，之后的床位护理仍在", stay, also=["GB-01"])


@gb07.below()
def within_a_day(scene: Scene) -> None:
    scene.tell_visit(None, "出院23小时后入账的药费", _charged_after(scene, (cat.SALINE, 23.5)))


@gb07.lookalike()
def drugs_to_take_home(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)
    scene.course(
        stay, settle_at=stay.end + 3 * DAY, correct=lambda stay, t: _take_home(stay, stay.end + 30 * HOUR, t)
    )
    scene.tell_visit(None, "出院带药（带药标志为1）", stay)


def _take_home(stay: Stay, when: int, t: int) -> None:
    stay.upload([(cat.AMLODIPINE, 2, when)], t, take_home=True)


@gb07.lookalike()
def discharge_taken_back(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 9)
    end, stay.end = stay.end, stay.end - 3 * DAY
    stay.discharge()
    stay.cancel_discharge(stay.end + 4 * HOUR)
    stay.end = end
    scene.course(stay)
    scene.tell_visit(None, "出院撤销后继续住院3天", stay)


@gb07.lookalike()
def refund_after_discharge(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        stay.refund(next(line for line in stay.lines if line.item.kind == "04"), 1, t)

    stay = scene.bed(scene.person(), scene.day(14), 6)
    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=refunded)
    scene.tell_visit(None, "出院后退化验费，退费行时间在出院之后", stay)


@gb07.lookalike()
def uploaded_late(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 6)
    scene.course(
        stay, settle_at=stay.end + 3 * DAY, correct=lambda stay, t: _upload(stay, [(cat.SALINE, 1, stay.end - 2 * HOUR)], t)
    )
    scene.tell_visit(None, "住院期间的费用出院后才上传", stay)


@gb07.cancelled()
def late_lines_withdrawn(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)

    def mistaken(stay: Stay, t: int) -> None:
        lines = stay.upload([(cat.NURSING_2, 1, stay.end + 30 * HOUR), (cat.SALINE, 2, stay.end + 30 * HOUR)], t)
        stay.withdraw(lines, t + 200, arrive=t - HOUR)

    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=mistaken)
    scene.tell_visit(None, "出院后的费用结算前撤销（撤销先到）", stay)


@gb07.cancelled()
def late_lines_refunded(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)

    def mistaken(stay: Stay, t: int) -> None:
        for line in stay.upload([(cat.SALINE, 2, stay.end + 30 * HOUR)], t):
            stay.refund(line, 2, t + 200, when=line.t)

    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=mistaken)
    scene.tell_visit(None, "出院后的费用全部退费", stay)


# -- GB-08: nothing uploaded after admission ----------------------------------------------------------------------

gb08 = Script("GB-08")


@gb08.fraud(REDO)
def first_lines_after_three_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 71 * HOUR)
    scene.tell_visit(2, "入院71小时后才上传第一笔费用，后补传结算", stay)


@gb08.fraud(REDO)
def just_over_two_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 48 * HOUR + 10 * MINUTE)
    scene.tell_visit(2, "入院48小时10分后才上传第一笔费用", stay)


@gb08.fraud()
def nothing_ever_uploaded(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 5, upload=False, settle=False, orders=False)
    scene.tell_visit(3, "住院5天没有任何费用上传，也未结算", stay)


@gb08.fraud(hidden="有变更和认证，无费用")
def everything_but_lines(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 6, upload=False, settle=False)
    stay.face(stay.begin + 20 * MINUTE)
    stay.change(stay.begin + 30 * HOUR, illness=cat.COPD)
    scene.tell_visit(3, "有人脸认证、医嘱、变更，没有费用", stay)


@gb08.fraud(hidden="周末入院")
def admitted_before_the_weekend(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12, on=4), 6, hour=17)
    scene.course(stay, first_upload=stay.begin + 63 * HOUR)
    scene.tell_visit(2, "周五傍晚入院，周一上午才补传", stay)


@gb08.fraud()
def still_in_bed_on_paper(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.bed(person, day, 5)
    scene.hush(person, day, scene.county.world.last)
    scene.course(stay, upload=False, settle=False, discharge=False, orders=False)
    scene.tell_visit(3, "入院登记后没有任何后续", stay)


@gb08.below()
def just_within_two_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 47 * HOUR)
    scene.tell_visit(None, "入院47小时后上传第一笔费用", stay)


@gb08.lookalike()
def withdrawn_and_entered_again(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    lines = stay.upload([(cat.BED, 1, stay.begin + 2 * HOUR)], stay.begin + 20 * HOUR)
    stay.withdraw(lines, stay.begin + 30 * HOUR)
    scene.course(stay, first_upload=stay.begin + 60 * HOUR)
    scene.tell_visit(None, "48小时内上传过，撤销后重传", stay)


@gb08.lookalike()
def during_an_outage(scene: Scene) -> None:
    place = scene.places.townships[2]
    usable = [start for start, _ in place.outages if start // DAY + 12 < scene.county.world.last]
    start = usable[scene.number % len(usable)]
    person = scene.person()
    stay = scene.bed(person, start // DAY, 6, place=place, hour=18 + scene.number % 4)
    scene.course(stay)
    scene.tell_visit(None, "医院全院断网，入院前后64小时没有任何上传", stay)


@gb08.lookalike()
def one_early_line(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    stay.upload([(cat.ECG, 1, stay.begin + HOUR)], stay.begin + 3 * HOUR)
    scene.course(stay, first_upload=stay.begin + 66 * HOUR)
    scene.tell_visit(None, "入院当天已上传一笔检查费", stay)


@gb08.cancelled()
def empty_stay_cancelled(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 5, upload=False, settle=False, discharge=False, orders=False)
    stay.cancel_admission(stay.begin + 80 * HOUR)
    scene.tell_visit(None, "没有费用的入院登记后来撤销", stay)


@gb08.cancelled()
def empty_stay_reversed(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 5)
    stay.admit()
    stay.reverse(stay.admitted, "2401", stay.begin + 70 * HOUR)
    scene.tell_visit(None, "没有费用的入院登记后来冲正", stay)


SCRIPTS = (gb01, gb02, gb03, gb05, gb07, gb08)
