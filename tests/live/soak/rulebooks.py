"""Three sets of rules for one world: the rules with a short lookback, then one rule changed, then parameters besides."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rules import rulebook as rulebook_module
from rules.rulebook import FOLDER, Rulebook
from streams.live.rules import OF_PERSONS

#: Of rule GB-07, in the changed rulebook: more is charged outside the stay than before.
_GRACE = ("grace: {default: 24,", "grace: {default: 6,")

#: One parameter that opens alerts and one that retracts some.
PARAMETERS = {"GB-01": {"tolerance": "0"}, "IN-06": {"outer": "10"}}


@dataclass(frozen=True)
class Rules:
    """What is judged by: a folder of rules and, perhaps, a file of parameters."""

    folder: Path
    parameters: Path | None = None

    @property
    def overrides(self) -> dict[str, dict[str, str]]:
        """Rule code → parameter → value."""
        return json.loads(self.parameters.read_text()) if self.parameters else {}

    def settings(self) -> dict[str, str]:
        """The section `rules` of a worker's settings."""
        return {"folder": str(self.folder)} | ({"params": str(self.parameters)} if self.parameters else {})

    def rulebook(self) -> Rulebook:
        """The rules that run."""
        return rulebook_module.load(self.folder).running()


def make(folder: Path, longest: timedelta) -> tuple[Rules, Rules, Rules]:
    """Write the three sets under `folder`. No rule looks back farther than `longest` (whole days)."""
    first, second = folder / "rules-1", folder / "rules-2"
    _copy(FOLDER, first, lambda text: _shortened(text, longest))
    _copy(first, second, lambda text: text)
    path = second / "ghost_bed" / "charged_outside_stay.sql"
    path.write_text(_replaced(_replaced(path.read_text(), *_GRACE), "\nversion: ", "\nversion: 1"))
    parameters = folder / "parameters.yaml"
    parameters.write_text(json.dumps(PARAMETERS))
    return Rules(first), Rules(second), Rules(second, parameters)


def repeated(folder: Path, times: int) -> Rules:
    """Every rule of the worker's `times` times, under codes and names of their own: how a larger rulebook would do."""
    rules = [rule for rule in rulebook_module.load().running().rules if rule.key in OF_PERSONS]
    for number in range(times):
        for place, rule in enumerate(rules):
            target = folder / rule.family / f"{rule.path.stem}{f'_{number}' if number else ''}.sql"
            target.parent.mkdir(parents=True, exist_ok=True)
            code = f"{chr(76 + number)}{chr(65 + place)}-{rule.code[-2:]}" if number else rule.code
            target.write_text(_replaced(rule.path.read_text(), f"code: {rule.code}", f"code: {code}"))
    return Rules(folder)


def _copy(source: Path, target: Path, edit: object) -> None:
    assert callable(edit)
    shutil.rmtree(target, ignore_errors=True)
    for path in rulebook_module.rule_files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(edit(path.read_text()))


def _shortened(text: str, longest: timedelta) -> str:
    def shorter(found: re.Match[str]) -> str:
        return f"lookback: {min(int(found[1]), longest.days)} d"

    return re.sub(r"^lookback: (\d+) d", shorter, text, count=1, flags=re.MULTILINE)


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not in the rule any more"
    return text.replace(old, new, 1)
