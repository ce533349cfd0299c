"""The log is as disorderly as a real one, and no more."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from streams.simulate import Log, World, simulate
from streams.simulate.arrival import BROKEN
from streams.wire import Decoded, decode


@pytest.fixture(scope="module")
def noisy() -> Log:
    """Ordinary life only, five times as disorderly as usual."""
    return simulate(World(persons=1000, days=90, seed=3, planted=False, noise=5.0))


@pytest.fixture(scope="module")
def decoded(log: Log) -> Decoded:
    """The planted world as facts."""
    return decode(log.events, source="log", first_line=1, first_seq=1, key=b"k" * 32)


def _counts(log: Log, name: str) -> dict[str, int]:
    counts = log.manifest[name]
    assert isinstance(counts, dict)
    return counts


@pytest.mark.parametrize("kind", BROKEN)
def test_every_kind_of_broken_line_occurs(noisy: Log, kind: str) -> None:
    assert _counts(noisy, "disorder")[kind] >= 1


@pytest.mark.parametrize(
    "infno",
    [
        "2101",
        "2103",
        "2202",
        "2205",
        "2206",
        "2208",
        "2302",
        "2303",
        "2305",
        "2403",
        "2404",
        "2405",
        "2601",
        "3506A",
    ],
)
def test_every_kind_of_cancellation_and_trial_occurs(noisy: Log, infno: str) -> None:
    assert _counts(noisy, "counts")[infno] >= 1


def test_about_one_in_a_hundred_comes_twice(log: Log) -> None:
    assert 0.005 < _counts(log, "disorder")["duplicate"] / len(log.events) < 0.02


def test_about_one_in_a_hundred_failed_or_was_a_trial(log: Log, decoded: Decoded) -> None:
    assert 0.003 < sum(decoded.counts.not_facts.values()) / len(log.events) < 0.03


def test_only_what_was_meant_to_be_broken_is_rejected(noisy: Log) -> None:
    disorder = _counts(noisy, "disorder")
    decoded = decode(noisy.events, source="log", first_line=1, first_seq=1, key=b"k" * 32)
    whole = [reject for reject in decoded.rejects if reject.row is None]
    rows = [reject for reject in decoded.rejects if reject.row is not None]
    assert len(whole) == sum(
        disorder[kind] for kind in ("not_json", "no_msgid", "bad_time", "wrong_encoding")
    )
    assert len(rows) == disorder["bad_row"]


def test_plants_are_readable_but_for_the_rows_that_are_meant_not_to_be(log: Log, decoded: Decoded) -> None:
    disorder = _counts(log, "disorder")
    assert len(decoded.rejects) == sum(
        disorder.get(kind, 0) for kind in ("not_json", "no_msgid", "bad_time", "wrong_encoding", "bad_row")
    )


def test_the_order_of_the_log_is_not_the_order_of_time(log: Log) -> None:
    times = [line[line.index(b'"inf_time":"') + 12 :][:19] for line in log.events if b'"inf_time":"' in line]
    steps_back = sum(later < earlier for earlier, later in pairwise(times))
    assert 0.02 < steps_back / len(times) < 0.6


def test_some_cancellations_arrive_before_what_they_cancel(noisy: Log) -> None:
    settled: set[str] = set()
    early = 0
    for line in noisy.events:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if message.get("infno") == "2207" and message["response"]["infcode"] == 0:
            settled.add(message["response"]["output"]["setlinfo"]["setl_id"])
        elif message.get("infno") == "2208":
            early += message["input"]["data"]["setl_id"] not in settled
    assert early >= 1


def test_without_noise_everything_is_in_order_and_once() -> None:
    log = simulate(World(persons=80, days=60, seed=2, planted=False, noise=0.0))
    times = [json.loads(line)["inf_time"] for line in log.events]
    assert times == sorted(times)
    assert len(set(log.events)) == len(log.events)
    assert _counts(log, "disorder") == {}
