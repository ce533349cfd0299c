"""Stays too frequent: IN-05."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Illness
from streams.simulate.clock import DATE, HOUR
from streams.simulate.people import Person
from streams.simulate.places import Place
from streams.simulate.plants.illnesses import CHAPTERS, DIALYSIS, HAEMOPHILIA, REHABILITATION
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("IN-05")


def _round(
    scene: Scene,
    person: Person,
    count: int,
    nights: int,
    gap: int,
    places: Sequence[Place],
    illnesses: Sequence[Illness] = CHAPTERS,
    **knobs: Any,
) -> list[Stay]:
    """Stays one after another, `gap` days between them, each at the next place and with the next illness."""
    span = count * nights + (count - 1) * gap
    day = scene.day(span, lead=2, tail=4)
    stays = []
    for n in range(count):
        stays.append(
            scene.stay(person, day, nights, illnesses[n % len(illnesses)], places[n % len(places)], **knobs)
        )
        day += nights + gap
    return stays


def _tell(scene: Scene, expect: int | None, text: str, stays: Sequence[Stay]) -> None:
    person, year = stays[-1].person, DATE[stays[-1].first_day][:4]
    scene.tell(
        expect,
        text,
        {"psn_no": person.psn_no, "year": year},
        subject=("person", person.psn_no),
        person=person,
        mdtrt_ids=[stay.mdtrt_id for stay in stays],
    )


def _two_places(scene: Scene) -> tuple[Place, Place]:
    return scene.hospital, scene.township


@script.fraud(LATE, REDO)
def six_stays(scene: Scene) -> None:
    _tell(scene, 3, "一年内住院6次", _round(scene, scene.person(age=64), 6, 3, 9, _two_places(scene)))


@script.fraud(LATE)
def ten_stays(scene: Scene) -> None:
    _tell(scene, 2, "一年内住院10次", _round(scene, scene.person(age=64), 10, 3, 5, _two_places(scene)))


@script.fraud(hidden="三家医院轮转")
def three_hospitals_in_turn(scene: Scene) -> None:
    places = (scene.hospital, scene.township, scene.places.city)
    _tell(
        scene,
        2,
        "6次住院在3家医院轮转，出院隔2天即入另一家",
        _round(scene, scene.person(age=64), 6, 4, 2, places),
    )


@script.fraud()
def nine_stays(scene: Scene) -> None:
    _tell(
        scene, 3, "一年内住院9次，未到10次", _round(scene, scene.person(age=64), 9, 3, 6, _two_places(scene))
    )


@script.fraud(days=230)
def half_a_year_in_bed(scene: Scene) -> None:
    _tell(scene, 2, "6次住院共156天", _round(scene, scene.person(age=70), 6, 26, 10, _two_places(scene)))


@script.fraud(hidden="撤销后重新入院登记")
def entered_again(scene: Scene) -> None:
    person = scene.person(age=64)
    stays = _round(scene, person, 7, 3, 9, _two_places(scene))
    ghost = stays[2]
    ghost.unsettle(ghost.end + 30 * HOUR)
    ghost.withdraw(None, ghost.end + 31 * HOUR)
    ghost.cancel_admission(ghost.end + 32 * HOUR)
    _tell(scene, 3, "住院7次，其中1次撤销，仍有6次", [stay for stay in stays if stay is not ghost])


@script.below()
def five_stays(scene: Scene) -> None:
    _tell(scene, None, "一年内住院5次", _round(scene, scene.person(age=64), 5, 4, 9, _two_places(scene)))


@script.lookalike()
def chemotherapy_cycles(scene: Scene) -> None:
    stays = _round(
        scene,
        scene.person(age=58),
        7,
        3,
        9,
        (scene.places.centre,),
        (cat.CHEMOTHERAPY,),
        extra_diagnoses=(("C50.900", "乳腺恶性肿瘤"),),
        planned_return=True,
    )
    _tell(scene, None, "恶性肿瘤化疗按周期住院7次", stays)


@script.lookalike()
def dialysis_stays(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=61), 7, 2, 10, (scene.places.centre,), (DIALYSIS,))
    _tell(scene, None, "透析住院7次", stays)


@script.lookalike()
def haemophilia_stays(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=31), 7, 2, 10, _two_places(scene), (HAEMOPHILIA,))
    _tell(scene, None, "血友病住院7次", stays)


@script.lookalike()
def psychiatric_stays(scene: Scene) -> None:
    stays = _round(
        scene,
        scene.person(age=44),
        6,
        10,
        5,
        (scene.places.psychiatric,),
        (cat.SCHIZOPHRENIA,),
        med_type="21303",
        by_day=True,
    )
    _tell(scene, None, "精神分裂症反复住院6次", stays)


@script.lookalike()
def rehabilitation_stays(scene: Scene) -> None:
    stays = _round(
        scene,
        scene.person(age=67),
        6,
        5,
        8,
        _two_places(scene),
        (REHABILITATION,),
        med_type="2105",
        by_day=True,
    )
    _tell(scene, None, "康复住院按床日付费6次", stays)


@script.lookalike()
def planned_returns(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=52), 7, 3, 9, _two_places(scene), planned_return=True)
    _tell(scene, None, "清单均标明31天内再住院计划", stays)


@script.lookalike()
def transfers(scene: Scene) -> None:
    person = scene.person(age=66)
    day = scene.day(70, lead=2, tail=6)
    stays = []
    for n in range(4):
        ill = CHAPTERS[n]
        first = scene.stay(person, day, 2, ill, scene.hospital, way="2")
        registry.referred(
            scene.county,
            first.counter,
            person,
            (ill.code, ill.name),
            scene.places.city,
            first.last_day,
            first.end - HOUR,
            first.mdtrt_id,
        )
        stays += [
            first,
            scene.stay(person, day + 2, 4, ill, scene.places.city, hour=15, ipt_type="3", adm_way="3"),
        ]
        day += 20
    _tell(scene, None, "4次住院每次都转到市医院，转院链只算一次", stays)


@script.cancelled()
def sixth_stay_cancelled(scene: Scene) -> None:
    stays = _round(scene, scene.person(age=64), 6, 3, 9, _two_places(scene))
    last = stays[3]
    last.unsettle(last.end + 30 * HOUR)
    last.withdraw(None, last.end + 31 * HOUR)
    last.cancel_admission(last.end + 32 * HOUR)
    _tell(scene, None, "6次住院中1次撤销，余5次", stays)
