"""Rules are read, typed, refused with file and line, chosen and bound."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from rules.rulebook import RulebookError, coverage_query, load, read_rule
from rules.schema import LEDGER_SQL
from rules.yamltext import SourceError
from tests.rules.good_rule import good_rule, write_rule


def test_a_rule_has_its_header_typed(tmp_path: Path) -> None:
    rule = good_rule(tmp_path)
    assert (rule.code, rule.rule_id, rule.family) == ("GB-90", "ghost_bed.charged_late", "ghost_bed")
    assert rule.subject == ("visit", "mdtrt_id")
    assert rule.case_cause == (11,)
    assert rule.lookback == timedelta(days=120)
    assert (rule.official_code, rule.official_name) == ("GZ10000201008000", "计费日期与住院时间不符")
    assert list(rule.judges.missing) == ["出院登记", "明细被拒收"]


WRONG = {
    "an unknown field": (("version: 1", "version: 1\ncolour: red"), 11, "unknown field 'colour'"),
    "a missing field": (("key: visit\n", ""), 2, "'key' is missing"),
    "a field that stands twice": (("version: 1", "version: 1\nversion: 2"), 11, "'version' stands twice"),
    "a key of no kind": (("key: visit", "key: moon"), 4, "'key' is 'moon'; use one of person"),
    "a severity that is none": (("severity: [1]", "severity: [4]"), 8, "'severity' must list"),
    "a lookback without unit": (("120 d", "120"), 16, "'lookback' is 120; write '120 d'"),
    "a parameter without source": ((", source: 工程默认值", ""), 24, "parameter 'grace': source missing"),
    "a parameter without bounds": (("min: 0, ", ""), 24, "parameter 'grace': min missing"),
    "a unit that is none": (
        ("unit: h", "unit: hours"),
        24,
        "parameter 'grace': unit 'hours'; use one of min",
    ),
    "a default out of bounds": (("default: 24", "default: 100"), 24, "grace = 100 h is outside 0 h to 72 h"),
    "a status that is none": (("status: live", "status: on"), 9, "'status' is True; use one of draft"),
    "a case cause that is none": (("case_cause: 11", "case_cause: 99"), 13, "'case_cause' must be a number"),
    "YAML that is none": (("name: 出院后收费", "name: [出院"), 4, "not YAML"),
    "a code of another form": (("code: GB-90", "code: GB9"), 2, "'code' is 'GB9'"),
    "an empty anchor": (("anchor: [mdtrt_id]", "anchor: []"), 6, "'anchor' must not be empty"),
    "an empty name": (("name: 出院后收费", "name: ''"), 3, "'name' must be a text"),
}


@pytest.mark.parametrize(("change", "line", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_header_is_refused_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    path = write_rule(tmp_path, change)
    with pytest.raises(SourceError) as error:
        read_rule(path)
    assert message in str(error.value)
    assert f"{path}:{line}:" in str(error.value)


def test_a_file_without_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ghost_bed" / "bare.sql"
    path.parent.mkdir()
    path.write_text("select 1", encoding="utf-8")
    with pytest.raises(SourceError, match=r"bare\.sql:1: a rule begins with its header"):
        load(tmp_path)


def test_two_rules_of_one_code_are_refused(tmp_path: Path) -> None:
    write_rule(tmp_path)
    write_rule(tmp_path, name="ghost_bed/other")
    with pytest.raises(SourceError, match=r"other\.sql:2: code GB-90 is taken by"):
        load(tmp_path)


def test_the_query_begins_with_the_population(tmp_path: Path) -> None:
    query = " ".join(good_rule(tmp_path).query.split())
    assert query.startswith(
        "with judged as ( select * from visit where (inpatient) and not coalesce((dscg_time is null), false)"
        " and not coalesce((incomplete), false) ), -- 出院后的明细 late as ("
    )


def test_parameters_are_bound_as_the_database_wants_them(tmp_path: Path) -> None:
    rule = good_rule(
        tmp_path,
        ("params:\n", "params:\n  share: {default: 0.5, min: 0, max: 1, unit: ratio, source: x}\n"),
        ("count(*) as lines", "count(*) filter (where $share > 0) as lines"),
    )
    day = timedelta(days=1)
    assert rule.param_values() == {"share": Decimal("0.5"), "grace": day, "lookback": 120 * day}
    assert rule.param_values({"grace": "12"})["grace"] == day / 2
    assert rule.param_texts({"grace": 12}) == {"share": "0.5 ratio", "grace": "12 h"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"grace": 73}, "GB-90: grace = 73 h is outside 0 h to 72 h"),
        ({"grace": "soon"}, "GB-90: 'soon' is not a number of h"),
        ({"pace": 1}, "GB-90 has no parameter 'pace'; it has grace"),
    ],
)
def test_a_parameter_out_of_bounds_is_refused(
    tmp_path: Path, override: dict[str, object], message: str
) -> None:
    with pytest.raises(RulebookError) as error:
        good_rule(tmp_path).param_values(override)
    assert str(error.value) == message


SAME = {
    "a comment": ("-- 出院后的明细", "-- 出院以后的明细"),
    "white space": ("from judged v\n", "from   judged v\n"),
    "the name": ("name: 出院后收费", "name: 出院以后收费"),
    "a default": ("default: 24", "default: 12"),
}
OTHER = {
    "a condition": ("> v.dscg_time + $grace", ">= v.dscg_time + $grace"),
    "a text in the SQL": ("<> '1'", "<> ' 1'"),
    "the population": ("visit where inpatient", "visit where inpatient and settled"),
    "the lookback": ("120 d", "90 d"),
    "the anchor": ("anchor: [mdtrt_id]", "anchor: [mdtrt_id, lines]"),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_logic_hash_stays_with(tmp_path: Path, change: tuple[str, str]) -> None:
    assert good_rule(tmp_path, change).logic_hash == good_rule(tmp_path).logic_hash


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_the_logic_hash_changes_with(tmp_path: Path, change: tuple[str, str]) -> None:
    assert good_rule(tmp_path, change).logic_hash != good_rule(tmp_path).logic_hash


def test_drafts_run_only_when_named_and_retired_rules_never(tmp_path: Path) -> None:
    for code, status in (("GB-91", "live"), ("GB-92", "shadow"), ("GB-93", "draft"), ("GB-94", "retired")):
        write_rule(
            tmp_path, ("GB-90", code), ("status: live", f"status: {status}"), name=f"ghost_bed/{status}"
        )
    rulebook = load(tmp_path)
    assert [rule.code for rule in rulebook.running().rules] == ["GB-91", "GB-92"]
    assert [rule.code for rule in rulebook.select(["ghost_bed.draft", "gb-91", "GB-93"]).rules] == [
        "GB-91",
        "GB-93",
    ]
    with pytest.raises(RulebookError, match="GB-94 is retired"):
        rulebook.select(["GB-94"])
    with pytest.raises(RulebookError, match=r"no rule 'GB-9'; did you mean GB-9\d\?"):
        rulebook.select(["GB-9"])


def test_the_rulebook_hash_covers_the_wording(tmp_path: Path) -> None:
    write_rule(tmp_path)
    before = load(tmp_path).hash
    write_rule(tmp_path, ("name: 出院后收费", "name: 出院以后收费"))
    assert load(tmp_path).hash != before


def test_coverage_counts_a_row_once_by_what_it_lacks_first(tmp_path: Path) -> None:
    con = duckdb.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute(
        "insert into visit (mdtrt_id, fixmedins_code, dscg_time, incomplete, inpatient) values "
        "('M1', 'H1', '2026-01-05', false, true), ('M2', 'H1', null, true, true), "
        "('M3', 'H1', '2026-01-05', true, true), ('M4', 'H2', '2026-01-05', null, true), "
        "('M5', 'H2', null, false, false)"
    )
    rows = con.execute(coverage_query(good_rule(tmp_path))).fetchall()
    assert sorted(rows) == [("H1", 1, 1, 1), ("H2", 1, 0, 0)]


def test_a_population_without_institutions_is_covered_as_one(tmp_path: Path) -> None:
    con = duckdb.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    con.execute("insert into death (psn_no, die_date) values ('P1', '2026-01-05'), ('P2', null)")
    rule = good_rule(
        tmp_path,
        ("from: visit where inpatient", "from: death"),
        ("dscg_time is null", "die_date is null"),
        ("incomplete", "month_only"),
    )
    assert con.execute(coverage_query(rule)).fetchall() == [(None, 1, 1, 0)]
