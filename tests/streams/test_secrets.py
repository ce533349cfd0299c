"""The site key: from a file, from the environment, or a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import secrets
from streams.errors import Refused
from streams.secrets import DEVELOPMENT_KEY, DEVELOPMENT_KEY_WARNING, site_key


def silent(sentence: str) -> None:
    pytest.fail(f"nothing is to be warned of: {sentence}")


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(secrets.KEY_VARIABLE, raising=False)
    monkeypatch.delenv(secrets.KEY_FILE_VARIABLE, raising=False)


def test_the_file_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(secrets.KEY_VARIABLE, "v" * 16)
    assert site_key(silent) == b"v" * 16
    file = tmp_path / "key"
    file.write_text("f" * 32 + "\n", encoding="utf-8")
    monkeypatch.setenv(secrets.KEY_FILE_VARIABLE, str(file))
    assert site_key(silent) == b"f" * 32


def test_without_a_key_the_development_key_is_used_and_warned_about() -> None:
    warned: list[str] = []
    assert site_key(warned.append) == DEVELOPMENT_KEY
    assert warned == [DEVELOPMENT_KEY_WARNING]
    assert secrets.KEY_FILE_VARIABLE in DEVELOPMENT_KEY_WARNING


def test_a_short_key_or_a_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(secrets.KEY_VARIABLE, "short")
    with pytest.raises(Refused, match="has 5 bytes"):
        site_key(silent)
    monkeypatch.setenv(secrets.KEY_FILE_VARIABLE, "/nowhere/key")
    with pytest.raises(Refused, match="cannot be read"):
        site_key(silent)
