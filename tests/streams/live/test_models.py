"""Models in what is judged by: a group must agree on them, and others bring a rollout with its reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detectors.anomaly import model
from streams.errors import Refused
from streams.live import rules
from streams.live.growth import concerned
from streams.live.rules import Judging, changes_between
from streams.operation import settings
from tests.promises.kernel import knowledge, models, rulebook


def judging() -> Judging:
    return Judging(rulebook(), knowledge(), {}, models())


def test_other_models_are_other_parameters_of_the_rules_that_read_them() -> None:
    mine, other = judging(), replace(judging(), models=replace(models(), seed=2, window=None, features={}))
    assert mine.hash != other.hash
    changes = changes_between(mine.text, other.text)
    assert changes.parameters == {rule.code for rule in rulebook().rules if rule.models}
    assert not changes.rules
    assert not changes.knowledge


def test_rules_that_read_no_models_do_not_care_which_there_are() -> None:
    only = rulebook().select(["GB-07"])
    assert Judging(only, knowledge(), {}, models()).hash == Judging(only, knowledge()).hash


def test_the_settings_name_the_models(tmp_path: Path) -> None:
    model.save(tmp_path, models())
    read = rules.load(settings.Rules(), settings.Models(folder=tmp_path))
    assert read.models is not None
    assert read.models.hash == models().hash
    assert read.of_worker.models is read.models
    assert rules.load(settings.Rules()).models is None
    (tmp_path / model.MODELS).unlink()
    with pytest.raises(Refused, match="missing or damaged"):
        rules.load(settings.Rules(), settings.Models(folder=tmp_path))


def test_a_rule_is_run_again_when_something_comes_that_its_models_read() -> None:
    of_models = rulebook().select(["AN-01"])
    assert concerned(of_models, frozenset({"operation"}), models()).rules
    assert not concerned(of_models, frozenset({"trace_scan"}), models()).rules
