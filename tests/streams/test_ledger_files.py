"""A ledger written to files is the same ledger when it is opened."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from rules.schema import LEDGER_SQL, ledger_columns, ledger_names
from streams.errors import Refused
from streams.ledger_files import describe, is_ledger, open_ledger, write_ledger


def ledger() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute(
        "insert into visit (mdtrt_id, begntime, msgids) values ('M1', '2026-01-02 08:00:00', ['a', 'b'])"
    )
    con.execute(
        "insert into settlement (setl_id, mdtrt_id, fund_pay_sumamt, msgid) values ('S1', 'M1', 12.34, 'c')"
    )
    con.execute(
        "insert into message values ('c', '2026-01-03 08:00:00', '2304', 'H1'), ('a', '2026-01-01 08:00:00', '2401', 'H1')"
    )
    return con


def test_what_is_written_is_read_and_everything_else_is_empty(tmp_path: Path) -> None:
    con = ledger()
    written = write_ledger(con, tmp_path, provided={"visit", "visit.mdtrt_id"}, sources=[{"file": "a.csv"}])
    assert is_ledger(tmp_path)
    assert describe(tmp_path) == written
    assert dict(written.tables) == {"visit": 1, "settlement": 1, "message": 2}
    assert (written.first, written.last) == ("2026-01-01 08:00:00", "2026-01-03 08:00:00")
    opened = open_ledger(tmp_path)
    for table in ledger_columns():
        query = f"select * from {table} order by all"
        assert opened.execute(query).fetchall() == con.execute(query).fetchall()
    assert opened.execute("select name from provided order by 1").fetchall() == [
        ("visit",),
        ("visit.mdtrt_id",),
    ]


def test_provided_names_must_be_of_the_ledger(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"visit\.bedd"):
        write_ledger(ledger(), tmp_path, provided={"visit.bedd"})
    write_ledger(ledger(), tmp_path, provided=ledger_names())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "ledger.json").unlink(), "is no ledger: it has no ledger.json"),
        (lambda folder: (folder / "ledger.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "ledger.json").write_text('{"format": 9}'), "has ledger format 9; this fundwatch reads 1"),
        (lambda folder: (folder / "visit.parquet").unlink(), "cannot be read"),
        (lambda folder: (folder / "visit.parquet").write_bytes(b"PAR1"), "cannot be read"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_whole_ledger_is_refused(tmp_path: Path, damage: object, message: str) -> None:
    write_ledger(ledger(), tmp_path, provided=())
    assert callable(damage)
    damage(tmp_path)
    with pytest.raises(Refused, match=message):
        open_ledger(tmp_path)


def test_missing_rows_are_noticed(tmp_path: Path) -> None:
    write_ledger(ledger(), tmp_path, provided=())
    described = json.loads((tmp_path / "ledger.json").read_text(encoding="utf-8"))
    described["tables"]["visit"] = 2
    (tmp_path / "ledger.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(Refused, match="does not have the 2 rows"):
        open_ledger(tmp_path)
