"""Induced and decomposed stays: IN-05, IN-06."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Illness
from streams.simulate.clock import DATE, DAY, HOUR
from streams.simulate.people import Person
from streams.simulate.places import Place
from streams.simulate.plants.cast import LATE, REDO, Scene, Script
from streams.simulate.stay import Stay

_CHEMO = cat.CHEMOTHERAPY
_DIALYSIS = Illness("Z49.100", "体外透析", "A03.06", (cat.HEPARIN,), (cat.KIDNEY,), (), (cat.DIALYSIS,), (2, 3))
_HAEMOPHILIA = Illness("D66.x00", "遗传性因子Ⅷ缺乏（血友病A）", "A02", (cat.SALINE,), (cat.CLOTTING,), (), (cat.INFUSION,), (2, 3))
_REHABILITATION = Illness("Z50.100", "康复治疗", "A50", (cat.XUESAITONG,), (cat.BLOOD,), (), (cat.REHABILITATION,), (3, 5))

#: Illnesses of six different chapters: a return with the next one is no decomposed stay.
_CHAPTERS = (cat.PNEUMONIA, cat.CORONARY, cat.GASTRITIS, cat.BACK, cat.KIDNEY_STONE, cat.DIABETES)

# -- IN-05: frequent stays ----------------------------------------------------------------------------------------

in05 = Script("IN-05")


def _round(
    scene: Scene, person: Person, count: int, nights: int, gap: int, places: Sequence[Place], illnesses: Sequence[Illness] = _CHAPTERS,
    **knobs: Any,
) -> list[Stay]:  # fmt: skip
    """Stays one after another, `gap` days between them, each at the next place and with the next illness."""
    span = count * nights + (count - 1) * gap
    day = scene.day(span, lead=2, tail=4)
    stays = []
    for n in range(count):
        stays.append(scene.stay(person, day, nights, illnesses[n % len(illnesses)], places[n % len(places)], **knobs))
        day += nights + gap
    return stays


def _tell(scene: Scene, expect: int | None, text: str, stays: Sequence[Stay]) -> None:
    person, year = stays[-1].person, DATE[stays[-1].first_day][:4]
    scene.tell(
        expect, text, {"psn_no": person.psn_no, "year": year}, subject=("person", person.psn_no), person=person,
        mdtrt_ids=[stay.mdtrt_id for stay in stays],
    )  # fmt: skip


def _two_places(scene: Scene) -> tuple[Place, Place]:
    return scene.hospital, scene.township


@in05.fraud(LATE, REDO)
def six_stays(scene: Scene) -> None:
    _tell(scene, 3, "一年内住院6次", _round(scene, scene.person(age=64), 6, 3, 9, _two_places(scene)))


@in05.fraud(LATE)
def ten_stays(scene: Scene) -> None:
    _tell(scene, 2, "一年内住院10次", _round(scene, scene.person(age=64), 10, 3, 5, _two_places(scene)))


@in05.fraud(hidden="三家医院轮转")
def three_hospitals_in_turn(scene: Scene) -> None:
    places = (scene.hospital, scene.township, scene.places.city)
    _tell(scene, 2, "6次住院在3家医院轮转，出院隔2天即入另一家", _round(scene, scene.person(age=64), 6, 4, 2, places))


@in05.fraud()
def nine_stays(scene: Scene) -> None:
    _tell(scene, 3, "一年内住院9次，未到10次", _round(scene, scene.person(age=64), 9, 3, 6, _two_places(scene)))


@in05.fraud(days=230)
def half_a_year_in_bed(scene: Scene) -> None:
    _tell(scene, 2, "6次住院共156天", _round(scene, scene.person(age=70), 6, 26, 10, _two_places(scene)))


@in05.fraud(hidden="撤销后重新入院登记")
def entered_again(scene: Scene) -> None:
    person = scene.person(age=64)
    stays = _round(scene, person, 7, 3, 9, _two_places(scene))
    ghost = stays[2]
    ghost.unsettle(ghost.end + 30 * HOUR)
    ghost.withdraw(None, ghost.end + 31 * HOUR)
    ghost.cancel_admission(ghost.end + 32 * HOUR)
    _tell(scene, 3, "住院7次，其中1次撤销，仍有6次", [stay for stay in stays if stay is not ghost])


@in05.below()
def five_stays(scene: Scene) -> None:
    _tell(scene, None, "一年内住院5次", _round(scene, scene.person(age=64), 5, 4, 9, _two_places(scene)))


@in05.lookalike()
def chemotherapy_cycles(scene: Scene) -> None:
    stays = _round(
        scene, scene.person(age=58), 7, 3, 9, (scene.places.centre,), (_CHEMO,), extra_diagnoses=(("C50.900", "乳腺恶性肿瘤"),), planned_return=True
    )
    _tell(scene, None, "恶性肿瘤化疗按周期住院7次", stays)


@in05.lookalike()
def dialysis_stays(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=61), 7, 2, 10, (scene.places.centre,), (_DIALYSIS,))
    _tell(scene, None, "透析住院7次", stays)


@in05.lookalike()
def haemophilia_stays(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=31), 7, 2, 10, _two_places(scene), (_HAEMOPHILIA,))
    _tell(scene, None, "血友病住院7次", stays)


@in05.lookalike()
def psychiatric_stays(scene: Scene) -> None:
    stays = _round(
        scene, scene.person(age=44), 6, 10, 5, (scene.places.psychiatric,), (cat.SCHIZOPHRENIA,), med_type="21303", by_day=True
    )
    _tell(scene, None, "精神分裂症反复住院6次", stays)


@in05.lookalike()
def rehabilitation_stays(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=67), 6, 5, 8, _two_places(scene), (_REHABILITATION,), med_type="2105", by_day=True)
    _tell(scene, None, "康复住院按床日付费6次", stays)


@in05.lookalike()
def planned_returns(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=52), 7, 3, 9, _two_places(scene), planned_return=True)
    _tell(scene, None, "清单均标明31天内再住院计划", stays)


@in05.lookalike()
def transfers(scene: Scene) -> None:
    person = scene.person(age=66)
    day = scene.day(70, lead=2, tail=6)
    stays = []
    for n in range(4):
        ill = _CHAPTERS[n]
        first = scene.stay(person, day, 2, ill, scene.hospital, way="2")
        registry.referred(scene.county, first.counter, person, (ill.code, ill.name), scene.places.city, first.last_day, first.end - HOUR, first.mdtrt_id)
        stays += [first, scene.stay(person, day + 2, 4, ill, scene.places.city, hour=15, ipt_type="3", adm_way="3")]
        day += 20
    _tell(scene, None, "4次住院每次都转到市医院，转院链只算一次", stays)


@in05.cancelled()
def sixth_stay_cancelled(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=64), 6, 3, 9, _two_places(scene))
    last = stays[3]
    last.unsettle(last.end + 30 * HOUR)
    last.withdraw(None, last.end + 31 * HOUR)
    last.cancel_admission(last.end + 32 * HOUR)
    _tell(scene, None, "6次住院中1次撤销，余5次", stays)


# -- IN-06: decomposed stays --------------------------------------------------------------------------------------

in06 = Script("IN-06")


def _return(
    scene: Scene, gap: int, ill: Illness = cat.CORONARY, again: Illness | None = None, *, place: Place | None = None, person: Person | None = None,
    first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, nights: int = 5,
) -> tuple[Stay, Stay]:  # fmt: skip
    """Two stays in one hospital, admitted `gap` days after the discharge, an hour earlier in the day (later beyond a limit)."""
    person = person or scene.person(age=61)
    day = scene.day(2 * nights + gap + 6)
    one = scene.stay(person, day, nights, ill, place, hour=8, end_hour=10, **(first or {}))
    hour = {"hour": 12 if gap in (8, 16) else (15 if gap == 0 else 9)}
    two = scene.stay(person, day + nights + gap, nights, again or ill, place, **{**hour, **(second or {})})
    return one, two


@in06.fraud(LATE, REDO)
def back_the_next_day(scene: Scene) -> None:
    scene.tell_two(2, "出院次日因同一疾病再次入住同一医院", *_return(scene, 1))


@in06.fraud(LATE, REDO)
def back_within_a_week(scene: Scene) -> None:
    scene.tell_two(2, "出院第7天因同一疾病再次入院", *_return(scene, 7))


@in06.fraud(LATE, REDO)
def back_after_a_week(scene: Scene) -> None:
    scene.tell_two(3, "出院第8天因同一疾病再次入院", *_return(scene, 8))


@in06.fraud(REDO)
def back_on_the_fifteenth_day(scene: Scene) -> None:
    scene.tell_two(3, "出院第15天因同一疾病再次入院", *_return(scene, 15))


@in06.fraud(LATE)
def same_chapter_only(scene: Scene) -> None:
    scene.tell_two(3, "4天后以同一系统的另一疾病再次入院", *_return(scene, 4, cat.PNEUMONIA, cat.COPD))


@in06.fraud(hidden="以转科办理出院再入院")
def moved_between_departments(scene: Scene) -> None:
    scene.tell_two(2, "同日出院又入住另一科室，诊断相同", *_return(scene, 0, second={"dept": "A03.03"}))


@in06.fraud(hidden="一次住院拆成三次")
def cut_into_three(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(26)
    stays = [scene.stay(person, day + 7 * n, 5, cat.STROKE, hour=8 + n) for n in range(3)]
    scene.tell_two(2, "同一疾病连续三次住院，每次间隔2天（之一）", stays[0], stays[1])
    scene.tell_two(2, "同一疾病连续三次住院，每次间隔2天（之二）", stays[1], stays[2])


@in06.fraud(hidden="出院撤销重录")
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


@in06.below()
def back_on_the_sixteenth_day(scene: Scene) -> None:
    scene.tell_two(None, "出院第16天再次入院", *_return(scene, 16))


@in06.lookalike()
def another_illness(scene: Scene) -> None:
    scene.tell_two(None, "3天后因另一系统疾病入院", *_return(scene, 3, cat.GASTRITIS, cat.BACK))


@in06.lookalike()
def another_hospital(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(18)
    one = scene.stay(person, day, 5, cat.CORONARY)
    two = scene.stay(person, day + 8, 5, cat.CORONARY, scene.township)
    scene.tell_two(None, "3天后在另一家医院入院", one, two)


@in06.lookalike()
def chemotherapy(scene: Scene) -> None:
    extra = {"extra_diagnoses": (("C34.900", "肺恶性肿瘤"),)}
    scene.tell_two(None, "化疗周期", *_return(scene, 7, _CHEMO, place=scene.places.centre, nights=3, first=extra, second=extra))


@in06.lookalike()
def dialysis(scene: Scene) -> None:
    scene.tell_two(None, "透析", *_return(scene, 4, _DIALYSIS, place=scene.places.centre, nights=3))


@in06.lookalike()
def emergency(scene: Scene) -> None:
    scene.tell_two(None, "急诊再入院", *_return(scene, 5, second={"ipt_type": "2", "adm_way": "1"}))


@in06.lookalike()
def left_against_advice(scene: Scene) -> None:
    scene.tell_two(None, "非医嘱离院后返回", *_return(scene, 2, first={"way": "4"}))


@in06.lookalike()
def before_birth(scene: Scene) -> None:
    threatened = Illness("O60.000", "先兆早产", "A05.02", (cat.SALINE,), (cat.BLOOD,), (), (cat.INFUSION,), (3, 5), sex="2")
    mother = scene.person(gend="2", age=29)
    scene.tell_two(
        None, "先兆早产住院后分娩", *_return(scene, 6, threatened, cat.DELIVERY, place=scene.places.maternity, person=mother, second={"med_type": "52"})
    )


@in06.lookalike()
def staged_operation(scene: Scene) -> None:
    scene.tell_two(None, "分期手术：清单标明31天内再住院计划", *_return(scene, 10, cat.KIDNEY_STONE, first={"planned_return": True}))


@in06.lookalike()
def back_from_the_city(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(20)
    city, home, ill = scene.places.city, scene.hospital, cat.STROKE
    one = scene.stay(person, day, 2, ill, home, way="2")
    registry.referred(scene.county, one.counter, person, (ill.code, ill.name), city, one.last_day, one.end - HOUR, one.mdtrt_id)
    between = scene.stay(person, day + 2, 4, ill, city, hour=15, ipt_type="3", adm_way="3", way="2")
    registry.referred(scene.county, between.counter, person, (ill.code, ill.name), home, between.last_day, between.end - HOUR, between.mdtrt_id)
    two = scene.stay(person, day + 6, 6, ill, home, hour=15, ipt_type="3", adm_way="3")
    scene.tell_two(None, "转市医院后转回康复，有转院备案", one, two)


@in06.lookalike()
def settled_midway(scene: Scene) -> None:
    scene.tell_two(None, "前次住院有中途结算", *_return(scene, 3, nights=7, first={"mid_on": (3,)}))


@in06.cancelled()
def second_stay_cancelled(scene: Scene) -> None:
    one, two = _return(scene, 3)
    two.unsettle(two.end + 30 * HOUR)
    two.withdraw(None, two.end + 31 * HOUR)
    two.cancel_admission(two.end + 32 * HOUR)
    scene.tell_two(None, "再次入院后来整次撤销", one, two)


@in06.cancelled()
def discharge_postponed(scene: Scene) -> None:
    person = scene.person(age=61)
    day = scene.day(24)
    one = scene.bed(person, day, 8, cat.CORONARY)
    one.admit()
    end = one.end
    one.discharge()
    two = scene.bed(person, day + 10, 5, cat.CORONARY)
    two.admit()
    two.cancel_admission(two.begin + 5 * HOUR)
    one.cancel_discharge(two.begin + 6 * HOUR)
    one.end = end + 7 * DAY
    scene.hush(person, day, day + 18)
    scene.course(one, admit=False)
    scene.tell_two(None, "误办的出院和再入院都撤销，实为一次住院", one, two)


SCRIPTS = (in05, in06)
