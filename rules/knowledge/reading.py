"""Reads what a published point demands out of its text. What cannot be read without deciding something is left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

#: Units that a calendar day bounds → how many of them a day holds.
UNITS_A_DAY = MappingProxyType({"日": Decimal(1), "天": Decimal(1), "小时": Decimal(24)})

#: Rules whose points demand nothing beyond their code.
_CODE_ALONE = MappingProxyType(
    {
        "药品限工伤保险": "work_injury",
        "药品限生育保险": "maternity",
        "中药饮片单复方均不予支付": "never_paid",
        "中药饮片单方使用不予支付": "not_paid_alone",
        "超互联网医院药品支付范围": "not_online",
    }
)

_CHILDREN = ("药品儿童专用", "药品限儿童使用", "医疗服务项目儿童专用")
_CLINICAL = ("药品限适应症", "药品限二线使用")
_SEX = ("药品区分性别使用", "医疗服务项目区分性别使用")

#: Days of a written period.
_PERIOD = MappingProxyType({"天": 1, "日": 1, "周": 7})
_NUMBER = MappingProxyType({"一": 1, "二": 2, "两": 2, "三": 3})


@dataclass(frozen=True)
class Demand:
    """What a point demands.

    `sex`: 1 male, 2 female. `unit`, `max_units`: at most so many a `period_days`. `max_days`: days paid for, of one
    stay or course. `hosp_lv`: lowest level of hospital, 1 to 3. `scope`: a demand that has no number.
    `unread`: why the text was not read (None: it was).
    """

    sex: str | None = None
    unit: str | None = None
    max_units: Decimal | None = None
    period_days: int | None = None
    max_days: int | None = None
    hosp_lv: int | None = None
    scope: str | None = None
    unread: str | None = None


def read_demand(
    rule_class: str, constraint: str, given: Mapping[str, str], sex_words: Mapping[str, str]
) -> Demand:
    """The demand of a point of a rule. `given`: columns of the published sheet that state it outright."""
    if rule_class in _SEX:
        return _sex(constraint, given.get("限定性别", ""), sex_words)
    if rule_class in _CODE_ALONE:
        return Demand(scope=_CODE_ALONE[rule_class])
    if rule_class == "医疗服务项目重复收费":
        return Demand(scope="not_together", period_days=1)
    if rule_class == "手术项目未按规定折价收费":
        return (
            Demand(scope=constraint) if constraint.endswith("组") else Demand(unread="no group of operations")
        )
    if rule_class == "医疗服务项目限定频次":
        return _units_a_day(constraint, given)
    if rule_class in ("医疗服务项目周期超频次", "医疗服务项目限支付疗程", "药品限支付疗程"):
        return _period(constraint, given)
    if rule_class == "药品限医疗机构级别":
        return _level(constraint)
    if rule_class == "药品限就医方式":
        return _way(constraint)
    if rule_class in _CHILDREN:
        return Demand(unread="states no age")
    if rule_class in _CLINICAL:
        return Demand(unread="a clinical condition in free text")
    return Demand(unread="no reader for this rule")


def _sex(constraint: str, stated: str, words: Mapping[str, str]) -> Demand:
    if stated:
        codes = {"男": "1", "男性": "1", "女": "2", "女性": "2"}
        known = codes.get(stated.strip())
        return Demand(sex=known) if known else Demand(unread=f"sex is {stated!r}")
    found = {sex for word, sex in words.items() if word in constraint}
    if not found:
        return Demand(unread="says the sex only through the item")
    if "0" in found:
        return Demand(unread="names illnesses of both sexes")
    return Demand(sex=found.pop()) if len(found) == 1 else Demand(unread="names both sexes")


def _units_a_day(constraint: str, given: Mapping[str, str]) -> Demand:
    unit = constraint.strip()
    stated = given.get("单日上限数量", "")
    if stated:
        number = re.fullmatch(r"\d+(\.\d+)?", stated.strip())
        return (
            Demand(unit=unit or None, max_units=Decimal(stated), period_days=1)
            if number
            else Demand(unread=f"the limit is {stated!r}")
        )
    if unit in UNITS_A_DAY:
        return Demand(unit=unit, max_units=UNITS_A_DAY[unit], period_days=1)
    return Demand(unread=f"a day does not bound the unit {unit!r}")


def _period(constraint: str, given: Mapping[str, str]) -> Demand:
    """`不短于14天`, `每周最多支付一次`, `支付不超过90天`; a year counts 365 days, a month is left unread."""
    units: Decimal | None = None
    days: int | None = None
    if given.get("频次上限", "").isdigit() and given.get("周期（天）", "").isdigit():
        units, days = Decimal(given["频次上限"]), int(given["周期（天）"])
    elif match := re.search(r"间隔时间不短于(\d+)(天|日|周)", constraint):
        units, days = Decimal(1), int(match[1]) * _PERIOD[match[2]]
    elif match := re.search(r"每(周|日|天)最多支付([一二两三]|\d+)次", constraint):
        units = Decimal(_NUMBER[match[2]] if match[2] in _NUMBER else int(match[2]))
        days = _PERIOD[match[1]]
    longest = re.findall(r"(?:支付|总时间|单次)(?:最多支付|不超过)(\d+)天|最多支付(\d+)天", constraint)
    numbers = {int(one or other) for one, other in longest}
    if "支付不超过一年" in constraint:
        numbers.add(365)
    if len(numbers) > 1:
        return Demand(unread="states several lengths")
    if not numbers and days is None:
        return Demand(unread="states no number of days")
    return Demand(max_units=units, period_days=days, max_days=numbers.pop() if numbers else None)


def _level(constraint: str) -> Demand:
    levels = {"三级": 3, "二级": 2, "一级": 1}
    match = re.match(r"限(三级|二级|一级)(?:及以上)?医疗机构", constraint)
    if match is None:
        return Demand(unread="the level is not the whole demand")
    return Demand(hosp_lv=levels[match[1]])


def _way(constraint: str) -> Demand:
    if "急诊" in constraint and "住院" in constraint:
        return Demand(scope="inpatient_or_emergency")
    return Demand(scope="inpatient") if "住院" in constraint else Demand(unread="names no way of treatment")
