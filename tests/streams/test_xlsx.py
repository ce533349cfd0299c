"""The officers' workbook says what the alerts say, and names no person unless a reason is given."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from detectors.alert import Alert, Item
from streams.xlsx import write_alerts_xlsx

PERSON = "99000000000000000001"


def alert(**fields: Any) -> Alert:
    default: dict[str, Any] = {
        "jr_id": "a" * 32, "revision": "r", "mode": "live", "rule_id": "ghost_bed.fees_after_discharge",
        "rule_code": "GB-07", "rule_version": 1, "rule_hash": "h", "knowledge_batch": "k", "params": {},
        "official_gz_code": "GZ10000201008000", "official_rule_name": "计费日期与住院时间不符", "rule_name": "出院后仍计费",
        "vola_cont": f"患者{PERSON}于2026-01-05出院，此后仍有费用。", "vola_evid": "条例第三十八条", "case_cause_no": [11],
        "sev_deg": "1", "vola_bhvr_type": "2", "vola_amt": "20.50", "vola_amt_stas": "1", "amount_method": "基金支付：按明细分摊",
        "route": "supervision", "stage": "post", "subject_type": "visit", "subject": "M1", "anchor": {"mdtrt_id": "M1"},
        "patn_id": PERSON, "fixmedins_code": "H1", "mdtrt_ids": ["M1"], "setl_ids": ["S1"], "dr_codes": [], "opter": None,
        "items": [
            Item(mdtrt_id="M1", setl_id="S1", feedetl_sn="1", code="007", amount="20.50", violating=True),
            Item(mdtrt_id="M1", setl_id="S1", amount="0.00", violating=False),
        ],
        "evidence": [f"REG-insured-{PERSON}", "H1-0001"], "occurred_at": "2026-01-07 08:00:00",
        "detected_at": "2026-01-08 09:30:00",
    }  # fmt: skip
    return Alert(**{**default, **fields})


def sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def test_a_workbook_has_findings_items_and_sums(tmp_path: Path) -> None:
    path = tmp_path / "alerts.xlsx"
    write_alerts_xlsx([alert(), alert(jr_id="b" * 32, sev_deg="3")], path, unmask=None, key=b"k")
    found = sheets(path)
    assert list(found) == ["疑点清单", "涉及项目", "汇总"]
    first = dict(zip(found["疑点清单"][0], found["疑点清单"][1], strict=True))
    assert first["严重程度"] == "明确违规"
    assert first["涉及金额（元）"] == pytest.approx(20.5)
    assert first["发生时间"] == datetime.fromisoformat("2026-01-07 08:00:00")
    assert first["证据报文数"] == 2
    assert [row[-2:] for row in found["涉及项目"][1:3]] == [("违规", 20.5), ("相关", 0)]
    assert [row[:7] for row in found["汇总"][1:4]] == [
        ("GB", "挂床住院", 2, 1, 0, 1, 20.5),
        ("GB-07", "出院后仍计费", 2, 1, 0, 1, 20.5),
        ("合计", "同一笔费用只计一次", 2, 1, 0, 1, 20.5),
    ]


def test_the_sheets_can_be_worked_with(tmp_path: Path) -> None:
    path = tmp_path / "alerts.xlsx"
    write_alerts_xlsx([alert()], path, unmask=None, key=b"k")
    sheet = openpyxl.load_workbook(path)["疑点清单"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:X2"
    assert sheet.column_dimensions["E"].width == 60
    assert sheet["F2"].number_format == "#,##0.00"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"subject_type": "person", "subject": PERSON, "anchor": {"psn_no": PERSON}},
        {"patn_id": None, "anchor": {"psn_no": PERSON}},
    ],
)
def test_no_person_is_named_without_a_reason(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "alerts.xlsx"
    write_alerts_xlsx([alert(**fields)], path, unmask=None, key=b"k")
    text = str(sheets(path))
    assert PERSON not in text
    assert "参保人-" in text


def test_a_reason_unmasks_and_stands_in_the_workbook(tmp_path: Path) -> None:
    path = tmp_path / "alerts.xlsx"
    write_alerts_xlsx([alert()], path, unmask="飞行检查2026-17", key=b"k")
    found = sheets(path)
    assert found["疑点清单"][1][7] == PERSON
    assert found["疑点清单"][1][-1] == f"REG-insured-{PERSON}、H1-0001"
    assert found["汇总"][-1][1] == "参保人编号未脱敏，理由：飞行检查2026-17"


def test_pseudonyms_depend_on_the_key_only(tmp_path: Path) -> None:
    shown = []
    for key in (b"k", b"k", b"other"):
        write_alerts_xlsx([alert()], tmp_path / "a.xlsx", unmask=None, key=key)
        shown.append(sheets(tmp_path / "a.xlsx")["疑点清单"][1][7])
    assert shown[0] == shown[1] != shown[2]


def test_texts_are_never_formulas_and_control_characters_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "alerts.xlsx"
    write_alerts_xlsx(
        [alert(fixmedins_code='=HYPERLINK("x")', vola_cont="a\x00b")], path, unmask=None, key=b"k"
    )
    sheet = openpyxl.load_workbook(path)["疑点清单"]
    assert (sheet["I2"].value, sheet["I2"].data_type) == ('=HYPERLINK("x")', "s")
    assert sheet["E2"].value == "ab"


def test_no_alerts_give_a_workbook_that_says_so(tmp_path: Path) -> None:
    write_alerts_xlsx([], tmp_path / "alerts.xlsx", unmask=None, key=b"k")
    assert sheets(tmp_path / "alerts.xlsx")["汇总"][1][:3] == ("合计", "同一笔费用只计一次", 0)


def test_what_a_sheet_cannot_hold_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.xlsx._MOST_ROWS", 3)
    write_alerts_xlsx([alert(jr_id=f"{n:032}") for n in range(3)], tmp_path / "a.xlsx", unmask=None, key=b"k")
    found = sheets(tmp_path / "a.xlsx")
    assert [title for title in found if title.startswith("疑点清单")] == ["疑点清单", "疑点清单2"]
    assert [len(found["疑点清单"]), len(found["疑点清单2"])] == [3, 2]
