"""Rules that read what models say: with models, without, with late facts, and with a source that lacks something."""

from __future__ import annotations

from functools import cache

import pytest

from detectors import engine
from detectors.alert import Alert
from detectors.anomaly.model import ModelSet
from detectors.anomaly.tables import TABLES, files_of
from detectors.diff import diff
from detectors.errors import RuleError
from detectors.evaluate import Result, evaluate, judge, prepare, provide, violations
from rules.rulebook import Rulebook, read_rule
from rules.schema import LEDGER_SQL, ledger_names, model_columns
from tests.promises.kernel import (
    PARAMS,
    alerts_of,
    facts_of,
    knowledge,
    message,
    models,
    rulebook,
    watermark_of,
    world_lines,
)

RULE = rulebook().rule("AN-01")
ONLY = Rulebook((RULE,))


def result(with_models: ModelSet | None, rules: Rulebook = ONLY) -> Result:
    lines = list(world_lines())
    return evaluate(
        facts_of(lines),
        rules,
        knowledge(),
        with_models,
        watermark_of(lines),
        params=PARAMS,
        con=engine.connect(),
    )


@cache
def found() -> Result:
    return result(models())


def test_every_table_of_models_is_filled_by_somebody() -> None:
    assert TABLES.keys() == model_columns().keys()


def test_no_rule_looks_back_less_far_than_the_features_that_it_rests_on() -> None:
    for rule in rulebook().rules:
        for one in files_of((rule,), models()):
            if rule.lookback is not None and one.lookback is not None:
                assert one.lookback <= rule.lookback, f"{rule.code} reads {one.unit}"


def test_without_models_the_rule_says_what_is_missing_and_others_go_on() -> None:
    other = rulebook().rule("GB-07")
    blind = result(None, Rulebook((RULE, other)))
    assert {alert.rule_code for alert in blind.alerts} == {"GB-07"}
    (line,) = [line for line in blind.coverage if line.rule_code == "AN-01"]
    assert line.missing == {"缺少模型（model.stay）": 0}
    assert (line.judged, line.not_judged, line.fixmedins_code) == (0, 0, None)


def test_what_the_source_lacks_for_the_features_is_named() -> None:
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names() - {"settlement.setl_time", "visit.dscg_diag_code"})
    prepare(con, knowledge())
    said = judge(con, ONLY, knowledge(), models=models())
    assert said.alerts == []
    (line,) = said.coverage
    assert set(line.missing) == {"settlement.setl_time", "visit.dscg_diag_code"}


def test_coverage_counts_every_stay_and_names_why_some_have_no_score() -> None:
    lines = found().coverage
    missing = {reason: 0 for line in lines for reason in line.missing}
    for line in lines:
        for reason, count in line.missing.items():
            missing[reason] += count
    assert missing["足够的同诊断病例"] > 0
    assert missing["出院登记(2402)"] > 0
    assert set(missing) <= set(RULE.judges.missing)
    assert sum(line.judged for line in lines) > 50


def test_an_alert_says_which_model_it_rests_on_and_shows_the_comparison() -> None:
    alerts = found().alerts
    assert alerts
    for alert in alerts:
        assert alert.params["model"] == models().models["expectation"].hash
        assert alert.score is not None
        assert alert.score >= 0.95
        assert alert.explanation is not None
        assert alert.explanation.startswith("指标｜实际｜预计｜同类范围｜同类例数\n")
        assert alert.sev_deg == "3"
        assert alert.vola_amt == "0.00"


def of_stay(alert: Alert, infno: str) -> list[str]:
    """The messages of this kind that an alert rests on."""
    wanted = set(alert.evidence)
    reads = filter(None, map(message, world_lines()))
    return sorted({read["msgid"] for read in reads if read.get("infno") == infno and read["msgid"] in wanted})


@pytest.mark.parametrize("kind", ["2301", "2304", "2402"])
def test_a_late_fact_of_the_stay_changes_or_opens_its_alert(kind: str) -> None:
    """The alert without one of its messages, which comes late, and then with it."""
    lines = list(world_lines())
    mark = watermark_of(lines)
    for alert in found().alerts[:3]:
        late = of_stay(alert, kind)[-1]
        before = [line for line in lines if (read := message(line)) is None or read.get("msgid") != late]
        difference = diff(alerts_of(before, mark, ONLY), alerts_of(lines, mark, ONLY))
        told = [one.jr_id for one in difference.opened] + [one.jr_id for _, one in difference.changed]
        assert alert.jr_id in told


def test_a_rule_that_reads_a_score_must_say_whose(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("anomaly")
    path = folder / "careless.sql"
    text = RULE.path.read_text(encoding="utf-8").replace(
        "o.score, o.reason, o.explanation, o.model_hash,", "o.reason,"
    )
    path.write_text(text, encoding="utf-8")
    con = engine.connect()
    con.execute(LEDGER_SQL.read_text(encoding="utf-8"))
    provide(con, ledger_names())
    prepare(con, knowledge())
    with pytest.raises(RuleError, match="lacks explanation, model_hash, score"):
        violations(con, read_rule(path))
