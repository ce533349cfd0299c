"""Published points are read from their workbooks and structured copies, and what cannot be read is said."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from rules import knowledge
from rules.knowledge.published import Point, read_published, unused, write_tables
from rules.knowledge.reading import Demand, read_demand
from rules.knowledge.workbook import batch_of
from rules.yamltext import SourceError

WORDS = {"男": "1", "女": "2", "妇": "2", "感染性腹泻": "0"}

READINGS: list[tuple[str, str, dict[str, str], Demand]] = [
    ("药品区分性别使用", "用于妇女痛经。", {}, Demand(sex="2")),
    ("药品区分性别使用", "男性泌尿生殖系统相关检查", {}, Demand(sex="1")),
    ("药品区分性别使用", "治疗月经不调", {}, Demand(unread="says the sex only through the item")),
    ("药品区分性别使用", "男女不孕不育", {}, Demand(unread="names both sexes")),
    ("药品区分性别使用", "妇女痛经，感染性腹泻", {}, Demand(unread="names illnesses of both sexes")),
    ("医疗服务项目区分性别使用", "", {"限定性别": "男性"}, Demand(sex="1")),
    ("医疗服务项目限定频次", "小时", {}, Demand(unit="小时", max_units=Decimal(24), period_days=1)),
    ("医疗服务项目限定频次", "日", {}, Demand(unit="日", max_units=Decimal(1), period_days=1)),
    ("医疗服务项目限定频次", "小时", {"单日上限数量": "12"}, Demand(unit="小时", max_units=Decimal(12), period_days=1)),
    ("医疗服务项目限定频次", "次", {}, Demand(unread="a day does not bound the unit '次'")),
    ("医疗服务项目周期超频次", "评定间隔时间不短于14天。", {}, Demand(max_units=Decimal(1), period_days=14)),
    ("医疗服务项目周期超频次", "每周最多支付一次。", {}, Demand(max_units=Decimal(1), period_days=7)),
    ("医疗服务项目周期超频次", "", {"频次上限": "2", "周期（天）": "30"}, Demand(max_units=Decimal(2), period_days=30)),
    ("医疗服务项目周期超频次", "反映近2-3周的平均血糖水平。", {}, Demand(unread="states no number of days")),
    ("医疗服务项目限支付疗程", "总时间不超过90天，评定间隔时间不短于14天。", {}, Demand(max_units=Decimal(1), period_days=14, max_days=90)),
    ("药品限支付疗程", "限新发脑梗死，在发作48小时内开始使用，支付不超过14天。", {}, Demand(max_days=14)),
    ("药品限支付疗程", "单次住院最多支付14天。", {}, Demand(max_days=14)),
    ("药品限支付疗程", "支付不超过12个月", {}, Demand(unread="states no number of days")),
    ("药品限医疗机构级别", "限二级及以上医疗机构癌症患者。", {}, Demand(hosp_lv=2)),
    ("药品限医疗机构级别", "首次处方时需由二级及以上医疗机构开具", {}, Demand(unread="the level is not the whole demand")),
    ("药品限就医方式", "限急诊或住院患者。", {}, Demand(scope="inpatient_or_emergency")),
    ("药品限工伤保险", "限工伤保险", {}, Demand(scope="work_injury")),
    ("手术项目未按规定折价收费", "胃肠手术组", {}, Demand(scope="胃肠手术组")),
    ("药品儿童专用", "用于小儿感冒", {}, Demand(unread="states no age")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "text", "given", "demand"), READINGS, ids=[f"{r} {t}" for r, t, _, _ in READINGS]
)
def test_a_demand_is_read_only_where_the_text_states_it(
    rule: str, text: str, given: dict[str, str], demand: Demand
) -> None:
    assert read_demand(rule, text, given, WORDS) == demand


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("第一批-1.药品区分性别使用.xlsx", "1"),
        ("第八批-2 “医疗服务项目限年龄” 规则对应知识点明细.xlsx", "8"),
        ("第十批“超互联网医院药品支付范围”规则对应知识点明细.xlsx", "10"),
        ("第十七批“药品限适应症”规则对应部分知识点明细.xlsx", "17"),
        ("1.“药品区分性别使用”规则对应知识点明细.xlsx", "revised"),
        ("药品区分性别使用.xlsx", None),
    ],
)
def test_a_file_name_states_its_batch(name: str, batch: str | None) -> None:
    assert batch_of(name) == batch


def _workbook(path: Path, *sheets: Sequence[Sequence[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def test_a_drug_workbook_is_joined_with_its_sheet_of_codes(tmp_path: Path) -> None:
    path = _workbook(
        tmp_path / "第一批-1.药品区分性别使用.xlsx",
        [
            ["附件"],
            [
                "序号",
                "药品通用名",
                "限定性别",
                "检出逻辑",
                "逻辑依据（药品说明书适应症）",
                "知识点对应药品代码数量",
            ],
            [1, "甲片", "女", "与限定性别不符", "用于妇女痛经。", 2],
            [2, "乙片", "男", "与限定性别不符", "用于前列腺增生。", 3],
        ],
        [
            ["对应知识点序号", "药品通用名", "序号", "药品代码"],
            [1, "甲片", 1, "XA1"],
            [1, "甲片", 2, "XA2"],
            [2, "乙片", 3, "XB1"],
        ],
    )
    first, second = read_published([path])
    assert (first.codes, first.demand.sex, first.batch) == (("XA1", "XA2"), "2", "1")
    assert (first.gz_code, first.effective_from) == ("GZ10000301004000", date(2025, 5, 23))
    assert second.unused == "1 codes in the file, 3 announced"


def test_a_workbook_of_pairs_has_both_codes(tmp_path: Path) -> None:
    path = _workbook(
        tmp_path / "第七批 “医疗服务项目重复收费”规则对应知识点明细.xlsx",
        [
            ["序号", "时间区间", "项目A名称", "项目A代码", "项目B名称", "项目B代码", "检出逻辑", "逻辑依据（项目A项目内涵）"],
            [1, "单日", "急诊监护费", "001103000010000", "急诊诊查费", "001102000030000", "同时收费", "含诊查"],
        ],
    )  # fmt: skip
    (point,) = read_published([path])
    assert (point.codes, point.pair_codes) == (("001103000010000",), ("001102000030000",))
    assert point.unused is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("第一批 未知规则.xlsx", "holds no name of a national rule"),
        ("药品限工伤保险.xlsx", "batch not stated; say which with --batch"),
        ("第三批 药品限工伤保险.xls", "save it as .xlsx"),
        ("第三批 药品限工伤保险.xlsx", "no sheet has the headings 序号"),
    ],
)
def test_a_workbook_that_is_none_is_refused(tmp_path: Path, name: str, message: str) -> None:
    path = _workbook(tmp_path / "book.xlsx", [["a", "b"], [1, 2]]).rename(tmp_path / name)
    with pytest.raises(SourceError, match=message):
        read_published([path])


def _record(**fields: Any) -> dict[str, Any]:
    record = {
        "kp_id": "KP-1", "rule_class": "药品区分性别使用", "gz_code": "GZ10000301004000", "item_name": "甲片",
        "med_codes": ["XA1"], "constraint": "用于妇女", "batch": 1, "supersedes": None,
    }  # fmt: skip
    return {**record, **fields}


def _points(folder: Path, *records: dict[str, Any]) -> list[Point]:
    path = folder / "points.json"
    path.write_text(json.dumps(list(records)), encoding="utf-8")
    return read_published([path])


def test_a_point_issued_anew_ends_the_day_before(tmp_path: Path) -> None:
    old, new, other = _points(
        tmp_path,
        _record(),
        _record(kp_id="KP-2", batch=None, supersedes="KP-1"),
        _record(kp_id="KP-3", item_name="乙片"),
    )
    assert (old.effective_to, new.effective_from) == (date(2026, 1, 27), date(2026, 1, 28))
    assert other.effective_to == date(9999, 12, 31)


def test_the_tables_are_knowledge_and_the_rest_is_listed(tmp_path: Path) -> None:
    points = _points(
        tmp_path,
        _record(),
        _record(kp_id="KP-2", item_name="乙片", constraint="月经不调", med_codes=["XB1"]),
        _record(kp_id="KP-3", item_name="说明", med_codes=[]),
    )
    folder = tmp_path / "out"
    assert write_tables(points, folder) == {"published_point": 1, "published_code": 1, "sex_item": 1}
    tables = knowledge.load(folder).tables
    assert tables["sex_item"].to_pylist()[0]["med_list_codg"] == "XA1"
    assert tables["published_point"].to_pylist()[0]["sex"] == "2"
    assert dict(unused(points)) == {
        ("药品区分性别使用", "says the sex only through the item"): 1,
        ("药品区分性别使用", "no code"): 1,
    }
    with (folder / "unused" / "points.csv").open(encoding="utf-8") as file:
        assert [row["kp_id"] for row in csv.DictReader(file)] == ["KP-2", "KP-3"]


PUBLISHED = os.environ.get("FUNDWATCH_PUBLISHED_POINTS", "")


@pytest.mark.skipif(not PUBLISHED, reason="FUNDWATCH_PUBLISHED_POINTS names no structured copy of the points")
def test_the_built_in_sex_items_are_those_of_the_published_points(tmp_path: Path) -> None:
    write_tables(read_published([Path(PUBLISHED)]), tmp_path)
    derived = {tuple(row.values()) for row in knowledge.load(tmp_path).tables["sex_item"].to_pylist()}
    assert derived == {tuple(row.values()) for row in knowledge.load().tables["sex_item"].to_pylist()}
