"""Ordinary stays: who is admitted where, for what, and how the clerks correct themselves."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.catalogue import Illness
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DATE, DAY, HOUR
from streams.simulate.county import County
from streams.simulate.course import Course, run
from streams.simulate.dice import Dice
from streams.simulate.life import Life, fitting
from streams.simulate.people import Person
from streams.simulate.places import Place
from streams.simulate.stay import Stay

_REASONS = [illness for illness, weight in cat.STAY_ILLNESSES for _ in range(weight)]


def open_stay(
    county: County,
    person: Person,
    place: Place,
    dice: Dice,
    illness: Illness,
    begin: int,
    end: int,
    *,
    dept: str = "",
    med_type: str = "21",
    ipt_type: str = "1",
    bed: str = "",
) -> Stay:
    """A stay in a bed of its own (times in seconds); nothing is sent yet."""
    dept = dept or (illness.dept if illness.dept in place.depts else place.depts[0])
    bed = bed or place.bed(dept, begin // DAY, end // DAY, county.world.first - 400)
    return Stay(
        county,
        person,
        place,
        dice.pick(place.counters),
        illness,
        begin,
        end,
        dept,
        bed,
        med_type,
        ipt_type,
        dice.pick(("01", "01", "02", "03")),
    )


def plan_stays(life: Life, mean: float) -> None:
    """Plans a resident's stays; `mean`: how many are usual in this time."""
    person, dice = life.person, life.dice
    u = dice.u
    if person.dead is not None and not person.renal and u() < 0.5:
        _terminal(life)
    if person.renal:
        return
    if person.psychotic:
        _psychiatric(life)
    elif person.cancer:
        _chemotherapy(life)
    else:
        if (
            person.gend == "2"
            and 20 <= person.age(life.first) <= 40
            and u() < 0.05 * life.county.world.days / 365
        ):
            _birth(life)
        for _ in range(int(mean * (0.2 + 1.6 * u()) + u())):
            illness = fitting(_REASONS, person, life.first, dice)
            begin = life.day(illness.winter) if illness else None
            if illness and begin is not None:
                length = dice.between(*illness.days)
                if life.take_stay(begin, begin + length):
                    _ordinary(life, illness, begin, length)


def _hospital(county: County, person: Person, dice: Dice, illness: Illness, begin: int) -> Place:
    """Where a resident goes; not where an outage is about to come."""
    places, u = county.places, dice.u()
    if u < 0.09:
        return places.city if u < 0.07 else places.province
    if u < 0.62 or illness.operation:
        return places.county[person.village % len(places.county)]
    place = places.townships[person.village % len(places.townships)]
    if place.dark((begin - 2) * DAY, (begin + 3) * DAY):
        return places.county[0]
    return place


def _ordinary(life: Life, illness: Illness, day: int, length: int) -> None:
    county, person, dice = life.county, life.person, life.dice
    u = dice.u
    place = _hospital(county, person, dice, illness, day)
    begin = day * DAY + 8 * HOUR + int(u() * 9 * HOUR)
    end = (day + length) * DAY + 9 * HOUR + int(u() * 5 * HOUR)
    if length == 0:
        begin, end = day * DAY + 8 * HOUR + int(u() * HOUR), day * DAY + 15 * HOUR + int(u() * 3 * HOUR)
    emergency = length > 0 and not illness.operation and u() < 0.2
    transfer = place.tier == 2 and length >= 5 and u() < 0.04

    def happen() -> None:
        if emergency:
            _emergency_room(county, person, place, dice, illness, begin)
        stay = open_stay(
            county,
            person,
            place,
            dice,
            illness,
            begin,
            begin + 2 * DAY + HOUR if transfer else end,
            med_type="28" if length == 0 else "21",
            ipt_type="2" if emergency else "1",
        )
        course = Course(
            adm_way="1" if emergency else "2",
            take_home=u() < 0.15,
            late=int(u() * 20 * HOUR) if u() < 0.06 else 0,
        )
        if illness.operation and length >= 8 and u() < 0.3:
            course.icu = frozenset((1, 2))
        if u() < 0.04:
            course.listed_after = dice.between(15, 35) * DAY
        course.mid_on = year_end(stay)
        if transfer:
            course.way = "2"
        disturb(stay, course, dice)
        run(stay, dice, course)
        if u() < 0.5:
            stay.face(begin + 1800 + int(u() * 1200))
        county.inpatients.append((place, stay.first_day, stay.last_day, person, stay.mdtrt_id))
        if transfer:
            _transferred(stay, dice, end)

    life.plan(begin, happen)


def year_end(stay: Stay) -> tuple[int, ...]:
    """The day of a stay (0 first) that is 31 December: what was charged until then is settled then."""
    for day in range(stay.first_day, stay.last_day):
        if DATE[day].endswith("12-31"):
            return (day - stay.first_day,)
    return ()


def _emergency_room(
    county: County, person: Person, place: Place, dice: Dice, illness: Illness, begin: int
) -> None:
    """The hours before an emergency admission, in the same hospital, settled while the patient is already inside."""
    dept = "A20" if "A20" in place.depts else place.depts[0]
    came = begin - 3 * HOUR - dice.below(HOUR)
    visit = Clinic(
        county, person, place, dice.pick(place.counters), came, (illness.code, illness.name), dept, "13"
    )
    visit.register()
    visit.seen(came + 300, emergency=True)
    visit.charge([(cat.CONSULT_ER, 1), *((lab, 1) for lab in illness.labs[:1])], came + 1200)
    visit.settle(came + 1500 + dice.below(8 * HOUR))


def _transferred(stay: Stay, dice: Dice, end: int) -> None:
    """On to the city hospital, with a referral."""
    county, person = stay.county, stay.person
    city = county.places.city
    registry.referred(
        county,
        stay.counter,
        person,
        (stay.illness.code, stay.illness.name),
        city,
        stay.last_day,
        stay.end - HOUR,
        stay.mdtrt_id,
    )
    second = open_stay(
        county,
        person,
        city,
        dice,
        stay.illness,
        stay.end + 4 * HOUR,
        max(end, stay.end + 2 * DAY),
        ipt_type="3",
    )
    run(second, dice, Course(adm_way="3"))


def _terminal(life: Life) -> None:
    """A last stay that ends with death."""
    county, person, dice = life.county, life.person, life.dice
    died = person.dead
    assert died is not None
    illness = cat.HEART_FAILURE if person.age(life.first) >= 60 else cat.PNEUMONIA
    begin_day = died - dice.between(3, 12)
    if begin_day <= life.first or any(day in life.taken for day in range(begin_day - 2, died + 1)):
        return
    life.take(begin_day - 2, died + 1)
    life.stays.append((begin_day, died))
    begin, end = begin_day * DAY + 10 * HOUR, died * DAY + 11 * HOUR + dice.below(8 * HOUR)

    def happen() -> None:
        place = county.places.county[person.village % len(county.places.county)]
        stay = open_stay(county, person, place, dice, illness, begin, end, ipt_type="2")
        run(stay, dice, Course(adm_way="1", discharge=False, settle_at=end + 20 * HOUR))
        stay.discharge(end + 900, way="5", died=died)

    life.plan(begin, happen)


def _psychiatric(life: Life) -> None:
    """One long stay, paid by the bed-day, settled every month."""
    county, person, dice = life.county, life.person, life.dice
    length = dice.between(*cat.SCHIZOPHRENIA.days)
    day = life.first + 3 + dice.below(max(1, life.until - life.first - length - 12))
    if not life.take_stay(day, day + length):
        return
    begin, end = day * DAY + 10 * HOUR, (day + length) * DAY + 10 * HOUR

    def happen() -> None:
        stay = open_stay(
            county, person, county.places.psychiatric, dice, cat.SCHIZOPHRENIA, begin, end, med_type="21303"
        )
        run(stay, dice, Course(mid_on=tuple(sorted({*range(29, length, 30), *year_end(stay)})), by_day=True))

    life.plan(begin, happen)


def _chemotherapy(life: Life) -> None:
    """Cycles of three or four days, three weeks apart."""
    county, person, dice = life.county, life.person, life.dice
    day = life.first + 2 + dice.below(20)
    for _ in range(dice.between(4, 8)):
        length = dice.between(*cat.CHEMOTHERAPY.days)
        if day + length + 5 >= life.until or any(d in life.taken for d in range(day - 1, day + length + 2)):
            return
        life.take(day - 1, day + length + 1)
        begin, end = day * DAY + 9 * HOUR, (day + length) * DAY + 10 * HOUR + dice.below(3 * HOUR)

        def happen(begin: int = begin, end: int = end) -> None:
            stay = open_stay(county, person, county.places.centre, dice, cat.CHEMOTHERAPY, begin, end)
            run(stay, dice, Course(planned_return=True, extra_diagnoses=(("C34.900", "肺恶性肿瘤"),)))

        life.plan(begin, happen)
        day += 21


def _birth(life: Life) -> None:
    """A delivery, and sometimes a newborn that is treated under its mother's number."""
    county, person, dice = life.county, life.person, life.dice
    u = dice.u
    illness = cat.CAESAREAN_CASE if u() < 0.4 else cat.DELIVERY
    length = dice.between(*illness.days)
    day = life.day()
    if day is None or not life.take_stay(day, day + length + 3):
        return
    place = county.places.maternity
    begin, end = day * DAY + 7 * HOUR + int(u() * 10 * HOUR), (day + length) * DAY + 10 * HOUR
    sick = u() < 0.3

    def happen() -> None:
        run(open_stay(county, person, place, dice, illness, begin, end, med_type="52"), dice)
        if sick:
            born = begin + 26 * HOUR
            baby = open_stay(county, person, place, dice, cat.NEWBORN, born, end + dice.between(1, 3) * DAY)
            run(baby, dice, Course(newborn=1))

    life.plan(begin, happen)


# -- how clerks correct themselves --------------------------------------------------------------------------------


def disturb(stay: Stay, course: Course, dice: Dice) -> None:
    """Failed calls, trials, and corrections, each now and then. Sends what comes before the stay's own messages."""
    noise = stay.county.outbox.noise
    if noise == 0 or stay.place.outages:
        return
    u = dice.u
    begin = stay.begin
    x = u() / noise
    if x < 0.02:
        stay.admit(begin + 120, fails=True)
        course.admit_at = begin + 420
    elif x < 0.030 and stay.nights >= 2:  # admitted twice: the first is taken back
        ghost = Stay(
            stay.county,
            stay.person,
            stay.place,
            stay.counter,
            stay.illness,
            begin,
            stay.end,
            stay.dept,
            stay.bed,
        )
        early = u() < 0.4
        if x < 0.024:
            ghost.admit(begin + 60, arrive=begin + 900 if early else None)
            ghost.reverse(ghost.admitted, "2401", begin + 240, arrive=begin + 300 if early else None)
        else:
            ghost.admit(begin + 60, arrive=begin + 1800 if early else None)
            ghost.cancel_admission(begin + 360, arrive=begin + 400 if early else None)
        course.admit_at = begin + 600
    elif x < 0.12 and stay.nights >= 3:  # another bed
        bed = stay.place.bed(stay.dept, stay.first_day, stay.last_day, stay.county.world.first - 400)
        course.moved = (begin + 26 * HOUR, bed)
    y = u() / noise
    if y < 0.02 and stay.nights >= 3:  # discharged too early, taken back
        end, stay.end = stay.end, stay.end - DAY
        stay.discharge(stay.end + 600)
        stay.cancel_discharge(stay.end + 4 * HOUR)
        stay.end = end
    course.redo = 0.02 <= y < 0.045
    course.correct = lambda stay, t: correct(stay, t, dice)


def correct(stay: Stay, t: int, dice: Dice) -> None:
    """In the minutes before a stay is settled: refunds, withdrawals, trials. Takes at most ten minutes from t."""
    noise = stay.county.outbox.noise
    u = dice.u
    open_lines = [line for line in stay.lines if not line.settled]
    x = u() / noise
    if x < 0.04:
        labs = [line for line in open_lines if line.item.kind in ("04", "08")]
        if labs:
            line = dice.pick(labs)
            stay.refund(line, line.count, t)
    elif x < 0.06:
        gone = stay.withdraw(
            dice.shuffled(open_lines)[: 1 + int(u() * 3)], t, arrive=t - 3600 if u() < 0.3 else None
        )
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)
    elif x < 0.07:
        gone = stay.withdraw(None, t)
        stay.upload([(line.item, line.count, line.t) for line in gone], t + 60)
    elif x < 0.08:
        stay.repeat(open_lines[:3], t + 30)
    y = u() / noise
    if y < 0.20:
        stay.settle(t + 240, infno="2303")
    elif y < 0.24:
        stay.settle(t + 240, fails=True)
