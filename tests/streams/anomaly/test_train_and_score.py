"""`fundwatch train` and `fundwatch score`, from an exported table to the list and its cards."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from detectors.anomaly import model
from streams.anomaly.score import COLUMNS
from streams.cli import cli

MAPPING = """
format: 1
name: stays
sources:
  stays: {files: "stays*.csv", key: id}
tables:
  visit:
    from: stays
    columns:
      mdtrt_id: id
      psn_no: person
      fixmedins_code: place
      kind: {const: inpatient}
      begntime: {from: begin, time: start}
      dscg_time: {from: end, time: end}
      atddr_no: doctor
      dscg_diag_code: diagnosis
  settlement:
    from: stays
    columns:
      setl_id: id
      mdtrt_id: id
      psn_no: person
      fixmedins_code: place
      kind: {const: "2304"}
      setl_time: {from: end, time: end}
      fund_pay_sumamt: cost
"""


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An imported ledger of twenty places, one of which sends everybody home after a night; its models; its scores."""
    there = tmp_path_factory.mktemp("town")
    dice = random.Random(4)
    with (there / "stays.csv").open("w", encoding="utf-8") as file:
        file.write("id,person,place,doctor,begin,end,diagnosis,cost\n")
        for number in range(2400):
            place = number % 20
            day = dice.randint(1, 27)
            nights = 1 if place == 7 and dice.random() < 0.7 else dice.randint(2, 9)
            month = dice.randint(1, 4)
            begin = f"2026-{month:02d}-{day:02d}"
            end = (
                f"2026-{month + (day + nights) // 28:02d}-{1 + (day + nights - 1) % 28:02d}"
                if day + nights > 28
                else f"2026-{month:02d}-{day + nights:02d}"
            )
            cost = round(dice.lognormvariate(8, 0.4), 2)
            file.write(
                f"M{number},P{dice.randint(1, 1500)},H{place:02d},D{place:02d}{number % 3},{begin},{end},{dice.choice(('J18', 'I10', 'K80'))},{cost}\n"
            )
    (there / "map.yaml").write_text(MAPPING, encoding="utf-8")
    run("import", there / "stays.csv", "--mapping", there / "map.yaml", "--out", there / "ledger")
    run("train", there / "ledger", "--as-of", "2026-08-01", "--out", there / "models")
    run("score", there / "ledger", "--models", there / "models", "--out", there / "scores", "--budget", "3")
    return there


def rows(folder: Path, **where: str) -> list[dict[str, str]]:
    with (folder / "scores" / "scores.csv").open(encoding="utf-8", newline="") as file:
        return [
            row for row in csv.DictReader(file) if all(row[name] == value for name, value in where.items())
        ]


def test_the_one_list_has_one_row_a_subject_and_begins_with_the_odd_one(folder: Path) -> None:
    listed = rows(folder, model="overall", subject_type="institution")
    assert len(listed) == 20
    assert listed[0]["subject"] == "H07"
    assert [int(row["rank"]) for row in listed] == list(range(1, 21))
    assert {row["period"] for row in listed} == {"all"}
    assert all(
        0 <= float(row["score"]) <= 1 and int(row["patients"]) > 0 and float(row["money"]) > 0
        for row in listed
    )


def test_the_table_has_its_columns_and_a_rank_within_each_model_and_period(folder: Path) -> None:
    assert tuple(rows(folder)[0]) == COLUMNS
    months = rows(folder, model="peers", subject_type="institution", period="2026-02")
    scored = [row for row in months if row["score"]]
    assert [int(row["rank"]) for row in scored] == list(range(1, len(scored) + 1))
    assert all(row["not_enough"] for row in months if not row["score"])


def test_alerts_within_the_budget_name_the_model_and_show_the_table(folder: Path) -> None:
    lines = (folder / "scores" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    alerts = [json.loads(line) for line in lines]
    assert {alert["subject"] for alert in alerts if alert["rule_code"] == "AN-02"} == {"H07"}
    hashes = {one.hash for one in model.load(folder / "models").models.values()}
    for alert in alerts:
        assert alert["params"]["model"] in hashes
        assert alert["explanation"].startswith("指标｜实际｜预计")
    by_type: dict[str, set[str]] = {}
    for alert in alerts:
        by_type.setdefault(alert["subject_type"], set()).add(alert["subject"])
    assert all(len(subjects) <= 3 for subjects in by_type.values())


def test_every_model_has_a_card_in_both_forms(folder: Path) -> None:
    models = model.load(folder / "models")
    assert set(models.models) >= {"peers", "forest", "overall"}
    for name, one in models.models.items():
        card = json.loads((folder / "models" / "cards" / f"{name}.json").read_text(encoding="utf-8"))
        page = (folder / "models" / "cards" / f"{name}.md").read_text(encoding="utf-8")
        assert card["hash"] == one.hash
        assert card["seed"] == 1
        assert card["limits"]
        assert card["rows"]
        assert one.hash in page
        assert "## Known limits" in page


def test_the_same_seed_trains_the_same_models_and_another_folder_is_not_written_over(folder: Path) -> None:
    run("train", folder / "ledger", "--as-of", "2026-08-01", "--out", folder / "again")
    assert model.load(folder / "again").hash == model.load(folder / "models").hash
    for path in (folder / "models").glob("*.np?"):
        assert path.read_bytes() == (folder / "again" / path.name).read_bytes()
    result = CliRunner().invoke(
        cli, ["train", str(folder / "ledger"), "--as-of", "2026-08-01", "--out", str(folder / "again")]
    )
    assert result.exception is not None
    assert "--replace" in str(result.exception)


def test_a_history_without_a_closed_month_is_refused_with_a_sentence(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        cli, ["train", str(folder / "ledger"), "--as-of", "2026-01-05", "--out", str(tmp_path / "m")]
    )
    assert "closed" in str(result.exception)
    assert not (tmp_path / "m").exists()
