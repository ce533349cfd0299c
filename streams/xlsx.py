"""Alerts as a workbook for officers: one sheet of findings, one of the items concerned, one of sums."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from detectors.alert import Alert, Item
from streams.pseudonyms import Pseudonyms
from streams.summary import FAMILIES, add_up

#: Rows of a sheet, its heading among them; what does not fit goes on in a further sheet.
_MOST_ROWS = 1_000_000

#: Ids that one cell lists; the rest is counted.
_MOST_LISTED = 50

_SEVERITY = {"1": "明确违规", "2": "高度可疑", "3": "轻度可疑"}
_STAGE = {"pre": "事前", "in": "事中", "post": "事后"}
_ROUTE = {"supervision": "基金监管", "agency": "经办机构"}
_MODE = {"live": "正式", "shadow": "试运行"}
_SUBJECT = {
    "person": "参保人", "visit": "就诊", "institution": "机构", "practitioner": "医师", "bill": "票据",
    "trace_code": "追溯码", "bed": "床位", "operator": "经办人", "phone": "电话", "employer": "单位", "region": "地区",
}  # fmt: skip

_TIME = "yyyy-mm-dd hh:mm"
_MONEY = "#,##0.00"
_NUMBER = "#,##0"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Cell = str | int | Decimal | datetime | None


@dataclass(frozen=True)
class _Column:
    """A column: heading, width in characters, number format, and whether long text wraps."""

    heading: str
    width: int
    form: str = "@"
    wrap: bool = False


_FINDINGS = (
    _Column("疑点编号", 34), _Column("规则编码", 10), _Column("规则名称", 24, wrap=True), _Column("严重程度", 10),
    _Column("疑点说明", 60, wrap=True), _Column("涉及金额（元）", 14, _MONEY), _Column("金额口径", 24, wrap=True),
    _Column("参保人", 20), _Column("定点机构", 18), _Column("对象", 10), _Column("对象编号", 22), _Column("就诊编号", 24, wrap=True),
    _Column("结算编号", 24, wrap=True), _Column("医师", 20, wrap=True), _Column("经办人", 12), _Column("发生时间", 17, _TIME),
    _Column("发现时间", 17, _TIME), _Column("环节", 8), _Column("处理去向", 10), _Column("运行方式", 10),
    _Column("国家规则编码", 18), _Column("国家规则名称", 24, wrap=True), _Column("依据", 60, wrap=True),
    _Column("证据报文数", 12, _NUMBER),
)  # fmt: skip
_EVIDENCE = _Column("证据报文", 40, wrap=True)
_ITEMS = (
    _Column("疑点编号", 34), _Column("规则编码", 10), _Column("参保人", 20), _Column("定点机构", 18), _Column("就诊编号", 24),
    _Column("结算编号", 24), _Column("明细流水号", 24), _Column("手工报销编号", 20), _Column("项目编码", 30),
    _Column("性质", 8), _Column("涉及金额（元）", 14, _MONEY),
)  # fmt: skip
_SUMS = (
    _Column("规则", 10), _Column("名称", 30), _Column("疑点", 10, _NUMBER), _Column("明确违规", 10, _NUMBER),
    _Column("高度可疑", 10, _NUMBER), _Column("轻度可疑", 10, _NUMBER), _Column("涉及基金（元）", 16, _MONEY),
    _Column("涉及个账（元）", 16, _MONEY),
)  # fmt: skip


def write_alerts_xlsx(alerts: Sequence[Alert], path: Path, *, unmask: str | None, key: bytes) -> None:
    """Write a workbook of alerts in their order.

    Persons stand under pseudonyms of `key`, and the evidence's message ids (which may hold a person's number) are
    only counted; `unmask`, the reason for doing otherwise, shows both and stands in the workbook.
    """
    names = Pseudonyms(key, unmask=unmask is not None)
    book = Workbook(write_only=True)
    findings = (*_FINDINGS, _EVIDENCE) if unmask is not None else _FINDINGS
    _fill(book, "疑点清单", findings, (_finding(alert, names, unmask is not None) for alert in alerts))
    _fill(book, "涉及项目", _ITEMS, (_item(alert, item, names) for alert in alerts for item in alert.items))
    _fill(book, "汇总", _SUMS, _sums(alerts, unmask), filtered=False)
    partial = path.with_name(f".{path.name}.partial")
    try:
        book.save(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _fill(
    book: Workbook,
    title: str,
    columns: Sequence[_Column],
    rows: Iterable[Sequence[Cell]],
    *,
    filtered: bool = True,
) -> None:
    """Write rows under the headings, over several sheets if they are too many for one."""
    sheet, written = _sheet(book, title, columns), 1
    number = 1
    for row in rows:
        if written == _MOST_ROWS:
            _close(sheet, columns, written, filtered)
            number += 1
            sheet, written = _sheet(book, f"{title}{number}", columns), 1
        sheet.append([_cell(sheet, value, column) for value, column in zip(row, columns, strict=True)])
        written += 1
    _close(sheet, columns, written, filtered)


def _sheet(book: Workbook, title: str, columns: Sequence[_Column]) -> Any:
    sheet: Any = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    for number, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    heading = []
    for column in columns:
        cell = WriteOnlyCell(sheet, column.heading)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6F0")
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        heading.append(cell)
    sheet.append(heading)
    return sheet


def _close(sheet: Any, columns: Sequence[_Column], rows: int, filtered: bool) -> None:
    if filtered:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{rows}"


def _cell(sheet: Any, value: Cell, column: _Column) -> Any:
    if value is None or value == "":
        return None
    content: Any = _UNPRINTABLE.sub("", value) if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, content)
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with "=" is no formula
        if column.wrap:
            cell.alignment = Alignment(vertical="top", wrap_text=True)
        return cell
    cell.number_format = column.form
    return cell


def _finding(alert: Alert, names: Pseudonyms, with_evidence: bool) -> list[Cell]:
    row: list[Cell] = [
        alert.jr_id,
        alert.rule_code,
        alert.rule_name,
        _SEVERITY.get(alert.sev_deg, alert.sev_deg),
        names.sentence(alert),
        Decimal(alert.vola_amt),
        alert.amount_method,
        names.person(alert.patn_id) if alert.patn_id else None,
        alert.fixmedins_code,
        _SUBJECT.get(alert.subject_type, alert.subject_type),
        names.subject(alert),
        _listed(alert.mdtrt_ids),
        _listed(alert.setl_ids),
        _listed(alert.dr_codes),
        alert.opter,
        datetime.fromisoformat(alert.occurred_at),
        datetime.fromisoformat(alert.detected_at),
        _STAGE.get(alert.stage, alert.stage),
        _ROUTE.get(alert.route, alert.route),
        _MODE.get(alert.mode, alert.mode),
        alert.official_gz_code,
        alert.official_rule_name,
        alert.vola_evid,
        len(alert.evidence),
    ]
    return [*row, _listed(alert.evidence)] if with_evidence else row


def _item(alert: Alert, item: Item, names: Pseudonyms) -> list[Cell]:
    return [
        alert.jr_id,
        alert.rule_code,
        names.person(alert.patn_id) if alert.patn_id else None,
        alert.fixmedins_code,
        item.mdtrt_id,
        item.setl_id,
        item.feedetl_sn,
        item.reim_id,
        item.code,
        "违规" if item.violating else "相关",
        Decimal(item.amount),
    ]


def _sums(alerts: Sequence[Alert], unmask: str | None) -> Iterable[list[Cell]]:
    """By family and rule; a yuan that several alerts name counts once in each row."""

    def row(code: str, name: str, some: Sequence[Alert]) -> list[Cell]:
        total = add_up(some)
        severities = [total.by_severity[severity] for severity in "123"]
        return [code, name, total.alerts, *severities, total.fund, total.account]

    by_rule: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        by_rule[alert.rule_code].append(alert)
    found = {code[:2] for code in by_rule}
    for family in [*(known for known in FAMILIES if known in found), *sorted(found - set(FAMILIES))]:
        codes = sorted(code for code in by_rule if code[:2] == family)
        yield row(family, FAMILIES.get(family, family), [alert for code in codes for alert in by_rule[code]])
        for code in codes:
            yield row(code, by_rule[code][0].rule_name, by_rule[code])
    yield row("合计", "同一笔费用只计一次", alerts)
    shown = "参保人以化名显示" if unmask is None else f"参保人编号未脱敏，理由：{unmask}"
    yield ["说明", shown, None, None, None, None, None, None]


def _listed(ids: Sequence[str]) -> str:
    shown = "、".join(ids[:_MOST_LISTED])
    return f"{shown}等{len(ids)}个" if len(ids) > _MOST_LISTED else shown
