"""In two hospitals at once: FP-03."""

from __future__ import annotations

from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.clock import DAY, HOUR
from streams.simulate.places import Place
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("FP-03")


def _both(
    scene: Scene,
    overlap: int,
    there: Place | None = None,
    *,
    hour: int = 9,
    first: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None,
) -> tuple[Stay, Stay]:
    """A stay of seven nights, and another elsewhere that begins `overlap` days before its end."""
    person = scene.person(age=58)
    day = scene.day(20)
    one = scene.stay(person, day, 7, cat.CORONARY, end_hour=15, **(first or {}))
    two = scene.stay(
        person, day + 7 - overlap, 6, cat.GASTRITIS, there or scene.township, hour=hour, **(second or {})
    )
    return one, two


@script.fraud(LATE, REDO)
def one_night_too_many(scene: Scene) -> None:
    scene.tell_two(2, "两家医院住院重叠30小时，跨1夜", *_both(scene, 1))


@script.fraud(LATE, REDO)
def three_nights(scene: Scene) -> None:
    scene.tell_two(1, "两家医院住院重叠3夜，均由基金支付", *_both(scene, 3))


@script.fraud()
def second_not_settled(scene: Scene) -> None:
    scene.tell_two(2, "两家医院住院重叠3夜，后者尚未结算", *_both(scene, 3, second={"settle": False}))


@script.fraud(REDO)
def in_another_province(scene: Scene) -> None:
    scene.tell_two(1, "县医院与邻省医院住院重叠2夜", *_both(scene, 2, scene.places.province))


@script.fraud(hidden="出院撤销后延长")
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


@script.below()
def moved_on_the_same_day(scene: Scene) -> None:
    scene.tell_two(None, "同日先入后出，重叠5小时", *_both(scene, 0, hour=10))


@script.lookalike()
def transferred_with_late_papers(scene: Scene) -> None:
    person = scene.person(age=58)
    day = scene.day(18)
    one = scene.stay(person, day, 5, cat.STROKE, end_hour=10, way="2")
    registry.referred(
        scene.county,
        one.counter,
        person,
        ("I63.900", "脑梗死"),
        scene.places.city,
        one.last_day - 1,
        one.end - 22 * HOUR,
        one.mdtrt_id,
    )
    two = scene.stay(person, day + 4, 6, cat.STROKE, scene.places.city, hour=14, ipt_type="3", adm_way="3")
    scene.tell_two(None, "转院，前者出院手续晚20小时", one, two)


@script.lookalike()
def bed_at_home(scene: Scene) -> None:
    person = scene.person(age=76)
    day = scene.day(34)
    one = scene.stay(person, day, 25, cat.STROKE, scene.township, med_type="71")
    two = scene.stay(person, day + 8, 5, cat.PNEUMONIA)
    scene.tell_two(None, "家庭病床期间住院", one, two)


@script.lookalike()
def day_surgery(scene: Scene) -> None:
    person = scene.person(age=69)
    day = scene.day(14)
    one = scene.stay(person, day, 7, cat.CORONARY, scene.township)
    two = scene.stay(person, day + 3, 1, cat.CATARACT_CASE, hour=8, end_hour=11, med_type="28")
    scene.tell_two(None, "住院期间在另一家做日间手术，跨1夜", one, two)


@script.lookalike()
def newborn_under_the_mother(scene: Scene) -> None:
    mother = scene.person(gend="2", age=27)
    day = scene.day(16)
    one = scene.stay(mother, day, 5, cat.DELIVERY, scene.places.maternity, med_type="52")
    two = scene.stay(mother, day + 1, 7, cat.NEWBORN, dept="A07.04", hour=16, newborn=1)
    scene.tell_two(None, "新生儿以母亲编号在县医院住院", one, two)


@script.cancelled()
def second_stay_cancelled(scene: Scene) -> None:
    one, two = _both(scene, 3)
    two.unsettle(two.end + 30 * HOUR)
    two.withdraw(None, two.end + 31 * HOUR)
    two.cancel_admission(two.end + 32 * HOUR)
    scene.tell_two(None, "后一次住院整次撤销", one, two)


@script.cancelled()
def second_admission_reversed(scene: Scene) -> None:
    person = scene.person(age=58)
    day = scene.day(20)
    one = scene.stay(person, day, 9, cat.CORONARY)
    two = scene.bed(person, day + 3, 4, cat.GASTRITIS, scene.township)
    two.admit()
    two.reverse(two.admitted, "2401", two.begin + 4 * DAY, arrive=two.begin - HOUR)
    scene.tell_two(None, "后一家的入院登记被冲正（冲正先到）", one, two)
