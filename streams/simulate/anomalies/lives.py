"""A house day by day: who comes, what is done, what is billed."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.anomalies.houses import House
from streams.simulate.anomalies.misconduct import Case, bend, extra_lines, free_day, other_chapter
from streams.simulate.care import clinic_visit
from streams.simulate.catalogue import Chronic, Illness
from streams.simulate.clock import DAY, HOUR, weekday
from streams.simulate.county import County
from streams.simulate.course import Course, run
from streams.simulate.dice import Dice
from streams.simulate.life import fitting
from streams.simulate.money import Bill, Sums
from streams.simulate.people import Person
from streams.simulate.stay import Stay
from streams.simulate.wards import disturb

_CLINIC = [illness for illness, weight in cat.CLINIC_ILLNESSES for _ in range(weight) if not illness.sex]

#: Employers that patients of these houses have; the old county's are too few to tell one from another.
_EMPLOYERS = 300

#: Outpatient visits for each stay.
_OUTPATIENTS = 0.8


class Waived(Stay):
    """A stay whose share of the patient the house gives up."""

    __slots__ = ()

    def price(self, sums: Sums) -> Bill:
        bill = Stay.price(self, sums)
        bill.hosp, bill.psn, bill.acct, bill.cash = bill.psn, 0, 0, 0
        return bill


@dataclass(slots=True)
class HouseLife:
    """A house being lived. `coming`: who is admitted on a later day; `group`: who waits until it is complete."""

    county: County
    house: House
    dice: Dice
    reasons: list[Illness] = field(default_factory=list)
    coming: dict[int, list[Case]] = field(default_factory=dict)
    group: list[Case] = field(default_factory=list)
    known: list[Person] = field(default_factory=list)
    owed: int = 0  # stays that took the place of others to come

    def __post_init__(self) -> None:
        self.reasons = [illness for illness, weight in self.house.profile.mix for _ in range(weight)]

    def live(self) -> None:
        world, house, profile = self.county.world, self.house, self.house.profile
        regulars = [self._patient((45, 80)) for _ in range(profile.on_dialysis * house.monthly // 10)]
        old = [self._patient(profile.ages) for _ in range(profile.regulars * house.monthly // 10)]
        for number, person in enumerate((*regulars, *old)):
            self._meet(person)
            registry.chronic_registered(
                self.county, house.place.counters[0], person, cat.RENAL if number < len(regulars) else cat.CHRONICS[0],
                house.place.doctor(house.place.depts[0], number), world.first - 200, world.first * DAY + 9 * HOUR,
            )  # fmt: skip
        weekend = house.habits.weekend if profile.weekend is None else profile.weekend
        level = 7 / (5 + 2 * weekend)
        for day in range(world.first + 1, world.last - 1):
            rate = (
                house.monthly
                / 30
                * level
                * profile.season(day - world.first)
                * (weekend if free_day(day) else 1.0)
            )
            for _ in range(self._count(rate)):
                self._comes(day)
            for case in self.coming.pop(day, ()):
                self._admit(case)
            for _ in range(self._count(rate * _OUTPATIENTS)):
                self._clinic(day)
            if weekday(day) < 6:
                self._dialyses(day, regulars)
            for number, person in enumerate(old):
                if (day + number) % 28 == 0:
                    self._chronic(day, person, cat.CHRONICS[0])

    def _count(self, rate: float) -> int:
        """How many, nearly Poisson: four chances for each that is expected."""
        tries = int(4 * rate) + 1
        return sum(self.dice.u() * tries < rate for _ in range(tries))

    # -- who comes ----------------------------------------------------------------------------------------------

    def _patient(self, ages: tuple[int, int], illness: Illness | None = None) -> Person:
        dice, house = self.dice, self.house
        low, high = ages
        if illness:
            low, high = max(low, illness.ages[0]), min(high, illness.ages[1])
        old = low + int((high - low) * (1 - (1 - dice.u()) * dice.u()))  # rather old
        near = dice.u() < 0.85
        person = self.county.residents.person(
            dice,
            gend=illness.sex or None if illness else None,
            age=old,
            village=dice.pick(house.villages)
            if near
            else 5000 + dice.below(4 * self.county.world.institutions),
            healthy=True,
        )
        person.dead = None
        person.ident = "2303" if person.insutype == "390" and dice.u() < house.habits.assisted else ""
        if person.emp_name:
            person.emp_name = f"测试单位{1001 + dice.below(_EMPLOYERS)}"
        return person

    def _meet(self, person: Person) -> None:
        """The registries know a patient from the beginning."""
        registry.resident(self.county, person, self.county.world.first * DAY)
        self.known.append(person)

    def _comes(self, day: int) -> None:
        """Somebody needs a bed, or is said to."""
        if self.owed:
            self.owed -= 1
            return
        dice, house, profile = self.dice, self.house, self.house.profile
        u = dice.u
        illness = dice.pick(self.reasons)
        person = self._patient(profile.ages, illness)
        nights = max(0, int(dice.between(*illness.days) * house.habits.nights * profile.stretch + u()))
        if illness.days == (0, 0):
            nights = 0
        case = self._case(person, day, nights, illness)
        if (
            u() < house.habits.short
            and illness.operation is None
            and case.ipt_type != "3"
            and not profile.by_day
        ):
            case.nights = dice.between(1, 2)
        if u() < house.habits.examined and nights:
            case.added = {1: [(dice.pick(cat.EXAMS), 1, 8)]}
        case.waived = u() < house.habits.waived
        if u() < house.habits.returned and not profile.cycle:
            case.back = (dice.between(5, 30), other_chapter(illness, house, dice))
        bend(case, house, dice)
        if case.together:
            self.group.append(case)
            if len(self.group) > 2 + house.monthly // 15:
                for one in self.group:
                    one.day = day
                    self._admit(one)
                self.group.clear()
        elif case.day > day:
            self.coming.setdefault(case.day, []).append(case)
        else:
            self._admit(case)

    def _case(self, person: Person, day: int, nights: int, illness: Illness) -> Case:
        dice, house = self.dice, self.house
        profile, place = house.profile, house.place
        dept = illness.dept if illness.dept in place.depts else dice.pick(place.depts)
        case = Case(person, day, nights, illness, dept, dice.pick(place.doctors[dept]))
        if nights and illness.operation is None and dice.u() < house.habits.emergency:
            case.course.adm_way, case.ipt_type = "1", "2"
        elif dice.u() < profile.transfers:
            case.course.adm_way, case.ipt_type = "3", "3"
            case.nights += case.nights // 4
            if case.nights >= 6:
                case.course.icu = frozenset(range(1, 2 + dice.below(3)))
        if nights == 0:
            case.med_type = "28"
        if profile.by_day:
            case.med_type = "21303"
            case.course.by_day = True
            case.course.mid_on = tuple(range(29, nights, 30))
        if profile.cycle:
            case.course.planned_return = True
            case.course.extra_diagnoses = (("C34.900", "肺恶性肿瘤"),)
            if dice.u() < 0.8:
                case.back = (profile.cycle - nights, illness)
        if illness in (cat.DELIVERY, cat.CAESAREAN_CASE):
            case.med_type = "52"
        return case

    # -- what is done -------------------------------------------------------------------------------------------

    def _admit(self, case: Case) -> None:
        county, house, dice = self.county, self.house, self.dice
        person, place, world = case.person, house.place, self.county.world
        if case.day + case.nights + 4 >= world.last:
            return  # would not be over in this world
        if not person.visits:
            self._meet(person)
        begin = case.day * DAY + 8 * HOUR + int(dice.u() * 9 * HOUR)
        end = (case.day + case.nights) * DAY + 9 * HOUR + int(dice.u() * 5 * HOUR)
        if case.nights == 0:
            begin, end = case.day * DAY + 8 * HOUR, case.day * DAY + 15 * HOUR + int(dice.u() * 3 * HOUR)
        stay = (Waived if case.waived else Stay)(
            county, person, place, dice.pick(place.counters), case.illness, begin, end, case.dept,
            place.bed(case.dept, case.day, case.day + case.nights, world.first - 400), case.med_type, case.ipt_type,
            dice.pick(("01", "01", "02", "03")), doctor=case.doctor,
        )  # fmt: skip
        case.course.extra = extra_lines(case)
        if not case.course.mid_on:  # what is settled month by month is not settled anew
            disturb(stay, case.course, dice)
        run(stay, dice, case.course)
        if case.back:
            self._returns(case)

    def _returns(self, case: Case) -> None:
        """The same person again, in the place of somebody else."""
        assert case.back
        gap, illness = case.back
        day = case.day + case.nights + gap
        nights = max(1, int(self.dice.between(*illness.days) * self.house.habits.nights))
        again = self._case(case.person, day, nights, illness)
        if not self.house.profile.cycle:
            again.course = Course()
            again.ipt_type = "1"
        self.coming.setdefault(day, []).append(again)
        self.owed += 1

    # -- outpatients --------------------------------------------------------------------------------------------

    def _clinic(self, day: int) -> None:
        dice, house = self.dice, self.house
        person = self._patient((5, 85))
        illness = fitting(_CLINIC, person, day, dice)
        if illness is None or house.profile.kind in ("dialysis", "oncology", "psychiatric", "maternity"):
            return
        self._meet(person)
        t = day * DAY + 8 * HOUR + int(dice.u() * 8.5 * HOUR)
        items = [(drug, 1) for drug in illness.drugs[: 1 + dice.below(2)]]
        items += [(care, 1) for care in illness.care[:1]]
        dept = illness.dept if illness.dept in house.place.depts else dice.pick(house.place.depts)
        clinic_visit(
            self.county, person, dice, t, (illness.code, illness.name), dept, items, place=house.place
        )

    def _dialyses(self, day: int, regulars: list[Person]) -> None:
        """Dialysis: half of the patients on Monday, Wednesday and Friday, half on the other days."""
        for number, person in enumerate(regulars):
            if weekday(day) % 2 == number % 2:
                t = day * DAY + 7 * HOUR + 1800 + int(self.dice.u() * 7 * HOUR)
                clinic_visit(
                    self.county, person, self.dice, t, ("N18.500", "慢性肾脏病5期"), "A03.06",
                    [(cat.DIALYSIS, 1), (cat.HEPARIN, 1)], place=self.house.place, chronic=cat.RENAL,
                )  # fmt: skip

    def _chronic(self, day: int, person: Person, disease: Chronic) -> None:
        t = day * DAY + 8 * HOUR + int(self.dice.u() * 8 * HOUR)
        clinic_visit(
            self.county, person, self.dice, t, (disease.icd, disease.name), self.house.place.depts[0],
            [(drug, 1) for drug in disease.drugs], place=self.house.place, chronic=disease,
        )  # fmt: skip
