"""Nothing uploaded after admission: GB-08."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clock import DAY, HOUR, MINUTE
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import REDO, Script

script = Script("GB-08")


@script.fraud(REDO)
def first_lines_after_three_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 71 * HOUR)
    scene.tell_visit(2, "入院71小时后才上传第一笔费用，后补传结算", stay)


@script.fraud(REDO)
def just_over_two_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 48 * HOUR + 10 * MINUTE)
    scene.tell_visit(2, "入院48小时10分后才上传第一笔费用", stay)


@script.fraud()
def nothing_ever_uploaded(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 5, upload=False, settle=False, orders=False)
    scene.tell_visit(3, "住院5天没有任何费用上传，也未结算", stay)


@script.fraud(hidden="有变更和认证，无费用")
def everything_but_lines(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 6, upload=False, settle=False)
    stay.face(stay.begin + 20 * MINUTE)
    stay.change(stay.begin + 30 * HOUR, illness=cat.COPD)
    scene.tell_visit(3, "有人脸认证、医嘱、变更，没有费用", stay)


@script.fraud(hidden="周末入院")
def admitted_before_the_weekend(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12, on=4), 6, hour=17)
    scene.course(stay, first_upload=stay.begin + 63 * HOUR)
    scene.tell_visit(2, "周五傍晚入院，周一上午才补传", stay)


@script.fraud()
def still_in_bed_on_paper(scene: Scene) -> None:
    person = scene.person()
    day = scene.day(12)
    stay = scene.bed(person, day, 5)
    scene.hush(person, day, scene.county.world.last)
    scene.course(stay, upload=False, settle=False, discharge=False, orders=False)
    scene.tell_visit(3, "入院登记后没有任何后续", stay)


@script.below()
def just_within_two_days(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    scene.course(stay, first_upload=stay.begin + 47 * HOUR)
    scene.tell_visit(None, "入院47小时后上传第一笔费用", stay)


@script.lookalike()
def withdrawn_and_entered_again(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    lines = stay.upload([(cat.BED, 1, stay.begin + 2 * HOUR)], stay.begin + 20 * HOUR)
    stay.withdraw(lines, stay.begin + 30 * HOUR)
    scene.course(stay, first_upload=stay.begin + 60 * HOUR)
    scene.tell_visit(None, "48小时内上传过，撤销后重传", stay)


@script.lookalike()
def during_an_outage(scene: Scene) -> None:
    place = scene.places.townships[2]
    usable = [start for start, _ in place.outages if start // DAY + 12 < scene.county.world.last]
    start = usable[scene.number % len(usable)]
    person = scene.person()
    stay = scene.bed(person, start // DAY, 6, place=place, hour=18 + scene.number % 4)
    scene.course(stay)
    scene.tell_visit(None, "医院全院断网，入院前后64小时没有任何上传", stay)


@script.lookalike()
def one_early_line(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 7)
    stay.upload([(cat.ECG, 1, stay.begin + HOUR)], stay.begin + 3 * HOUR)
    scene.course(stay, first_upload=stay.begin + 66 * HOUR)
    scene.tell_visit(None, "入院当天已上传一笔检查费", stay)


@script.cancelled()
def empty_stay_cancelled(scene: Scene) -> None:
    stay = scene.stay(
        scene.person(), scene.day(12), 5, upload=False, settle=False, discharge=False, orders=False
    )
    stay.cancel_admission(stay.begin + 80 * HOUR)
    scene.tell_visit(None, "没有费用的入院登记后来撤销", stay)


@script.cancelled()
def empty_stay_reversed(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(12), 5)
    stay.admit()
    stay.reverse(stay.admitted, "2401", stay.begin + 70 * HOUR)
    scene.tell_visit(None, "没有费用的入院登记后来冲正", stay)
