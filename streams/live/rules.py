"""What is judged by, and who speaks for it: the worker for rules of persons and visits, the sweeper for all others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from detectors.anomaly import model as model_files
from detectors.anomaly.model import ModelError, ModelSet
from detectors.diff import Changes
from detectors.evaluate import stated
from rules import knowledge as knowledge_module
from rules import rulebook as rulebook_module
from rules.knowledge import Knowledge
from rules.rulebook import Rulebook
from streams.errors import Refused
from streams.operation import settings

#: Rules of these keys see one person's facts only, so the worker speaks for them.
OF_PERSONS = frozenset({"person", "visit"})


@dataclass(frozen=True)
class Judging:
    """Rules with their knowledge, the values of their parameters by rule code, and the models that some of them read."""

    rulebook: Rulebook
    knowledge: Knowledge
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: ModelSet | None = None

    @property
    def of_worker(self) -> Judging:
        """What the worker speaks for."""
        return self._only(of_persons=True)

    @property
    def of_sweeper(self) -> Judging:
        """What the sweeper speaks for."""
        return self._only(of_persons=False)

    @property
    def text(self) -> str:
        """All that decides what is said, as text that `changes_between` compares."""
        values = self._stated()
        rules = {rule.code: [rule.logic_hash, values[rule.code]] for rule in self.rulebook.rules}
        return json.dumps([self.rulebook.hash, self.knowledge.batch, rules], sort_keys=True)

    @property
    def hash(self) -> str:
        """Equal where the same facts give the same alerts."""
        text = json.dumps([self.rulebook.hash, self.knowledge.batch, self._stated()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _stated(self) -> dict[str, dict[str, str]]:
        """The parameters of each rule, by code, and the models of those that read what models say."""
        return {
            rule.code: stated(rule, self.params.get(rule.code), self.models) for rule in self.rulebook.rules
        }

    def _only(self, *, of_persons: bool) -> Judging:
        chosen = tuple(rule for rule in self.rulebook.rules if (rule.key in OF_PERSONS) == of_persons)
        return replace(self, rulebook=Rulebook(chosen))


def changes_between(before: str, now: str) -> Changes:
    """What lies between two judgings, each by its `text`."""
    _, old_knowledge, old = json.loads(before)
    _, new_knowledge, new = json.loads(now)
    both = old.keys() & new.keys()
    return Changes(
        rules=frozenset(code for code in both if old[code][0] != new[code][0]),
        not_run=frozenset(old.keys() - new.keys()),
        parameters=frozenset(code for code in both if old[code][1] != new[code][1]),
        knowledge=old_knowledge != new_knowledge,
    )


def load(given: settings.Rules, models: settings.Models | None = None) -> Judging:
    """All running rules, and the models, that the settings name. Raises `Refused`, `RulebookError` or `SourceError`."""
    every = rulebook_module.load(given.folder)
    params = _params(given.params) if given.params else {}
    for code, values in params.items():
        every.rule(code).values(values)
    folders = [given.knowledge] if given.knowledge else []
    trained = load_models(models.folder) if models and models.folder else None
    return Judging(every.running(), knowledge_module.load(*folders), params, trained)


def load_models(folder: Path) -> ModelSet:
    """The models of a folder. Raises `Refused`."""
    try:
        return model_files.load(folder)
    except ModelError as error:
        raise Refused(str(error)) from error


def _params(path: Path) -> dict[str, dict[str, Any]]:
    """Rule code → name → value, from a YAML file."""
    found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise Refused(f"{path.name}: write one mapping a rule: `GB-07: {{grace: 12}}`.")
    return {
        str(code): {str(name): str(value) for name, value in values.items()} for code, values in found.items()
    }
