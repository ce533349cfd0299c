"""One stay cut in two: IN-06."""

from __future__ import annotations

from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Illness
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Person
from streams.simulate.places import Place
from streams.simulate.plants.illnesses import DIALYSIS
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("IN-06")


def _return(
    scene: Scene,
    gap: int,
    ill: Illness = cat.CORONARY,
    again: Illness | None = None,
    *,
    place: Place | None = None,
    person: Person | None = None,
    first: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None,
    nights: int = 5,
) -> tuple[Stay, Stay]:
    """Two stays in one hospital, admitted `gap` days after the discharge, an hour earlier in the day (later beyond a limit)."""
    person = person or scene.person(age=61)
    day = scene.day(2 * nights + gap + 6)
    one = scene.stay(person, day, nights, ill, place, hour=8, end_hour=10, **(first or {}))
    hour = {"hour": 12 if gap in (8, 16) else (15 if gap == 0 else 9)}
    two = scene.stay(person, day + nights + gap, nights, again or ill, place, **{**hour, **(second or {})})
    return one, two


@script.fraud(LATE, REDO)
def back_the_next_day(scene: Scene) -> None:
    scene.tell_two(2, "出院次日因同一疾病再次入住同一医院", *_return(scene, 1))


@script.fraud(LATE, REDO)
def back_within_a_week(scene: Scene) -> None:
    scene.tell_two(2, "出院第7天因同一疾病再次入院", *_return(scene, 7))


@script.fraud(LATE, REDO)
def back_after_a_week(scene: Scene) -> None:
    scene.tell_two(3, "出院第8天因同一疾病再次入院", *_return(scene, 8))


@script.fraud(REDO)
def back_on_the_fifteenth_day(scene: Scene) -> None:
    scene.tell_two(3, "出院第15天因同一疾病再次入院", *_return(scene, 15))


@script.fraud(LATE)
def same_chapter_only(scene: Scene) -> None:
    scene.tell_two(3, "4天后以同一系统的另一疾病再次入院", *_return(scene, 4, cat.PNEUMONIA, cat.COPD))


@script.fraud(hidden="以转科办理出院再入院")
def moved_between_departments(scene: Scene) -> None:
    scene.tell_two(2, "同日出院又入住另一科室，诊断相同", *_return(scene, 0, second={"dept": "A03.03"}))


@script.fraud(hidden="一次住院拆成三次")
def cut_into_three(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(26)
    stays = [scene.stay(person, day + 7 * n, 5, cat.STROKE, hour=8 + n) for n in range(3)]
    scene.tell_two(2, "同一疾病连续三次住院，每次间隔2天（之一）", stays[0], stays[1])
    scene.tell_two(2, "同一疾病连续三次住院，每次间隔2天（之二）", stays[1], stays[2])


@script.fraud(hidden="出院撤销重录")
def discharge_entered_again(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(20)
    one = scene.bed(person, day, 6, cat.CORONARY)
    one.end -= DAY
    one.discharge()
    one.cancel_discharge(one.end + 3 * HOUR)
    one.end += DAY
    scene.course(one)
    two = scene.stay(person, day + 9, 5, cat.CORONARY)
    scene.tell_two(2, "出院撤销重录，3天后因同病再入院", one, two)


@script.below()
def back_on_the_sixteenth_day(scene: Scene) -> None:
    scene.tell_two(None, "出院第16天再次入院", *_return(scene, 16))


@script.lookalike()
def another_illness(scene: Scene) -> None:
    scene.tell_two(None, "3天后因另一系统疾病入院", *_return(scene, 3, cat.GASTRITIS, cat.BACK))


@script.lookalike()
def another_hospital(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(18)
    one = scene.stay(person, day, 5, cat.CORONARY)
    two = scene.stay(person, day + 8, 5, cat.CORONARY, scene.township)
    scene.tell_two(None, "3天后在另一家医院入院", one, two)


@script.lookalike()
def chemotherapy(scene: Scene) -> None:
    extra = {"extra_diagnoses": (("C34.900", "肺恶性肿瘤"),)}
    scene.tell_two(
        None,
        "化疗周期",
        *_return(scene, 7, cat.CHEMOTHERAPY, place=scene.places.centre, nights=3, first=extra, second=extra),
    )


@script.lookalike()
def dialysis(scene: Scene) -> None:
    scene.tell_two(None, "透析", *_return(scene, 4, DIALYSIS, place=scene.places.centre, nights=3))


@script.lookalike()
def emergency(scene: Scene) -> None:
    scene.tell_two(None, "急诊再入院", *_return(scene, 5, second={"ipt_type": "2", "adm_way": "1"}))


@script.lookalike()
def left_against_advice(scene: Scene) -> None:
    scene.tell_two(None, "非医嘱离院后返回", *_return(scene, 2, first={"way": "4"}))


@script.lookalike()
def before_birth(scene: Scene) -> None:
    threatened = Illness(
        "O60.000", "先兆早产", "A05.02", (cat.SALINE,), (cat.BLOOD,), (), (cat.INFUSION,), (3, 5), sex="2"
    )
    mother = scene.person(gend="2", age=29)
    scene.tell_two(
        None,
        "先兆早产住院后分娩",
        *_return(
            scene,
            6,
            threatened,
            cat.DELIVERY,
            place=scene.places.maternity,
            person=mother,
            second={"med_type": "52"},
        ),
    )


@script.lookalike()
def staged_operation(scene: Scene) -> None:
    scene.tell_two(
        None,
        "分期手术：清单标明31天内再住院计划",
        *_return(scene, 10, cat.KIDNEY_STONE, first={"planned_return": True}),
    )


@script.lookalike()
def back_from_the_city(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(20)
    city, home, ill = scene.places.city, scene.hospital, cat.STROKE
    one = scene.stay(person, day, 2, ill, home, way="2")
    registry.referred(
        scene.county,
        one.counter,
        person,
        (ill.code, ill.name),
        city,
        one.last_day,
        one.end - HOUR,
        one.mdtrt_id,
    )
    between = scene.stay(person, day + 2, 4, ill, city, hour=15, ipt_type="3", adm_way="3", way="2")
    registry.referred(
        scene.county,
        between.counter,
        person,
        (ill.code, ill.name),
        home,
        between.last_day,
        between.end - HOUR,
        between.mdtrt_id,
    )
    two = scene.stay(person, day + 6, 6, ill, home, hour=15, ipt_type="3", adm_way="3")
    scene.tell_two(None, "转市医院后转回康复，有转院备案", one, two)


@script.lookalike()
def settled_midway(scene: Scene) -> None:
    scene.tell_two(None, "前次住院有中途结算", *_return(scene, 3, nights=7, first={"mid_on": (3,)}))


@script.cancelled()
def second_stay_cancelled(scene: Scene) -> None:
    one, two = _return(scene, 3)
    two.unsettle(two.end + 30 * HOUR)
    two.withdraw(None, two.end + 31 * HOUR)
    two.cancel_admission(two.end + 32 * HOUR)
    scene.tell_two(None, "再次入院后来整次撤销", one, two)


@script.cancelled()
def discharge_postponed(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(24)
    one = scene.bed(person, day, 15, cat.CORONARY)
    one.admit()
    end = one.end
    one.end -= 7 * DAY
    one.discharge()
    two = scene.bed(person, day + 10, 5, cat.CORONARY)
    two.admit()
    two.cancel_admission(two.begin + 5 * HOUR)
    one.cancel_discharge(two.begin + 6 * HOUR)
    one.end = end
    scene.hush(person, day, day + 18)
    scene.course(one, admit=False)
    scene.tell_two(None, "误办的出院和再入院都撤销，实为一次住院", one, two)
