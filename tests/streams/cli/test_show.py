"""`fundwatch show`: one alert for a person to read, persons under pseudonyms."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from detectors.alert import Alert
from tests.streams import small_world
from tests.streams.cli.conftest import KEY, Replayed, fundwatch

PERSONS = {person for line in small_world.lines() for person in small_world.persons_of(line)}


def squeezed(text: str) -> str:
    """The text without what a terminal adds: frames, blanks, ends of lines."""
    return "".join(sign for sign in text if not sign.isspace() and sign not in "│╭╮╰╯─")


@pytest.fixture(params=small_world.RULES)
def alert(request: pytest.FixtureRequest, base: Replayed) -> Alert:
    """One of each rule."""
    return next(alert for alert in base.alerts if alert.rule_code == request.param)


def test_the_finding_the_law_and_every_message_as_a_time_line_are_shown(alert: Alert, base: Replayed) -> None:
    answer = fundwatch("show", alert.jr_id, "--run", base.folder)
    assert (answer.code, answer.err) == (0, "")
    shown = squeezed(answer.out)
    for text in (
        alert.vola_cont,
        alert.vola_evid,
        alert.rule_name,
        alert.vola_amt,
        alert.occurred_at,
        *alert.evidence,
    ):
        assert squeezed(text) in shown
    for item in alert.items:
        assert item.amount in answer.out
    times = [line.split("│")[1].strip() for line in answer.out.splitlines() if line.startswith("│20")]
    assert times == sorted(times)


def test_no_person_is_in_clear(base: Replayed) -> None:
    for alert in base.alerts[:12]:
        answer = fundwatch("show", alert.jr_id[:10], "--run", base.folder)
        assert answer.code == 0
        assert [person for person in PERSONS if person in squeezed(answer.out)] == []
        assert ("参保人-" in answer.out) is (alert.patn_id is not None)
    assert not (base.folder / "unmasked.jsonl").exists()


def test_unmasked_the_person_is_in_clear_and_the_reason_is_recorded(base: Replayed, tmp_path: Path) -> None:
    shutil.copytree(base.folder, tmp_path / "run")
    alert = next(alert for alert in base.alerts if alert.patn_id)
    answer = fundwatch("show", alert.jr_id, "--run", tmp_path / "run", "--unmask", "投诉 2026-17")
    assert str(alert.patn_id) in answer.out
    assert "recorded" in answer.err
    (note,) = map(json.loads, (tmp_path / "run" / "unmasked.jsonl").read_text(encoding="utf-8").splitlines())
    assert (note["what"], note["reason"]) == (alert.jr_id, "投诉 2026-17")
    assert note["by"]


def test_a_person_has_the_same_pseudonym_in_every_alert_of_a_site(
    base: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = next(alert for alert in base.alerts if alert.patn_id)
    one = fundwatch("show", alert.jr_id, "--run", base.folder).out
    assert one == fundwatch("show", alert.jr_id, "--run", base.folder).out
    monkeypatch.setenv("FUNDWATCH_KEY", KEY[::-1])
    assert one != fundwatch("show", alert.jr_id, "--run", base.folder).out


@pytest.mark.parametrize(
    ("jr_id", "sentence"), [("no-such", "no alert no-such in this run"), ("", "give more of the id")]
)
def test_an_id_that_names_none_or_several_is_refused(jr_id: str, sentence: str, base: Replayed) -> None:
    answer = fundwatch("show", jr_id, "--run", base.folder)
    assert (answer.code, answer.out, sentence in answer.err) == (2, "", True)


def test_without_a_site_key_one_sentence_warns(base: Replayed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUNDWATCH_KEY")
    answer = fundwatch("show", base.alerts[0].jr_id, "--run", base.folder)
    assert answer.code == 0
    (warning,) = answer.err.splitlines()
    assert warning.startswith("fundwatch: no site key is set")
