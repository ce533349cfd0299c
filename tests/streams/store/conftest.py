"""Stores to try things on: one in SQLite, one in a PostgreSQL that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from streams.store.writing import AlertStore
from tests import postgres
from tests.streams.cli.conftest import _site_key, base, conflict, good_lines, log_lines  # noqa: F401

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes URLs of stores that are not there yet."""
    if engine == "sqlite":
        numbers = count(1)
        return lambda: f"sqlite:///{tmp_path}/alerts-{next(numbers)}.db"
    running: postgres.Server = request.getfixturevalue("server")
    return running.url


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[AlertStore]:
    with AlertStore(url) as opened:
        yield opened
