"""`fundwatch diff`: what one run says and another does not, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detectors.diff import Difference, Reason
from streams.compare import compare
from streams.run import Run
from tests.streams import small_world
from tests.streams.cli.conftest import Replayed, fundwatch, replay

#: Settlement → the transaction that cancels it.
CANCELLED_BY = {"2102": "2103", "2207": "2208", "2304": "2305"}


def difference(before: Path, after: Path) -> Difference:
    return compare(Run.open(before), Run.open(after))


def the_cancellation_of(setl_id: str, msgid: str) -> bytes:
    """A message of the last day that cancels a settlement of the log."""
    (settled,) = (
        message
        for message in small_world.messages()
        if message.get("infno") in CANCELLED_BY
        and setl_id == ((message["response"].get("output") or {}).get("setlinfo") or {}).get("setl_id")
    )
    info = settled["response"]["output"]["setlinfo"]
    data = {"setl_id": setl_id, "mdtrt_id": info["mdtrt_id"], "psn_no": info["psn_no"]}
    cancelling = {"infno": CANCELLED_BY[settled["infno"]], "msgid": msgid, "inf_time": "2026-04-09 10:00:00"}
    return json.dumps({**settled, **cancelling, "input": {"data": data}}).encode()


def test_equal_runs_do_not_differ(base: Replayed) -> None:
    answer = fundwatch("diff", base.folder, base.folder)
    assert (answer.code, answer.out, answer.err) == (0, "opened 0  changed 0  retracted 0\n", "")


def test_what_a_cancellation_ended_names_its_message(base: Replayed, tmp_path: Path) -> None:
    alert = next(alert for alert in base.alerts if alert.rule_code == "FP-01")
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        base.log.read_bytes() + the_cancellation_of(str(alert.anchor["setl_id"]), "CANCEL-1") + b"\n"
    )
    assert replay(log, "--out", tmp_path / "run").code == 0
    found = difference(base.folder, tmp_path / "run")
    by_id = {gone.alert.jr_id: gone for gone in found.retracted}
    assert (by_id[alert.jr_id].reason, by_id[alert.jr_id].msgid) == (Reason.CANCELLED, "CANCEL-1")
    answer = fundwatch("diff", base.folder, tmp_path / "run")
    assert answer.code == 1
    assert f"retracted {len(found.retracted)}" in answer.out
    (row,) = (line for line in answer.out.splitlines() if alert.jr_id[:12] in line)
    assert "retracted" in row
    assert "cancelled by CANCEL-1" in row
    assert fundwatch("diff", tmp_path / "run", base.folder).out.startswith(f"opened {len(found.retracted)}")


def test_what_a_parameter_changed_says_so(base: Replayed, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert replay(base.log, "--out", run, "--param", "GB-03.repeats=9", "--param", "GB-07.grace=72").code == 0
    found = difference(base.folder, run)
    gone = {(gone.alert.rule_code, gone.reason, gone.msgid) for gone in found.retracted}
    assert gone == {("GB-07", Reason.PARAMETER, None)}
    assert {new.rule_code for _, new in found.changed} >= {"GB-03"}
    assert all(new.params != old.params for old, new in found.changed)
    answer = fundwatch("diff", base.folder, run)
    assert answer.code == 1
    assert "params" in answer.out
    assert "parameter changed" in answer.out


def test_a_rule_that_was_not_asked_for_is_one_not_run(base: Replayed, tmp_path: Path) -> None:
    rules = [code for code in small_world.RULES if code != "FP-01"]
    assert replay(base.log, "--out", tmp_path / "run", rules=rules).code == 0
    found = difference(base.folder, tmp_path / "run")
    assert {(gone.alert.rule_code, gone.reason) for gone in found.retracted} == {("FP-01", Reason.NOT_RUN)}
    assert (found.opened, found.changed) == ([], [])
    shown = fundwatch("diff", base.folder, tmp_path / "run").out
    assert shown.count("rule not run") == min(20, len(found.retracted))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "is not a run: it has no run.json"), ('{"format": 99}', "has run format 99")],
)
def test_what_is_no_run_is_refused(
    content: str | None, sentence: str, base: Replayed, tmp_path: Path
) -> None:
    if content:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    answer = fundwatch("diff", base.folder, tmp_path)
    assert (answer.code, answer.out, sentence in answer.err) == (2, "", True)
