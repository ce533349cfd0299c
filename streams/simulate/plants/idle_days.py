"""Days in bed without care: GB-02."""

from __future__ import annotations

from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Illness
from streams.simulate.clock import DATE, DAY, HOUR
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Stay

script = Script("GB-02")

#: First and last day (MM-DD) of stretches with public holidays in which no idle days are planted.
_HOLIDAYS = (
    ("12-30", "12-31"),
    ("01-01", "01-04"),
    ("02-13", "02-25"),
    ("04-03", "04-07"),
    ("04-28", "05-06"),
    ("06-17", "06-23"),
    ("09-23", "10-09"),
)


def _monday(scene: Scene, span: int) -> int:
    """A Monday with `span` days that no public holiday touches."""
    for _ in range(200):
        day = scene.day(span + 7, on=0)
        texts = [DATE[day + n][5:] for n in range(span)]
        if not any(low <= text <= high for text in texts for low, high in _HOLIDAYS):
            return day
    raise AssertionError("No week without holidays; the world is too short for GB-02.")


def _idle(
    scene: Scene, days: set[int], nights: int = 11, illness: Illness = cat.STROKE, **knobs: Any
) -> Stay:
    """A stay from a Monday on (day 0), idle on these days."""
    return scene.stay(
        scene.person(age=62), _monday(scene, nights + 1), nights, illness, idle=frozenset(days), **knobs
    )


@script.fraud(LATE, REDO)
def three_idle_days(scene: Scene) -> None:
    scene.tell_visit(2, "周二至周四连续3天只有床位、护理、诊察", _idle(scene, {1, 2, 3}))


@script.fraud(LATE, REDO)
def two_idle_days(scene: Scene) -> None:
    scene.tell_visit(3, "周二、周三连续2天只有床位、护理、诊察", _idle(scene, {1, 2}))


@script.fraud(hidden="跨周末")
def idle_over_the_weekend(scene: Scene) -> None:
    scene.tell_visit(2, "周四、周五、下周一空床，周末既不中断也不计数", _idle(scene, {3, 4, 5, 6, 7}))


@script.fraud(LATE)
def half_of_a_short_stay(scene: Scene) -> None:
    scene.tell_visit(2, "住院4天，其中周二、周三空床，占一半", _idle(scene, {1, 2}, nights=4))


@script.fraud()
def idle_where_orders_are_never_uploaded(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3, 4}, place=scene.places.townships[1])
    scene.tell_visit(3, "从不上传医嘱和报告的卫生院，连续4天空床", stay)


@script.fraud(hidden="加收取暖费")
def idle_but_heated(scene: Scene) -> None:
    person = scene.person(age=62)
    day = _monday(scene, 12)
    stay = scene.bed(person, day, 11, cat.STROKE)
    idle = (1, 2, 3)
    scene.course(
        stay,
        idle=frozenset(idle),
        extra={n: [(cat.HEATING, 1, (day + n) * DAY + 20 * HOUR)] for n in idle} if not _winter(day) else {},
    )
    scene.tell_visit(2, "连续3天只有床位、护理、诊察和取暖费", stay)


def _winter(day: int) -> bool:
    return DATE[day][5:7] in ("12", "01", "02")


@script.fraud(hidden="撤销重录")
def idle_after_entering_again(scene: Scene) -> None:
    def again(stay: Stay, t: int) -> None:
        gone = stay.withdraw(None, t)
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)

    scene.tell_visit(2, "费用全部撤销后重传，仍连续3天空床", _idle(scene, {2, 3, 4}, correct=again))


@script.below()
def one_idle_day(scene: Scene) -> None:
    scene.tell_visit(None, "只有周三1天空床", _idle(scene, {2}))


@script.below()
def friday_and_the_weekend(scene: Scene) -> None:
    scene.tell_visit(None, "周五至周日空床，计数只有1天", _idle(scene, {4, 5, 6}))


@script.lookalike()
def on_leave(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3})
    stay.face((stay.first_day + 1) * DAY + 6 * HOUR, "20")
    stay.face((stay.first_day + 3) * DAY + 22 * HOUR, "21")
    scene.tell_visit(None, "经批准请假3天，有请假和销假认证", stay)


@script.lookalike()
def psychiatric_ward(scene: Scene) -> None:
    stay = _idle(
        scene,
        {1, 2, 3, 4},
        25,
        cat.SCHIZOPHRENIA,
        place=scene.places.psychiatric,
        med_type="21303",
        by_day=True,
    )
    scene.tell_visit(None, "精神科按床日住院，4天空床低于7天", stay)


@script.lookalike()
def rehabilitation_by_the_day(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3, 4}, 20, _REHABILITATION, med_type="2105", by_day=True)
    scene.tell_visit(None, "康复住院按床日付费，4天空床低于7天", stay)


_REHABILITATION = Illness(
    "Z50.100", "康复治疗", "A50", (cat.XUESAITONG,), (cat.BLOOD,), (), (cat.REHABILITATION,), (15, 25)
)


@script.lookalike()
def under_a_standing_order(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3})
    stay.ordered([(cat.CITICOLINE, stay.begin + 2 * HOUR, stay.end - HOUR)], stay.begin + 4 * HOUR)
    scene.tell_visit(None, "空床3天内有长期医嘱在执行", stay)


@script.lookalike()
def treated_every_other_day(scene: Scene) -> None:
    scene.tell_visit(None, "隔日治疗，没有连续空床", _idle(scene, {1, 3, 7, 9}))


@script.lookalike()
def forgotten_lines_added(scene: Scene) -> None:
    def added(stay: Stay, t: int) -> None:
        stay.upload([(cat.CITICOLINE, 1, (stay.first_day + n) * DAY + 10 * HOUR) for n in (1, 2, 3)], t)

    scene.tell_visit(None, "漏传的药品费用在结算前补齐", _idle(scene, {1, 2, 3}, correct=added))


@script.cancelled()
def idle_stay_cancelled(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3}, listed=False)
    stay.unsettle(stay.end + 20 * HOUR)
    stay.withdraw(None, stay.end + 21 * HOUR)
    stay.cancel_admission(stay.end + 22 * HOUR)
    scene.tell_visit(None, "空床的住院整次撤销", stay)


@script.cancelled()
def settled_again_with_care(scene: Scene) -> None:
    stay = _idle(scene, {1, 2, 3}, listed=False)
    t = stay.end + 20 * HOUR
    stay.unsettle(t)
    stay.upload([(cat.CITICOLINE, 1, (stay.first_day + n) * DAY + 10 * HOUR) for n in (1, 2, 3)], t + 300)
    stay.settle(t + 900)
    stay.listed(t + DAY)
    scene.tell_visit(None, "撤销结算，补传治疗费用后重新结算", stay)
