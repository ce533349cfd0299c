"""Coverage: who was judged, who could not be, and what was missing, by institution."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.coverage import Coverage, cover
from tests.detectors.bench import Row, a_rule, a_visit, day, insert, ledger

MISSING = {"入院登记": "begntime is null", "出院登记": "dscg_time is null", "费用明细被拒收": "incomplete"}
POPULATION = {"from": "visit where inpatient", "missing": MISSING}


def covered(folder: Path, *visits: Row, judges: dict[str, Any] = POPULATION, **header: Any) -> list[Coverage]:
    return cover(ledger(visit=visits), a_rule(folder, judges=judges, **header), ())


def counts(lines: list[Coverage]) -> list[tuple[str | None, int, int, dict[str, int]]]:
    return [(line.fixmedins_code, line.judged, line.not_judged, line.missing) for line in lines]


def test_nobody_there_is_no_line(tmp_path: Path) -> None:
    assert covered(tmp_path) == []


def test_each_institution_is_told_apart_and_the_rest_of_the_table_is_not_counted(tmp_path: Path) -> None:
    lines = covered(
        tmp_path,
        a_visit("M1", dscg_time=day(3)),
        a_visit("M2"),
        a_visit("M3", fixmedins_code="H0", dscg_time=day(3), incomplete=True),
        a_visit("M4", fixmedins_code="H2", inpatient=False),
        a_visit("M5", fixmedins_code=None, dscg_time=day(3)),
    )
    assert counts(lines) == [
        (None, 1, 0, {}),
        ("H0", 0, 1, {"费用明细被拒收": 1}),
        ("H1", 1, 1, {"出院登记": 1}),
    ]
    assert {(line.rule_code, line.rule_id) for line in lines} == {("GB-99", "ghost_bed.a_rule")}


def test_who_lacks_several_things_counts_for_the_first(tmp_path: Path) -> None:
    assert counts(covered(tmp_path, a_visit(begntime=None, incomplete=True))) == [
        ("H1", 0, 1, {"入院登记": 1})
    ]


def test_a_condition_that_is_unknown_is_no_lack(tmp_path: Path) -> None:
    judges = {"from": "visit", "missing": {"转归": "dscg_way <> '1'"}}
    assert counts(covered(tmp_path, a_visit(), judges=judges)) == [("H1", 1, 0, {})]


def test_a_population_without_institutions_is_one_line(tmp_path: Path) -> None:
    rule = a_rule(tmp_path, judges={"from": "insured"})
    con = ledger(insured=[{"psn_no": "P1"}, {"psn_no": "P2"}])
    assert counts(cover(con, rule, ())) == [(None, 2, 0, {})]


def test_parameters_may_stand_in_the_population(tmp_path: Path) -> None:
    params = {"longest": {"default": 3, "min": 1, "max": 9, "unit": "d", "source": "engineering default"}}
    judges = {"from": "visit", "missing": {"住院过长": "dscg_time - begntime > $longest"}}
    rule = a_rule(tmp_path, "select $longest", judges=judges, params=params)
    con = ledger(visit=[a_visit(dscg_time=day(5))])
    assert counts(cover(con, rule, ())) == [("H1", 0, 1, {"住院过长": 1})]
    assert counts(cover(con, rule, (), {"longest": 6})) == [("H1", 1, 0, {})]


def test_what_the_source_does_not_supply_is_said_once_for_all_institutions(tmp_path: Path) -> None:
    rule = a_rule(tmp_path)
    assert counts(cover(ledger(visit=[a_visit()]), rule, ("fee_line", "visit.bed"))) == [
        (None, 0, 0, {"fee_line": 0, "visit.bed": 0})
    ]


VISITS = st.lists(
    st.fixed_dictionaries(
        {
            "fixmedins_code": st.sampled_from(["H1", "H2", "H3"]),
            "begntime": st.sampled_from([None, day(0)]),
            "dscg_time": st.sampled_from([None, day(3)]),
            "incomplete": st.booleans(),
            "inpatient": st.booleans(),
        }
    ),
    max_size=12,
)


def test_everybody_is_judged_or_lacks_one_thing(tmp_path: Path) -> None:
    rule = a_rule(tmp_path, judges=POPULATION)
    con = ledger()

    @settings(max_examples=25, deadline=None)
    @given(VISITS)
    def adds_up(visits: list[dict[str, Any]]) -> None:
        con.execute("begin")
        try:
            insert(con, visit=[{"mdtrt_id": f"M{n}", **visit} for n, visit in enumerate(visits)])
            lines = cover(con, rule, ())
            judged = con.execute(
                f"select fixmedins_code from ({rule.judges.rows('*', judged=True)})"
            ).fetchall()
        finally:
            con.execute("rollback")
        population = Counter(visit["fixmedins_code"] for visit in visits if visit["inpatient"])
        assert {line.fixmedins_code: line.judged + line.not_judged for line in lines} == population
        assert all(line.not_judged == sum(line.missing.values()) for line in lines)
        assert all(line.missing.keys() <= MISSING.keys() and all(line.missing.values()) for line in lines)
        assert Counter({line.fixmedins_code: line.judged for line in lines}) == Counter(
            code for (code,) in judged
        )

    adds_up()
