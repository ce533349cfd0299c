"""The published workbooks: detail sheets with the official column headings, and a sheet of codes joined by number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.yamltext import SourceError

#: Headings of the column that names the item, in the order of preference.
_NAMES = ("药品通用名", "医疗服务项目名称", "项目名称", "饮片名称", "项目A名称")
_CODES = ("药品代码", "项目代码", "饮片代码", "项目A代码")
_PAIR_CODE = "项目B代码"
_JOINED_BY = "对应知识点序号"
_NUMBER = "序号"
_BASIS = "逻辑依据"
_LOGIC = "检出逻辑"
_CODE_COUNT = "知识点对应药品代码数量"

_CHINESE = {digit: number for number, digit in enumerate("零一二三四五六七八九")}


@dataclass(frozen=True)
class SheetPoint:
    """A row of a detail sheet, as text; `given`: columns that state the demand; `row`: its line in the sheet."""

    number: str
    item_name: str
    codes: tuple[str, ...]
    pair_codes: tuple[str, ...]
    constraint: str
    detect_logic: str
    given: dict[str, str]
    row: int
    expected_codes: int | None


def read_workbook(path: Path) -> list[SheetPoint]:
    """The points of a workbook. Raises `SourceError` where it is none, or has no sheet with the official headings."""
    import openpyxl  # slow to import, and only officers' files need it

    if path.suffix.lower() == ".xls":
        raise SourceError(path, 1, "the old .xls format; save it as .xlsx and import that")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever zip and XML raise
        raise SourceError(path, 1, f"not an Excel workbook: {error}") from error
    codes: dict[str, list[str]] = {}
    details: list[tuple[dict[str, str], int]] = []
    for sheet in book.worksheets:
        for record, row in _records(sheet.iter_rows(values_only=True)):
            if _JOINED_BY in record:
                if code := _first(record, _CODES):
                    codes.setdefault(record[_JOINED_BY], []).append(code)
            elif _first(record, _NAMES):
                details.append((record, row))
    book.close()
    if not details:
        raise SourceError(path, 1, f"no sheet has the headings {_NUMBER} and one of {'、'.join(_NAMES)}")
    return [_point(record, row, codes) for record, row in details]


def batch_of(name: str) -> str | None:
    """The batch that a file's name states: `第八批-2 …` is 8, `第十二批` 12; files of the 2026 revision say so."""
    if match := re.search(r"第([一二三四五六七八九十]+)批", name):
        tens, ten, ones = match[1].rpartition("十")
        number = (_CHINESE[tens] if tens else 1) * 10 if ten else 0
        return str(number + (_CHINESE[ones] if ones else 0))
    if match := re.search(r"第(\d+)批", name):
        return match[1]
    return "revised" if "更新" in name or "修订" in name or re.match(r"\d+\.“", name) else None


def _records(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[dict[str, str], int]]:
    """Rows below the line of headings, by heading. A sheet may begin with titles."""
    headings: list[str] | None = None
    for number, cells in enumerate(rows, start=1):
        texts = [_text(cell) for cell in cells]
        if headings is None:
            if _NUMBER in texts or _JOINED_BY in texts:
                headings = [re.sub(r"\s", "", text) for text in texts]
            continue
        record = {heading: text for heading, text in zip(headings, texts, strict=False) if heading}
        if any(record.values()):
            yield record, number


def _point(record: dict[str, str], row: int, codes: dict[str, list[str]]) -> SheetPoint:
    number = record.get(_NUMBER, "")
    own = [code for code in re.split(r"[、,，;；\s]+", _first(record, _CODES)) if code]
    count = record.get(_CODE_COUNT, "")
    return SheetPoint(
        number=number,
        item_name=_first(record, _NAMES),
        codes=tuple(own or codes.get(number, [])),
        pair_codes=tuple(code for code in re.split(r"[、,，;；\s]+", _first(record, (_PAIR_CODE,))) if code),
        constraint=_first(record, (_BASIS,)),
        detect_logic=record.get(_LOGIC, ""),
        given=record,
        row=row,
        expected_codes=int(count) if count.isdigit() else None,
    )


def _first(record: dict[str, str], headings: tuple[str, ...]) -> str:
    """The cell under the first heading that is there; headings may go on, as 逻辑依据（药品说明书适应症） does."""
    for heading in headings:
        for name, text in record.items():
            if name == heading or name.startswith((f"{heading}（", f"{heading}(")):
                return text
    return ""


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
