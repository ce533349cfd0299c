"""What no exact rule decides: each kind bends some of the stays of a house, or of a doctor, into its shape.

Strength 1 bends `UNIT` of an institution's stays, strength 4 four times as many; of a doctor's, `DOCTOR_UNIT`. Bent stays take the place of
ordinary ones, so that a house is not larger for what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from streams.simulate import catalogue as cat
from streams.simulate.anomalies.houses import House
from streams.simulate.catalogue import Illness, Item
from streams.simulate.clock import DATE, DAY, HOUR, weekday
from streams.simulate.course import Course
from streams.simulate.dice import Dice
from streams.simulate.life import fitting
from streams.simulate.people import Person
from streams.simulate.stay import Given

#: Share of its stays that strength 1 bends: of an institution, of a doctor.
UNIT, DOCTOR_UNIT = 0.10, 0.25

#: Hours a day that a doctor of strength 4 bills.
HOURS = 30

#: Public holidays that move little, and are free of admissions where nobody is in a hurry.
_HOLIDAYS = ("01-01", "01-02", "05-01", "05-02", "05-03", "10-01", "10-02", "10-03", "10-04")

#: The same items on everybody's bill.
BUNDLE = (cat.LIPID, cat.ECG, cat.ULTRASOUND, cat.XUESAITONG, cat.REHABILITATION)
FIVE_DRUGS = (cat.CITICOLINE, cat.XUESAITONG, cat.HEPARIN, cat.OMEPRAZOLE, cat.BUDESONIDE)
_HANDS_ON = (cat.ACUPUNCTURE, cat.MASSAGE, cat.REHABILITATION)
_MILD = [cat.GASTRITIS, cat.DIABETES, cat.CORONARY, cat.BRONCHITIS]


@dataclass(slots=True)
class Case:
    """A stay that is about to begin. `waived`: the house lets the patient off; `back`: returns so many days after, with that illness."""

    person: Person
    day: int
    nights: int
    illness: Illness
    dept: str
    doctor: str
    course: Course = field(default_factory=Course)
    ipt_type: str = "1"
    med_type: str = "21"
    waived: bool = False
    back: tuple[int, Illness] | None = None
    together: bool = False  # waits until a group is complete
    #: Further lines by day of the stay: item, count, hour of the day.
    added: dict[int, list[tuple[Item, int, int]]] = field(default_factory=dict)


def bend(case: Case, house: House, dice: Dice) -> None:
    """Bends a case, if it is one of those."""
    if house.does and dice.chance(UNIT * house.strength):
        _ACTS[house.does](case, house, dice)
    if house.doctor and case.doctor == house.doctor:
        _ACTS[house.doctor_does](case, house, dice)


def needless_admissions(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """A bed for what a tablet would do: two nights, hardly any treatment."""
    mild = fitting(_MILD, case.person, case.day, dice)
    if mild:
        case.illness, case.nights = _lighter(mild), dice.between(1, 2)
        case.course.adm_way, case.ipt_type = "2", "1"


def lengthened_stays(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """Two thirds more nights, with a little care on each."""
    case.nights += max(3, case.nights * 2 // 3)


def padded_bills(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """The same items on everybody's bill, every other day."""
    _add(
        case,
        {n: [(item, 1, 10 + k) for k, item in enumerate(BUNDLE)] for n in range(0, max(1, case.nights), 2)},
    )


def waived_cash(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """The patient pays nothing of what is his to pay."""
    case.waived = True


def examination_stays(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """A check-up in a bed: everything measured, nothing treated."""
    if case.illness.operation is None:
        case.illness, case.nights = _examined(case.illness), dice.between(3, 4)


def readmissions(case: Case, house: House, dice: Dice) -> None:
    """Back in eight to fifteen days, for something of another chapter."""
    case.back = (dice.between(8, 15), other_chapter(case.illness, house, dice))


def other_chapter(illness: Illness, house: House, dice: Dice) -> Illness:
    """Another illness that the house treats and anybody may have, of another chapter: coming back with it is no split stay."""
    others = [
        other
        for other, _ in house.profile.mix
        if other.code[0] != illness.code[0]
        and other.operation is None
        and not other.sex
        and other.ages[1] > 100
    ]
    return dice.pick(others) if others else (cat.DIABETES if illness.code[0] != "E" else cat.GASTRITIS)


def bulk_admissions(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """Fetched together: one village, or one employer, on one day."""
    case.together = True
    if int(house.place.code[-5:]) % 2:
        case.person.village = house.villages[0]
    else:
        case.person.insutype = case.person.periods[0].insutype = "310"
        case.person.psn_type, case.person.emp_name = "11", f"测试单位{house.place.code[-4:]}"


def weekend_bursts(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """When nobody is looking."""
    case.day += (5 - weekday(case.day)) % 7 + dice.below(2) if weekday(case.day) < 5 else 0
    case.course.adm_way, case.ipt_type = "2", "1"


def five_drugs(case: Case, house: House, dice: Dice) -> None:
    """Whatever the patients have, they all need the same five drugs."""
    if case.illness.operation is None and dice.chance(DOCTOR_UNIT * house.strength):
        case.illness = _drugged(case.illness)


def thirty_hours(case: Case, house: House, dice: Dice) -> None:  # noqa: ARG001
    """Half-hours of treatment with the doctor's own hands, more than a day has: spread over his patients, day and night."""
    inside = max(
        1.0, house.monthly * house.load(case.dept) * 7 / 30
    )  # of his patients, a week each, on a day
    half_hours = max(1, int(HOURS * house.strength / 4 * 2 / inside + 0.5))
    lines = [(_HANDS_ON[k % 3], 1, 8 + k * 9 // 4 % 15) for k in range(min(half_hours, 20))]
    _add(case, dict.fromkeys(range(max(1, case.nights)), lines))


_ACTS: dict[str, Callable[[Case, House, Dice], None]] = {
    act.__name__: act
    for act in (
        needless_admissions, lengthened_stays, padded_bills, waived_cash, examination_stays, readmissions, bulk_admissions,
        weekend_bursts, five_drugs, thirty_hours,
    )
}  # fmt: skip


def free_day(day: int) -> bool:
    """A Saturday, Sunday or public holiday (day number)."""
    return weekday(day) >= 5 or DATE[day][5:] in _HOLIDAYS


def _add(case: Case, lines: dict[int, list[tuple[Item, int, int]]]) -> None:
    for day, some in lines.items():
        case.added.setdefault(day, []).extend(some)


def extra_lines(case: Case) -> dict[int, list[Given]]:
    """What is added, at its times. The day of admission begins in the evening."""
    return {
        day: [
            (item, count, (case.day + day) * DAY + (max(hour, 18) if day == 0 else hour) * HOUR + 60 * n)
            for n, (item, count, hour) in enumerate(some)
        ]
        for day, some in case.added.items()
    }


@lru_cache(maxsize=64)
def _lighter(illness: Illness) -> Illness:
    return replace(illness, drugs=illness.drugs[:1], labs=illness.labs[:1], exams=(), care=())


@lru_cache(maxsize=64)
def _examined(illness: Illness) -> Illness:
    return replace(illness, drugs=illness.drugs[:1], labs=cat.LABS, exams=cat.EXAMS, care=())


@lru_cache(maxsize=64)
def _drugged(illness: Illness) -> Illness:
    return replace(illness, drugs=FIVE_DRUGS)
