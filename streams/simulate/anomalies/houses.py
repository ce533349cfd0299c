"""The institutions of the anomaly models' county: who they are, how large, what they do that they should not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.simulate.anomalies.profiles import GENERAL, UNUSUAL, Profile
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.people import HOME
from streams.simulate.places import Place, counter
from streams.simulate.truth import Label

#: One institution of so many is honest but unusual; of the others one of so many misbehaves, and one of so many has
#: a doctor who does.
UNUSUAL_OF, MISBEHAVING_OF, DOCTOR_OF = 12, 8, 16

#: How strongly; 1 is `streams.simulate.anomalies.misconduct.UNIT` of the stays.
STRENGTHS = (0.5, 1.0, 2.0, 4.0)

#: What institutions do, and doctors.
INSTITUTIONS_DO = (
    "needless_admissions", "lengthened_stays", "padded_bills", "waived_cash", "examination_stays", "readmissions",
    "bulk_admissions", "weekend_bursts",
)  # fmt: skip
DOCTORS_DO = ("five_drugs", "thirty_hours")

#: Where codes of institutions and villages begin, so that none is one of the old county's.
_FIRST_CODE, _FIRST_VILLAGE = 5001, 1000


@dataclass(frozen=True, slots=True)
class Habits:
    """How an honest house differs from the next. Shares of its stays; factors on what is usual."""

    nights: float  # factor on the length of a stay
    short: float  # watched for a night or two and sent home
    examined: float  # one more examination
    returned: float  # back within a month for something else
    weekend: float  # factor on admissions on Saturdays and Sundays
    waived: float  # the house lets the patient off, as it may for the poor
    assisted: float  # poor, paid for by medical assistance
    emergency: float

    @classmethod
    def drawn(cls, dice: Dice) -> Habits:
        u = dice.u
        return cls(0.92 + 0.16 * u(), 0.02 + 0.04 * u(), 0.15 * u(), 0.01 + 0.02 * u(), 0.45 + 0.35 * u(), 0.01 * u(),
                   0.02 + 0.06 * u(), 0.10 + 0.10 * u())  # fmt: skip


@dataclass(slots=True, eq=False)
class House:
    """An institution. `monthly`: stays in 30 days; `does`: its misconduct; `doctor` does `doctor_does`."""

    place: Place
    profile: Profile
    monthly: int
    habits: Habits
    villages: tuple[int, ...]
    does: str = ""
    strength: float = 0.0
    doctor: str = ""
    doctor_does: str = ""

    @property
    def kind(self) -> str:
        return self.does or ("ordinary" if self.profile.kind == "general" else self.profile.kind)

    def load(self, dept: str) -> float:
        """Share of the house's stays that a doctor of this department has."""
        depts = self.place.depts
        of = dict.fromkeys(depts, 0.0)
        total = sum(weight for _, weight in self.profile.mix)
        for illness, weight in self.profile.mix:
            for code in (illness.dept,) if illness.dept in of else depts:
                of[code] += weight / total / (1 if illness.dept in of else len(depts))
        return of[dept] / len(self.place.doctors[dept])

    def busy(self) -> list[str]:
        """The doctors with at least half as many patients as the busiest."""
        loads = {dept: self.load(dept) for dept in self.place.depts}
        most = max(loads.values())
        return [
            doctor
            for dept in self.place.depts
            if loads[dept] >= most / 2
            for doctor in self.place.doctors[dept]
        ]

    def labels(self) -> Iterator[Label]:
        """Who of this house is labelled. Nobody where it is open whose doing it is: a planted doctor's house, a bad house's doctors."""
        if not self.doctor:
            yield Label("institution", self.place.code, int(bool(self.does)), self.kind, self.strength)
        if self.does:
            return
        for doctor in sorted({code for some in self.place.doctors.values() for code in some}):
            if doctor == self.doctor:
                yield Label("practitioner", doctor, 1, self.doctor_does, self.strength)
            elif not self.doctor:
                yield Label("practitioner", doctor, 0, self.kind)


@dataclass(slots=True)
class Sector:
    """All houses, in order of their codes."""

    houses: list[House] = field(default_factory=list)


def build(county: County) -> Sector:
    """As many institutions as the world asks for. Who misbehaves does not depend on size, and size not on who misbehaves."""
    world = county.world
    dice = Dice(world.seed, 20)
    sector = Sector()
    bad = doctors = odd = 0
    for number in range(world.institutions):
        unusual = number % UNUSUAL_OF == UNUSUAL_OF - 1 or number == 0
        profile = _unusual(odd) if unusual else dice.pick(GENERAL)
        odd += unusual
        house = _house(number, profile, dice)
        sector.houses.append(house)
        if unusual or not world.planted:
            continue
        if number % MISBEHAVING_OF == 5:
            house.does, house.strength = _turn(bad, world.seed, INSTITUTIONS_DO)
            bad += 1
        elif number % DOCTOR_OF == 9:
            house.doctor = dice.pick(house.busy())
            house.doctor_does, house.strength = _turn(doctors, world.seed, DOCTORS_DO)
            doctors += 1
    return sector


def _unusual(number: int) -> Profile:
    """The so-manieth of the unusual ones: the county's referral hospital first, and only once, the others in turn."""
    if number == 0:
        return next(profile for profile in UNUSUAL if profile.kind == "referral_hospital")
    others = [profile for profile in UNUSUAL if profile.kind != "referral_hospital"]
    return others[(number - 1) % len(others)]


def _turn(number: int, seed: int, kinds: tuple[str, ...]) -> tuple[str, float]:
    """Kind and strength of the so-manieth: all combinations in turn, begun elsewhere for each seed."""
    turn = number + 11 * seed
    return kinds[turn % len(kinds)], STRENGTHS[(turn // len(kinds) + turn) % len(STRENGTHS)]


def _house(number: int, profile: Profile, dice: Dice) -> House:
    u = dice.u
    serial = _FIRST_CODE + number
    monthly = dice.pick(profile.sizes)
    place = Place(
        f"H{HOME}{serial:05d}", f"测试县第{number + 1}{profile.name}", "1", profile.level, HOME, profile.tier,
        beds=max(12, monthly * 9 * 13 // 300), longitude=110.0 + int(u() * 300) / 1000, latitude=33.0 + int(u() * 250) / 1000,
        numbers=number % 3 == 2, depts=profile.depts,
    )  # fmt: skip
    made = 0
    for dept in profile.depts:
        count = 1 + monthly // (8 * len(profile.depts))
        place.doctors[dept] = [f"D{HOME}{serial}{made + n + 1:03d}" for n in range(count)]
        made += count
    place.counters = [counter(place, desk) for desk in range(2 if monthly < 60 else 4)]
    near = _FIRST_VILLAGE + number * 3
    villages = tuple(near + n for n in range(profile.villages))
    return House(place, profile, monthly, Habits.drawn(dice), villages)
