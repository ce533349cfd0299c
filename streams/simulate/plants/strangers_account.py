"""Personal accounts that pay for strangers: PA-02."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate import registry
from streams.simulate.clinic import Clinic
from streams.simulate.clock import DATE, DAY, HOUR
from streams.simulate.people import Person, relate
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.sale import Sale

script = Script("PA-02")


def _bought(scene: Scene, owner: Person, payee: Person, t: int | None = None, **how: object) -> Sale:
    """A purchase by `payee` from the account of `owner`."""
    t = scene.day(4) * DAY + 14 * HOUR if t is None else t
    return scene.buy(payee, t, ((cat.OMEPRAZOLE, 2), (cat.IBUPROFEN, 1)), owner=owner, **how)  # type: ignore[arg-type]


def _tell(scene: Scene, expect: int | None, text: str, owner: Person, visit: Sale | Clinic) -> None:
    payee, year = visit.person, DATE[visit.begin // DAY][:4]
    scene.tell(
        expect,
        text,
        {"owner": owner.psn_no, "payee": payee.psn_no, "year": year},
        subject=("person", owner.psn_no),
        person=owner,
        mdtrt_ids=[visit.mdtrt_id],
    )


def _stranger(scene: Scene) -> Person:
    return scene.person(insutype="390")


@script.fraud(LATE, REDO)
def a_stranger_at_the_pharmacy(scene: Scene) -> None:
    owner, _ = scene.married()
    _tell(scene, 1, "个人账户为无亲属关系的人购药", owner, _bought(scene, owner, _stranger(scene)))


@script.fraud(LATE, REDO)
def a_stranger_in_hospital(scene: Scene) -> None:
    owner, _ = scene.married()
    clinic = scene.visit(_stranger(scene), scene.day(4) * DAY + 9 * HOUR, owner=owner)
    _tell(scene, 1, "个人账户为无亲属关系的人支付门诊费用", owner, clinic)


@script.fraud(REDO)
def long_divorced(scene: Scene) -> None:
    owner, _ = scene.married()
    former = _stranger(scene)
    start = scene.county.world.first
    registry.family(scene.county, owner, former, "spouse", start - 5000, start * DAY, until=start - 900)
    _tell(scene, 1, "为离婚多年的前配偶购药", owner, _bought(scene, owner, former))


@script.fraud(hidden="分散到多人")
def several_strangers(scene: Scene) -> None:
    owner, _ = scene.married()
    t = scene.day(20) * DAY + 14 * HOUR
    for n in range(3):
        sale = _bought(scene, owner, _stranger(scene), t + n * 3 * DAY, place=scene.other_pharmacy(n))
        _tell(scene, 1, f"一个账户先后为3名无关人员购药（第{n + 1}名）", owner, sale)


@script.fraud(hidden="夹在合法共济之间")
def among_the_family(scene: Scene) -> None:
    owner, partner = scene.married()
    t = scene.day(12) * DAY + 14 * HOUR
    _bought(scene, owner, partner, t)
    _bought(scene, owner, partner, t + 5 * DAY)
    _tell(
        scene,
        1,
        "多次为配偶购药之间，夹有一次无关人员",
        owner,
        _bought(scene, owner, _stranger(scene), t + 2 * DAY),
    )


@script.below()
def a_large_family(scene: Scene) -> None:
    owner, partner = scene.married()
    t = scene.day(30) * DAY + 14 * HOUR
    start = scene.county.world.first - 2000
    last = _bought(scene, owner, partner, t)
    for n, relation in enumerate(("child", "child", "parent", "parent", "sibling", "sibling", "grandparent")):
        relative = _stranger(scene)
        relate(owner, relative, relation, start)
        last = _bought(scene, owner, relative, t + (n + 1) * 2 * DAY)
    _tell(scene, None, "一个账户一年为8名近亲属支付", owner, last)


@script.lookalike()
def the_spouse(scene: Scene) -> None:
    owner, partner = scene.married()
    _tell(scene, None, "为配偶购药", owner, _bought(scene, owner, partner))


@script.lookalike()
def a_brother(scene: Scene) -> None:
    owner, _ = scene.married()
    relative = _stranger(scene)
    relate(owner, relative, "sibling", scene.county.world.first - 2000)
    _tell(scene, None, "为兄弟姐妹购药（2024年起在近亲属范围内）", owner, _bought(scene, owner, relative))


@script.lookalike()
def a_grandchild(scene: Scene) -> None:
    owner, _ = scene.married()
    relative = _stranger(scene)
    relate(owner, relative, "grandchild", scene.county.world.first - 2000)
    _tell(scene, None, "为孙辈购药", owner, _bought(scene, owner, relative))


@script.lookalike()
def stated_the_other_way_round(scene: Scene) -> None:
    owner, _ = scene.married()
    relative = _stranger(scene)
    relate(relative, owner, "parent", scene.county.world.first - 2000)
    _tell(scene, None, "关系由对方一侧登记", owner, _bought(scene, owner, relative))


@script.lookalike()
def family_not_registered(scene: Scene) -> None:
    owner = scene.person()
    _tell(scene, None, "账户所有人没有任何亲属登记，不能判断", owner, _bought(scene, owner, _stranger(scene)))


@script.lookalike()
def owner_not_known(scene: Scene) -> None:
    owner, _ = scene.married()
    _tell(
        scene,
        None,
        "报文没有账户所有人，不能判断",
        owner,
        _bought(scene, owner, _stranger(scene), name_owner=False),
    )


@script.lookalike()
def registered_late(scene: Scene) -> None:
    owner, _ = scene.married()
    relative = _stranger(scene)
    sale = _bought(scene, owner, relative)
    registry.family(
        scene.county, owner, relative, "parent", scene.county.world.first - 2000, sale.begin + 4 * DAY
    )
    _tell(scene, None, "亲属关系早已成立，登记晚到", owner, sale)


@script.cancelled()
def purchase_cancelled(scene: Scene) -> None:
    owner, _ = scene.married()
    sale = _bought(scene, owner, _stranger(scene))
    _tell(scene, None, "为无关人员的购药后来撤销", owner, sale)
    sale.cancel(sale.begin + 2 * DAY, arrive=sale.begin - HOUR)
    sale.returned(sale.begin + 2 * DAY + 60)


@script.cancelled()
def purchase_reversed(scene: Scene) -> None:
    owner, _ = scene.married()
    sale = _bought(scene, owner, _stranger(scene))
    _tell(scene, None, "为无关人员的购药被冲正", owner, sale)
    sale.reverse(sale.begin + HOUR)
    sale.returned(sale.begin + 2 * HOUR)
