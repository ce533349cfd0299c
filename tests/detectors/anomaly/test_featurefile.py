"""Feature files say what they are, are checked, and give one sorted table a ledger."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from detectors import engine
from detectors.anomaly import compute, featurefile
from detectors.anomaly.featurefile import FeatureFile
from detectors.errors import RuleError
from detectors.evaluate import prepare, provide
from rules.knowledge import Knowledge
from rules.schema import LEDGER_SQL, ledger_names
from rules.yamltext import SourceError
from tests.detectors.bench import insert

GOOD = """/*
unit: town
key: [fixmedins_code]
needs: [visit.begntime]
lookback: 30 d
cases: visits
columns:
  visits: {meaning: 人次, unit: count, role: size}
  short: {meaning: 短住, unit: count}
  short_share: {meaning: 短住占比, unit: ratio, numerator: short, denominator: visits, suspicious: high, few: 20}
*/
select fixmedins_code, count(*) as visits, count(*) filter (where near(begntime, dscg_time, $lookback)) as short,
    short / visits as short_share
from visit
group by fixmedins_code
"""


def written(folder: Path, text: str = GOOD) -> FeatureFile:
    path = folder / "town.sql"
    path.write_text(text, encoding="utf-8")
    return featurefile.read(path)


def test_a_file_says_what_its_columns_mean(tmp_path: Path) -> None:
    one = written(tmp_path)
    assert (one.unit, one.key, one.cases, one.lookback) == (
        "town", ("fixmedins_code",), "visits", timedelta(days=30),
    )  # fmt: skip
    assert one.names == ("fixmedins_code", "visits", "short", "short_share")
    share = one.columns["short_share"]
    assert (share.role, share.numerator, share.denominator) == ("rate", "short", "visits")
    assert (share.suspicious, share.few) == ("high", 20)
    assert [column.name for column in one.of_role("size")] == ["visits"]
    assert one.tables == {"visit"}


def test_the_table_is_sorted_by_its_key(tmp_path: Path) -> None:
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, Knowledge({}, {}, "none", {}))
    insert(con, visit=[{"mdtrt_id": f"M{n}", "fixmedins_code": f"H{n % 3}"} for n in range(9)])
    found = compute.table(con, written(tmp_path))
    assert found.column_names == ["fixmedins_code", "visits", "short", "short_share"]
    assert found["fixmedins_code"].to_pylist() == ["H0", "H1", "H2"]
    for change, said in ((("short / visits", "1"), None), (("as short,", "as shrt,"), "lacks short")):
        text = GOOD.replace(*change)
        if said is None:
            compute.table(con, written(tmp_path, text))
        else:
            with pytest.raises(RuleError, match=said):
                compute.table(con, written(tmp_path, text.replace("short / visits", "1")))


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("unit: town", "units: town"), 2, "unknown field 'units'"),
        (("key: [fixmedins_code]\n", ""), 2, "'key' is missing"),
        (("visit.begntime", "visit.begin"), 4, "no 'visit.begin'"),
        (("lookback: 30 d", "lookback: a month"), 5, "write '120 d'"),
        (("cases: visits", "cases: stays"), 6, "which is no column"),
        (("role: size", "role: sizes"), 8, "use one of key, size"),
        (("numerator: short,", "numerator: brief,"), 10, "'brief' is no column"),
        (("suspicious: high", "suspicious: up"), 10, "use one of high, low, both"),
        (("few: 20", "few: some"), 10, "whole number"),
        (("$lookback)", "$grace)"), 2, "the query binds $grace"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, said: str
) -> None:
    with pytest.raises(SourceError) as refused:
        written(tmp_path, GOOD.replace(*change))
    assert said in str(refused.value)
    assert refused.value.line == line


def test_the_hash_follows_the_meaning_not_the_spacing(tmp_path: Path) -> None:
    before = written(tmp_path).hash
    assert written(tmp_path, GOOD.replace("from visit", "from   visit -- all of them")).hash == before
    assert written(tmp_path, GOOD.replace("count(*) as visits", "count(*) + 1 as visits")).hash != before
    assert written(tmp_path, GOOD.replace("few: 20", "few: 30")).hash != before


BASE = """/*
unit: seen
key: [mdtrt_id]
needs: [visit.dscg_time]
may_use: [settlement]
columns:
  mdtrt_id: {meaning: 就诊, unit: code, role: key}
*/
select mdtrt_id from visit where dscg_time is not null
"""
ON_TOP = """/*
unit: town
key: [n]
needs: [visit.begntime]
rests_on: [seen]
columns:
  n: {meaning: 人次, unit: count, role: key}
*/
select count(*) as n from seen
"""


def test_a_file_may_rest_on_another(tmp_path: Path) -> None:
    (tmp_path / "seen.sql").write_text(BASE, encoding="utf-8")
    one = written(tmp_path, ON_TOP)
    assert one.tables == {"visit", "settlement"}
    assert compute.lacking(one, {"visit.begntime"}) == ("visit.dscg_time",)
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, Knowledge({}, {}, "none", {}))
    insert(con, visit=[{"mdtrt_id": "M1", "dscg_time": "2026-01-01"}, {"mdtrt_id": "M2"}])
    assert compute.table(con, one).to_pylist() == [{"n": 1}]
    assert compute.table(con, one).to_pylist() == [{"n": 1}], "and once more from the same connection"
    (tmp_path / "seen.sql").write_text(BASE.replace("is not null", "is null"), encoding="utf-8")
    assert written(tmp_path, ON_TOP).hash != one.hash
    (tmp_path / "seen.sql").unlink()
    with pytest.raises(SourceError, match="'rests_on' names seen; there is no other such file here"):
        written(tmp_path, ON_TOP)


@pytest.mark.parametrize("unit", sorted(featurefile.load()))
def test_every_file_runs_on_an_empty_ledger_and_says_what_it_returns(unit: str) -> None:
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    from rules import knowledge

    prepare(con, knowledge.load())
    one = featurefile.load()[unit]
    found = compute.table(con, one)
    assert found.num_rows == 0
    assert tuple(found.column_names) == one.names
