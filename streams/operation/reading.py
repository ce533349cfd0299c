"""Settings from one file and the environment: environment over file over defaults, and every mistake at once."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from rules import yamltext
from streams.errors import Refused
from streams.operation import declared
from streams.operation.checks import compared
from streams.operation.declared import VARIABLE, Setting
from streams.operation.settings import Settings, without_password
from streams.secrets import KEY_VARIABLE

CONFIG_VARIABLE = "FUNDWATCH_CONFIG"

#: Variables of the environment that belong to us and are no settings.
OTHERS = frozenset({CONFIG_VARIABLE, KEY_VARIABLE})

#: What Kubernetes sets in every container for a service that is called fundwatch….
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP)(_\w+)?$")
_LINKED = re.compile(r"^(tcp|udp)://")

SECRET_NAME = re.compile(r"pass|secret|token|credential|(^|[_.-])key([_.-]|$)|jaas", re.IGNORECASE)
"""Options of client libraries whose values are not shown."""

SET = "set"
"""What is shown in place of a secret."""


class Mistakes(Refused):
    """The settings cannot be used. `sentences`: one for each mistake."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        many = f"{len(self.sentences)} settings are wrong:\n  " if len(self.sentences) > 1 else ""
        super().__init__(many + "\n  ".join(self.sentences))


@dataclass(frozen=True)
class Given:
    """A value that somebody gave, and where: as an origin ("fundwatch.yaml:3") and as a sentence begins."""

    value: Any
    origin: str
    text: bool
    """It came as text, from the environment."""
    folder: Path
    """What a relative path is relative to."""


@dataclass(frozen=True)
class Read:
    """The effective settings, and where each of them came from, by key: "default", "FILE:LINE" or a variable's name."""

    settings: Settings
    origins: Mapping[str, str]

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Key, value and origin of every setting, as they may be shown to anybody."""
        for setting in declared.settings():
            value = getattr(getattr(self.settings, setting.section), setting.name)
            yield setting.key, show(setting, value), self.origins[setting.key]


@dataclass
class _Found:
    given: dict[str, Given] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def read(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Read:
    """The settings from `file` (else from that named by FUNDWATCH_CONFIG, if any) and the environment.

    Relative paths of the file are relative to its folder, others to the working folder. `environ`: default the
    process's. Raises `Mistakes` with a sentence for everything that is wrong.
    """
    environ = os.environ if environ is None else environ
    every = {setting.key: setting for setting in declared.settings()}
    found = _Found()
    named = environ.get(CONFIG_VARIABLE)
    if file is None and named:
        file = Path(named)
    if file is not None:
        _from_file(file, every, found)
    _from_environment(environ, every, found)

    values: dict[str, dict[str, Any]] = {name: {} for name in declared.sections()}
    origins = dict.fromkeys(every, "default")
    for key, given in found.given.items():
        setting = every[key]
        origins[key] = given.origin
        try:
            values[setting.section][setting.name] = _converted(setting, given)
        except ValueError:
            found.mistakes.append(_sentence(setting, given))
    wrong = frozenset(key for key in found.given if every[key].name not in values[every[key].section])
    whole = msgspec.structs.replace(
        Settings(), **{name: kind(**values[name]) for name, kind in declared.sections().items()}
    )
    found.mistakes += compared(whole, origins, wrong)
    if found.mistakes:
        raise Mistakes(found.mistakes)
    return Read(whole, origins)


def show(setting: Setting, value: Any) -> str:
    """A value as it may be shown: secrets as "set"."""
    if value is None:
        return "–"
    if setting.secret == "url":
        return without_password(str(value))
    if setting.secret:
        return SET
    if isinstance(value, dict):
        return json.dumps({name: SET if SECRET_NAME.search(name) else one for name, one in value.items()})
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _from_file(file: Path, every: Mapping[str, Setting], found: _Found) -> None:
    data, lines = _parsed(file, found)
    if data is None:
        return
    if not isinstance(data, dict):
        found.mistakes.append(
            f"{file}: write sections with settings, such as 'worker:' and below it 'partitions: 8'."
        )
        return
    sections = declared.sections()

    def at(*address: str | int) -> str:
        line = lines(*address)
        return f"{file}:{line}" if line else str(file)

    for section, inner in data.items():
        if section not in sections:
            found.mistakes.append(
                f"{at(section)}: there is no section {section}{_meant(str(section), sections)}"
            )
            continue
        if inner is None:
            continue
        if not isinstance(inner, dict):
            found.mistakes.append(f"{at(section)}: {section} is a section; write its settings below it.")
            continue
        for name, value in inner.items():
            key = f"{section}.{name}"
            if key in every:
                found.given[key] = Given(value, at(section, name), False, file.parent)
            else:
                names = [one.name for one in every.values() if one.section == section]
                found.mistakes.append(
                    f"{at(section, name)}: there is no setting {key}{_meant(str(name), names)}"
                )


def _parsed(file: Path, found: _Found) -> tuple[Any, Any]:
    """What a file holds, and a function from an address to its line (None where the format does not tell)."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix in (".yaml", ".yml"):
            document = yamltext.parse(text, file)
            return _plain(document.data), document.line
        if file.suffix == ".toml":
            return tomllib.loads(text), lambda *_: None
        found.mistakes.append(f"{file}: the file of settings is YAML or TOML; name it .yaml or .toml.")
    except OSError as error:
        found.mistakes.append(f"{file}: cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        found.mistakes.append(f"{file}: is not UTF-8.")
    except yamltext.SourceError as error:
        found.mistakes.append(f"{error}.")
    except tomllib.TOMLDecodeError as error:
        found.mistakes.append(f"{file}: not TOML: {error}.")
    return None, None


def _plain(value: Any) -> Any:
    """Without the exact decimals of rule files."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, Decimal) else value


def _from_environment(environ: Mapping[str, str], every: Mapping[str, Setting], found: _Found) -> None:
    by_variable = {setting.variable: setting for setting in every.values()}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(VARIABLE) or variable in OTHERS or not value:
            continue
        if _SERVICE_LINK.search(variable) or (variable.endswith("_PORT") and _LINKED.match(value)):
            continue
        if variable in by_variable:
            found.given[by_variable[variable].key] = Given(value, variable, True, Path())
        else:
            found.mistakes.append(f"{variable}: there is no such setting{_meant(variable, by_variable)}")


def _meant(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"; do you mean {near[0]}?"
    return f"; there are {', '.join(known)}." if len(known) <= 20 else "; fundwatch config show lists them."


def _converted(setting: Setting, given: Given) -> Any:
    """The value as its type. Raises ValueError (msgspec's included)."""
    value = given.value
    if given.text and setting.kind is not str and isinstance(setting.default, dict):
        value = json.loads(value)

    def path(kind: type, raw: Any) -> Any:
        if kind is not Path or not isinstance(raw, str) or not raw:
            raise ValueError
        return given.folder / Path(raw).expanduser()

    made = msgspec.convert(value, setting.annotation, strict=not given.text, dec_hook=path)
    if isinstance(made, float) and not math.isfinite(made):
        raise ValueError
    if given.text and made is None:
        raise ValueError
    return made


def _sentence(setting: Setting, given: Given) -> str:
    where = given.origin if given.text else f"{given.origin}: {setting.key}"
    if setting.secret or isinstance(setting.default, dict):
        return f"{where} cannot be used; allowed is {setting.allowed}."
    if setting.kind is str and not isinstance(given.value, str):
        return f"{where} is {given.value!r}, no text; put it in quotes (allowed is {setting.allowed})."
    return f"{where} is {given.value!r}; allowed is {setting.allowed}."
