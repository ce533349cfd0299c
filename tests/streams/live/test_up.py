"""One machine: whatever is fed how, and whenever the process is killed, it ends with what a replay says."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rules.rulebook import load
from streams.cli import main
from streams.lake import build_lake
from streams.live.rules import OF_PERSONS
from streams.operation.exits import Exit
from tests.streams.live.machine import KEY, Machine, replayed, wait_for
from tests.streams.small_world import joined
from tests.streams.small_world import lines as small_world

#: Steps at which a process is killed, each at its n-th call: what changes something on the disk.
STEPS = [
    ("Journal.add", "before", 1),
    ("Journal.add", "after", 1),
    ("Journal.note", "before", 2),
    ("Shard.take", "before", 1),
    ("AlertStore.apply", "before", 1),
    ("AlertStore.apply", "after", 1),
    ("Shard.sent", "after", 1),
    ("Writer.commit", "before", 1),
    ("Writer.commit", "after", 1),
    ("Sweep.once", "after", 1),
    ("Sweep.sent", "before", 1),
]


@cache
def messy() -> tuple[bytes, ...]:
    """A small world's messages, some twice, with some that are none and one with three contents under one msgid."""
    lines = list(small_world())
    dice = random.Random(3)
    for line in dice.sample(lines, 60):
        lines.insert(dice.randrange(len(lines)), line)
    for line in (b"not json", b"{}", b'{"infno":"2304"}', b"\xff\xfe", b""):
        lines.insert(dice.randrange(len(lines)), line)
    settled = next(one for one in map(loaded, lines) if one.get("infno") == "2304")
    for time in ("2026-12-30 10:00:00", "2025-12-30 10:00:00"):
        lines.insert(dice.randrange(len(lines)), json.dumps({**settled, "inf_time": time}).encode())
    return tuple(lines)


def loaded(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def unconflicted(rejects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those that lost against another content: of one that was forgotten by then, the line is not known."""
    return [one for one in rejects if one["reason_code"] != "msgid_conflict"]


def portions(lines: Sequence[bytes], count: int, seed: int) -> Iterator[list[bytes]]:
    """The lines in so many pieces of any size."""
    dice = random.Random(seed)
    ends = [*sorted(dice.sample(range(1, len(lines)), count - 1)), len(lines)]
    for begin, end in zip([0, *ends], ends, strict=False):
        yield list(lines[begin:end])


def assert_meaningful(machine: Machine, alerts: dict[str, bytes]) -> None:
    """There was something to lose: alerts of both speakers, and retractions."""
    keys = {rule.code: rule.key for rule in load().rules}
    of_worker = Counter(keys[json.loads(alert)["rule_code"]] in OF_PERSONS for alert in alerts.values())
    assert of_worker[True] >= 5, of_worker
    assert of_worker[False] >= 2, of_worker
    assert sum(kind == "retracted" for _, _, kind in machine.changes()) >= 1


def assert_numbers_have_no_gaps(machine: Machine) -> None:
    numbers: dict[str, list[int]] = {}
    for jr_id, seq, _ in machine.changes():
        numbers.setdefault(jr_id, []).append(seq)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_it_ends_as_the_replay_when_it_is_killed_at_every_step(tmp_path: Path) -> None:
    machine = Machine(tmp_path, WORKER_BATCH_MAX_EVENTS=250)
    log = machine.watch / "events.jsonl"
    kills = 0
    pieces = list(portions(messy(), len(STEPS) + 1, seed=5))
    for (step, when, number), piece in zip(STEPS, pieces[:-1], strict=True):
        with log.open("ab") as file:
            file.write(joined(piece))
        code = machine.once(before=["-m", "tests.streams.live.dies_up", step, when, str(number)])
        assert code in (-signal.SIGKILL, Exit.DONE), machine.said()
        kills += code == -signal.SIGKILL
    with log.open("ab") as file:
        file.write(joined(pieces[-1]))
    assert machine.once() == Exit.DONE, machine.said()
    assert kills >= len(STEPS) - 1
    alerts, rejects = replayed([log], tmp_path / "run")
    assert machine.alerts() == alerts
    assert machine.rejects() == rejects
    assert_meaningful(machine, alerts)
    assert_numbers_have_no_gaps(machine)
    archived, _ = replayed([machine.data / "lake"], tmp_path / "run of the lake")
    assert archived == alerts


def test_it_ends_as_the_replay_when_it_is_fed_by_files_and_requests_and_killed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, WORKER_BATCH_MAX_EVENTS=200, WORKER_BATCH_MAX_WAIT_SECONDS=0.05)
    lines = messy()
    pieces = list(portions(lines, 12, seed=8))
    fed = 0

    def feed(piece: Sequence[bytes], name: str) -> None:
        nonlocal fed
        fed += len(piece)
        with (machine.watch / name).open("ab") as file:
            file.write(joined(piece))

    machine.start("--http", "0")
    for number, piece in enumerate(pieces):
        if number % 3 == 1:
            assert machine.post(piece) == 202
            fed += len(piece)
        elif number == 6:
            partial = machine.watch / ".b.jsonl.gz"
            partial.write_bytes(gzip.compress(joined(piece)))
            partial.rename(machine.watch / "b.jsonl.gz")
            fed += len(piece)
        elif number == 8:
            (machine.watch / "a.jsonl").rename(machine.watch / "a-1.jsonl")
            feed(piece, "a.jsonl")
        else:
            feed(piece, "a.jsonl")
        if number in (2, 5, 9):
            before = fed - len(piece)
            wait_for("some of it is judged", lambda before=before: machine.position > before)  # type: ignore[misc]
            assert machine.end(signal.SIGKILL) == -signal.SIGKILL
            machine.start("--http", "0")
    wait_for("all is judged", lambda: machine.position == fed)
    assert machine.end(signal.SIGTERM) == Exit.DONE, machine.said()
    assert [line["event"] for line in machine.events()][-2:] == ["draining", "stopped"]
    assert machine.once() == Exit.DONE, machine.said()
    assert machine.came == fed
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(joined(lines))
    alerts, rejects = replayed([whole], tmp_path / "run")
    assert machine.alerts() == alerts
    assert len(machine.rejects()) == len(rejects)
    assert sorted(one["sha256"] for one in unconflicted(machine.rejects())) == sorted(
        one["sha256"] for one in unconflicted(rejects)
    )
    assert_meaningful(machine, alerts)
    assert_numbers_have_no_gaps(machine)


def test_while_it_drains_requests_are_refused_and_what_was_accepted_is_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.start("--http", "0")
    accepted = 0
    for piece in portions(messy()[:300], 20, seed=1):
        assert machine.post(piece) == 202
        accepted += len(piece)
    assert machine.end() == Exit.DONE
    assert machine.came == accepted
    assert machine.once() == Exit.DONE
    assert machine.position == accepted


def test_a_full_disk_ends_it_with_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, WORKER_BATCH_MAX_EVENTS=300)
    log = machine.watch / "events.jsonl"
    pieces = list(portions(messy(), 4, seed=2))
    log.write_bytes(joined(pieces[0]))
    assert machine.once() == Exit.DONE, machine.said()
    for piece, full in zip(pieces[1:], ("journal.db", "shard-0000.db", "alerts.db"), strict=True):
        with log.open("ab") as file:
            file.write(joined(piece))
        code = machine.once(before=["-m", "tests.streams.live.full_up", full])
        assert code == Exit.DISK_FULL, machine.said()
        (sentence,) = [line for line in machine.said().splitlines() if line.startswith("fundwatch: ")]
        assert "full" in sentence
        assert sentence.endswith("nothing was lost.")
    assert machine.once() == Exit.DONE, machine.said()
    alerts, rejects = replayed([log], tmp_path / "run")
    assert machine.alerts() == alerts
    assert len(machine.rejects()) == len(rejects)
    assert unconflicted(machine.rejects()) == unconflicted(rejects)


def test_a_lost_state_and_a_lost_store_are_made_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    log = machine.watch / "events.jsonl"
    first, second, third = portions(messy(), 3, seed=4)
    log.write_bytes(joined(first))
    assert machine.once() == Exit.DONE, machine.said()
    before = machine.changes()
    shutil.rmtree(machine.data / "state")
    with log.open("ab") as file:
        file.write(joined(second))
    assert machine.once() == Exit.DONE, machine.said()
    assert before
    assert set(before) <= set(machine.changes())
    assert_numbers_have_no_gaps(machine)
    for file in machine.data.glob("alerts.db*"):
        file.unlink()
    with log.open("ab") as file:
        file.write(joined(third))
    assert machine.once() == Exit.DONE, machine.said()
    alerts, _ = replayed([log], tmp_path / "run")
    assert machine.alerts() == alerts


def test_it_goes_on_from_a_lake_that_was_built_before(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    first, second = portions(messy(), 2, seed=6)
    history = tmp_path / "history.jsonl"
    history.write_bytes(joined(first))
    build_lake([str(history)], machine.data / "lake", KEY.encode())
    log = machine.watch / "events.jsonl"
    log.write_bytes(joined(second))
    assert machine.once() == Exit.DONE, machine.said()
    alerts, _ = replayed([history, log], tmp_path / "run")
    assert machine.alerts() == alerts
    assert_meaningful(machine, alerts)


def test_repair_mends_what_only_the_lake_can_know(tmp_path: Path) -> None:
    """A message that is another person's under the msgid of one that was alerted, and comes first in the order."""
    machine = Machine(tmp_path)
    log = machine.watch / "events.jsonl"
    log.write_bytes(joined(small_world()))
    assert machine.once() == Exit.DONE, machine.said()
    alerts, _ = replayed([log], tmp_path / "run")
    msgids = {msgid for alert in alerts.values() for msgid in json.loads(alert)["evidence"]}
    sales = [one for one in map(loaded, small_world()) if one.get("infno") in ("2304", "2207", "2102")]
    alerted = next(one for one in sales if one["msgid"] in msgids)
    other = next(
        one for one in sales if one["infno"] == alerted["infno"] and person_of(one) != person_of(alerted)
    )
    first = {**other, "msgid": alerted["msgid"], "inf_time": "2025-01-01 00:00:00"}
    with log.open("ab") as file:
        file.write(joined([json.dumps(first).encode()]))
    assert machine.once() == Exit.DONE, machine.said()
    alerts, rejects = replayed([log], tmp_path / "run after")
    assert machine.alerts() != alerts
    assert machine.once("--repair") == Exit.DONE, machine.said()
    assert machine.alerts() == alerts
    assert len(machine.rejects()) == len(rejects)
    assert any(line["event"] == "repair done" for line in machine.events())


def person_of(message: dict[str, Any]) -> str:
    return str(message["response"]["output"]["setlinfo"]["psn_no"])


def test_a_lake_of_before_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    log = machine.watch / "events.jsonl"
    log.write_bytes(joined(messy()[:100]))
    assert machine.once() == Exit.DONE, machine.said()
    shutil.rmtree(machine.data / "lake")
    assert machine.once() == Exit.REFUSED
    assert "put back the lake" in machine.said()


def test_two_do_not_work_on_one_data_folder(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.start("--http", "0")
    machine.wait_for("ready")
    other = Machine(tmp_path / "other")
    other.data = machine.data
    assert other.once() == Exit.REFUSED
    assert "in use by another" in other.said()
    assert machine.end() == Exit.DONE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--watch"),
        (["--watch", "nowhere"], "no such folder"),
        (["--http", "x:y"], "write PORT or HOST:PORT"),
        (["--watch", "{}"], "would read what it writes"),
        (["--http", "0", "--repair"], "goes with --once"),
    ],
)
def test_what_cannot_run_is_refused_with_one_sentence(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--data", str(tmp_path / "data"), *(option.format(tmp_path) for option in options)])
    assert ended.value.code == Exit.REFUSED
    assert words in capsys.readouterr().err
