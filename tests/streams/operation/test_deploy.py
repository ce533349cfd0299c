"""What deploy/ brings for operation speaks of metrics, exit codes and commands that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.operation.exits import Exit
from streams.operation.measures import METRICS
from tests.streams.operation.promtool import promtool

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS, ALERTS_TEST = (DEPLOY / "prometheus" / name for name in ("alerts.yml", "alerts.test.yml"))
DASHBOARD = DEPLOY / "grafana" / "fundwatch.json"
UNIT = DEPLOY / "systemd" / "fundwatch@.service"

#: Series → labels that it has; `job` and `instance` come with the scrape.
SERIES = {
    name: {*metric.labels, "job", "instance", *(["le"] if name.endswith("_bucket") else [])}
    for told in METRICS.values()
    for metric in told
    for name in metric.series
}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries() -> Iterator[str]:
    """Every PromQL expression of the dashboard, the variables filled in."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    queries += [one["expr"] for one in board["annotations"]["list"]]
    for query in queries:
        filled = query.replace("$__rate_interval", "5m")
        yield re.sub(r"\$(job|instance)\b", ".*", filled)


def queries() -> list[str]:
    tests = yaml.safe_load(ALERTS_TEST.read_text(encoding="utf-8"))["tests"]
    series = [
        one["series"]
        for test in tests
        for one in test["input_series"]
        if one["series"].startswith("fundwatch")
    ]
    return [*(rule["expr"] for rule in alerts()), *dashboard_queries(), *series]


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    assert f"SUCCESS: {len(alerts())} rules found" in promtool("check", "rules", ALERTS)


def test_every_alert_is_raised_by_what_it_is_for_and_by_nothing_else() -> None:
    assert "SUCCESS" in promtool("test", "rules", ALERTS_TEST.name, folder=ALERTS_TEST.parent)
    raised = set(re.findall(r'alertname="(\w+)"', ALERTS_TEST.read_text(encoding="utf-8")))
    assert raised == {rule["alert"] for rule in alerts()}


def test_an_alert_says_what_it_is_about_and_what_to_do() -> None:
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]


def test_the_dashboard_is_written_in_promql(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(dashboard_queries())]
    assert len(rules) > 30
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", file)


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_a_query_speaks_of_metrics_and_labels_that_exist(query: str) -> None:
    series = set(re.findall(r"\bfundwatch_\w+", query))
    assert series <= set(SERIES)
    for name, matchers in re.findall(r"\b(fundwatch_\w+)\{([^}]*)\}", query):
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= SERIES[name], f"{name} has no label {used - SERIES[name]}"
    known = {label for name in series for label in SERIES[name]}
    for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query):
        assert set(re.split(r"[,\s]+", grouped)) <= known, grouped


def test_every_metric_is_looked_at_or_watched() -> None:
    """Nothing is measured that neither a panel nor an alert shows."""
    said = " ".join(queries())
    for told in METRICS.values():
        for metric in told:
            assert any(name in said for name in metric.series), metric.name


def test_panels_of_the_dashboard_have_titles_and_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (column, row)
            for column in range(at["x"], at["x"] + at["w"])
            for row in range(at["y"], at["y"] + at["h"])
        }
        assert panel["title"]
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_unit_restarts_all_but_what_a_restart_does_not_mend() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert "Restart=on-failure\n" in text
    assert f"RestartPreventExitStatus={Exit.REFUSED.value}\n" in text
    assert "KillSignal=SIGTERM\n" in text
