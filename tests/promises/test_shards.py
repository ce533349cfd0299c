"""Promise 4: splitting the log by a rule's key and uniting the results changes nothing."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from detectors.alert import Alert
from rules.rulebook import Rulebook
from tests.promises.conftest import Judged
from tests.promises.kernel import alerts_of, as_bytes, message, rulebook

SHARDS = 3


def shard(key: str) -> int:
    return zlib.crc32(key.encode()) % SHARDS


def values(read: Any, names: frozenset[str]) -> Iterator[str]:
    """Everything in a message that stands under one of these names."""
    if isinstance(read, dict):
        for name, value in read.items():
            if name in names and isinstance(value, str | int) and value != "":
                yield str(value)
            else:
                yield from values(value, names)
    elif isinstance(read, list):
        for one in read:
            yield from values(one, names)
    elif isinstance(read, str) and read.startswith("{"):
        inner = message(b'{"msgid":"", "x":' + read.encode() + b"}")
        if inner is not None:
            yield from values(inner["x"], names)


#: Where a message goes, by the rule's key: the shards of what it names, every shard where it names nothing.
NAMES: dict[str, frozenset[str]] = {
    "person": frozenset({"psn_no"}),
    "visit": frozenset({"psn_no"}),
    "institution": frozenset({"fixmedins_code"}),
    "bed": frozenset({"fixmedins_code"}),
    "operator": frozenset({"fixmedins_code"}),
    "practitioner": frozenset({"fixmedins_code"}),
    "bill": frozenset({"bill_no", "invono"}),
    "trace_code": frozenset({"drug_trac_codg"}),
    "owner": frozenset({"ACCT_OWNER_PSN_NO"}),
}

#: The id by which the alerts of a shard are its own.
OWN: dict[str, Callable[[Alert], str]] = {
    "person": lambda alert: alert.patn_id or "",
    "visit": lambda alert: alert.patn_id or "",
    "institution": lambda alert: alert.fixmedins_code or "",
    "bed": lambda alert: alert.fixmedins_code or "",
    "operator": lambda alert: alert.fixmedins_code or "",
    "practitioner": lambda alert: alert.fixmedins_code or "",
    "bill": lambda alert: re.split("[-/]", alert.subject)[-1],
    "trace_code": lambda alert: alert.subject,
    "owner": lambda alert: alert.subject,
}


def parts(lines: list[bytes], key: str) -> list[list[bytes]]:
    """The log by shards: a message goes where its keys go, and those of the messages of its settlement."""
    reads = [message(line) or {} for line in lines]
    named: list[set[str]] = [set() if "registry" in read else set(values(read, NAMES[key])) for read in reads]
    settlements = [set(values(read, frozenset({"setl_id"}))) for read in reads]
    of_settlement: defaultdict[str, set[str]] = defaultdict(set)
    if key == "bill":
        for keys, setl_ids in zip(named, settlements, strict=True):
            for setl_id in setl_ids:
                of_settlement[setl_id] |= keys
    shards: list[list[bytes]] = [[] for _ in range(SHARDS)]
    for line, keys, setl_ids in zip(lines, named, settlements, strict=True):
        together = keys.union(*(of_settlement[setl_id] for setl_id in setl_ids))
        for number in {shard(value) for value in together} or range(SHARDS):
            shards[number].append(line)
    return shards


@pytest.mark.parametrize("key", sorted({rule.key for rule in rulebook().rules}))
def test_splitting_by_the_key_and_uniting_changes_nothing(world: Judged, key: str) -> None:
    keyed = Rulebook(tuple(rule for rule in rulebook().rules if rule.key == key))
    codes = {rule.code for rule in keyed.rules}
    whole = [alert for alert in world.alerts if alert.rule_code in codes]
    united = [
        alert
        for number, lines in enumerate(parts(world.lines, key))
        for alert in alerts_of(lines, world.watermark, keyed)
        if shard(OWN[key](alert)) == number
    ]
    assert as_bytes(sorted(united, key=lambda alert: alert.jr_id)) == as_bytes(whole)
    assert whole
