"""One pack sold twice: FR-04."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import sale as stock
from streams.simulate.clock import DAY, HOUR
from streams.simulate.people import Person
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.sale import Sale

script = Script("FR-04")

_DRUG = cat.ATORVASTATIN


def _sell(scene: Scene, code: str, t: int, place: int = 0, person: Person | None = None) -> Sale:
    """One pack with this trace code, sold in a pharmacy."""
    return scene.buy(person or scene.person(), t, ((_DRUG, 1),), scene.other_pharmacy(place), codes=[[code]])


def _tell_code(scene: Scene, expect: int | None, text: str, code: str, *sales: Sale) -> None:
    scene.tell(
        expect,
        text,
        {"drug_trac_codg": code},
        subject=("trace_code", code),
        mdtrt_ids=[sale.mdtrt_id for sale in sales],
    )


def _start(scene: Scene, span: int = 30) -> tuple[str, int]:
    return scene.county.trace_code(_DRUG), scene.day(span) * DAY + 9 * HOUR


@script.fraud()
def twice_on_one_day(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(
        scene,
        3,
        "同一药店同一天两次售出同一追溯码",
        code,
        _sell(scene, code, t),
        _sell(scene, code, t + 5 * HOUR),
    )


@script.fraud(LATE, REDO)
def twice_in_one_pharmacy(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(
        scene,
        2,
        "同一药店隔8天两次售出同一追溯码",
        code,
        _sell(scene, code, t),
        _sell(scene, code, t + 8 * DAY),
    )


@script.fraud(LATE, REDO)
def in_two_pharmacies(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(
        scene, 1, "两家药店售出同一追溯码", code, _sell(scene, code, t), _sell(scene, code, t + 12 * DAY, 1)
    )


@script.fraud(LATE)
def three_times(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, 1, "同一追溯码售出3次", code, *(_sell(scene, code, t + n * 7 * DAY) for n in range(3)))


@script.fraud(hidden="第二次以自费售出")
def once_for_cash(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    place = scene.other_pharmacy(1)
    stock.stock_sale(
        scene.county,
        place.counters[0],
        [(_DRUG, 1, [code], False)],
        t + 9 * DAY,
        t + 9 * DAY + HOUR,
        mdtrt_sn=f"ZF{code[-9:]}",
    )
    _tell_code(scene, 1, "医保售出后又在另一药店自费售出", code, one)


@script.fraud(hidden="夹在多盒之中")
def among_other_packs(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    other = scene.county.trace_code(_DRUG)
    two = scene.buy(
        scene.person(),
        t + 11 * DAY,
        ((_DRUG, 2), (cat.ASPIRIN, 1)),
        scene.other_pharmacy(2),
        codes=[[other, code], [scene.county.trace_code(cat.ASPIRIN)]],
    )
    _tell_code(scene, 1, "旧追溯码夹在另一药店的多盒药品中", code, one, two)


@script.below()
def sold_once(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(scene, None, "只售出一次（2102与3505A为同一次销售）", code, _sell(scene, code, t))


@script.lookalike()
def booked_days_later(scene: Scene) -> None:
    code, t = _start(scene)
    sale = scene.buy(scene.person(), t, ((_DRUG, 1),), codes=[[code]], booked=False)
    sale.booked(t + 3 * DAY)
    _tell_code(scene, None, "同一次销售的进销存三天后才上传", code, sale)


@script.lookalike()
def returned_and_sold_again(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    one.cancel(t + 2 * DAY)
    one.returned(t + 2 * DAY + 300)
    _tell_code(scene, None, "退货撤销后再次售出", code, one, _sell(scene, code, t + 4 * DAY))


@script.lookalike()
def cancelled_and_sold_to_another(scene: Scene) -> None:
    code, t = _start(scene)
    one = scene.buy(scene.person(), t, ((_DRUG, 1),), codes=[[code]], booked=False)
    one.cancel(t + 600, arrive=t - 600)
    _tell_code(scene, None, "结算当场撤销，改售他人", code, one, _sell(scene, code, t + HOUR))


@script.lookalike()
def opened_pack(scene: Scene) -> None:
    code, t = _start(scene)
    sales = [
        scene.buy(scene.person(), t + n * DAY, ((_DRUG, 1),), codes=[[code]], opened=True) for n in range(3)
    ]
    _tell_code(scene, None, "拆零销售，一码多次", code, *sales)


@script.lookalike()
def scanned_twice(scene: Scene) -> None:
    code, t = _start(scene)
    _tell_code(
        scene,
        None,
        "同一次结算内重复扫码",
        code,
        scene.buy(scene.person(), t, ((_DRUG, 2),), codes=[[code, code]]),
    )


@script.lookalike()
def carton_moved_between_stores(scene: Scene) -> None:
    code, t = _start(scene)
    one = _sell(scene, code, t)
    for n in (0, 1):
        place = scene.other_pharmacy(n)
        stock.stock_change(
            scene.county, place.counters[0], _DRUG, 40, t - (3 - n) * DAY, "102" if n else "101", [code], "3"
        )
    _tell_code(scene, None, "调拨时扫过同一追溯码，不是销售", code, one)


@script.cancelled()
def second_sale_cancelled(scene: Scene) -> None:
    code, t = _start(scene)
    one, two = _sell(scene, code, t), _sell(scene, code, t + 6 * DAY, 1)
    two.cancel(t + 9 * DAY, arrive=t + 5 * DAY)
    two.returned(t + 9 * DAY + 300)
    _tell_code(scene, None, "第二次销售撤销退货", code, one, two)


@script.cancelled()
def first_sale_reversed(scene: Scene) -> None:
    code, t = _start(scene)
    one, two = _sell(scene, code, t), _sell(scene, code, t + 6 * DAY)
    one.reverse(t + 10 * DAY)
    one.returned(t + 10 * DAY + 300)
    _tell_code(scene, None, "第一次结算冲正并退货", code, one, two)
