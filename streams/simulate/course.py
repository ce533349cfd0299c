"""A whole ordinary stay from admission to settlement list, with the few knobs that plants turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streams.simulate.catalogue import (
    ANAESTHESIA,
    BED,
    BED_ICU,
    BLOOD,
    CATARACT_CASE,
    ECG_MONITOR,
    HEATING,
    HERNIA_CASE,
    INFUSION_SET,
    LENS,
    MESH,
    NURSING_1,
    NURSING_2,
    SCHIZOPHRENIA,
    SPO2_MONITOR,
    WARD_ROUND,
)
from streams.simulate.clock import DATE, DAY, HOUR, MINUTE
from streams.simulate.dice import Dice
from streams.simulate.stay import Given, Line, Stay


@dataclass(slots=True)
class Course:
    """How a stay goes. Defaults are an ordinary one.

    Days count from the day of admission (0). `idle`: only bed, nursing, consultation. `extra`:
    further lines by day. `first_upload`: time of the first 2301; `upload`: lines come at all. `late`: uploads come so
    much later (seconds). `icu`: days spent in intensive care.
    """

    idle: frozenset[int] = frozenset()
    extra: Mapping[int, Sequence[Given]] = field(default_factory=dict)
    first_upload: int | None = None
    upload: bool = True
    late: int = 0
    orders: bool = True
    discharge: bool = True
    discharge_last: bool = False  # 2402 only just before the settlement
    way: str = "1"
    settle: bool = True
    settle_at: int | None = None
    listed: bool = True
    listed_after: int = 0
    adm_way: str = "2"
    planned_return: bool = False
    newborn: int | None = None
    by_day: bool = False
    icu: frozenset[int] = frozenset()
    mid_on: tuple[int, ...] = ()
    redo: bool = False
    extra_diagnoses: tuple[tuple[str, str], ...] = ()
    operation: tuple[str, str] | None = None
    bill_no: str = ""
    bill_code: str = ""
    take_home: bool = False
    admit: bool = True
    admit_at: int | None = None
    #: Moved to another bed: when (seconds), which.
    moved: tuple[int, str] | None = None
    #: Done to the stay in the minutes before it is settled (given its time).
    correct: Callable[[Stay, int], None] | None = None


def day_lines(stay: Stay, day: int, dice: Dice, course: Course) -> list[Given]:
    """What is given on a day of a stay (0 first). The day of discharge has no bed."""
    ill = stay.illness
    midnight = (stay.first_day + day) * DAY
    begin = max(stay.begin, midnight + 7 * HOUR)
    same_day = stay.first_day == stay.last_day
    last = stay.first_day + day == stay.last_day
    close = stay.end if last else midnight + 22 * HOUR
    span = max(1, close - begin)
    u = dice.u
    lines: list[Given] = []
    if not last or same_day:
        at_night = (
            min(midnight + 23 * HOUR, stay.end) if same_day else max(midnight + 23 * HOUR, stay.begin + 60)
        )
        if day in course.icu:
            lines.append((BED_ICU, 1, at_night))
        else:
            lines.append((BED, 1, at_night))
        lines.append(
            (
                NURSING_1 if day in course.icu or (day < 2 and ill.operation) else NURSING_2,
                1,
                at_night - 30 * MINUTE,
            )
        )
        lines.append((WARD_ROUND, 1, min(begin + 30 * MINUTE, at_night)))
        if DATE[stay.first_day + day][5:7] in ("12", "01", "02"):
            lines.append((HEATING, 1, at_night))
    lines += course.extra.get(day, ())
    if day in course.idle:
        return lines
    if last and not same_day:
        lines.append((ill.drugs[0], 1, begin + min(span - 1, 20 * MINUTE)))
        return lines
    for drug in ill.drugs:
        lines.append((drug, 1 + int(u() * 2) if drug.days <= 3 else 1, begin + int(u() * span)))
    for care in ill.care:
        lines.append((care, 1 + int(u() * 2) if care.unit == "次" else 1, begin + int(u() * span)))
        if care.name == "静脉输液":
            lines.append((INFUSION_SET, 1, begin + int(u() * span)))
    if day == 0:
        lines += [(lab, 1, begin + int(u() * span)) for lab in ill.labs]
        lines += [(exam, 1, begin + int(u() * span)) for exam in ill.exams]
    elif day % 3 == 0:
        lines.append((BLOOD, 1, begin + int(u() * span)))
    if day == (0 if same_day else 1) and ill.operation:
        when = begin + span // 3
        lines += [(ill.operation[2], 1, when), (ANAESTHESIA, 1, when)]
        if ill is CATARACT_CASE:
            lines.append((LENS, 1, when))
        if ill is HERNIA_CASE:
            lines.append((MESH, 1, when))
    if day in course.icu:
        lines += [(ECG_MONITOR, 24, begin + span // 2), (SPO2_MONITOR, 24, begin + span // 2)]
    return lines


def run(stay: Stay, dice: Dice, course: Course | None = None) -> Stay:
    """Lives a stay: everything up to the settlement list, in order of time.

    Uploads come the next early morning (the last one at discharge), or later by `late`, but always before the
    settlement that covers them.
    """
    course = course or Course()
    u = dice.u
    if course.admit:
        stay.admit(course.admit_at if course.admit_at is not None else stay.begin + 300 + int(u() * 1500))
    if course.moved:
        stay.change(course.moved[0], bed=course.moved[1])
    days = stay.last_day - stay.first_day + 1
    orders = course.orders and stay.place.orders
    settle_at = course.settle_at if course.settle_at is not None else stay.end + 1800 + int(u() * 5400)
    first_midnight = stay.first_day * DAY
    if orders:
        ill = stay.illness
        stop = stay.end
        idle = sorted(course.idle)
        if idle:
            stop = (stay.first_day + idle[0]) * DAY - 2 * HOUR
        if stop > stay.begin:
            stay.ordered(
                [(drug, stay.begin + HOUR, max(stop, stay.begin + HOUR)) for drug in ill.drugs[:2]],
                stay.begin + 2 * HOUR + int(u() * 3600),
            )
        if ill.labs:
            stay.reported(ill.labs[0], stay.begin + HOUR, stay.begin + 5 * HOUR + int(u() * 9000))
        if ill.exams:
            stay.reported(ill.exams[0], stay.begin + HOUR, stay.begin + 8 * HOUR + int(u() * 9000))
        if u() < 0.3:
            stay.vitals(stay.begin + 1800, stay.begin + 3 * HOUR)
    earliest = course.first_upload or 0
    mids = set(course.mid_on)
    waiting: list[Given] = []
    previous = 0
    for day in range(days):
        lines = day_lines(stay, day, dice, course)
        last = day == days - 1
        if last:
            seen = max(stay.end - 600 - int(u() * 600), stay.begin + 1800) + min(course.late, 1200)
        else:
            seen = first_midnight + (day + 1) * DAY + 600 + int(u() * 6 * HOUR) + course.late
        seen = max(seen, earliest, previous + 5)
        if seen >= settle_at - 900:
            seen = settle_at - 1500 + day % 500
        seen = max(seen, previous + 5)
        waiting += lines
        if not course.upload:
            waiting = []
        if waiting and not (u() < 0.03 and not last and day not in mids and day > 0):
            stay.upload(waiting, seen)
            waiting = []
        previous = seen
        if day in mids and not last:
            stay.settle(seen + 600, mid=True)
            if course.listed:
                stay.listed(seen + 2 * DAY, adm_way=course.adm_way, by_day=course.by_day, way="9")
    if course.take_home and stay.illness.drugs:
        stay.upload(
            [(drug, 2, stay.end - 300) for drug in stay.illness.drugs[:1]], settle_at - 800, take_home=True
        )
    if course.correct:
        course.correct(stay, settle_at - 700)
    if course.discharge:
        seen = min(stay.end + 300 + int(u() * 900), settle_at - 30)
        stay.discharge(settle_at - 100 if course.discharge_last else seen, way=course.way)
    if course.settle:
        stay.settle(settle_at)
        if course.redo:
            stay.unsettle(settle_at + 2 * HOUR)
            stay.settle(settle_at + 2 * HOUR + 900)
        if course.listed:
            icu = sorted(course.icu)
            stay.listed(
                settle_at + DAY + course.listed_after + int(u() * 30 * HOUR),
                adm_way=course.adm_way,
                planned_return=course.planned_return,
                newborn=course.newborn,
                by_day=course.by_day or stay.illness is SCHIZOPHRENIA,
                way=course.way,
                extra=course.extra_diagnoses,
                operation=course.operation,
                bill_no=course.bill_no,
                bill_code=course.bill_code,
                icu=(
                    first_midnight + icu[0] * DAY + 10 * HOUR,
                    first_midnight + (icu[-1] + 1) * DAY + 9 * HOUR,
                )
                if icu
                else None,
            )
    return stay


def lines_of(stay: Stay, *codes: str) -> list[Line]:
    """The stay's standing lines of these codes."""
    return [line for line in stay.lines if line.item.code in codes]
