"""The site's secret: under it certificate and phone numbers become hashes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from streams.errors import Refused

KEY_FILE_VARIABLE = "FUNDWATCH_KEY_FILE"
KEY_VARIABLE = "FUNDWATCH_KEY"
DEVELOPMENT_KEY = b"fundwatch development key: protects nobody"
SHORTEST_KEY = 16
"""Bytes."""


#: Under the development key anyone can compute the hashes of personal numbers.
DEVELOPMENT_KEY_WARNING = (
    f"no site key is set, so the development key is used, which protects nobody: set {KEY_FILE_VARIABLE} "
    "before real data come in."
)


def site_key(warn: Callable[[str], None], file: Path | None = None) -> bytes:
    """The key from the file named by FUNDWATCH_KEY_FILE, else from `file`, else from FUNDWATCH_KEY, else a
    development key.

    `file` is the one that the settings name. `warn` is told one sentence where it is the development key. Raises
    Refused for a key that cannot be read or is shorter than 16 bytes.
    """
    named = os.environ.get(KEY_FILE_VARIABLE) or file
    if named:
        try:
            return _long_enough(Path(named).read_bytes().strip(), str(named) if file else KEY_FILE_VARIABLE)
        except OSError as error:
            raise Refused(f"The key file {named} cannot be read: {error.strerror}.") from error
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return _long_enough(given.encode(), KEY_VARIABLE)
    warn(DEVELOPMENT_KEY_WARNING)
    return DEVELOPMENT_KEY


def _long_enough(key: bytes, variable: str) -> bytes:
    if len(key) < SHORTEST_KEY:
        raise Refused(f"The key of {variable} has {len(key)} bytes; use {SHORTEST_KEY} random ones or more.")
    return key
