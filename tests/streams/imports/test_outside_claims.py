"""Claims that others exported import whole, and say what they are known to say."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from streams.imports.convert import import_tables
from streams.imports.mapping import find, load
from streams.ledger_files import open_ledger

CLAIMS = Path(os.environ.get("FUNDWATCH_OUTSIDE_DATA") or "nowhere") / "claims"

pytestmark = pytest.mark.skipif(
    not CLAIMS.is_dir(), reason="FUNDWATCH_OUTSIDE_DATA names no folder with the outside claims"
)

OVERLAPPING_STAYS = """
    select count(*), count(*) filter (a.fixmedins_code <> b.fixmedins_code)
    from visit a join visit b on a.psn_no = b.psn_no and a.mdtrt_id < b.mdtrt_id
    where a.inpatient and b.inpatient
        and a.begntime::date < b.dscg_time::date and b.begntime::date < a.dscg_time::date
"""
INSIDE_A_STAY = """
    select count(*), count(distinct o.mdtrt_id), count(*) filter (o.seen_until::date = o.begntime::date)
    from visit o join visit i on o.psn_no = i.psn_no
    where o.kind = 'outpatient' and i.inpatient
        and o.begntime::date > i.begntime::date and o.begntime::date < i.dscg_time::date
"""
AFTER_DEATH = """
    select count(*) from settlement s join death d using (psn_no) join visit v using (mdtrt_id)
    where date_trunc('month', v.begntime) > date_trunc('month', d.die_date)
"""


def claims(tmp_path: Path, which: str) -> duckdb.DuckDBPyConnection:
    files = sorted(CLAIMS.glob(f"{which}_*.csv.gz"))
    report = import_tables(load(find("claims_us")), files, tmp_path / which, b"test")
    assert report.rejects == 0
    return open_ledger(tmp_path / which)


def test_the_set_with_stays_only(tmp_path: Path) -> None:
    con = claims(tmp_path, "train")
    assert con.execute("select count(*), count(*) filter (inpatient) from visit").fetchone() == (40474, 40474)
    assert con.execute("select count(*) from insured").fetchone() == (138556,)
    assert con.execute(OVERLAPPING_STAYS).fetchone() == (680, 422)
    assert con.execute(AFTER_DEATH).fetchone() == (0,)
    assert con.execute(
        "select count(*), bool_and(month_only and day(die_date) = 1) from death"
    ).fetchone() == (1421, True)


def test_the_set_with_outpatient_claims(tmp_path: Path) -> None:
    con = claims(tmp_path, "test")
    counts = con.execute(
        "select count(*) filter (inpatient), count(*) filter (kind = 'outpatient') from visit"
    ).fetchone()
    assert counts == (9551, 125841)
    # 139 pairs of claim and stay, 138 claims (one lies in two stays), 115 pairs whose claim is of one day
    assert con.execute(INSIDE_A_STAY).fetchone() == (139, 138, 115)
    assert con.execute(AFTER_DEATH).fetchone() == (0,)
    provided = {name for (name,) in con.execute("select name from provided").fetchall()}
    assert not provided & {"fee_line", "settlement.medfee_sumamt", "visit.emergency", "settlement.inf_time"}
