"""Many cards at one counter within minutes: FP-06."""

from __future__ import annotations

from collections.abc import Sequence

from streams.simulate import catalogue as cat
from streams.simulate.catalogue import Item
from streams.simulate.clock import DATE, DAY, HOUR, MINUTE, weekday
from streams.simulate.dice import Dice
from streams.simulate.people import Person
from streams.simulate.places import Counter, counter
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import Script
from streams.simulate.sale import Sale

script = Script("FP-06")


def _tell(
    scene: Scene, expect: int | None, text: str, desk: Counter, day: int, mdtrt_ids: Sequence[str]
) -> None:
    scene.tell(
        expect,
        text,
        {"fixmedins_code": desk.place.code, "opter": desk.opter, "day": DATE[day]},
        subject=("operator", desk.opter),
        mdtrt_ids=mdtrt_ids,
    )


def _quiet_desk(scene: Scene) -> tuple[Counter, int]:
    """A counter of a pharmacy, and a day on which no other burst is planted there."""
    desks = [desk for place in scene.places.pharmacies for desk in place.counters if desk.dev_no != "null"]
    desk = desks[(scene.number * 3 + len(scene.behaviour.name)) % len(desks)]
    for _ in range(500):
        day = scene.day(1)
        if (desk.opter, day) not in scene.county.bursts:
            scene.county.bursts.add((desk.opter, day))
            return desk, day
    raise AssertionError("No free day for a burst; the world is too short for FP-06.")


def _burst(
    scene: Scene,
    cards: int,
    seconds: int,
    *,
    hour: int = 7,
    items: Sequence[Item] = (cat.OMEPRAZOLE,),
    counts: Sequence[int] = (2,),
    desks: Sequence[Counter] = (),
    desk_day: tuple[Counter, int] | None = None,
) -> tuple[Counter, int, list[Sale]]:
    """`cards` persons buy at one counter, `seconds` apart; before the shops open, so that nobody else is in between."""
    desk, day = desk_day or _quiet_desk(scene)
    sales = []
    for n in range(cards):
        t = day * DAY + hour * HOUR + 7 * MINUTE + n * seconds
        some = ((items[n % len(items)], counts[n % len(counts)]),)
        at = desks[n % len(desks)] if desks else desk
        sales.append(scene.buy(scene.person(), t, some, at.place, counter=at, booked=False))
    return desk, day, sales


def _ids(sales: Sequence[Sale]) -> list[str]:
    return [sale.mdtrt_id for sale in sales]


@script.fraud()
def five_in_five_minutes(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 5, 65)
    _tell(scene, 2, "一名收费员5分钟内刷5张卡，品种金额相同", desk, day, _ids(sales))


@script.fraud()
def eight_in_five_minutes(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 8, 35)
    _tell(scene, 2, "一名收费员5分钟内刷8张卡", desk, day, _ids(sales))


@script.fraud(hidden="拉长到一刻钟")
def ten_in_a_quarter_of_an_hour(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 10, 92)
    _tell(scene, 2, "一名收费员15分钟内刷10张卡", desk, day, _ids(sales))


@script.fraud(hidden="品种金额各不相同")
def seven_with_mixed_baskets(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 7, 45, items=cat.COUNTER_DRUGS[:5], counts=(1, 2, 3))
    _tell(scene, 2, "一名收费员5分半钟内刷7张卡，品种不同", desk, day, _ids(sales))


@script.fraud(hidden="撤销重录")
def some_entered_again(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 6, 40)
    for n, sale in enumerate(sales[:2]):
        sale.cancel(sale.begin + 20 * MINUTE)
        sale.pay(sale.begin + 41 * n % 30 + 5)
    _tell(scene, 2, "5分钟内刷6张卡，其中2张撤销后重新结算", desk, day, _ids(sales))


@script.fraud()
def at_night(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 6, 40, hour=2)
    _tell(scene, 2, "凌晨2点5分钟内刷6张卡", desk, day, _ids(sales))


@script.below()
def four_in_five_minutes(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 4, 60)
    _tell(scene, None, "5分钟内4张卡", desk, day, _ids(sales))


@script.below()
def nine_in_a_quarter_of_an_hour(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 9, 100)
    _tell(scene, None, "15分钟内9张卡", desk, day, _ids(sales))


#: Weekdays of the busy mornings (0 Monday).
_BUSY = (1, 4)


def _busy_counter(scene: Scene) -> Counter:
    """The counter of a township hospital where regulars queue twice a week, all year round."""
    county = scene.county
    if county.busy is None:
        place = county.places.townships[0]
        county.busy = counter(place, 70)
        regulars = [scene.person(age=60 + n % 18, insutype="390") for n in range(42)]
        deck: list[Person] = []
        for day in range(county.world.first + 1, county.world.last - 3):
            if weekday(day) not in _BUSY:
                continue
            waiting = 6 + day % 2
            if (
                len(deck) < waiting
            ):  # whoever was not there yet, in another order: nobody always queues behind the same
                others = [person for person in regulars if person not in deck]
                deck += Dice(county.world.seed, 31, day).shuffled(others)
            for n in range(waiting):
                _regular(scene, deck.pop(0), county.busy, day * DAY + 8 * HOUR + 30 * MINUTE + n * 42)
    return county.busy


def _regular(scene: Scene, person: Person, desk: Counter, t: int) -> None:
    scene.visit(
        person, t, ((cat.AMLODIPINE, 1),), desk.place, counter=desk, sickness=("I10.x00", "特发性高血压")
    )


@script.lookalike()
def a_busy_morning(scene: Scene) -> None:
    desk = _busy_counter(scene)
    day = scene.day(8, on=_BUSY[scene.number % 2])
    scene.people.append(scene.person())
    _tell(scene, None, "每周两个早晨都有慢病患者集中取药的收费员", desk, day, ())


@script.lookalike()
def one_card_six_times(scene: Scene) -> None:
    desk, day = _quiet_desk(scene)
    person = scene.person()
    sales = [
        scene.buy(
            person,
            day * DAY + 7 * HOUR + 40 * n,
            ((cat.COUNTER_DRUGS[n], 1),),
            desk.place,
            counter=desk,
            booked=False,
        )
        for n in range(6)
    ]
    _tell(scene, None, "同一张卡5分钟内结算6次", desk, day, _ids(sales))


@script.lookalike()
def two_counters(scene: Scene) -> None:
    desk, day = _quiet_desk(scene)
    _, _, sales = _burst(scene, 6, 40, desks=desk.place.counters[:2], desk_day=(desk, day))
    _tell(scene, None, "两名收费员各刷3张卡", desk, day, _ids(sales))


@script.lookalike()
def terminals_without_a_name(scene: Scene) -> None:
    place = scene.hospital
    desks = [desk for desk in place.counters if desk.dev_no == "null"]
    day = scene.day(1)
    sales = []
    for n in range(6):
        person = scene.person()
        t = day * DAY + 6 * HOUR + 45 * n
        sales.append(scene.visit(person, t, place=place, counter=desks[n % len(desks)]))
    scene.tell(
        None,
        "终端号为null，两名收费员各3人",
        {"fixmedins_code": place.code, "opter": desks[0].opter, "day": DATE[day]},
        subject=("operator", desks[0].opter),
        mdtrt_ids=[one.mdtrt_id for one in sales],
    )


@script.lookalike()
def a_steady_queue(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 8, 240)
    _tell(scene, None, "半小时内8张卡，每4分钟一张", desk, day, _ids(sales))


@script.cancelled()
def most_of_them_cancelled(scene: Scene) -> None:
    desk, day, sales = _burst(scene, 6, 40)
    for n, sale in enumerate(sales[:4]):
        sale.cancel(sale.begin + DAY + 100 * n, arrive=sale.begin - HOUR if n % 2 else None)
    _tell(scene, None, "6张卡中4张次日撤销", desk, day, _ids(sales))
