"""Runs into a store: the first opens, a later one of the same history makes the difference, with reasons."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from detectors.diff import Difference, Reason
from streams.compare import compare
from streams.errors import Refused
from streams.run import Run
from streams.show import facts_of
from streams.store.load import BATCH, Loaded, evidence_of, load
from streams.store.query import Filter
from streams.store.writing import AlertStore
from tests.streams.cli.conftest import Replayed, replay
from tests.streams.cli.test_diff import the_cancellation_of
from tests.streams.said import a_change


@pytest.fixture(scope="session")
def cancelled(base: Replayed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same log with one settlement cancelled, replayed with other parameters."""
    alert = next(alert for alert in base.alerts if alert.rule_code == "FP-01")
    folder = tmp_path_factory.mktemp("cancelled")
    log = folder / "log.jsonl"
    back = the_cancellation_of(str(alert.anchor["setl_id"]), "CANCEL-1")
    log.write_bytes(base.log.read_bytes() + back + b"\n")
    params = ("--param", "GB-03.repeats=9", "--param", "GB-07.grace=72")
    assert replay(log, "--out", folder / "run", *params).code == 0
    return Run.open(folder / "run")


def test_the_first_run_opens_all_its_alerts_with_their_evidence(base: Replayed, store: AlertStore) -> None:
    run = Run.open(base.folder)
    heard: list[tuple[int, int]] = []
    alerts = run.alerts()
    assert load(store, run, lambda done, total: heard.append((done, total))) == Loaded(len(alerts), 0, 0)
    assert heard[-1] == (len(alerts), len(alerts))
    held = {one.alert.jr_id: one for one in store.every()}
    assert [held[alert.jr_id].alert for alert in alerts] == alerts
    for alert in alerts:
        assert held[alert.jr_id].seq == 1
        facts = store.evidence(alert.jr_id, 1)
        assert sorted(map(repr, facts)) == sorted(map(repr, facts_of(run, alert)))
        assert {fact.msgid for fact in facts} == set(alert.evidence)


def test_the_same_run_again_changes_nothing(base: Replayed, store: AlertStore) -> None:
    run = Run.open(base.folder)
    load(store, run)
    before = store.sizes()
    assert load(store, run) == Loaded(0, 0, 0)
    assert store.sizes() == before


def test_a_later_run_makes_the_difference_that_diff_says(
    base: Replayed, cancelled: Run, store: AlertStore
) -> None:
    run = Run.open(base.folder)
    expected = compare(run, cancelled)
    assert {one.reason for one in expected.retracted} == {Reason.CANCELLED, Reason.PARAMETER}
    assert expected.changed
    load(store, run)
    assert load(store, cancelled) == counted(expected)
    assert {one.alert.jr_id for one in store.every()} == {alert.jr_id for alert in cancelled.alerts()}
    gone = {one.alert.jr_id: one for one in store.every(Filter(statuses=("retracted",)))}
    assert {
        jr_id: (one.reason, one.reason_msgid, one.seq) for jr_id, one in gone.items()
    } == {one.alert.jr_id: (one.reason.value, one.msgid, 2) for one in expected.retracted}  # fmt: skip
    for _, after in expected.changed:
        assert [said.kind for said in store.history(after.jr_id)] == ["opened", "changed"]
        assert {fact.msgid for fact in store.evidence(after.jr_id, 2)} == set(after.evidence)


def test_there_and_back_opens_again_under_the_next_number(
    base: Replayed, cancelled: Run, store: AlertStore
) -> None:
    run = Run.open(base.folder)
    for one in (run, cancelled, run):
        load(store, one)
    gone = compare(run, cancelled).retracted[0].alert
    assert [(said.seq, said.kind) for said in store.history(gone.jr_id)] == [
        (1, "opened"),
        (2, "retracted"),
        (3, "opened"),
    ]
    held = store.find(gone.jr_id)
    assert (held.status, held.seq, held.opened_seq, held.reason) == ("open", 3, 3, None)
    assert {one.alert.revision for one in store.every()} == {alert.revision for alert in run.alerts()}


def test_a_load_that_was_broken_off_is_finished_by_the_next(
    base: Replayed, store: AlertStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.open(base.folder)
    monkeypatch.setattr("streams.store.load.BATCH", 5)

    def broken_off(done: int, total: int) -> None:  # noqa: ARG001
        if done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(store, run, broken_off)
    stored = store.total()
    assert 0 < stored < len(run.alerts())
    assert load(store, run).opened == len(run.alerts()) - stored
    assert store.total() == len(run.alerts())
    assert BATCH >= 1000


def test_a_run_is_not_loaded_where_the_live_system_speaks(base: Replayed, store: AlertStore) -> None:
    store.apply([a_change()])
    with pytest.raises(Refused, match="holds live alerts: load runs into another one"):
        load(store, Run.open(base.folder))


def test_nor_are_live_alerts_wanted_where_runs_were_loaded(base: Replayed, store: AlertStore) -> None:
    store.only_live()
    load(store, Run.open(base.folder))
    with pytest.raises(Refused, match="holds loaded runs"):
        store.only_live()


def test_a_run_that_was_filtered_otherwise_is_refused(
    base: Replayed, store: AlertStore, tmp_path: Path
) -> None:
    load(store, Run.open(base.folder))
    other = tmp_path / "run"
    shutil.copytree(base.folder, other)
    described = json.loads((other / "run.json").read_text(encoding="utf-8"))
    described["filters"]["institutions"] = ["H1"]
    (other / "run.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(Refused, match="was filtered"):
        load(store, Run.open(other))


def test_evidence_comes_in_the_order_of_the_alerts_also_where_there_is_none(base: Replayed) -> None:
    run = Run.open(base.folder)
    first, second = run.alerts()[:2]
    bare = msgspec.structs.replace(first, evidence=[])
    strange = msgspec.structs.replace(first, evidence=["not in the file"])
    found = list(evidence_of(run, [bare, second, strange, first]))
    assert [{fact.msgid for fact in facts} for facts in found] == [
        set(), set(second.evidence), set(), set(first.evidence),
    ]  # fmt: skip
    assert list(evidence_of(run, [])) == []


def counted(difference: Difference) -> Loaded:
    return Loaded(len(difference.opened), len(difference.changed), len(difference.retracted))
