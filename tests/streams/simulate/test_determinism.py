"""The same seed gives the same bytes, whatever the machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

from streams.simulate import Log, World, simulate

_PROGRAM = """
import hashlib
from streams.simulate import World, simulate
log = simulate(World(persons=60, days=100, seed=11))
whole = b"\\n".join([*log.events, *(plant.line() for plant in log.truth)])
print(hashlib.sha256(whole).hexdigest())
"""


def _digest(log: Log) -> str:
    return hashlib.sha256(b"\n".join([*log.events, *(plant.line() for plant in log.truth)])).hexdigest()


def test_hash_seed_time_zone_and_locale_change_nothing() -> None:
    surroundings = (
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4242", "TZ": "America/New_York", "LC_ALL": "C.UTF-8"},
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, **some},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for some in surroundings
    }
    assert len(digests) == 1


def test_a_second_run_in_one_process_gives_the_same(log: Log) -> None:
    assert _digest(simulate(World(persons=300, days=120, seed=7))) == _digest(log)


def test_another_seed_gives_another_world() -> None:
    one, two = (simulate(World(persons=40, days=30, seed=seed, planted=False)) for seed in (1, 2))
    assert _digest(one) != _digest(two)


def test_plants_leave_ordinary_life_as_it_was(log: Log) -> None:
    clean = simulate(World(persons=300, days=120, seed=7, planted=False))
    assert clean.truth == []
    assert set(clean.events) <= set(log.events)
