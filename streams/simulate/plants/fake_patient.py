"""Fake patients: FP-01, 02, 03, 04, 07 (FP-06 has a module of its own)."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import CHRONICS, Item
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR, MINUTE
from streams.simulate.people import Period, Person, certificate
from streams.simulate.places import Counter, Place
from streams.simulate.plants.cast import LATE, REDO, Scene, Script
from streams.simulate.sale import Sale
from streams.simulate.stay import Stay

# -- FP-01: settled after death -----------------------------------------------------------------------------------

fp01 = Script("FP-01")

_TWO = ("civil", "funeral")


def _dead(scene: Scene, sources: tuple[str, ...], after: int = 4, span: int = 30) -> tuple[Person, int]:
    """A resident, and the day (number) of the death."""
    person = scene.person(age=78)
    day = scene.day(span, lead=20)
    scene.death(person, day, sources, after)
    return person, day


@fp01.fraud(LATE, REDO)
def the_next_day(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(3, "死亡次日的门诊结算", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@fp01.fraud(LATE, REDO)
def two_days_later_one_source(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    scene.tell_settlement(2, "死亡两天后的门诊结算，只有民政一个来源", scene.visit(person, (day + 2) * DAY + 9 * HOUR))


@fp01.fraud(LATE, REDO)
def five_days_later_two_sources(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(1, "死亡五天后的门诊结算，两个来源一致", scene.visit(person, (day + 5) * DAY + 9 * HOUR))


@fp01.fraud(LATE)
def account_money_only(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(3, "死亡三天后用个人账户购药，基金没有支付", scene.buy(person, (day + 3) * DAY + 15 * HOUR))


@fp01.fraud(REDO)
def discharged_as_dead(scene: Scene) -> None:
    person = scene.person(age=78)
    day = scene.day(30, lead=20)
    person.dead = day
    stay = scene.bed(person, day - 6, 6, cat.HEART_FAILURE, end_hour=15)
    disguise, scene.disguise = scene.disguise, ""
    scene.course(stay, discharge=False, way="5", adm_way="1")
    stay.discharge(stay.end + 600, way="5", died=day)
    scene.disguise = disguise
    scene.tell_settlement(1, "以死亡离院四天后又有门诊结算", scene.visit(person, (day + 4) * DAY + 9 * HOUR))


@fp01.fraud(hidden="死亡登记滞后")
def death_learned_late(scene: Scene) -> None:
    person, day = _dead(scene, _TWO, after=20)
    scene.tell_settlement(1, "结算在先，三周后才登记死亡", scene.visit(person, (day + 6) * DAY + 9 * HOUR))


@fp01.fraud(hidden="分次领药")
def drugs_fetched_every_week(scene: Scene) -> None:
    person, day = _dead(scene, _TWO, span=40)
    disease = CHRONICS[0]
    for n in (1, 2, 3):
        sale = scene.buy(person, (day + 7 * n) * DAY + 10 * HOUR, ((disease.drugs[0], 1),), med_type="14")
        scene.tell_settlement(1, f"死亡后继续以慢特病领药（第{n}次）", sale)


@fp01.fraud()
def admitted_after_death(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(1, "死亡两天后办理入院并结算", scene.stay(person, day + 2, 5, place=scene.township))


@fp01.below()
def on_the_day_itself(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(None, "死亡当日的急诊结算", scene.visit(person, day * DAY + 9 * HOUR, med_type="13"))


@fp01.lookalike()
def last_stay_settled_later(scene: Scene) -> None:
    person = scene.person(age=81)
    day = scene.day(30, lead=20)
    stay = scene.bed(person, day - 7, 7, cat.HEART_FAILURE, end_hour=14)
    scene.course(stay, discharge=False, settle_at=stay.end + 11 * DAY, way="5")
    stay.discharge(stay.end + 900, way="5", died=day)
    scene.death(person, day, _TWO)
    scene.tell_settlement(None, "临终住院在死亡十一天后结算，费用都在生前", stay)


@fp01.lookalike()
def date_of_death_corrected(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    clinic = scene.visit(person, (day + 4) * DAY + 9 * HOUR)
    registry.death(scene.county, person, day + 12, "civil", (day + 16) * DAY + 9 * HOUR, version=2)
    scene.tell_settlement(None, "死亡日期登错，后更正为就诊之后", clinic)


@fp01.lookalike()
def account_of_the_dead(scene: Scene) -> None:
    owner, partner = scene.married()
    day = scene.day(30, lead=20)
    scene.death(owner, day, _TWO)
    sale = scene.buy(partner, (day + 6) * DAY + 10 * HOUR, owner=owner)
    scene.tell_settlement(None, "遗属以共济方式使用逝者账户，患者本人健在", sale)


@fp01.lookalike()
def uploaded_after_death(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    t = (day - 1) * DAY + 10 * HOUR
    scene.tell_settlement(None, "生前的就诊，死亡之后才上传结算", scene.visit(person, t, settle_at=t + 4 * DAY))


@fp01.lookalike()
def namesake_unrelated(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    relative = scene.person(age=50)
    clinic = scene.visit(relative, (day + 3) * DAY + 10 * HOUR)
    scene.tell(None, "同户在世家人的就诊", {"setl_id": clinic.setl_id}, subject=("visit", clinic.mdtrt_id), person=relative, mdtrt_ids=[clinic.mdtrt_id])


@fp01.cancelled()
def declared_alive(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    scene.tell_settlement(None, "死亡登记错误，后作废", scene.visit(person, (day + 5) * DAY + 9 * HOUR))
    registry.death(scene.county, person, day, "civil", (day + 18) * DAY + 9 * HOUR, version=2, valid=False)


@fp01.cancelled()
def settlement_taken_back(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    clinic = scene.visit(person, (day + 5) * DAY + 9 * HOUR)
    scene.tell_settlement(None, "死亡后的结算被撤销", clinic)
    clinic.unsettle(clinic.begin + 3 * DAY, arrive=clinic.begin - HOUR)


# -- FP-02: at two places at once ---------------------------------------------------------------------------------

fp02 = Script("FP-02")


def _here_and_there(
    scene: Scene, minutes: int, there: Place, *, here: Place | None = None, counter: Counter | None = None, late: int = 0,
) -> tuple[Clinic, Clinic]:  # fmt: skip
    """A visit in the county hospital, and one elsewhere that begins so many minutes later."""
    person = scene.person()
    t = scene.day(4) * DAY + 9 * HOUR + 30 * MINUTE
    one = scene.visit(person, t, place=here or scene.hospital)
    disguise, scene.disguise = scene.disguise, LATE if late else scene.disguise
    two = scene.visit(person, t + minutes * MINUTE, place=there, counter=counter)
    scene.disguise = disguise
    return one, two


@fp02.fraud(LATE, REDO)
def twenty_minutes_apart(scene: Scene) -> None:
    scene.tell_two(3, "同城两家医院相隔20分钟就诊", *_here_and_there(scene, 20, scene.township))


@fp02.fraud()
def just_under_half_an_hour(scene: Scene) -> None:
    scene.tell_two(3, "同城两家医院相隔29分钟就诊", *_here_and_there(scene, 29, scene.township))


@fp02.fraud(LATE, REDO)
def eighty_kilometres_in_half_an_hour(scene: Scene) -> None:
    scene.tell_two(2, "相距80公里的两家医院相隔35分钟就诊", *_here_and_there(scene, 35, scene.places.city))


@fp02.fraud(REDO)
def two_provinces(scene: Scene) -> None:
    scene.tell_two(2, "两省医院相隔100分钟就诊", *_here_and_there(scene, 100, scene.places.province))


@fp02.fraud(hidden="延迟上传")
def uploaded_a_day_later(scene: Scene) -> None:
    scene.tell_two(3, "相隔15分钟的两地就诊，后一次次日才上传", *_here_and_there(scene, 15, scene.township, late=1))


@fp02.fraud(hidden="入院与门诊并行")
def admitted_meanwhile(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.stay(person, day, 5)
    clinic = scene.visit(person, stay.begin + 18 * MINUTE, place=scene.township)
    scene.tell_two(3, "办理入院18分钟后在另一家医院就诊", stay, clinic)


@fp02.below()
def half_an_hour_and_more(scene: Scene) -> None:
    scene.tell_two(None, "同城两家医院相隔35分钟", *_here_and_there(scene, 35, scene.township))


@fp02.below()
def an_hour_to_the_city(scene: Scene) -> None:
    scene.tell_two(None, "80公里外的市医院，相隔50分钟", *_here_and_there(scene, 50, scene.places.city))


@fp02.below()
def two_hours_to_the_province(scene: Scene) -> None:
    scene.tell_two(None, "邻省医院，相隔125分钟", *_here_and_there(scene, 125, scene.places.province))


@fp02.lookalike()
def family_at_the_pharmacy(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(4) * DAY + 10 * HOUR
    clinic = scene.visit(person, t, place=scene.places.city)
    sale = scene.buy(person, t + 10 * MINUTE)
    scene.tell(
        None, "本人在市医院，家人代为购药", {"mdtrt_ids": sorted([clinic.mdtrt_id, sale.mdtrt_id])}, subject=("visit", sale.mdtrt_id),
        mdtrt_ids=[clinic.mdtrt_id, sale.mdtrt_id],
    )  # fmt: skip


@fp02.lookalike()
def online_consultation(scene: Scene) -> None:
    city = scene.places.city
    scene.tell_two(None, "市医院的线上复诊（移动终端）", *_here_and_there(scene, 12, city, counter=city.online))


@fp02.lookalike()
def branch_at_the_same_address(scene: Scene) -> None:
    county = scene.places.county[0]
    scene.tell_two(None, "同址分院，相隔12分钟", *_here_and_there(scene, 12, scene.places.branch, here=county))


@fp02.lookalike()
def sent_together_though_days_apart(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(person, t, place=scene.places.city)
    scene.disguise = LATE
    two = scene.visit(person, t - 26 * HOUR + 10 * MINUTE, place=scene.township)
    scene.disguise = ""
    scene.tell_two(None, "前一天的就诊延迟上传，与当天市医院就诊几乎同时到达", two, one)


@fp02.lookalike()
def two_departments_of_one_hospital(scene: Scene) -> None:
    scene.tell_two(None, "同一医院两个科室", *_here_and_there(scene, 20, scene.hospital))


@fp02.cancelled()
def registration_cancelled(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(4) * DAY + 9 * HOUR
    one = scene.visit(person, t, place=scene.hospital)
    two = Clinic(scene.county, person, scene.township, scene.township.counters[0], t + 15 * MINUTE, ("J06.900", "急性上呼吸道感染"), "A02")
    two.register()
    two.unregister(t + 3 * HOUR, arrive=t - HOUR)
    scene.tell_two(None, "后一家的挂号取消（撤销先到）", one, two)


# -- FP-03: in two hospitals at once ------------------------------------------------------------------------------

fp03 = Script("FP-03")


def _both(
    scene: Scene, overlap: int, there: Place | None = None, *, hour: int = 9, first: dict[str, object] | None = None,
    second: dict[str, object] | None = None,
) -> tuple[Stay, Stay]:  # fmt: skip
    """A stay of seven nights, and another elsewhere that begins `overlap` days before its end."""
    person = scene.person(age=58)
    day = scene.day(20)
    one = scene.stay(person, day, 7, cat.CORONARY, end_hour=15, **(first or {}))  # type: ignore[arg-type]
    two = scene.stay(person, day + 7 - overlap, 6, cat.GASTRITIS, there or scene.township, hour=hour, **(second or {}))  # type: ignore[arg-type]
    return one, two


@fp03.fraud(LATE, REDO)
def one_night_too_many(scene: Scene) -> None:
    scene.tell_two(2, "两家医院住院重叠30小时，跨1夜", *_both(scene, 1))


@fp03.fraud(LATE, REDO)
def three_nights(scene: Scene) -> None:
    scene.tell_two(1, "两家医院住院重叠3夜，均由基金支付", *_both(scene, 3))


@fp03.fraud()
def second_not_settled(scene: Scene) -> None:
    scene.tell_two(2, "两家医院住院重叠3夜，后者尚未结算", *_both(scene, 3, second={"settle": False}))


@fp03.fraud(REDO)
def in_another_province(scene: Scene) -> None:
    scene.tell_two(1, "县医院与邻省医院住院重叠2夜", *_both(scene, 2, scene.places.province))


@fp03.fraud(hidden="出院撤销后延长")
def first_stay_prolonged(scene: Scene) -> None:
    person = scene.person(age=58)
    day = scene.day(20)
    one = scene.bed(person, day, 8, cat.CORONARY)
    one.end -= 4 * DAY
    one.discharge()
    one.cancel_discharge(one.end + 40 * HOUR)
    one.end += 4 * DAY
    scene.course(one)
    two = scene.stay(person, day + 5, 6, cat.GASTRITIS, scene.township)
    scene.tell_two(1, "前者出院被撤销并延长，与后者重叠3夜", one, two)


@fp03.below()
def moved_on_the_same_day(scene: Scene) -> None:
    scene.tell_two(None, "同日先入后出，重叠5小时", *_both(scene, 0, hour=10))


@fp03.lookalike()
def transferred_with_late_papers(scene: Scene) -> None:
    person = scene.person(age=58)
    day = scene.day(18)
    one = scene.stay(person, day, 5, cat.STROKE, end_hour=10, way="2")
    registry.referred(scene.county, one.counter, person, ("I63.900", "脑梗死"), scene.places.city, one.last_day - 1, one.end - 22 * HOUR, one.mdtrt_id)
    two = scene.stay(person, day + 4, 6, cat.STROKE, scene.places.city, hour=14, ipt_type="3", adm_way="3")
    scene.tell_two(None, "转院，前者出院手续晚20小时", one, two)


@fp03.lookalike()
def bed_at_home(scene: Scene) -> None:
    person = scene.person(age=76)
    day = scene.day(34)
    one = scene.stay(person, day, 25, cat.STROKE, scene.township, med_type="71")
    two = scene.stay(person, day + 8, 5, cat.PNEUMONIA)
    scene.tell_two(None, "家庭病床期间住院", one, two)


@fp03.lookalike()
def day_surgery(scene: Scene) -> None:
    person = scene.person(age=69)
    day = scene.day(14)
    one = scene.stay(person, day, 7, cat.CORONARY, scene.township)
    two = scene.stay(person, day + 3, 1, cat.CATARACT_CASE, hour=8, end_hour=11, med_type="28")
    scene.tell_two(None, "住院期间在另一家做日间手术，跨1夜", one, two)


@fp03.lookalike()
def newborn_under_the_mother(scene: Scene) -> None:
    mother = scene.person(gend="2", age=27)
    day = scene.day(16)
    one = scene.stay(mother, day, 5, cat.DELIVERY, scene.places.maternity, med_type="52")
    two = scene.stay(mother, day + 1, 7, cat.NEWBORN, dept="A07.04", hour=16, newborn=1)
    scene.tell_two(None, "新生儿以母亲编号在县医院住院", one, two)


@fp03.cancelled()
def second_stay_cancelled(scene: Scene) -> None:
    one, two = _both(scene, 3)
    two.unsettle(two.end + 30 * HOUR)
    two.withdraw(None, two.end + 31 * HOUR)
    two.cancel_admission(two.end + 32 * HOUR)
    scene.tell_two(None, "后一次住院整次撤销", one, two)


@fp03.cancelled()
def second_admission_reversed(scene: Scene) -> None:
    person = scene.person(age=58)
    day = scene.day(20)
    one = scene.stay(person, day, 9, cat.CORONARY)
    two = scene.bed(person, day + 3, 4, cat.GASTRITIS, scene.township)
    two.admit()
    two.reverse(two.admitted, "2401", two.begin + 4 * DAY, arrive=two.begin - HOUR)
    scene.tell_two(None, "后一家的入院登记被冲正（冲正先到）", one, two)


# -- FP-04: the other sex -----------------------------------------------------------------------------------------

fp04 = Script("FP-04")

_NEUTRAL = ("R10.400", "腹痛")


def _tell_sex(scene: Scene, expect: int | None, text: str, visit: Clinic | Stay | Sale, code: str) -> None:
    scene.tell(
        expect, text, {"mdtrt_id": visit.mdtrt_id, "code": code}, subject=("visit", visit.mdtrt_id), person=visit.person,
        mdtrt_ids=[visit.mdtrt_id],
    )  # fmt: skip


def _clinic(scene: Scene, person: Person, item: Item | None, sickness: tuple[str, str] = _NEUTRAL, extra: tuple[tuple[str, str], ...] = ()) -> Clinic:
    items = ((item, 1),) if item else ((cat.BLOOD, 1),)
    return scene.visit(person, scene.day(4) * DAY + 10 * HOUR, items, scene.hospital, sickness=sickness, extra=extra)


@fp04.fraud(LATE, REDO)
def a_man_with_a_womans_treatment(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    _tell_sex(scene, 1, "男性收阴道灌洗上药", _clinic(scene, scene.person(gend="1"), item), item.code)


@fp04.fraud(LATE, REDO)
def a_woman_with_a_mans_test(scene: Scene) -> None:
    item = cat.PROSTATE_FLUID
    _tell_sex(scene, 1, "女性收前列腺液检查", _clinic(scene, scene.person(gend="2"), item), item.code)


@fp04.fraud(LATE, REDO)
def a_man_with_a_womans_illness(scene: Scene) -> None:
    _tell_sex(scene, 2, "男性诊断为急性阴道炎", _clinic(scene, scene.person(gend="1"), None, ("N76.000", "急性阴道炎")), "N76.000")


@fp04.fraud(REDO)
def a_man_delivered(scene: Scene) -> None:
    stay = scene.stay(scene.person(gend="1"), scene.day(12), 5, cat.GASTRITIS, operation=("74.1x00", "剖宫产术"))
    _tell_sex(scene, 1, "男性清单有剖宫产术", stay, "74.1x00")


@fp04.fraud(LATE, REDO)
def a_woman_buys_a_mans_drug(scene: Scene) -> None:
    item = cat.SILDENAFIL
    sale = scene.buy(scene.person(gend="2"), scene.day(4) * DAY + 16 * HOUR, ((item, 1),))
    _tell_sex(scene, 3, "女性在药店购买男性用药", sale, item.code)


@fp04.fraud(hidden="夹在住院费用中")
def hidden_in_a_stay(scene: Scene) -> None:
    item = cat.HYSTEROSCOPY
    stay = scene.bed(scene.person(gend="1"), scene.day(12), 6)
    scene.course(stay, extra={3: [(item, 1, stay.begin + 3 * DAY)]})
    _tell_sex(scene, 1, "男性住院费用中夹有宫腔镜检查", stay, item.code)


@fp04.fraud(hidden="次要诊断")
def as_a_second_diagnosis(scene: Scene) -> None:
    clinic = _clinic(scene, scene.person(gend="2"), None, extra=(("N40.x00", "前列腺增生"),))
    _tell_sex(scene, 2, "女性的次要诊断为前列腺增生", clinic, "N40.x00")


@fp04.fraud()
def certificate_of_the_other_sex(scene: Scene) -> None:
    person = scene.person(gend="1")
    person.certno = certificate(person.born, False, person.number)
    scene.alone(person)
    clinic = _clinic(scene, person, None)
    scene.tell(
        3, "登记性别与身份证号码第17位不符", {"psn_no": person.psn_no}, subject=("person", person.psn_no), mdtrt_ids=[clinic.mdtrt_id]
    )


@fp04.below()
def for_both_sexes(scene: Scene) -> None:
    _tell_sex(scene, None, "男性做超声检查", _clinic(scene, scene.person(gend="1"), cat.ULTRASOUND), cat.ULTRASOUND.code)


@fp04.lookalike()
def the_right_sex(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    _tell_sex(scene, None, "女性阴道炎的治疗", _clinic(scene, scene.person(gend="2"), item, ("N76.000", "急性阴道炎")), item.code)


@fp04.lookalike()
def sex_not_recorded(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    person = scene.person(gend="1")
    person.gend = ("0", "9")[scene.number % 2]
    scene.alone(person)
    _tell_sex(scene, None, "性别登记为未知", _clinic(scene, person, item), item.code)


@fp04.lookalike()
def intersex(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    clinic = _clinic(scene, scene.person(gend="1"), item, ("Q56.400", "性别不清"))
    _tell_sex(scene, None, "诊断为性别不清", clinic, item.code)


@fp04.lookalike()
def newborn_boy_under_the_mother(scene: Scene) -> None:
    item = Item("003111000020000", "嵌顿包茎手法复位术", "05", 4000)
    mother = scene.person(gend="2", age=26)
    stay = scene.bed(mother, scene.day(12), 5, cat.NEWBORN, scene.places.maternity)
    scene.course(stay, newborn=1, extra={2: [(item, 1, stay.begin + 2 * DAY)]})
    _tell_sex(scene, None, "男婴以母亲编号住院", stay, item.code)


@fp04.lookalike()
def bought_for_the_husband(scene: Scene) -> None:
    husband = scene.person(gend="1", age=55)
    wife = scene.person(gend="2", age=54, insutype="390")
    husband.relatives.append((wife, "spouse", scene.county.world.first - 4000))
    item = cat.SILDENAFIL
    sale = scene.buy(wife, scene.day(4) * DAY + 16 * HOUR, ((item, 1),), owner=husband)
    _tell_sex(scene, None, "妻子用丈夫的共济账户在药店代购", sale, item.code)


@fp04.cancelled()
def visit_taken_back(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    clinic = _clinic(scene, scene.person(gend="1"), item)
    _tell_sex(scene, None, "录错患者，结算、费用、挂号都已撤销", clinic, item.code)
    clinic.unsettle(clinic.begin + 5 * HOUR)
    clinic.withdraw(clinic.begin + 5 * HOUR + 60, arrive=clinic.begin - HOUR)
    clinic.unregister(clinic.begin + 5 * HOUR + 120)


@fp04.cancelled()
def line_withdrawn(scene: Scene) -> None:
    item = cat.PROSTATE_FLUID

    def mistaken(stay: Stay, t: int) -> None:
        stay.withdraw(stay.upload([(item, 1, stay.begin + 30 * HOUR)], t), t + 120)

    stay = scene.stay(scene.person(gend="2"), scene.day(12), 5, correct=mistaken)
    _tell_sex(scene, None, "女性住院误录前列腺液检查，结算前撤销", stay, item.code)


# -- FP-07: settled while not insured -----------------------------------------------------------------------------

fp07 = Script("FP-07")


def _left(scene: Scene, span: int = 40) -> tuple[Person, int]:
    """A resident whose insurance ended, and its last day (day number)."""
    person = scene.person()
    day = scene.day(span, lead=8)
    person.periods[0].end = day
    scene.hush(person, day, scene.county.world.last)
    return person, day


@fp07.fraud(LATE, REDO)
def the_day_after(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(1, "停保次日的门诊由统筹基金支付", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@fp07.fraud(LATE, REDO)
def weeks_after(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(1, "停保三周后的门诊由统筹基金支付", scene.visit(person, (day + 21) * DAY + 9 * HOUR))


@fp07.fraud(REDO)
def between_two_periods(scene: Scene) -> None:
    person, day = _left(scene)
    person.periods.append(Period("310", day + 35))
    scene.tell_settlement(1, "两段参保之间断保时的门诊", scene.visit(person, (day + 16) * DAY + 9 * HOUR))


@fp07.fraud()
def under_another_insurance(scene: Scene) -> None:
    person = scene.person()
    person.periods[0].insutype = "390"
    scene.alone(person)
    clinic = scene.visit(person, scene.day(4) * DAY + 9 * HOUR)
    scene.tell_settlement(1, "参加居民医保而按职工医保结算", clinic)


@fp07.fraud(hidden="停保登记滞后")
def ended_in_secret(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(40, lead=8)
    scene.hush(person, day, scene.county.world.last)
    clinic = scene.visit(person, (day + 9) * DAY + 9 * HOUR)
    registry.insured(
        scene.county, person, (day + 24) * DAY + 9 * HOUR, Period("310", person.periods[0].begin, day), version=2
    )
    scene.tell_settlement(1, "停保登记在结算之后才到", clinic)


@fp07.fraud(hidden="分散到多次")
def again_and_again(scene: Scene) -> None:
    person, day = _left(scene)
    for n in range(2):
        sale = scene.buy(person, (day + 6 + 9 * n) * DAY + 10 * HOUR, ((CHRONICS[0].drugs[0], 1),), med_type="14")
        scene.tell_settlement(1, f"停保后继续以慢特病购药（第{n + 1}次）", sale)


@fp07.below()
def on_the_last_day(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(None, "参保最后一天的门诊", scene.visit(person, day * DAY + 9 * HOUR))


@fp07.lookalike()
def account_balance_only(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(None, "停保后用账户余额购药，基金没有支付", scene.buy(person, (day + 10) * DAY + 10 * HOUR))


@fp07.lookalike()
def moved_to_another_insurance(scene: Scene) -> None:
    person, day = _left(scene)
    scene.alone(person)
    scene.visit(person, (day - 4) * DAY + 9 * HOUR)
    person.periods.append(Period("390", day + 1))
    person.insutype, person.described = "390", ""
    scene.tell_settlement(None, "停保次日转入居民医保并按居民医保结算", scene.visit(person, (day + 8) * DAY + 9 * HOUR))


@fp07.lookalike()
def two_periods_without_a_gap(scene: Scene) -> None:
    person, day = _left(scene)
    person.periods.append(Period("310", day + 1))
    scene.tell_settlement(None, "换单位，两段参保首尾相接", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@fp07.lookalike()
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


@fp07.cancelled()
def paid_up_afterwards(scene: Scene) -> None:
    person, day = _left(scene)
    scene.tell_settlement(None, "断保期间的门诊，后来补缴，参保追溯连续", scene.visit(person, (day + 10) * DAY + 9 * HOUR))
    registry.insured(scene.county, person, (day + 25) * DAY + 9 * HOUR, Period("310", day + 1))


@fp07.cancelled()
def settlement_cancelled(scene: Scene) -> None:
    person, day = _left(scene)
    clinic = scene.visit(person, (day + 10) * DAY + 9 * HOUR)
    scene.tell_settlement(None, "停保后的结算被撤销", clinic)
    clinic.unsettle(clinic.begin + DAY)


SCRIPTS = (fp01, fp02, fp03, fp04, fp07)
