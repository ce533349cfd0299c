"""Exported tables become ledger rows exactly as the mapping says, and what is wrong is said with file and line."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import Refused
from streams.imports.convert import Report, import_tables
from streams.imports.mapping import load
from streams.ledger_files import is_ledger, open_ledger

KEY = b"test"

STAYS = """
format: 1
sources:
  stays: {files: "stays*", key: no}
tables:
  visit:
    from: stays
    columns:
      mdtrt_id: no
      psn_no: person
      fixmedins_code: hospital
      kind: {const: inpatient}
      begntime: begin
      dscg_time: end
      med_type: {from: sort, values: {"住院": "21", "急诊转住院": "24"}}
"""
HEADER = "no,person,hospital,begin,end,sort"


def run(tmp_path: Path, mapping: str, files: dict[str, str | bytes]) -> tuple[Report, Any]:
    """Import files by a mapping; the report and a database with the ledger."""
    (tmp_path / "m.yaml").write_text(mapping, encoding="utf-8")
    paths = []
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    report = import_tables(load(tmp_path / "m.yaml"), paths, tmp_path / "ledger", KEY)
    assert is_ledger(tmp_path / "ledger")
    return report, open_ledger(tmp_path / "ledger")


def rejects(tmp_path: Path) -> list[tuple[str, int, str]]:
    lines = (tmp_path / "ledger" / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    return [(one["source"], one["line"], one["sentence"]) for one in map(json.loads, lines)]


def test_dates_without_a_time_of_day_start_at_midnight_and_end_with_the_day(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,P1,H1,2026-01-02,2026-01-05,住院\nB,P2,H1,2026-01-02 08:30:00,2026/01/05 09:00,急诊转住院\n"
    _, con = run(tmp_path, STAYS, {"stays.csv": text})
    rows = con.execute(
        "select mdtrt_id, begntime::varchar, begntime_is_date, dscg_time::varchar, dscg_time_is_date, med_type, emergency, msgids "
        "from visit order by 1"
    ).fetchall()
    assert rows == [
        ("A", "2026-01-02 00:00:00", True, "2026-01-05 23:59:59", True, "21", None, ["stays:A"]),
        ("B", "2026-01-02 08:30:00", False, "2026-01-05 09:00:00", False, "24", True, ["stays:B"]),
    ]
    assert con.execute(
        "select msgid, inf_time::varchar, kind, fixmedins_code from message order by 1"
    ).fetchall() == [
        ("stays:A", "2026-01-05 23:59:59", "stays", "H1"),
        ("stays:B", "2026-01-05 09:00:00", "stays", "H1"),
    ]


def test_rows_that_are_wrong_are_rejected_with_file_line_and_sentence(tmp_path: Path) -> None:
    text = "\n".join(
        [
            HEADER,
            "A,P1,H1,2026-01-02,2026-01-05,住院",
            "B,P1,H1,02.01.2026,2026-01-05,住院",
            "too,short",
            "C,,H1,2026-01-02,2026-01-05,住院",
            "D,P1,H1,2026-01-02,2026-01-01,体检",
            ",P1,H1,2026-01-02,2026-01-05,住院",
            "a,lot,too,long,for,this,table",
            "A,P1,H1,2026-01-02,2026-01-05,住院",
            "A,P9,H1,2026-01-02,2026-01-05,住院",
            "",
        ]
    )
    report, con = run(tmp_path, STAYS, {"stays.csv": text})
    (count,) = report.sources
    assert (count.read, count.imported, count.duplicates, count.rejected) == (9, 1, 1, 7)
    found = {line: sentence for _, line, sentence in rejects(tmp_path)}
    assert sorted(found) == [3, 4, 5, 6, 7, 8, 10]
    assert found[3].startswith("begntime: '02.01.2026' is no date or time as ")
    assert "Expected Number of Columns: 6 Found: 2" in found[4]
    assert found[5] == "psn_no is missing (column person)."
    assert (
        found[6]
        == "dscg_time: 2026-01-01 23:59:59 lies before begntime 2026-01-02 00:00:00; med_type: '体检' is not among the mapping's values."
    )
    assert found[7] == "the key of the row (no) is missing."
    assert "another row says otherwise under the same key stays:A" in found[10]
    assert con.execute("select count(*) from visit").fetchone() == (1,)


def test_the_order_of_rows_and_files_does_not_decide_which_copy_holds(tmp_path: Path) -> None:
    rows = [
        "A,P1,H1,2026-01-02,2026-01-05,住院",
        "A,P9,H1,2026-01-02,2026-01-05,住院",
        "B,P1,H1,2026-01-02,,住院",
    ]
    held = set()
    for number, order in enumerate((rows, rows[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, con = run(
            folder,
            STAYS,
            {"stays1.csv": "\n".join([HEADER, order[0]]), "stays2.csv": "\n".join([HEADER, *order[1:]])},
        )
        held.add(tuple(con.execute("select mdtrt_id, psn_no from visit order by 1").fetchall()))
    assert len(held) == 1


def test_what_the_tables_do_not_have_is_missing_and_not_provided(tmp_path: Path) -> None:
    mapping = """
format: 1
sources:
  bills: {files: "*.csv", key: no}
tables:
  settlement:
    from: bills
    columns: {setl_id: no, mdtrt_id: visit, kind: {const: "2304"}, fund_pay_sumamt: paid}
"""
    _, con = run(tmp_path, mapping, {"bills.csv": "no,visit,paid\n1,V1,10.50\n"})
    row = con.execute(
        "select fund_pay_sumamt, acct_pay, medfee_sumamt, mid_setl_flag, inf_time from settlement"
    ).fetchone()
    assert row == (Decimal("10.50"), None, None, None, None)
    provided = {name for (name,) in con.execute("select name from provided").fetchall()}
    assert {"settlement", "settlement.fund_pay_sumamt", "settlement.msgid"} <= provided
    assert not provided & {
        "settlement.acct_pay",
        "settlement.inf_time",
        "visit",
        "fee_line",
        "settlement_list",
    }


def test_one_row_with_repeated_columns_becomes_several_rows(tmp_path: Path) -> None:
    mapping = """
format: 1
sources:
  claims: {files: "*.csv", key: no}
tables:
  diagnosis:
    from: claims
    repeat: 1-3
    when: dx_{n}
    columns:
      mdtrt_id: no
      role: {const: discharge}
      maindiag_flag: {counter: true, values: {"1": "1", "*": "0"}}
      diag_srt_no: {counter: true}
      diag_code: dx_{n}
"""
    _, con = run(tmp_path, mapping, {"c.csv": "no,dx_1,dx_2,dx_3\nA,I10,,E11\n"})
    rows = con.execute(
        "select diag_code, diag_srt_no, maindiag_flag, msgid from diagnosis order by 2"
    ).fetchall()
    assert rows == [("I10", 1, "1", "claims:A"), ("E11", 3, "0", "claims:A")]


def test_lines_find_their_person_settlement_and_a_rejected_line_makes_the_visit_incomplete(
    tmp_path: Path,
) -> None:
    mapping = (
        STAYS
        + """
  settlement:
    from: bills
    columns: {setl_id: bill, mdtrt_id: stay, kind: {const: "2304"}, fund_pay_sumamt: {from: fen, divide_by: 100}}
  fee_line:
    from: lines
    columns:
      mdtrt_id: stay
      feedetl_sn: {concat: [stay, line], separator: "-"}
      kind: {const: "2301"}
      fee_ocur_time: day
      det_item_fee_sumamt: {from: amount, thousands: ","}
"""
    )
    mapping = mapping.replace(
        "tables:",
        '  bills: {files: "bills*", key: bill}\n  lines: {files: "lines*", key: [stay, line], where: {column: kind, is_not: total}}\ntables:',
    )
    report, con = run(
        tmp_path,
        mapping,
        {
            "stays.csv": f"{HEADER}\nA,P1,H1,2026-01-02,,住院\nB,P2,H2,2026-01-02,2026-01-03,住院\n",
            "bills.csv": "bill,stay,fen\nS1,A,123456\n",
            "lines.csv": 'stay,line,day,amount,kind\nA,1,2026-01-04,"1,000.25",x\nA,2,2026-01-05,2,x\nB,1,2026-01-02,abc,x\nB,,,5,total\n',
        },
    )
    assert {one.source: (one.read, one.imported, one.filtered, one.rejected) for one in report.sources} == {
        "stays": (2, 2, 0, 0), "bills": (1, 1, 0, 0), "lines": (4, 2, 1, 1),
    }  # fmt: skip
    assert con.execute(
        "select feedetl_sn, psn_no, fixmedins_code, setl_id, det_item_fee_sumamt from fee_line order by 1"
    ).fetchall() == [
        ("A-1", "P1", "H1", "S1", Decimal("1000.25")),
        ("A-2", "P1", "H1", "S1", Decimal("2.00")),
    ]
    assert con.execute("select fund_pay_sumamt, psn_no from settlement").fetchall() == [
        (Decimal("1234.56"), "P1")
    ]
    assert con.execute(
        "select mdtrt_id, settled, incomplete, bed_until::varchar, seen_until::varchar from visit order by 1"
    ).fetchall() == [
        ("A", True, False, "2026-04-02 00:00:00", "2026-01-05 00:00:00"),
        ("B", False, True, "2026-01-03 23:59:59", "2026-01-03 23:59:59"),
    ]


def test_two_rows_of_one_stay_overlay_each_other_and_both_are_evidence(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,P1,H1,2026-01-02,2026-01-09,\nA,P1,H1,2026-01-02,,住院\n"
    _, con = run(tmp_path, STAYS.replace("key: no", "key: content"), {"stays.csv": text})
    (row,) = con.execute(
        "select begntime::date::varchar, dscg_time::varchar, med_type, len(msgids) from visit"
    ).fetchall()
    assert row == ("2026-01-02", "2026-01-09 23:59:59", "21", 2)


def test_persons_numbers_arrive_only_as_hashes_and_addresses_only_to_the_street(tmp_path: Path) -> None:
    mapping = """
format: 1
sources:
  people: {files: "*.csv", key: id}
tables:
  insured:
    from: people
    columns:
      psn_no: id
      cert_hash: {certificate: card}
      cert_brdy: {certificate: card, take: birth_date}
      cert_gend: {certificate: card, take: sex}
      addr: where
"""
    text = "id,card,where\nP1,11010519491231002X,幸福村12号\nP2,,\n"
    _, con = run(tmp_path, mapping, {"p.csv": text})
    one, other = con.execute(
        "select cert_brdy::varchar, cert_gend, addr, length(cert_hash) from insured order by psn_no"
    ).fetchall()
    assert one == ("1949-12-31", "2", "幸福村", 32)
    assert other == (None, None, None, None)


@pytest.mark.parametrize("name", ["stays.csv.gz", "stays.xlsx", "stays.parquet", "stays.txt"])
def test_gzip_excel_parquet_and_gb18030_give_the_same_ledger(tmp_path: Path, name: str) -> None:
    rows = [["A", "P1", "H1", "2026-01-02", "2026-01-05", "住院"], ["B", "", "H1", "2026-01-02", "", "住院"]]
    text = "\n".join(",".join(row) for row in [HEADER.split(","), *rows])
    mapping = STAYS
    if name.endswith(".gz"):
        content = gzip.compress(text.encode())
    elif name.endswith(".txt"):
        mapping = STAYS.replace('"stays*", ', '"stays*", encoding: gb18030, ')
        content = text.encode("gb18030")
    elif name.endswith(".parquet"):
        columns = dict(zip(HEADER.split(","), map(list, zip(*rows, strict=True)), strict=True))
        table = pa.table(columns)
        table = table.set_column(3, "begin", pa.array(table["begin"]).cast(pa.date32()))
        pq.write_table(table, tmp_path / name)
        content = (tmp_path / name).read_bytes()
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(["住院登记表"])
        for row in [HEADER.split(","), *rows]:
            sheet.append(row)
        book.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        mapping = STAYS.replace('"stays*", ', '"stays*", skip: 1, ')
    _, con = run(tmp_path, mapping, {name: content})
    rows_found = con.execute(
        "select mdtrt_id, begntime::varchar, dscg_time::varchar, med_type from visit"
    ).fetchall()
    assert rows_found == [("A", "2026-01-02 00:00:00", "2026-01-05 23:59:59", "21")]
    line = {"xlsx": 4, "parquet": 2}.get(name.rpartition(".")[2], 3)
    assert rejects(tmp_path) == [(name, line, "psn_no is missing (column person).")]


def test_the_same_import_gives_the_same_bytes(tmp_path: Path) -> None:
    text = "\n".join(
        [HEADER, *(f"M{i},P{i % 7},H{i % 3},2026-01-{i % 28 + 1:02},,住院" for i in range(2000))]
    )
    written = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        run(folder, STAYS, {"stays.csv": text})
        written.append({path.name: path.read_bytes() for path in (folder / "ledger").iterdir()})
    assert written[0] == written[1]


def test_a_failed_import_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match=r"needs the column 'sort', which stays.csv does not have; it has no, person"
    ):
        run(tmp_path, STAYS, {"stays.csv": "no,person,hospital,begin,end\n"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.yaml", "stays.csv"]


def test_codes_are_filtered_by_their_form_and_get_their_zeros_back(tmp_path: Path) -> None:
    mapping = """
format: 1
sources:
  claims: {files: "*.csv", key: no}
tables:
  operation:
    from: claims
    where: {column: code, matches: "[0-9]{2}|[0-9]{4}"}
    columns: {mdtrt_id: no, row_no: {const: "1"}, oprn_oprt_code: {from: code, pad: 4}}
"""
    report, con = run(tmp_path, mapping, {"c.csv": "no,code\nA,66\nB,722\nC,6859\nD,\n"})
    assert con.execute("select mdtrt_id, oprn_oprt_code from operation order by 1").fetchall() == [
        ("A", "0066"),
        ("C", "6859"),
    ]
    assert report.sources[0].filtered == 2
