"""`fundwatch store load`, `fundwatch alerts` and `fundwatch show --store`: what officers see of a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors.alert import Alert
from streams.pseudonyms import Pseudonyms
from streams.store.reading import AlertReader
from streams.store.writing import AlertStore
from tests.streams.cli.conftest import KEY, Replayed, fundwatch
from tests.streams.cli.test_show import PERSONS, squeezed
from tests.streams.said import a_retraction


@pytest.fixture(scope="session")
def url(base: Replayed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of the run, in which one alert was retracted afterwards."""
    made = f"sqlite:///{tmp_path_factory.mktemp('store')}/alerts.db"
    answer = fundwatch("store", "load", base.folder, "--store", made)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"opened {len(base.alerts)}  changed 0  retracted 0; stored in ")
    with AlertStore(made) as store:
        store.apply([a_retraction(2, the_retracted(base), speaker="replay", reason_msgid="BACK-1")])
    return made


def the_retracted(base: Replayed) -> Alert:
    return next(alert for alert in base.alerts if alert.rule_code == "GB-07")


def listed(*words: str) -> list[str]:
    """Ids of the alerts that are listed, in their order."""
    answer = fundwatch("alerts", *words, "--json", "--limit", "1000")
    assert answer.code == 0, answer.err
    return [json.loads(line)["jr_id"] for line in answer.out.splitlines()]


def notes(url: str) -> list[tuple[str, str]]:
    with AlertReader(url) as reader, reader._transaction() as con:
        rows = con.exec_driver_sql("select what, reason, by_whom, at from unmasked")
        found = [tuple(row) for row in rows]
    assert all(by and at for _, _, by, at in found)
    return [(what, reason) for what, reason, _, _ in found]


def test_the_table_says_what_one_looks_for(base: Replayed, url: str) -> None:
    answer = fundwatch("alerts", "--store", url, "--limit", "1000")
    assert (answer.code, answer.err) == (0, "")
    shown = squeezed(answer.out)
    assert f"疑点{len(base.alerts) - 1:,}/{len(base.alerts) - 1:,}条" in shown
    for alert in base.alerts:
        assert (alert.jr_id[:12] in shown) is (alert.jr_id != the_retracted(base).jr_id)


def test_no_person_is_in_clear_in_table_or_lines(base: Replayed, url: str) -> None:
    for how in ((), ("--json",)):
        answer = fundwatch("alerts", "--store", url, "--limit", "1000", "--status", "all", *how)
        said = squeezed(answer.out)
        if how:  # ids of visits and settlements are no persons, whatever stands in them
            records = [json.loads(line) for line in answer.out.splitlines()]
            kept = ("patn_id", "subject", "anchor", "vola_cont", "evidence")
            said = json.dumps([{name: one[name] for name in kept} for one in records], ensure_ascii=False)
            assert {one["evidence_count"] for one in records} >= {len(base.alerts[0].evidence)}
        assert [person for person in PERSONS if person in said] == []
        assert "参保人-" in said


def test_filters_choose(base: Replayed, url: str) -> None:
    gone = the_retracted(base)
    live = [alert for alert in base.alerts if alert != gone]
    assert sorted(listed("--store", url)) == [alert.jr_id for alert in live]
    assert listed("--store", url, "--status", "retracted") == [gone.jr_id]
    assert len(listed("--store", url, "--status", "all")) == len(base.alerts)
    for words, passes in (
        (("--rule", "FP-01"), lambda a: a.rule_code == "FP-01"),
        (("--family", "GB"), lambda a: a.rule_code[:2] == "GB"),
        (("--severity", "1"), lambda a: a.sev_deg == "1"),
        (
            ("--institution", str(live[0].fixmedins_code)),
            lambda a: a.fixmedins_code == live[0].fixmedins_code,
        ),
        (("--subject", live[0].subject), lambda a: a.subject == live[0].subject),
        (("--since", "2026-03-01"), lambda a: a.occurred_at >= "2026-03"),
        (("--until", "2026-03-01"), lambda a: a.occurred_at < "2026-03"),
        (("--least", "100"), lambda a: float(a.vola_amt) >= 100),
        (("--mode", "shadow"), lambda a: a.mode == "shadow"),
        (("--text", "死亡"), lambda a: "死亡" in a.vola_cont + a.rule_name),
    ):
        expected = {alert.jr_id for alert in live if passes(alert)}
        assert set(listed("--store", url, *words)) == expected, words


def test_a_person_is_found_by_number_and_by_pseudonym(base: Replayed, url: str) -> None:
    person = next(alert.patn_id for alert in base.alerts if alert.rule_code == "FP-01")
    shown = Pseudonyms(KEY.encode()).person(person)
    assert listed("--store", url, "--person", shown) == listed("--store", url, "--person", str(person)) != []
    assert listed("--store", url, "--person", "参保人-00000000") == []


def test_pages_follow_each_other(base: Replayed, url: str) -> None:
    whole = listed("--store", url, "--order", "money")
    found: list[str] = []
    after: list[str] = []
    while True:
        answer = fundwatch("alerts", "--store", url, "--order", "money", "--limit", "5", "--json", *after)
        found += [json.loads(line)["jr_id"] for line in answer.out.splitlines()]
        if not answer.err:
            break
        after = answer.err.split()[1:]
        assert after[0] == "--after"
    assert found == whole
    assert len(whole) == len(base.alerts) - 1


def test_unmasked_persons_are_in_clear_and_the_reason_is_recorded(base: Replayed, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/alerts.db"
    fundwatch("store", "load", base.folder, "--store", url)
    alert = next(alert for alert in base.alerts if alert.patn_id)
    listing = fundwatch("alerts", "--store", url, "--limit", "1000", "--unmask", "投诉 2026-17")
    assert str(alert.patn_id) in squeezed(listing.out)
    shown = fundwatch("show", alert.jr_id, "--store", url, "--unmask", "投诉 2026-18")
    assert str(alert.patn_id) in squeezed(shown.out)
    assert "recorded in" in listing.err
    assert "recorded in" in shown.err
    assert notes(url) == [
        (f"list of {len(base.alerts)} alerts", "投诉 2026-17"),
        (alert.jr_id, "投诉 2026-18"),
    ]
    lines = fundwatch("alerts", "--store", url, "--json", "--limit", "1000", "--unmask", "x").out.splitlines()
    assert {json.loads(line)["patn_id"] for line in lines} == {one.patn_id for one in base.alerts}


def test_a_store_shows_an_alert_as_its_run_does_and_its_history(base: Replayed, url: str) -> None:
    for alert in base.alerts[:8]:
        if alert == the_retracted(base):
            continue
        of_run = fundwatch("show", alert.jr_id, "--run", base.folder)
        of_store = fundwatch("show", alert.jr_id[:12], "--store", url)
        assert of_store.out.startswith(of_run.out)
        assert "版本历史" in of_store.out[len(of_run.out) :]
        assert alert.revision in of_store.out[len(of_run.out) :]


def test_a_retracted_alert_is_shown_with_the_reason_and_the_evidence_that_it_had(
    base: Replayed, url: str
) -> None:
    gone = the_retracted(base)
    answer = fundwatch("show", gone.jr_id, "--store", url)
    assert (answer.code, answer.err) == (0, "")
    shown = squeezed(answer.out)
    assert shown.startswith("此疑点已撤回：业务已撤销，依据报文BACK-1")
    for msgid in gone.evidence:
        assert msgid in shown
    assert "业务已撤销：BACK-1" in shown
    (line,) = fundwatch("alerts", "--store", url, "--status", "retracted", "--json").out.splitlines()
    record = json.loads(line)
    assert (record["status"], record["seq"], record["reason"]) == ("retracted", 2, "cancelled")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("alerts",), "There is no alert store at alerts.db: name it with --store"),
        (("alerts", "--store", "mysql://a:hush@b/c"), "is no alert store: write sqlite:///alerts.db"),
        (("show", "x"), "say where the alert is: --run FOLDER, or --store URL"),
        (("show", "x", "--run", "r", "--store", "s"), "say where the alert is"),
        (("show", "x", "--store", "sqlite:///none.db"), "There is no alert store at none.db"),
        (("store", "load", "nowhere"), "nowhere is not a run"),
        (("store", "fill", "--pass-over", "7"), "--pass-over 7: write PARTITION:OFFSET"),
        (("alerts", "--least", "1.234"), "is no amount; write 1000 or 17.03"),
        (("alerts", "--least", "much"), "is no amount"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(words: tuple[str, ...], sentence: str, elsewhere: Path) -> None:
    answer = fundwatch(*words)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert "hush" not in answer.err
    assert list(elsewhere.iterdir()) == []


def test_an_id_that_names_none_is_refused(url: str) -> None:
    answer = fundwatch("show", "no-such", "--store", url)
    assert (answer.code, answer.out) == (2, "")
    assert "no alert no-such in the alert store" in answer.err
