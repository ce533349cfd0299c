"""The stage for plants: residents of their own, ordinary visits to turn knobs on, and the telling of the truth.

A behaviour is one function of a `Scene`: it lives what happens, and says with `tell` what a rule should make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Illness, Item
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR, weekday
from streams.simulate.county import County
from streams.simulate.course import Course, run
from streams.simulate.dice import Dice
from streams.simulate.people import Person, certificate, relate
from streams.simulate.places import Counter, Place, Places
from streams.simulate.plants.script import LATE, REDO, Behaviour
from streams.simulate.sale import Sale
from streams.simulate.stay import Stay
from streams.simulate.truth import Plant
from streams.simulate.wards import open_stay


@dataclass(slots=True)
class Scene:
    """One plant being lived."""

    county: County
    dice: Dice
    behaviour: Behaviour
    number: int
    disguise: str
    people: list[Person] = field(default_factory=list)
    quiet: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    still: set[int] = field(default_factory=set)  # numbers of persons without any ordinary life
    truth: list[Plant] = field(default_factory=list)

    @property
    def places(self) -> Places:
        return self.county.places

    @property
    def hospital(self) -> Place:
        """A county hospital, each in turn."""
        return self.places.county[self.number % len(self.places.county)]

    @property
    def township(self) -> Place:
        """A township hospital that uploads orders and has no outages, each in turn."""
        sound = [place for place in self.places.townships if place.orders and not place.outages]
        return sound[self.number % len(sound)]

    @property
    def pharmacy(self) -> Place:
        return self.places.pharmacies[self.number % len(self.places.pharmacies)]

    def other_pharmacy(self, step: int = 1) -> Place:
        return self.places.pharmacies[(self.number + step) % len(self.places.pharmacies)]

    # -- who and when -------------------------------------------------------------------------------------------

    def person(self, *, gend: str | None = None, age: int | None = None, insutype: str = "310") -> Person:
        """A resident reserved for this plant, insured since long ago, in good health, with money on the account."""
        person = self.county.residents.person(
            self.dice,
            gend=gend,
            age=age if age is not None else 30 + self.dice.below(35),
            insutype=insutype,
            healthy=True,
        )
        person.psn_type = "11" if insutype == "310" else "15"
        person.account = 500000 if insutype == "310" else 0
        person.dead = None
        self.people.append(person)
        return person

    def married(self) -> tuple[Person, Person]:
        """A couple that the family registry knows; the first has the account."""
        owner, partner = self.person(age=45), self.person(age=44, insutype="390")
        relate(owner, partner, "spouse", self.county.world.first - 3000)
        return owner, partner

    def newborn(self, day: int) -> Person:
        """A resident born on a day number, insured from then on."""
        baby = self.person(age=0, insutype="390")
        baby.born, baby.periods[0].begin = day, day
        baby.certno = certificate(day, baby.gend == "1", baby.number)
        self.alone(baby)
        return baby

    def day(self, span: int, *, on: int | None = None, lead: int = 4, tail: int = 9) -> int:
        """A first day so that `span` days fit into the world, with time for what falls due. `on`: a weekday (0 Monday)."""
        world = self.county.world
        low, high = world.first + lead, world.last - tail - span
        day = low + self.dice.below(max(1, high - low))
        if on is not None:
            day -= (weekday(day) - on) % 7
            if day < low:
                day += 7
        return day

    def hush(self, person: Person, begin: int, end: int) -> None:
        """No ordinary life of that person in these days (day numbers)."""
        self.quiet.setdefault(person.number, []).append((begin, end))

    def alone(self, person: Person) -> None:
        """No ordinary life of that person at all."""
        self.still.add(person.number)

    # -- ordinary visits ----------------------------------------------------------------------------------------

    def stay(
        self,
        person: Person,
        day: int,
        nights: int,
        illness: Illness = cat.PNEUMONIA,
        place: Place | None = None,
        *,
        hour: int = 9,
        end_hour: int = 10,
        med_type: str = "21",
        ipt_type: str = "1",
        bed: str = "",
        dept: str = "",
        **knobs: Any,
    ) -> Stay:
        """A whole stay; `knobs` are those of a Course."""
        stay = self.bed(
            person,
            day,
            nights,
            illness,
            place,
            hour=hour,
            end_hour=end_hour,
            med_type=med_type,
            ipt_type=ipt_type,
            bed=bed,
            dept=dept,
        )
        return self.course(stay, **knobs)

    def bed(
        self,
        person: Person,
        day: int,
        nights: int,
        illness: Illness = cat.PNEUMONIA,
        place: Place | None = None,
        *,
        hour: int = 9,
        end_hour: int = 10,
        med_type: str = "21",
        ipt_type: str = "1",
        bed: str = "",
        dept: str = "",
    ) -> Stay:
        """A stay of which nothing is sent yet."""
        begin = day * DAY + hour * HOUR
        end = (day + nights) * DAY + end_hour * HOUR
        self.hush(person, day - 2, day + nights + 3)
        place = place or self.hospital
        return open_stay(
            self.county,
            person,
            place,
            self.dice,
            illness,
            begin,
            end,
            dept=dept,
            med_type=med_type,
            ipt_type=ipt_type,
            bed=bed,
        )

    def course(self, stay: Stay, **knobs: Any) -> Stay:
        """Lives a stay under this scene's disguise."""
        course = Course(**knobs)
        if self.disguise == LATE and not course.late:
            course.late = 9 * HOUR
        if self.disguise == REDO:
            course.redo = True
        return run(stay, self.dice, course)

    def visit(
        self,
        person: Person,
        t: int,
        items: Sequence[tuple[Item, int]] = ((cat.AMOXICILLIN, 1),),
        place: Place | None = None,
        *,
        sickness: tuple[str, str] = ("J06.900", "急性上呼吸道感染"),
        counter: Counter | None = None,
        owner: Person | None = None,
        settle_at: int | None = None,
        settle: bool = True,
        consult: bool = True,
        extra: Sequence[tuple[str, str]] = (),
        med_type: str = "11",
        outside: str = "",
        **how: Any,
    ) -> Clinic:
        """A whole outpatient visit at t (seconds). `how` goes to its settlement."""
        place = place or self.township
        self.hush(person, t // DAY - 1, t // DAY + 1)
        clinic = Clinic(
            self.county,
            person,
            place,
            counter or self.dice.pick(place.counters),
            t,
            sickness,
            place.depts[0],
            med_type,
        )
        late = 26 * HOUR if self.disguise == LATE else 0
        clinic.register(t + late)
        clinic.seen(t + 300 + late, extra)
        given = [(cat.GENERAL if place.tier == 1 else cat.CONSULT, 1), *items] if consult else list(items)
        clinic.charge(given, t + 900 + late, when=t + 900, outside=outside)
        if settle:
            paid = (t + 1100 + late) if settle_at is None else settle_at
            clinic.settle(paid, owner=owner, **how)
            if self.disguise == REDO:
                clinic.unsettle(paid + 900)
                clinic.settle(paid + 1300, owner=owner, **how)
        return clinic

    def buy(
        self,
        person: Person,
        t: int,
        items: Sequence[tuple[Item, int]] = ((cat.IBUPROFEN, 1),),
        place: Place | None = None,
        *,
        owner: Person | None = None,
        counter: Counter | None = None,
        codes: Sequence[Sequence[str]] | None = None,
        opened: bool = False,
        med_type: str = "41",
        booked: bool = True,
        **how: Any,
    ) -> Sale:
        """A purchase at t (seconds). `codes`: trace codes, a list an item. `how` goes to its settlement."""
        place = place or self.pharmacy
        self.hush(person, t // DAY - 1, t // DAY + 1)
        basket = [
            (item, count, codes[n] if codes else [self.county.trace_code(item) for _ in range(count)], opened)
            for n, (item, count) in enumerate(items)
        ]
        sale = Sale(
            self.county,
            person,
            place,
            counter or self.dice.pick(place.counters),
            t,
            basket,
            med_type,
            owner=owner,
        )
        late = 26 * HOUR if self.disguise == LATE else 0
        sale.pay(t + late, **how)
        if self.disguise == REDO:
            sale.cancel(t + 900)
            sale.pay(t + 1200, **how)
        if booked:
            sale.booked(t + late + 1500)
        return sale

    # -- the truth ----------------------------------------------------------------------------------------------

    def tell(
        self,
        expect: int | None,
        text: str,
        anchor: dict[str, str | list[str]],
        *,
        subject: tuple[str, str],
        person: Person | None = None,
        mdtrt_ids: Sequence[str] = (),
        also: Sequence[str] = (),
    ) -> None:
        """What a rule should say: severity (None: nothing), and of what."""
        kind = self.behaviour.kind
        if (kind == "fraud") != (expect is not None):
            raise AssertionError(
                f"{self.behaviour.rule} {self.behaviour.name}: a plant of kind {kind} cannot expect {expect}."
            )
        serial = f"-{len(self.truth) + 1}" if self.truth else ""
        self.truth.append(
            Plant(
                plant_id=f"{self.behaviour.rule}-{kind[0]}{self.number + 1:03d}{serial}",
                rule_code=self.behaviour.rule,
                kind=kind,
                expect=expect,
                subject_type=subject[0],
                subject=subject[1],
                anchor=anchor,
                psn_no=(person or self.people[0]).psn_no,
                mdtrt_ids=list(mdtrt_ids),
                description=text,
                disguise=self.behaviour.hidden or self.disguise,
                variant=self.behaviour.name,
                also=list(also),
            )
        )

    def tell_visit(
        self, expect: int | None, text: str, visit: Stay | Clinic, also: Sequence[str] = ()
    ) -> None:
        """Of a rule whose anchor is a visit."""
        self.tell(
            expect,
            text,
            {"mdtrt_id": visit.mdtrt_id},
            subject=("visit", visit.mdtrt_id),
            person=visit.person,
            mdtrt_ids=[visit.mdtrt_id],
            also=also,
        )

    def tell_two(
        self, expect: int | None, text: str, one: Stay | Clinic, two: Stay | Clinic, also: Sequence[str] = ()
    ) -> None:
        """Of a rule whose anchor is two visits."""
        both = sorted([one.mdtrt_id, two.mdtrt_id])
        self.tell(
            expect,
            text,
            {"mdtrt_ids": list(both)},
            subject=("visit", two.mdtrt_id),
            person=two.person,
            mdtrt_ids=both,
            also=also,
        )

    def tell_settlement(
        self, expect: int | None, text: str, visit: Stay | Clinic | Sale, also: Sequence[str] = ()
    ) -> None:
        """Of a rule whose anchor is a settlement."""
        self.tell(
            expect,
            text,
            {"setl_id": visit.setl_id},
            subject=("visit", visit.mdtrt_id),
            person=visit.person,
            mdtrt_ids=[visit.mdtrt_id],
            also=also,
        )

    def death(self, person: Person, day: int, sources: Sequence[str], after: int = 3) -> None:
        """A death, as these registries hear of it `after` days later."""
        person.dead = day
        for n, source in enumerate(sources):
            registry.death(self.county, person, day, source, (day + after + n) * DAY + 10 * HOUR)
