"""Knowledge tables are read as declared, or refused with file and line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from rules import knowledge
from rules.yamltext import SourceError

DECLARATION = """\
meaning: Limits.
source: 工程默认值
key: [code, effective_from]
columns:
  code: {type: varchar, meaning: code}
  most: {type: "decimal(8,2)", meaning: most a day, unit: count}
  often: {type: boolean, meaning: whether}
  effective_from: {type: date, meaning: first day}
  effective_to: {type: date, meaning: last day}
"""
ROWS = "code,most,often,effective_from,effective_to\nA,1.50,true,2026-01-01,2026-06-30\nA,,,2026-07-01,\nB,2,false,,\n"


def _write(folder: Path, declaration: str = DECLARATION, rows: str = ROWS) -> Path:
    (folder / "limit.yaml").write_text(declaration, encoding="utf-8")
    (folder / "limit.csv").write_text(rows, encoding="utf-8")
    return folder


def test_a_table_has_its_declared_types_and_open_dates(tmp_path: Path) -> None:
    rows = knowledge.load(_write(tmp_path)).tables["limit"].to_pylist()
    assert rows[0] == {
        "code": "A",
        "most": Decimal("1.50"),
        "often": True,
        "effective_from": date(2026, 1, 1),
        "effective_to": date(2026, 6, 30),
    }
    assert (rows[1]["most"], rows[1]["often"], rows[1]["effective_to"]) == (None, None, date(9999, 12, 31))
    assert rows[2]["effective_from"] == date(1900, 1, 1)


WRONG = {
    "a cell of another type": ({"rows": ROWS.replace("1.50", "many")}, "limit.csv:2: most: 'many' is no decimal(8,2)"),
    "a date that is none": ({"rows": ROWS.replace("2026-07-01", "2026-13-01")}, "limit.csv:3: effective_from"),
    "too few cells": ({"rows": ROWS + "C\n"}, "limit.csv:5: 1 cells, 5 columns"),
    "a key that stands twice": ({"rows": ROWS + "B,3,,,\n"}, "limit.csv:5: same code, effective_from as line 4"),
    "columns not declared": ({"rows": "code,least\n"}, "limit.csv:1: columns are code, least; declared are code, most"),
    "a type that is none": ({"declaration": DECLARATION.replace("boolean", "double")}, "limit.yaml:7: column 'often': type 'double'"),
    "no meaning": ({"declaration": DECLARATION.replace("meaning: Limits.\n", "")}, "'meaning' must be a text"),
    "an unknown field": ({"declaration": DECLARATION + "colour: red\n"}, "limit.yaml:10: unknown field 'colour'"),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    with pytest.raises(SourceError) as error:
        knowledge.load(_write(tmp_path, **texts))
    assert message in str(error.value)


def test_a_table_without_declaration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "limit.csv").write_text(ROWS, encoding="utf-8")
    with pytest.raises(SourceError, match="this declaration is missing"):
        knowledge.load(tmp_path)


def test_a_folder_replaces_tables_adds_law_and_changes_the_batch(tmp_path: Path) -> None:
    _write(tmp_path)
    (tmp_path / "law.yaml").write_text("本地1: {text: 本地规定, source: 本地}\n", encoding="utf-8")
    built_in, more = knowledge.load(), knowledge.load(tmp_path)
    assert more.law["本地1"] == "本地规定"
    assert more.law.items() > built_in.law.items()
    assert set(more.tables) == {*built_in.tables, "limit"}
    assert more.batch != built_in.batch == knowledge.load().batch


def test_there_are_the_88_national_rules() -> None:
    rules = knowledge.load().tables["official_rules"].to_pylist()
    assert len(rules) == 88
    assert {"code": "GZ10000201008000", "name": "计费日期与住院时间不符"} in rules
    assert sum(row["code"] is None for row in rules) == 10


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder of knowledge"):
        knowledge.load(tmp_path / "nowhere")
