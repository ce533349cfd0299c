"""Impossible quantities on one patient: FI-08."""

from __future__ import annotations

from collections.abc import Sequence

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Item
from streams.simulate.clock import DATE, DAY, HOUR
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Given, Stay

script = Script("FI-08")

#: Day of the stay (0 first) on which the impossible happens.
_ON = 3


def _monitored(
    scene: Scene, *counts: int, item: Item = cat.ECG_MONITOR, apart: bool = False, ordered: int = 0
) -> Stay:
    """A stay with lines of an item, in these counts, all on its fourth day; ordered for so many days from that day on."""
    stay = scene.bed(scene.person(age=68), scene.day(14), 7, cat.HEART_FAILURE)
    midnight = (stay.first_day + _ON) * DAY
    given: list[Given] = [(item, count, midnight + (9 + 3 * n) * HOUR) for n, count in enumerate(counts)]
    if ordered:
        stay.ordered([(item, midnight, midnight + ordered * DAY - 60)], midnight + HOUR)
    if not apart:
        return scene.course(stay, extra={_ON: given})

    def pieces(stay: Stay, t: int) -> None:
        for n, one in enumerate(given):
            stay.upload([one], t + 30 * n)

    return scene.course(stay, correct=pieces)


def _tell(
    scene: Scene,
    expect: int | None,
    text: str,
    stay: Stay,
    item: Item = cat.ECG_MONITOR,
    also: Sequence[str] = (),
) -> None:
    scene.tell(
        expect,
        text,
        {"mdtrt_id": stay.mdtrt_id, "code": item.code, "day": DATE[stay.first_day + _ON]},
        subject=("visit", stay.mdtrt_id),
        person=stay.person,
        mdtrt_ids=[stay.mdtrt_id],
        also=also,
    )


@script.fraud(LATE, REDO)
def one_hour_too_many(scene: Scene) -> None:
    _tell(scene, 1, "医嘱只有一天的心电监测收25小时", _monitored(scene, 25, ordered=1))


@script.fraud(hidden="拆成三行")
def in_three_lines(scene: Scene) -> None:
    _tell(scene, 1, "一天分3行收心电监测共33小时", _monitored(scene, 11, 11, 11, ordered=1))


@script.fraud(hidden="分次上传")
def in_two_uploads(scene: Scene) -> None:
    _tell(
        scene,
        1,
        "一天分两次上传血氧监测32小时",
        _monitored(scene, 16, 16, item=cat.SPO2_MONITOR, apart=True, ordered=1),
        cat.SPO2_MONITOR,
    )


@script.fraud(LATE, REDO)
def three_days_in_one(scene: Scene) -> None:
    _tell(scene, 1, "医嘱只有一天，一行收72小时", _monitored(scene, 72, ordered=1))


@script.fraud(REDO)
def ventilated_too_long(scene: Scene) -> None:
    _tell(
        scene,
        1,
        "一天收呼吸机辅助呼吸30小时",
        _monitored(scene, 30, item=cat.VENTILATOR, ordered=1),
        cat.VENTILATOR,
    )


@script.fraud()
def rounds_twice_a_day(scene: Scene) -> None:
    stay = _monitored(scene, 1, item=cat.WARD_ROUND)
    _tell(scene, 3, "一天收住院诊查费2次（也可能是补记）", stay, cat.WARD_ROUND, also=["GB-01"])


@script.below()
def the_whole_day(scene: Scene) -> None:
    _tell(scene, None, "一天收心电监测24小时", _monitored(scene, 24))


@script.below()
def the_whole_day_in_two_lines(scene: Scene) -> None:
    _tell(scene, None, "一天分两行收心电监测24小时", _monitored(scene, 12, 12))


@script.lookalike()
def posted_for_three_days(scene: Scene) -> None:
    stay = _monitored(scene, 72, ordered=4)
    _tell(scene, None, "3天的心电监测一次入账，长期医嘱跨4天", stay)


@script.lookalike()
def refunded_to_the_day(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        line = stay.upload([(cat.ECG_MONITOR, 30, (stay.first_day + _ON) * DAY + 9 * HOUR)], t)[0]
        stay.refund(line, 6, t + 200, when=line.t)

    stay = scene.stay(scene.person(age=68), scene.day(14), 7, cat.HEART_FAILURE, correct=refunded)
    _tell(scene, None, "多收6小时，结算前退费", stay)


@script.lookalike()
def two_monitors(scene: Scene) -> None:
    stay = scene.bed(scene.person(age=68), scene.day(14), 7, cat.HEART_FAILURE)
    when = (stay.first_day + _ON) * DAY + 9 * HOUR
    scene.course(stay, extra={_ON: [(cat.ECG_MONITOR, 24, when), (cat.SPO2_MONITOR, 24, when)]})
    _tell(scene, None, "心电监测与血氧监测各24小时", stay)


@script.lookalike()
def counted_pieces(scene: Scene) -> None:
    _tell(
        scene,
        None,
        "肌肉注射一天30次不是按日或小时计的项目",
        _monitored(scene, 30, item=cat.INJECTION),
        cat.INJECTION,
    )


@script.lookalike()
def two_days_running(scene: Scene) -> None:
    stay = scene.bed(scene.person(age=68), scene.day(14), 7, cat.HEART_FAILURE)
    scene.course(
        stay, extra={n: [(cat.ECG_MONITOR, 24, (stay.first_day + n) * DAY + 9 * HOUR)] for n in (2, 3, 4)}
    )
    _tell(scene, None, "连续3天每天24小时", stay)


@script.cancelled()
def withdrawn_before_settlement(scene: Scene) -> None:
    def mistaken(stay: Stay, t: int) -> None:
        lines = stay.upload([(cat.ECG_MONITOR, 48, (stay.first_day + _ON) * DAY + 9 * HOUR)], t)
        stay.withdraw(lines, t + 100, arrive=t - HOUR)
        stay.upload([(cat.ECG_MONITOR, 20, (stay.first_day + _ON) * DAY + 9 * HOUR)], t + 200)

    stay = scene.stay(scene.person(age=68), scene.day(14), 7, cat.HEART_FAILURE, correct=mistaken)
    _tell(scene, None, "48小时错录，撤销后改为20小时", stay)


@script.cancelled()
def whole_stay_cancelled(scene: Scene) -> None:
    stay = _monitored(scene, 40)
    stay.unsettle(stay.end + 60 * HOUR)
    stay.withdraw(None, stay.end + 61 * HOUR)
    stay.cancel_admission(stay.end + 62 * HOUR)
    _tell(scene, None, "整次住院撤销", stay)
