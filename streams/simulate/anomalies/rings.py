"""People who come together: rings at four strengths, and those who have every reason to.

A ring has no trade of its own: its members are seen for what everybody has, each visit is as it should be, and only that they always
arrive within half an hour of each other is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.anomalies.houses import STRENGTHS, House, Sector
from streams.simulate.care import clinic_visit
from streams.simulate.catalogue import Item
from streams.simulate.clock import DAY, HOUR, weekday
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.life import fitting
from streams.simulate.people import Person, relate
from streams.simulate.truth import Label

#: Of the ordinary honest houses, one in so many has a ring among its patients, and one in so many a group that looks like one.
RING_OF = LOOKALIKE_OF = 8

#: Minutes within which a group arrives.
_TOGETHER = 25

_CLINIC = [illness for illness, weight in cat.CLINIC_ILLNESSES for _ in range(weight) if not illness.sex]


def rings(county: County, sector: Sector) -> list[Label]:
    """Lives all groups. Who has a ring is told apart (`hosts`): whether the house is in it is open."""
    labels: list[Label] = []
    for number, house in enumerate(hosts(county, sector)):
        turn = number + 7 * county.world.seed
        dice = Dice(county.world.seed, 30, 0, number)
        labels.append(_ring(county, house, STRENGTHS[turn % len(STRENGTHS)], dice))
    for number, house in enumerate(_ordinary(sector)[5::LOOKALIKE_OF]):
        kind = LOOKALIKES[(number + county.world.seed) % len(LOOKALIKES)]
        members = kind(county, house, Dice(county.world.seed, 30, 1, number))
        labels.append(_label(house, members, kind.__name__))
    return labels


def hosts(county: County, sector: Sector) -> list[House]:
    """The houses where a ring meets: none in a clean world."""
    return _ordinary(sector)[2::RING_OF] if county.world.planted else []


def outings(strength: float) -> int:
    """Dates on which a ring of a strength comes: 3, 5, 7, 12."""
    return 2 + int(2.5 * strength + 0.5)


def _ordinary(sector: Sector) -> list[House]:
    return [house for house in sector.houses if house.kind == "ordinary" and not house.doctor]


def _label(house: House, members: Sequence[Person], kind: str, strength: float = 0.0) -> Label:
    subject = f"{house.place.code}:{';'.join(sorted(person.psn_no for person in members))}"
    return Label("ring", subject, int(strength > 0), kind, strength)


def _ring(county: County, house: House, strength: float, dice: Dice) -> Label:
    members = [_person(county, house, dice, 35 + dice.below(40)) for _ in range(dice.between(4, 7))]
    for day in _days(county, dice, outings(strength)):
        _come(county, house, members, day, dice)
    _alone(county, house, members, dice)
    return _label(house, members, "ring", strength)


# -- those who have every reason to -------------------------------------------------------------------------------


def family(county: County, house: House, dice: Dice) -> list[Person]:
    """Parents and grown children, who take each other along."""
    father, mother = (_person(county, house, dice, 60 + dice.below(6), known=False) for _ in range(2))
    children = [_person(county, house, dice, 30 + dice.below(6), known=False) for _ in range(2)]
    since = county.world.first - 4000
    relate(father, mother, "spouse", since)
    for child in children:
        relate(father, child, "child", since)
        relate(mother, child, "child", since)
    members = [father, mother, *children]
    for person in members:
        registry.resident(county, person, county.world.first * DAY)
    for day in _days(county, dice, 8):
        _come(county, house, members, day, dice)
    return members


def dialysis_shift(county: County, house: House, dice: Dice) -> list[Person]:
    """The early shift on Monday, Wednesday and Friday."""
    members = [_person(county, house, dice, 50 + dice.below(25)) for _ in range(6)]
    for day in range(county.world.first + 2, county.world.last - 3):
        if weekday(day) in (0, 2, 4):
            for person in members:
                _visit(
                    county,
                    house,
                    person,
                    _at(day, 7, dice),
                    ("N18.500", "慢性肾脏病5期"),
                    [(cat.DIALYSIS, 1)],
                    dice,
                )
    return members


def chemotherapy_cycle(county: County, house: House, dice: Dice) -> list[Person]:
    """Every three weeks on the ward's infusion day."""
    members = [_person(county, house, dice, 45 + dice.below(30)) for _ in range(4)]
    for day in range(county.world.first + 5, county.world.last - 3, 21):
        for person in members:
            _visit(
                county,
                house,
                person,
                _at(day, 8, dice),
                ("Z51.102", "恶性肿瘤维持性化学治疗"),
                [(cat.CHEMO_CARE, 1)],
                dice,
            )
    return members


def nursing_home(county: County, house: House, dice: Dice) -> list[Person]:
    """The home's bus brings them, twice a month."""
    members = [
        _person(county, house, dice, 76 + dice.below(15), at=f"测试县第{house.place.code[-2:]}养老院")
        for _ in range(7)
    ]
    for day in range(county.world.first + 3, county.world.last - 3, 14):
        _come(county, house, members, day, dice)
    return members


def school_class(county: County, house: House, dice: Dice) -> list[Person]:
    """A class with its teacher, on four days."""
    members = [
        _person(county, house, dice, 8, at=f"测试县第{house.place.code[-2:]}小学三年级") for _ in range(9)
    ]
    for day in _days(county, dice, 4):
        for person in members:
            _visit(county, house, person, _at(day, 9, dice), ("Z02.000", "入学体检"), [], dice)
    return members


def prescription_day(county: County, house: House, dice: Dice) -> list[Person]:
    """Their drugs last four weeks and end on the same day; they come when it suits them on that day."""
    members = [_person(county, house, dice, 55 + dice.below(25)) for _ in range(6)]
    for day in range(county.world.first + 4, county.world.last - 3, 28):
        for person in members:
            t = day * DAY + 8 * HOUR + int(dice.u() * 8.5 * HOUR)
            _visit(
                county,
                house,
                person,
                t,
                ("I10.x00", "特发性高血压"),
                [(drug, 1) for drug in cat.CHRONICS[0].drugs],
                dice,
            )
    return members


LOOKALIKES: tuple[Callable[[County, House, Dice], list[Person]], ...] = (
    family, dialysis_shift, chemotherapy_cycle, nursing_home, school_class, prescription_day,
)  # fmt: skip


# -- how they come ------------------------------------------------------------------------------------------------


def _person(
    county: County, house: House, dice: Dice, age: int, *, at: str = "", known: bool = True
) -> Person:
    person = county.residents.person(
        dice, age=age, insutype="390", village=dice.pick(house.villages), healthy=True
    )
    person.emp_name = at
    if known:
        registry.resident(county, person, county.world.first * DAY)
    return person


def _days(county: County, dice: Dice, count: int) -> list[int]:
    """So many days without a pattern, spread over the whole time, none on a Sunday."""
    first, span = county.world.first + 2, (county.world.days - 6) // count
    days = [first + n * span + dice.below(max(1, span - 1)) for n in range(count)]
    return [day - 1 if weekday(day) == 6 else day for day in days]


def _at(day: int, hour: int, dice: Dice) -> int:
    return day * DAY + hour * HOUR + int(dice.u() * _TOGETHER * 60)


def _come(county: County, house: House, members: Sequence[Person], day: int, dice: Dice) -> None:
    """All but a few of them, one after another."""
    hour = dice.between(8, 16)
    for person in members:
        if dice.u() < 0.95:
            _ordinary_visit(county, house, person, day, _at(day, hour, dice), dice)


def _alone(county: County, house: House, members: Sequence[Person], dice: Dice) -> None:
    """Everybody is ill on days of their own too."""
    for person in members:
        for day in _days(county, dice, dice.between(1, 3)):
            t = day * DAY + 8 * HOUR + int(dice.u() * 8.5 * HOUR)
            _ordinary_visit(county, house, person, day, t, dice)


def _ordinary_visit(county: County, house: House, person: Person, day: int, t: int, dice: Dice) -> None:
    illness = fitting(_CLINIC, person, day, dice)
    if illness is not None:
        items = [(drug, 1) for drug in illness.drugs[:1]]
        _visit(county, house, person, t, (illness.code, illness.name), items, dice)


def _visit(
    county: County, house: House, person: Person, t: int, sickness: tuple[str, str], items: list[tuple[Item, int]], dice: Dice
) -> None:  # fmt: skip
    clinic_visit(county, person, dice, t, sickness, house.place.depts[0], items, place=house.place)
