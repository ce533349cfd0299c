"""At two places at once: FP-02."""

from __future__ import annotations

from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR, MINUTE
from streams.simulate.places import Counter, Place
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script

script = Script("FP-02")


def _here_and_there(
    scene: Scene,
    minutes: int,
    there: Place,
    *,
    here: Place | None = None,
    counter: Counter | None = None,
    late: int = 0,
) -> tuple[Clinic, Clinic]:
    """A visit in the county hospital, and one elsewhere that begins so many minutes later."""
    person = scene.person()
    t = scene.day(4) * DAY + 9 * HOUR + 30 * MINUTE
    one = scene.visit(person, t, place=here or scene.hospital)
    disguise, scene.disguise = scene.disguise, LATE if late else scene.disguise
    two = scene.visit(person, t + minutes * MINUTE, place=there, counter=counter)
    scene.disguise = disguise
    return one, two


@script.fraud(LATE, REDO)
def twenty_minutes_apart(scene: Scene) -> None:
    scene.tell_two(3, "同城两家医院相隔20分钟就诊", *_here_and_there(scene, 20, scene.township))


@script.fraud()
def just_under_half_an_hour(scene: Scene) -> None:
    scene.tell_two(3, "同城两家医院相隔29分钟就诊", *_here_and_there(scene, 29, scene.township))


@script.fraud(LATE, REDO)
def eighty_kilometres_in_half_an_hour(scene: Scene) -> None:
    scene.tell_two(2, "相距80公里的两家医院相隔35分钟就诊", *_here_and_there(scene, 35, scene.places.city))


@script.fraud(REDO)
def two_provinces(scene: Scene) -> None:
    scene.tell_two(2, "两省医院相隔100分钟就诊", *_here_and_there(scene, 100, scene.places.province))


@script.fraud(hidden="延迟上传")
def uploaded_a_day_later(scene: Scene) -> None:
    scene.tell_two(
        3, "相隔15分钟的两地就诊，后一次次日才上传", *_here_and_there(scene, 15, scene.township, late=1)
    )


@script.fraud(hidden="入院与门诊并行")
def admitted_meanwhile(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.stay(person, day, 5)
    clinic = scene.visit(person, stay.begin + 18 * MINUTE, place=scene.township)
    scene.tell_two(3, "办理入院18分钟后在另一家医院就诊", stay, clinic)


@script.below()
def half_an_hour_and_more(scene: Scene) -> None:
    scene.tell_two(None, "同城两家医院相隔35分钟", *_here_and_there(scene, 35, scene.township))


@script.below()
def an_hour_to_the_city(scene: Scene) -> None:
    scene.tell_two(None, "80公里外的市医院，相隔50分钟", *_here_and_there(scene, 50, scene.places.city))


@script.below()
def two_hours_to_the_province(scene: Scene) -> None:
    scene.tell_two(None, "邻省医院，相隔125分钟", *_here_and_there(scene, 125, scene.places.province))


@script.lookalike()
def family_at_the_pharmacy(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(4) * DAY + 10 * HOUR
    clinic = scene.visit(person, t, place=scene.places.city)
    sale = scene.buy(person, t + 10 * MINUTE)
    scene.tell(
        None,
        "本人在市医院，家人代为购药",
        {"mdtrt_ids": sorted([clinic.mdtrt_id, sale.mdtrt_id])},
        subject=("visit", sale.mdtrt_id),
        mdtrt_ids=[clinic.mdtrt_id, sale.mdtrt_id],
    )


@script.lookalike()
def online_consultation(scene: Scene) -> None:
    city = scene.places.city
    scene.tell_two(
        None, "市医院的线上复诊（移动终端）", *_here_and_there(scene, 12, city, counter=city.online)
    )


@script.lookalike()
def branch_at_the_same_address(scene: Scene) -> None:
    county = scene.places.county[0]
    scene.tell_two(
        None, "同址分院，相隔12分钟", *_here_and_there(scene, 12, scene.places.branch, here=county)
    )


@script.lookalike()
def sent_together_though_days_apart(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(6) * DAY + 9 * HOUR
    one = scene.visit(person, t, place=scene.places.city)
    scene.disguise = LATE
    two = scene.visit(person, t - 26 * HOUR + 10 * MINUTE, place=scene.township)
    scene.disguise = ""
    scene.tell_two(None, "前一天的就诊延迟上传，与当天市医院就诊几乎同时到达", two, one)


@script.lookalike()
def two_departments_of_one_hospital(scene: Scene) -> None:
    scene.tell_two(None, "同一医院两个科室", *_here_and_there(scene, 20, scene.hospital))


@script.cancelled()
def registration_cancelled(scene: Scene) -> None:
    person = scene.person()
    t = scene.day(4) * DAY + 9 * HOUR
    one = scene.visit(person, t, place=scene.hospital)
    two = Clinic(
        scene.county,
        person,
        scene.township,
        scene.township.counters[0],
        t + 15 * MINUTE,
        ("J06.900", "急性上呼吸道感染"),
        "A02",
    )
    two.register()
    two.unregister(t + 3 * HOUR, arrive=t - HOUR)
    scene.tell_two(None, "后一家的挂号取消（撤销先到）", one, two)
