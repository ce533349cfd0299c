"""Care that belongs to the other sex: FP-04."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Item
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Person, certificate
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.sale import Sale
from streams.simulate.stay import Stay

script = Script("FP-04")

_NEUTRAL = ("R10.400", "腹痛")


def _tell_sex(scene: Scene, expect: int | None, text: str, visit: Clinic | Stay | Sale, code: str) -> None:
    scene.tell(
        expect,
        text,
        {"mdtrt_id": visit.mdtrt_id, "code": code},
        subject=("visit", visit.mdtrt_id),
        person=visit.person,
        mdtrt_ids=[visit.mdtrt_id],
    )


def _clinic(
    scene: Scene,
    person: Person,
    item: Item | None,
    sickness: tuple[str, str] = _NEUTRAL,
    extra: tuple[tuple[str, str], ...] = (),
) -> Clinic:
    items = ((item, 1),) if item else ((cat.BLOOD, 1),)
    return scene.visit(
        person, scene.day(4) * DAY + 10 * HOUR, items, scene.hospital, sickness=sickness, extra=extra
    )


@script.fraud(LATE, REDO)
def a_man_with_a_womans_treatment(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    _tell_sex(scene, 1, "男性收阴道灌洗上药", _clinic(scene, scene.person(gend="1"), item), item.code)


@script.fraud(LATE, REDO)
def a_woman_with_a_mans_test(scene: Scene) -> None:
    item = cat.PROSTATE_FLUID
    _tell_sex(scene, 1, "女性收前列腺液检查", _clinic(scene, scene.person(gend="2"), item), item.code)


@script.fraud(LATE, REDO)
def a_man_with_a_womans_illness(scene: Scene) -> None:
    _tell_sex(
        scene,
        2,
        "男性诊断为急性阴道炎",
        _clinic(scene, scene.person(gend="1"), None, ("N76.000", "急性阴道炎")),
        "N76.000",
    )


@script.fraud(REDO)
def a_man_delivered(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(gend="1"), scene.day(12), 5, cat.GASTRITIS, operation=("74.1x00", "剖宫产术")
    )
    _tell_sex(scene, 1, "男性清单有剖宫产术", stay, "74.1x00")


@script.fraud(LATE, REDO)
def a_woman_buys_a_mans_drug(scene: Scene) -> None:
    item = cat.SILDENAFIL
    sale = scene.buy(scene.person(gend="2"), scene.day(4) * DAY + 16 * HOUR, ((item, 1),))
    _tell_sex(scene, 3, "女性在药店购买男性用药", sale, item.code)


@script.fraud(hidden="夹在住院费用中")
def hidden_in_a_stay(scene: Scene) -> None:
    item = cat.HYSTEROSCOPY
    stay = scene.bed(scene.person(gend="1"), scene.day(12), 6)
    scene.course(stay, extra={3: [(item, 1, stay.begin + 3 * DAY)]})
    _tell_sex(scene, 1, "男性住院费用中夹有宫腔镜检查", stay, item.code)


@script.fraud(hidden="次要诊断")
def as_a_second_diagnosis(scene: Scene) -> None:
    clinic = _clinic(scene, scene.person(gend="2"), None, extra=(("N40.x00", "前列腺增生"),))
    _tell_sex(scene, 2, "女性的次要诊断为前列腺增生", clinic, "N40.x00")


@script.fraud()
def certificate_of_the_other_sex(scene: Scene) -> None:
    person = scene.person(gend="1")
    person.certno = certificate(person.born, False, person.number)
    scene.alone(person)
    clinic = _clinic(scene, person, cat.VAGINAL_CARE)
    scene.tell(
        3,
        "登记性别与身份证号码第17位不符，又有与登记性别相反的项目",
        {"psn_no": person.psn_no},
        subject=("person", person.psn_no),
        mdtrt_ids=[clinic.mdtrt_id],
    )


@script.below()
def for_both_sexes(scene: Scene) -> None:
    _tell_sex(
        scene,
        None,
        "男性做超声检查",
        _clinic(scene, scene.person(gend="1"), cat.ULTRASOUND),
        cat.ULTRASOUND.code,
    )


@script.lookalike()
def the_right_sex(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    _tell_sex(
        scene,
        None,
        "女性阴道炎的治疗",
        _clinic(scene, scene.person(gend="2"), item, ("N76.000", "急性阴道炎")),
        item.code,
    )


@script.lookalike()
def sex_not_recorded(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    person = scene.person(gend="1")
    person.gend = ("0", "9")[scene.number % 2]
    scene.alone(person)
    _tell_sex(scene, None, "性别登记为未知", _clinic(scene, person, item), item.code)


@script.lookalike()
def intersex(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    clinic = _clinic(scene, scene.person(gend="1"), item, ("Q56.400", "性别不清"))
    _tell_sex(scene, None, "诊断为性别不清", clinic, item.code)


@script.lookalike()
def newborn_boy_under_the_mother(scene: Scene) -> None:
    item = Item("003111000020000", "嵌顿包茎手法复位术", "05", 4000)
    mother = scene.person(gend="2", age=26)
    stay = scene.bed(mother, scene.day(12), 5, cat.NEWBORN, scene.places.maternity)
    scene.course(stay, newborn=1, extra={2: [(item, 1, stay.begin + 2 * DAY)]})
    _tell_sex(scene, None, "男婴以母亲编号住院", stay, item.code)


@script.lookalike()
def bought_for_the_husband(scene: Scene) -> None:
    husband = scene.person(gend="1", age=55)
    wife = scene.person(gend="2", age=54, insutype="390")
    husband.relatives.append((wife, "spouse", scene.county.world.first - 4000))
    item = cat.SILDENAFIL
    sale = scene.buy(wife, scene.day(4) * DAY + 16 * HOUR, ((item, 1),), owner=husband)
    _tell_sex(scene, None, "妻子用丈夫的共济账户在药店代购", sale, item.code)


@script.cancelled()
def visit_taken_back(scene: Scene) -> None:
    item = cat.VAGINAL_CARE
    clinic = _clinic(scene, scene.person(gend="1"), item)
    _tell_sex(scene, None, "录错患者，结算、费用、挂号都已撤销", clinic, item.code)
    clinic.unsettle(clinic.begin + 5 * HOUR)
    clinic.withdraw(clinic.begin + 5 * HOUR + 60, arrive=clinic.begin - HOUR)
    clinic.unregister(clinic.begin + 5 * HOUR + 120)


@script.cancelled()
def line_withdrawn(scene: Scene) -> None:
    item = cat.PROSTATE_FLUID

    def mistaken(stay: Stay, t: int) -> None:
        stay.withdraw(stay.upload([(item, 1, stay.begin + 30 * HOUR)], t), t + 120)

    stay = scene.stay(scene.person(gend="2"), scene.day(12), 5, correct=mistaken)
    _tell_sex(scene, None, "女性住院误录前列腺液检查，结算前撤销", stay, item.code)
