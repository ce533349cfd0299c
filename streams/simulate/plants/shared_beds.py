"""One bed, two patients: GB-05."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clock import DAY, HOUR
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script

script = Script("GB-05")


def _share(scene: Scene, day: int, days: int, dept: str = "A03.01") -> str:
    """A bed that nobody else has in these days."""
    return scene.hospital.bed(dept, day, day + days, scene.county.world.first - 400)


@script.fraud(LATE, REDO)
def one_night(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=17)
    two = scene.stay(scene.person(), day + 4, 6, bed=bed, dept="A03.01", hour=9)
    scene.tell_two(3, "两人同住一床32小时，跨1夜", one, two)


@script.fraud(LATE, REDO)
def several_nights(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 3, 6, bed=bed, dept="A03.01")
    scene.tell_two(2, "两人同住一床4夜", one, two)


@script.fraud()
def three_in_one_bed(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    stays = [scene.stay(scene.person(), day + n, 6, bed=bed, dept="A03.01") for n in range(3)]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        scene.tell_two(2, "三人同住一床", stays[one], stays[two])


@script.fraud(hidden="先入别床再调入")
def moved_in(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 9, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 2, 8, dept="A03.01", moved=((day + 3) * DAY + 9 * HOUR, bed))
    scene.tell_two(2, "后者从别床调入，同床6夜", one, two)


@script.fraud()
def without_department(scene: Scene) -> None:
    day = scene.day(16)
    bed = f"{90 + scene.number}{scene.number % 7}"
    stays = []
    for offset in (0, 2):
        stay = scene.bed(scene.person(), day + offset, 6, bed=bed, dept="A03.01")
        stay.dept = ""
        stays.append(scene.course(stay))
    scene.tell_two(3, "没有科室编码，同号床同住4夜", stays[0], stays[1])


@script.fraud(hidden="出院撤销后改迟")
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


@script.below()
def handed_over_on_one_day(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=9)
    two = scene.stay(scene.person(), day + 5, 5, bed=bed, dept="A03.01", hour=15)
    scene.tell_two(None, "上午出院下午入院", one, two)


@script.below()
def overlapping_a_few_hours(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 5, bed=bed, dept="A03.01", end_hour=16)
    two = scene.stay(scene.person(), day + 5, 5, bed=bed, dept="A03.01", hour=10)
    scene.tell_two(None, "重叠6小时，没有跨夜", one, two)


@script.lookalike()
def same_number_in_another_department(scene: Scene) -> None:
    day = scene.day(16)
    bed = f"7{scene.number:02d}"
    one = scene.stay(scene.person(), day, 6, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 1, 6, cat.CORONARY, bed=bed, dept="A03.04")
    scene.tell_two(None, "不同科室的同号床", one, two)


@script.lookalike()
def newborn_beside_the_mother(scene: Scene) -> None:
    day = scene.day(14)
    place = scene.places.maternity
    bed = place.bed("A05.02", day, day + 8, scene.county.world.first - 400)
    mother = scene.stay(
        scene.person(gend="2", age=28), day, 5, cat.DELIVERY, place, bed=bed, dept="A05.02", med_type="52"
    )
    baby = scene.newborn(day)
    child = scene.stay(baby, day + 1, 4, cat.NEWBORN, place, bed=bed, dept="A05.02", newborn=1)
    scene.tell_two(None, "新生儿与母亲同床", mother, child)


@script.lookalike()
def extra_bed(scene: Scene) -> None:
    day = scene.day(16)
    name = ("加1", "0", "无", "加床")[scene.number % 4]
    one = scene.stay(scene.person(), day, 6, bed=name, dept="A03.01")
    two = scene.stay(scene.person(), day + 1, 6, bed=name, dept="A03.01")
    scene.tell_two(None, f"占位床号“{name}”", one, two)


@script.lookalike()
def moved_away_before(scene: Scene) -> None:
    day = scene.day(16)
    bed, other = _share(scene, day, 12), _share(scene, day, 12)
    one = scene.stay(
        scene.person(), day, 8, bed=bed, dept="A03.01", moved=((day + 2) * DAY + 9 * HOUR, other)
    )
    two = scene.stay(scene.person(), day + 3, 6, bed=bed, dept="A03.01")
    scene.tell_two(None, "前者先调到别床，后者才入住", one, two)


@script.lookalike()
def discharge_recorded_late(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.bed(scene.person(), day, 5, bed=bed, dept="A03.01")
    scene.course(one, discharge=False, settle_at=one.end + 3 * DAY)
    one.discharge(one.end + 70 * HOUR)
    two = scene.stay(scene.person(), day + 6, 5, bed=bed, dept="A03.01")
    scene.tell_two(None, "前者按时出院，出院登记晚报3天", one, two)


@script.cancelled()
def second_admission_reversed(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.bed(scene.person(), day + 2, 5, bed=bed, dept="A03.01")
    two.admit()
    two.reverse(two.admitted, "2401", two.begin + 5 * DAY)
    scene.tell_two(None, "后者入院登记被冲正", one, two)


@script.cancelled()
def second_admission_cancelled(scene: Scene) -> None:
    day = scene.day(16)
    bed = _share(scene, day, 12)
    one = scene.stay(scene.person(), day, 7, bed=bed, dept="A03.01")
    two = scene.stay(scene.person(), day + 2, 5, bed=bed, dept="A03.01", settle=False)
    two.withdraw(None, two.end + DAY)
    two.cancel_admission(two.end + DAY + 600)
    scene.tell_two(None, "后者入院撤销", one, two)
