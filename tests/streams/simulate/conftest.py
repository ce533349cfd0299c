"""A small world that several tests look at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streams.simulate import Log, World, simulate


@pytest.fixture(scope="session")
def log() -> Log:
    """300 residents, 120 days, with plants."""
    return simulate(World(persons=300, days=120, seed=7))


@pytest.fixture(scope="session")
def messages(log: Log) -> list[dict[str, Any]]:
    """Its readable lines, each msgid once."""
    found: dict[str, dict[str, Any]] = {}
    for line in log.events:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if message.get("msgid"):
            found.setdefault(message["msgid"], message)
    return list(found.values())
