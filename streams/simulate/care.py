"""The ordinary life of a resident: clinics, pharmacies, chronic disease, death.

Ordinary life breaks no rule: no visit falls into a stay, nobody is at two places, nothing is charged twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Chronic, Item
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR, weekday
from streams.simulate.county import County
from streams.simulate.dice import Dice
from streams.simulate.life import Life, fitting, rates
from streams.simulate.people import Person, kin
from streams.simulate.places import Place
from streams.simulate.sale import Sale, Sold
from streams.simulate.stay import face_check
from streams.simulate.wards import plan_stays

_REASONS = [illness for illness, weight in cat.CLINIC_ILLNESSES for _ in range(weight)]


def live(
    county: County, person: Person, dice: Dice, *, quiet: Iterable[tuple[int, int]] = (), stays: bool = True
) -> None:
    """Lives the whole world's time of a person. `quiet`: day ranges with nothing of it; `stays`: may go to hospital."""
    world = county.world
    years = world.days / 365
    life = Life(county, person, dice, world.first + 1, world.last - 1)
    clinics, shops, stay_rate, death_rate = rates(person.age(world.first))
    u = dice.u
    if stays and u() < death_rate * years:
        person.dead = world.first + 20 + dice.below(max(1, world.days - 25))
        life.until = person.dead
        _die(county, person, dice)
    elif person.dead is not None:
        life.until = min(life.until, person.dead)
    for begin, end in quiet:
        life.take(begin, end)
    if stays:
        plan_stays(life, stay_rate * years)
    if person.renal:
        _plan_dialysis(life)
    elif person.chronic:
        _plan_chronic(life)
    if u() < 0.97:
        for _ in range(int(clinics * years * (0.3 + 1.4 * u()) + u())):
            _plan_clinic(life)
    for _ in range(int(shops * years * (0.3 + 1.4 * u()) + u())):
        _plan_shop(life)
    life.happen()


def _die(county: County, person: Person, dice: Dice) -> None:
    """What the registries hear of a death, each in its own time."""
    day = person.dead
    assert day is not None
    end = county.world.last * DAY
    for source, odds, soonest, latest in (
        ("civil", 0.95, 3, 40),
        ("police", 0.4, 2, 20),
        ("funeral", 0.7, 1, 4),
        ("hospital", 0.3, 0, 1),
    ):
        if dice.chance(odds):
            t = (day + dice.between(soonest, latest)) * DAY + 9 * HOUR + dice.below(8 * HOUR)
            if t < end:
                registry.death(county, person, day, source, t)
    t = (day + dice.between(20, 60)) * DAY + 10 * HOUR
    if t < end:
        person.periods[0].end = day + 1
        registry.insured(county, person, t, version=2)


# -- clinics ------------------------------------------------------------------------------------------------------


def _plan_clinic(life: Life) -> None:
    dice, person = life.dice, life.person
    illness = fitting(_REASONS, person, life.first, dice)
    day = life.day(illness.winter) if illness else None
    if illness is None or day is None:
        return
    life.take(day, day)
    t = day * DAY + 8 * HOUR + int(dice.u() * 8.5 * HOUR)
    items: list[tuple[Item, int]] = [(drug, 1 + dice.below(2)) for drug in illness.drugs[: 1 + dice.below(2)]]
    if illness.labs and dice.u() < 0.35:
        items.append((illness.labs[0], 1))
    if illness.exams and dice.u() < 0.3:
        items.append((illness.exams[0], 1))
    items += [(care, 1) for care in illness.care[:1]]
    life.plan(
        t,
        lambda: clinic_visit(life.county, person, dice, t, (illness.code, illness.name), illness.dept, items),
    )


def choose_clinic(county: County, person: Person, dice: Dice, t: int) -> Place:
    """Where a resident sees a doctor."""
    places, u = county.places, dice.u()
    if u < 0.30:
        return places.county[person.village % len(places.county)]
    if u < 0.62:
        place = places.townships[person.village % len(places.townships)]
        return places.county[0] if place.dark(t - DAY, t + 2 * DAY) else place
    if u < 0.92:
        return places.clinics[person.village % len(places.clinics)]
    return places.branch if u < 0.98 else places.city


def clinic_visit(
    county: County,
    person: Person,
    dice: Dice,
    t: int,
    sickness: tuple[str, str],
    dept: str,
    items: Sequence[tuple[Item, int]],
    *,
    place: Place | None = None,
    chronic: Chronic | None = None,
) -> None:
    """A visit with everything that may go wrong on the way."""
    u = dice.u
    place = place or choose_clinic(county, person, dice, t)
    if dept not in place.depts:
        dept = place.depts[0]
    counter = dice.pick(place.counters)
    outbox = county.outbox
    visit = Clinic(county, person, place, counter, t, sickness, dept)
    if chronic:
        visit.med_type, visit.dise_codg, visit.dise_name = "14", chronic.code, chronic.name
    items = [(cat.GENERAL if place.tier == 1 else cat.CONSULT, 1), *items]
    if u() < 0.12:
        registry.looked_up(county, counter, person, t - 40)
    visit.register()
    visit.seen(t + 240 + int(u() * 600))
    x = u()
    if x < 0.05:
        face_check(county, counter, person, t + 30, "14", mdtrt_id=visit.mdtrt_id)
    charged = t + 900 + int(u() * 900)
    noise = outbox.noise
    y = u() / noise if noise else 1.0
    if y > 0.10:  # most visits are as they should be
        late = int(u() * (30 * HOUR if x < 0.995 else 4 * DAY)) if x > 0.98 else 0
        visit.charge(items, charged + late, when=charged)
        visit.settle(charged + late + 60 + int(u() * 300))
        return
    early = u() < 0.3
    if y < 0.012:  # nothing came of it
        visit.unregister(charged, arrive=t - 60 if early else None)
        return
    if y < 0.022:
        visit.charge(items, charged)
        visit.withdraw(
            charged + 60, batch="0000" if y < 0.016 else "", arrive=charged - 300 if early else None
        )
        visit.charge(items, charged + 120)
        visit.settle(charged + 300)
        return
    visit.charge(items, charged)
    if y < 0.035:
        visit.settle(charged + 100, fails=True)
        visit.settle(charged + 240)
    elif y < 0.070:
        visit.settle(charged + 100, infno="2206")
        visit.settle(charged + 240)
    else:
        again = charged + 100 + 900
        msgid = visit.settle(charged + 100, arrive=again + 30 if early else None)
        if y < 0.075:
            visit.reverse(msgid, again)
        else:
            visit.unsettle(again)
        visit.settle(again + 300)


# -- chronic disease ----------------------------------------------------------------------------------------------


def _plan_chronic(life: Life) -> None:
    """Registered once, drugs every month, in a township hospital or a pharmacy."""
    county, person, dice = life.county, life.person, life.dice
    place = county.places.townships[person.village % len(county.places.townships)]
    for disease in person.chronic:
        registry.chronic_registered(
            county,
            place.counters[0],
            person,
            disease,
            place.doctor(place.depts[0], person.number),
            life.first - 100 - dice.below(300),
            life.first * DAY + 8 * HOUR + dice.below(8 * HOUR),
        )
    shop = dice.u() < 0.3
    day = life.first + dice.below(28)
    while day < life.until:
        when = next(
            (d for d in range(day, min(day + 5, life.until)) if d not in life.taken and weekday(d) != 6), None
        )
        if when is not None:
            life.take(when, when)
            t = when * DAY + 8 * HOUR + int(dice.u() * 8 * HOUR)
            disease = person.chronic[(day // 28) % len(person.chronic)]
            if shop:
                life.plan(t, lambda t=t, disease=disease: _chronic_sale(county, person, dice, t, disease))  # type: ignore[misc]
            else:
                life.plan(t, lambda t=t, disease=disease: _chronic_visit(county, person, dice, t, disease))  # type: ignore[misc]
        day += 28


def _chronic_visit(county: County, person: Person, dice: Dice, t: int, disease: Chronic) -> None:
    place = county.places.townships[person.village % len(county.places.townships)]
    if place.dark(t - DAY, t + 2 * DAY):
        place = county.places.county[0]
    clinic_visit(
        county,
        person,
        dice,
        t,
        (disease.icd, disease.name),
        place.depts[0],
        [(drug, 1) for drug in disease.drugs],
        place=place,
        chronic=disease,
    )


def _plan_dialysis(life: Life) -> None:
    """Three times a week in the centre."""
    county, person, dice = life.county, life.person, life.dice
    place = county.places.centre
    registry.chronic_registered(
        county,
        place.counters[0],
        person,
        cat.RENAL,
        place.doctor("A03.06", 1),
        life.first - 200,
        life.first * DAY + 9 * HOUR,
    )
    week = (0, 2, 4) if dice.u() < 0.5 else (1, 3, 5)
    for day in range(life.first, life.until):
        if weekday(day) in week and day not in life.taken:
            life.take(day, day)
            t = day * DAY + 7 * HOUR + 1800 + int(dice.u() * 7 * HOUR)
            items: list[tuple[Item, int]] = [(cat.DIALYSIS, 1), (cat.HEPARIN, 1)]
            if weekday(day) == week[0]:
                items.append((cat.ERYTHROPOIETIN, 1))
            life.plan(
                t,
                lambda t=t, items=items: clinic_visit(  # type: ignore[misc]
                    county,
                    person,
                    dice,
                    t,
                    ("N18.500", "慢性肾脏病5期"),
                    "A03.06",
                    items,
                    place=place,
                    chronic=cat.RENAL,
                ),
            )


# -- pharmacies ---------------------------------------------------------------------------------------------------


def _plan_shop(life: Life) -> None:
    dice, person = life.dice, life.person
    day = life.day()
    if day is None:
        return
    owner = None
    if person.insutype != "310":
        payers = [
            member
            for member in kin(person)
            if member.insutype == "310" and member.account and member.dead is None
        ]
        if not payers or dice.u() < 0.5:
            return
        owner = payers[0]
    life.take(day, day)
    t = day * DAY + 8 * HOUR + 1800 + int(dice.u() * 12 * HOUR)
    items = [(dice.pick(cat.COUNTER_DRUGS), 1 + dice.below(2)) for _ in range(1 + dice.below(3) // 2)]
    place = life.county.places.pharmacies[
        (person.village + dice.below(2)) % len(life.county.places.pharmacies)
    ]

    def happen() -> None:
        purchase(life.county, person, dice, t, place, items, owner)

    life.plan(t, happen)


def _chronic_sale(county: County, person: Person, dice: Dice, t: int, disease: Chronic) -> None:
    place = county.places.pharmacies[person.village % len(county.places.pharmacies)]
    purchase(county, person, dice, t, place, [(drug, 1) for drug in disease.drugs], None, disease)


def purchase(
    county: County,
    person: Person,
    dice: Dice,
    t: int,
    place: Place,
    items: Sequence[tuple[Item, int]],
    owner: Person | None,
    disease: Chronic | None = None,
) -> Sale:
    """A purchase with everything that may go wrong on the way."""
    u = dice.u
    basket: list[Sold] = [
        (item, count, [county.trace_code(item) for _ in range(count)], False) for item, count in items
    ]
    sale = Sale(county, person, place, dice.pick(place.counters), t, basket, owner=owner)
    if disease:
        sale.med_type, sale.dise = "14", (disease.code, disease.name)
    noise = county.outbox.noise
    y = u() / noise if noise else 1.0
    if y < 0.012:
        sale.pay(t - 30, fails=True)
    elif y < 0.05:
        sale.pay(t - 30, infno="2101")
    sale.pay(t)
    sale.booked(t + 60 + int(u() * 1500))
    if 0.05 <= y < 0.062:  # taken back, and bought again from another shelf
        early = u() < 0.3
        if y < 0.053:
            sale.reverse(t + 2400, arrive=t - 60 if early else None)
        else:
            sale.cancel(t + 2400, arrive=t - 60 if early else None)
        sale.returned(t + 2500)
        again = Sale(
            county,
            person,
            place,
            sale.counter,
            t + 2700,
            [
                (item, count, [county.trace_code(item) for _ in codes], opened)
                for item, count, codes, opened in basket
            ],
            sale.med_type,
            sale.dise,
            owner,
        )
        again.pay()
        again.booked(t + 2900)
        return again
    return sale
