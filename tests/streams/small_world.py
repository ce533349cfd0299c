"""A log of a few hundred messages in which a few rules speak: what the tests of the replay run on."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from streams.simulate import Log, World, simulate

#: Rules whose plants live in the log: of persons, receipts and stays, with a lookback and without.
RULES = ("FP-01", "FR-01", "GB-03", "GB-07")

_PERSON = re.compile(rb'"psn_no":"([^"]+)"')


@cache
def world() -> Log:
    return simulate(World(persons=8, days=100, seed=11))


def persons_of(line: bytes) -> set[str]:
    """The numbers of the insured persons that a message names."""
    return {found.decode() for found in _PERSON.findall(line)}


@cache
def lines() -> list[bytes]:
    """The messages of the persons that the plants of those rules live on, and of the registries, as they arrived."""
    log = world()
    persons = {plant.psn_no for plant in log.truth if plant.rule_code in RULES and plant.psn_no}
    kept = []
    for line in map(bytes, log.events):
        named = persons_of(line)
        if (named and named <= persons) or (not named and b'"registry":"institution"' in line):
            kept.append(line)
    return kept


def messages() -> list[dict[str, Any]]:
    """Those of the lines that are JSON objects with a msgid, in the same order."""
    found = []
    for line in lines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("msgid"):
            found.append(message)
    return found


def joined(log: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in log)
