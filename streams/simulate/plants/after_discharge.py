"""Charged after discharge: GB-07."""

from __future__ import annotations

from streams.simulate import catalogue as cat
from streams.simulate.clock import DAY, HOUR
from streams.simulate.plants.scene import Scene
from streams.simulate.plants.script import LATE, REDO, Script
from streams.simulate.stay import Given, Stay

script = Script("GB-07")


def _charged_after(scene: Scene, *given: tuple[cat.Item, float], apart: bool = False) -> Stay:
    """A stay charged with items so many hours after its discharge, and settled four days after it."""
    stay = scene.bed(scene.person(), scene.day(16), 6)
    lines: list[Given] = [(item, 1, stay.end + int(hours * HOUR)) for item, hours in given]

    def charge(stay: Stay, t: int) -> None:
        if apart:
            for n, line in enumerate(lines):
                stay.upload([line], t + 20 * n)
        else:
            stay.upload(lines, t)

    return scene.course(stay, settle_at=stay.end + 4 * DAY + 3 * HOUR, correct=charge)


@script.fraud(LATE, REDO)
def nursing_after_discharge(scene: Scene) -> None:
    scene.tell_visit(
        1, "出院30小时后仍收二级护理", _charged_after(scene, (cat.NURSING_2, 30)), also=["GB-01"]
    )


@script.fraud(LATE, REDO)
def drugs_after_discharge(scene: Scene) -> None:
    scene.tell_visit(3, "出院30小时后仍收药费（不是出院带药）", _charged_after(scene, (cat.SALINE, 30)))


@script.fraud()
def just_after_a_day(scene: Scene) -> None:
    scene.tell_visit(
        1, "出院24小时10分后收床位费", _charged_after(scene, (cat.BED, 24 + 1 / 6)), also=["GB-01"]
    )


@script.fraud(hidden="分散多行")
def a_little_every_day(scene: Scene) -> None:
    stay = _charged_after(scene, (cat.WARD_ROUND, 27), (cat.SALINE, 33), (cat.BLOOD, 52), apart=True)
    scene.tell_visit(1, "出院后分3次收诊察、药品、化验", stay, also=["GB-01"])


@script.fraud(REDO)
def tests_after_discharge(scene: Scene) -> None:
    scene.tell_visit(3, "出院3天后收化验和检查", _charged_after(scene, (cat.LIVER, 71), (cat.XRAY, 72)))


@script.fraud(hidden="出院改早")
def discharge_made_earlier(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 8)

    def earlier(stay: Stay, t: int) -> None:
        stay.discharge(t)
        stay.cancel_discharge(t + 60)
        stay.end -= 3 * DAY

    scene.course(stay, correct=earlier, discharge_last=True)
    scene.tell_visit(1, "出院日改早3天，之后的床位护理仍在", stay, also=["GB-01"])


@script.below()
def within_a_day(scene: Scene) -> None:
    scene.tell_visit(None, "出院23小时后入账的药费", _charged_after(scene, (cat.SALINE, 23.5)))


@script.lookalike()
def drugs_to_take_home(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)
    scene.course(
        stay, settle_at=stay.end + 3 * DAY, correct=lambda stay, t: _take_home(stay, stay.end + 30 * HOUR, t)
    )
    scene.tell_visit(None, "出院带药（带药标志为1）", stay)


def _take_home(stay: Stay, when: int, t: int) -> None:
    stay.upload([(cat.AMLODIPINE, 2, when)], t, take_home=True)


@script.lookalike()
def discharge_taken_back(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 9)
    end, stay.end = stay.end, stay.end - 3 * DAY
    stay.discharge()
    stay.cancel_discharge(stay.end + 4 * HOUR)
    stay.end = end
    scene.course(stay)
    scene.tell_visit(None, "出院撤销后继续住院3天", stay)


@script.lookalike()
def refund_after_discharge(scene: Scene) -> None:
    def refunded(stay: Stay, t: int) -> None:
        stay.refund(next(line for line in stay.lines if line.item.kind == "04"), 1, t)

    stay = scene.bed(scene.person(), scene.day(14), 6)
    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=refunded)
    scene.tell_visit(None, "出院后退化验费，退费行时间在出院之后", stay)


def _forgotten(stay: Stay, t: int) -> None:
    stay.upload([(cat.SALINE, 1, stay.end - 2 * HOUR)], t)


@script.lookalike()
def uploaded_late(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(14), 6)
    scene.course(
        stay,
        settle_at=stay.end + 3 * DAY,
        correct=_forgotten,
    )
    scene.tell_visit(None, "住院期间的费用出院后才上传", stay)


@script.cancelled()
def late_lines_withdrawn(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)

    def mistaken(stay: Stay, t: int) -> None:
        lines = stay.upload(
            [(cat.NURSING_2, 1, stay.end + 30 * HOUR), (cat.SALINE, 2, stay.end + 30 * HOUR)], t
        )
        stay.withdraw(lines, t + 200, arrive=t - HOUR)

    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=mistaken)
    scene.tell_visit(None, "出院后的费用结算前撤销（撤销先到）", stay)


@script.cancelled()
def late_lines_refunded(scene: Scene) -> None:
    stay = scene.bed(scene.person(), scene.day(16), 6)

    def mistaken(stay: Stay, t: int) -> None:
        for line in stay.upload([(cat.SALINE, 2, stay.end + 30 * HOUR)], t):
            stay.refund(line, 2, t + 200, when=line.t)

    scene.course(stay, settle_at=stay.end + 3 * DAY, correct=mistaken)
    scene.tell_visit(None, "出院后的费用全部退费", stay)
