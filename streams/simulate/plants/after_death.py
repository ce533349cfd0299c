"""Settled after death: FP-01."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import CHRONICS
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Person
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script

script = Script("FP-01")

_TWO = ("civil", "funeral")


def _dead(scene: Scene, sources: tuple[str, ...], after: int = 4, span: int = 30) -> tuple[Person, int]:
    """A resident, and the day (number) of the death."""
    person = scene.person(age=78)
    day = scene.day(span, lead=20)
    scene.death(person, day, sources, after)
    return person, day


@script.fraud(LATE, REDO)
def the_next_day(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(3, "死亡次日的门诊结算", scene.visit(person, (day + 1) * DAY + 9 * HOUR))


@script.fraud(LATE, REDO)
def two_days_later_one_source(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    scene.tell_settlement(
        2, "死亡两天后的门诊结算，只有民政一个来源", scene.visit(person, (day + 2) * DAY + 9 * HOUR)
    )


@script.fraud(LATE, REDO)
def five_days_later_two_sources(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(
        1, "死亡五天后的门诊结算，两个来源一致", scene.visit(person, (day + 5) * DAY + 9 * HOUR)
    )


@script.fraud(LATE)
def account_money_only(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(
        3, "死亡三天后用个人账户购药，基金没有支付", scene.buy(person, (day + 3) * DAY + 15 * HOUR)
    )


@script.fraud(REDO)
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


@script.fraud(hidden="死亡登记滞后")
def death_learned_late(scene: Scene) -> None:
    person, day = _dead(scene, _TWO, after=20)
    scene.tell_settlement(1, "结算在先，三周后才登记死亡", scene.visit(person, (day + 6) * DAY + 9 * HOUR))


@script.fraud(hidden="分次领药")
def drugs_fetched_every_week(scene: Scene) -> None:
    person, day = _dead(scene, _TWO, span=40)
    disease = CHRONICS[0]
    for n in (1, 2, 3):
        sale = scene.buy(person, (day + 7 * n) * DAY + 10 * HOUR, ((disease.drugs[0], 1),), med_type="14")
        scene.tell_settlement(1, f"死亡后继续以慢特病领药（第{n}次）", sale)


@script.fraud()
def admitted_after_death(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(1, "死亡两天后办理入院并结算", scene.stay(person, day + 2, 5, place=scene.township))


@script.below()
def on_the_day_itself(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    scene.tell_settlement(
        None, "死亡当日的急诊结算", scene.visit(person, day * DAY + 9 * HOUR, med_type="13")
    )


@script.lookalike()
def last_stay_settled_later(scene: Scene) -> None:
    person = scene.person(age=81)
    day = scene.day(30, lead=20)
    stay = scene.bed(person, day - 7, 7, cat.HEART_FAILURE, end_hour=14)
    scene.course(stay, discharge=False, settle_at=stay.end + 11 * DAY, way="5")
    stay.discharge(stay.end + 900, way="5", died=day)
    scene.death(person, day, _TWO)
    scene.tell_settlement(None, "临终住院在死亡十一天后结算，费用都在生前", stay)


@script.lookalike()
def date_of_death_corrected(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    clinic = scene.visit(person, (day + 4) * DAY + 9 * HOUR)
    registry.death(scene.county, person, day + 12, "civil", (day + 16) * DAY + 9 * HOUR, version=2)
    scene.tell_settlement(None, "死亡日期登错，后更正为就诊之后", clinic)


@script.lookalike()
def account_of_the_dead(scene: Scene) -> None:
    owner, partner = scene.married()
    day = scene.day(30, lead=20)
    scene.death(owner, day, _TWO)
    sale = scene.buy(partner, (day + 6) * DAY + 10 * HOUR, owner=owner)
    scene.tell_settlement(None, "遗属以共济方式使用逝者账户，患者本人健在", sale)


@script.lookalike()
def uploaded_after_death(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    t = (day - 1) * DAY + 10 * HOUR
    scene.tell_settlement(
        None, "生前的就诊，死亡之后才上传结算", scene.visit(person, t, settle_at=t + 4 * DAY)
    )


@script.lookalike()
def namesake_unrelated(scene: Scene) -> None:
    _, day = _dead(scene, _TWO)
    relative = scene.person(age=50)
    clinic = scene.visit(relative, (day + 3) * DAY + 10 * HOUR)
    scene.tell(
        None,
        "同户在世家人的就诊",
        {"setl_id": clinic.setl_id},
        subject=("visit", clinic.mdtrt_id),
        person=relative,
        mdtrt_ids=[clinic.mdtrt_id],
    )


@script.cancelled()
def declared_alive(scene: Scene) -> None:
    person, day = _dead(scene, ("civil",))
    scene.tell_settlement(None, "死亡登记错误，后作废", scene.visit(person, (day + 5) * DAY + 9 * HOUR))
    registry.death(scene.county, person, day, "civil", (day + 18) * DAY + 9 * HOUR, version=2, valid=False)


@script.cancelled()
def settlement_taken_back(scene: Scene) -> None:
    person, day = _dead(scene, _TWO)
    clinic = scene.visit(person, (day + 5) * DAY + 9 * HOUR)
    scene.tell_settlement(None, "死亡后的结算被撤销", clinic)
    clinic.unsettle(clinic.begin + 3 * DAY, arrive=clinic.begin - HOUR)
