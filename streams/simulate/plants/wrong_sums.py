"""Settlements whose sums do not fit: BA-01."""

from __future__ import annotations

from collections.abc import Callable

from streams.simulate import catalogue as cat
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DAY, HOUR
from streams.simulate.money import Bill
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import Script

script = Script("BA-01")

_ITEMS = ((cat.OMEPRAZOLE, 2), (cat.ULTRASOUND, 1), (cat.BLOOD, 1))


def _wrong(scene: Scene, change: Callable[[Bill], None], *, redo: bool = False) -> Clinic:
    """An outpatient settlement, changed."""
    clinic = scene.visit(scene.person(), scene.day(3) * DAY + 10 * HOUR, _ITEMS, settle=False)
    t = clinic.begin + 1100
    if redo:
        clinic.settle(t)
        clinic.unsettle(t + 600)
        t += 1200
    bill = clinic.price(clinic.owed(), 100000)
    change(bill)
    clinic.settle(t, bill=bill)
    return clinic


def _more(cents: int) -> Callable[[Bill], None]:
    """The person pays so much more than is left."""

    def change(bill: Bill) -> None:
        bill.psn += cents
        bill.cash += cents

    return change


@script.fraud()
def six_cents(scene: Scene) -> None:
    scene.tell_settlement(1, "总额与各方支付之和相差0.06元", _wrong(scene, _more(6)))


@script.fraud()
def a_hundred_more(scene: Scene) -> None:
    scene.tell_settlement(1, "个人负担多计100元", _wrong(scene, _more(10000)))


@script.fraud()
def twenty_less(scene: Scene) -> None:
    scene.tell_settlement(1, "个人负担少计20元", _wrong(scene, _more(-2000)))


@script.fraud(hidden="撤销重录")
def wrong_the_second_time(scene: Scene) -> None:
    scene.tell_settlement(1, "首次结算正确，撤销重录后相差8元", _wrong(scene, _more(800), redo=True))


@script.fraud(hidden="基金多计，个人不变")
def fund_pays_more(scene: Scene) -> None:
    def change(bill: Bill) -> None:
        bill.hifp += 1500
        bill.fund += 1500
        bill.funds = [(kind, cents + 1500 if n == 0 else cents) for n, (kind, cents) in enumerate(bill.funds)]

    scene.tell_settlement(1, "基金支付多计15元而个人负担不变", _wrong(scene, change))


@script.fraud()
def a_stay(scene: Scene) -> None:
    stay = scene.stay(scene.person(), scene.day(12), 5, settle=False)
    bill = stay.price(stay.owed())
    bill.psn += 33300
    bill.cash += 33300
    stay.settle(stay.end + 2 * HOUR, bill=bill)
    stay.listed(stay.end + 30 * HOUR)
    scene.tell_settlement(1, "住院结算个人负担多计333元", stay)


@script.below()
def five_cents(scene: Scene) -> None:
    scene.tell_settlement(None, "相差0.05元", _wrong(scene, _more(5)))


@script.below()
def three_cents_less(scene: Scene) -> None:
    scene.tell_settlement(None, "少0.03元", _wrong(scene, _more(-3)))


@script.lookalike()
def hospital_bears_a_part(scene: Scene) -> None:
    def change(bill: Bill) -> None:
        bill.hosp = 1200
        bill.psn -= 1200
        bill.cash -= min(1200, bill.cash)
        bill.acct = bill.psn - bill.cash

    scene.tell_settlement(None, "医院负担12元，各项相加等于总额", _wrong(scene, change))


@script.lookalike()
def other_payments_beside_the_fund(scene: Scene) -> None:
    def change(bill: Bill) -> None:
        bill.oth = 900
        bill.psn -= 900
        bill.cash -= min(900, bill.cash)
        bill.acct = bill.psn - bill.cash

    scene.tell_settlement(None, "其他支出9元未并入基金支付总额，加上它恒等", _wrong(scene, change))


@script.lookalike()
def other_payments_within_the_fund(scene: Scene) -> None:
    def change(bill: Bill) -> None:
        bill.oth = 700
        bill.fund += 700
        bill.funds.append(("999100", 700))
        bill.psn -= 700
        bill.cash -= min(700, bill.cash)
        bill.acct = bill.psn - bill.cash

    scene.tell_settlement(None, "其他支出7元已并入基金支付总额", _wrong(scene, change))


@script.cancelled()
def settled_right_afterwards(scene: Scene) -> None:
    clinic = _wrong(scene, _more(5000))
    wrong = clinic.setl_id
    clinic.unsettle(clinic.begin + 2 * DAY, arrive=clinic.begin - HOUR)
    scene.tell(
        None,
        "算错的结算撤销后重新结算",
        {"setl_id": wrong},
        subject=("visit", clinic.mdtrt_id),
        mdtrt_ids=[clinic.mdtrt_id],
    )
    clinic.settle(clinic.begin + 2 * DAY + 600)


@script.cancelled()
def reversed_by_message(scene: Scene) -> None:
    clinic = scene.visit(scene.person(), scene.day(3) * DAY + 10 * HOUR, _ITEMS, settle=False)
    bill = clinic.price(clinic.owed(), 100000)
    _more(4000)(bill)
    msgid = clinic.settle(clinic.begin + 1100, bill=bill)
    wrong = clinic.setl_id
    clinic.reverse(msgid, clinic.begin + 1400)
    clinic.settle(clinic.begin + 1700)
    scene.tell(
        None,
        "算错的结算被冲正",
        {"setl_id": wrong},
        subject=("visit", clinic.mdtrt_id),
        mdtrt_ids=[clinic.mdtrt_id],
    )
