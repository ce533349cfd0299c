"""`fundwatch replay --models` and `rules explain --models`: by which models, and what without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detectors import engine, ledger
from detectors import facts as fact_tables
from detectors.anomaly import model
from rules.schema import ledger_names
from streams.ledger_files import write_ledger
from tests.promises.kernel import PARAMS, facts_of, models, world_lines
from tests.streams.cli.conftest import KEY, Replayed, fundwatch, replay

LOWER = [word for name, value in PARAMS["AN-01"].items() for word in ("--param", f"AN-01.{name}={value}")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, and the world that they were trained on as a ledger."""
    place = tmp_path_factory.mktemp("models")
    model.save(place / "models", models())
    con = engine.connect(threads=2)
    fact_tables.load(con, facts_of(list(world_lines())))
    ledger.build(con)
    (place / "ledger").mkdir()
    write_ledger(con, place / "ledger", provided=ledger_names())
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> Replayed:
    """A replay with models."""
    answer = replay(
        folder / "ledger", "--out", folder / "run", "--models", folder / "models", *LOWER, rules=["AN-01"]
    )
    return Replayed(folder / "run", folder / "ledger", answer)


def test_a_replay_says_by_which_models_it_judged(run: Replayed) -> None:
    assert run.answer.code == 0, run.answer.err
    assert run.alerts
    assert run.described["models"] == {
        "hash": models().hash,
        "as_of": models().as_of.isoformat(sep=" "),
        "models": {name: one.hash for name, one in models().models.items()},
    }
    (rule,) = run.described["rulebook"]["rules"]
    assert rule["params"]["model"] == models().hash
    assert "异常提示" in run.answer.out


def test_show_has_the_comparison_as_a_table(run: Replayed) -> None:
    alert = run.alerts[0]
    shown = fundwatch("show", alert.jr_id, "--run", run.folder)
    assert shown.code == 0, shown.err
    assert "与同类比较" in shown.out
    assert alert.explanation
    head, *rows = alert.explanation.splitlines()
    for line in (head, *rows):
        cells = line.split("｜")
        assert any(all(cell in there for cell in cells) for there in shown.out.splitlines()), line


def test_without_models_the_terminal_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    answer = replay(folder / "ledger", "--out", tmp_path / "run", rules=["AN-01"])
    assert answer.code == 0
    assert "缺少模型（model.stay）" in answer.out
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["models"] is None


def test_models_that_are_none_are_refused_with_a_sentence(folder: Path, tmp_path: Path) -> None:
    answer = replay(folder / "ledger", "--out", tmp_path / "run", "--models", tmp_path, rules=["AN-01"])
    assert answer.code == 2
    assert "models.json cannot be read: it is missing or damaged." in answer.err
    assert not (tmp_path / "run").exists()


def test_explain_tells_why_a_stay_was_found_and_needs_the_models_for_it(
    run: Replayed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNDWATCH_KEY", KEY)
    asked = [
        "rules",
        "explain",
        "AN-01",
        "--subject",
        run.alerts[0].subject,
        "--ledger",
        folder / "ledger",
        *LOWER,
    ]
    told = fundwatch(*asked, "--models", folder / "models")
    assert told.code == 0, told.err
    assert "命中" in told.out
    refused = fundwatch(*asked)
    assert refused.code == 2
    assert "name their folder with --models" in refused.err
