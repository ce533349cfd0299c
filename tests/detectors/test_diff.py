"""Two results compared: opened, changed, retracted, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.alert import Alert, with_revision
from detectors.diff import CANCELLING, Arrived, Changes, Difference, Reason, apply, diff
from tests.detectors.bench import day


def an_alert(jr_id: str = "a", **stated: Any) -> Alert:
    """An alert of GB-03 about visit M1 of P1 at H1, settled by S1, resting on m1 and m2."""
    said: dict[str, Any] = {
        "jr_id": jr_id, "revision": "", "mode": "live", "rule_id": "ghost_bed.a_rule", "rule_code": "GB-03",
        "rule_version": 1, "rule_hash": "h", "knowledge_batch": "b", "params": {}, "official_gz_code": None,
        "official_rule_name": None, "rule_name": "n", "vola_cont": "c", "vola_evid": "e", "case_cause_no": [11],
        "sev_deg": "1", "vola_bhvr_type": "1", "vola_amt": "1.00", "vola_amt_stas": "1", "amount_method": "m",
        "route": "supervision", "stage": "post", "subject_type": "visit", "subject": "M1", "anchor": {"mdtrt_id": "M1"},
        "patn_id": "P1", "fixmedins_code": "H1", "mdtrt_ids": ["M1"], "setl_ids": ["S1"], "dr_codes": [], "opter": None,
        "items": [], "evidence": ["m1", "m2"], "occurred_at": "2026-01-01 00:00:00",
        "detected_at": "2026-01-02 00:00:00",
    }  # fmt: skip
    return with_revision(Alert(**{**said, **stated}))


def arrived(msgid: str, kind: str, when: datetime | None = None, **names: Any) -> Arrived:
    return Arrived(msgid, when or day(1), kind, **names)


def test_nothing_differs_between_equal_results() -> None:
    difference = diff([an_alert("a"), an_alert("b")], [an_alert("b"), an_alert("a")])
    assert difference == Difference()
    assert not difference


def test_opened_changed_and_retracted_are_told_apart_and_sorted() -> None:
    before = [an_alert(name) for name in "dcba"]
    after = [an_alert("f"), an_alert("b", vola_amt="2.00"), an_alert("a"), an_alert("e")]
    difference = diff(before, after)
    assert [alert.jr_id for alert in difference.opened] == ["e", "f"]
    assert [(old.vola_amt, new.vola_amt) for old, new in difference.changed] == [("1.00", "2.00")]
    assert [gone.alert.jr_id for gone in difference.retracted] == ["c", "d"]
    assert difference


REGISTRY = arrived("r", "death", subjects=("P1",))
UPLOAD = arrived("u", "2301", mdtrt_id="M1")


@pytest.mark.parametrize(
    ("changes", "reason", "msgid"),
    [
        pytest.param(Changes(), Reason.CORRECTED, None, id="nobody knows why"),
        pytest.param(Changes(rules=frozenset({"GB-03"})), Reason.RULE, None, id="the rule"),
        pytest.param(Changes(rules=frozenset({"GB-01"})), Reason.CORRECTED, None, id="another rule"),
        pytest.param(Changes(not_run=frozenset({"GB-03"})), Reason.NOT_RUN, None, id="the rule was not run"),
        pytest.param(Changes(parameters=frozenset({"GB-03"})), Reason.PARAMETER, None, id="a parameter"),
        pytest.param(
            Changes(parameters=frozenset({"GB-01"})), Reason.CORRECTED, None, id="another rule's parameter"
        ),
        pytest.param(
            Changes(rules=frozenset({"GB-03"}), parameters=frozenset({"GB-03"})),
            Reason.RULE,
            None,
            id="rule before parameter",
        ),
        pytest.param(Changes(knowledge=True), Reason.KNOWLEDGE, None, id="knowledge"),
        pytest.param(
            Changes([UPLOAD], knowledge=True), Reason.CORRECTED, "u", id="a message before knowledge"
        ),
        pytest.param(
            Changes([arrived("c", "2305", setl_id="S1")]),
            Reason.CANCELLED,
            "c",
            id="the settlement cancelled",
        ),
        pytest.param(
            Changes([arrived("c", "2404", mdtrt_id="M1")]),
            Reason.CANCELLED,
            "c",
            id="the admission cancelled",
        ),
        pytest.param(
            Changes([arrived("c", "2601", omsgid="m2")]), Reason.CANCELLED, "c", id="a message reversed"
        ),
        pytest.param(
            Changes([arrived("c", "2305", setl_id="S2", subjects=("P1",))]),
            Reason.CORRECTED,
            "c",
            id="another settlement of the person cancelled",
        ),
        pytest.param(
            Changes([arrived("c", "2305", setl_id="S2")]), Reason.CORRECTED, None, id="a stranger's cancelled"
        ),
        pytest.param(Changes([REGISTRY]), Reason.REGISTRY, "r", id="a registry row of the person"),
        pytest.param(
            Changes([arrived("r", "institution", subjects=("H1",))]),
            Reason.REGISTRY,
            "r",
            id="of the institution",
        ),
        pytest.param(
            Changes([arrived("r", "death", subjects=("P2",))]), Reason.CORRECTED, None, id="of somebody else"
        ),
        pytest.param(Changes([UPLOAD]), Reason.CORRECTED, "u", id="a later upload of the visit"),
        pytest.param(
            Changes([UPLOAD, REGISTRY, arrived("c", "2305", day(2), setl_id="S1")]),
            Reason.CANCELLED,
            "c",
            id="a cancellation before all else",
        ),
        pytest.param(Changes([UPLOAD, REGISTRY]), Reason.REGISTRY, "r", id="a registry row before an upload"),
        pytest.param(
            Changes([arrived("c2", "2305", day(2), setl_id="S1"), arrived("c1", "2305", setl_id="S1")]),
            Reason.CANCELLED,
            "c1",
            id="the first of two cancellations",
        ),
        pytest.param(
            Changes([arrived("c2", "2305", setl_id="S1"), arrived("c1", "2305", setl_id="S1")]),
            Reason.CANCELLED,
            "c1",
            id="of one time, by msgid",
        ),
    ],
)
def test_what_is_gone_says_why(changes: Changes, reason: Reason, msgid: str | None) -> None:
    (gone,) = diff([an_alert()], [], changes).retracted
    assert (gone.reason, gone.msgid) == (reason, msgid)


@pytest.mark.parametrize("kind", sorted(CANCELLING))
def test_every_transaction_that_takes_back_is_a_cancellation(kind: str) -> None:
    (gone,) = diff([an_alert()], [], Changes([arrived("c", kind, mdtrt_id="M1")])).retracted
    assert (gone.reason, gone.msgid) == (Reason.CANCELLED, "c")


def test_a_retraction_keeps_the_alert_as_it_was_said() -> None:
    alert = an_alert()
    assert diff([alert], []).retracted[0].alert is alert


RESULTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["1.00", "2.00", "3.00"])).map(
    lambda said: [an_alert(jr_id, vola_amt=amount) for jr_id, amount in said.items()]
)


@given(RESULTS, RESULTS)
def test_applying_the_difference_gives_the_later_result(before: list[Alert], after: list[Alert]) -> None:
    difference = diff(before, after)
    assert apply(before, difference) == sorted(after, key=lambda alert: alert.jr_id)
    assert bool(difference) is (
        {(a.jr_id, a.revision) for a in before} != {(a.jr_id, a.revision) for a in after}
    )


@given(RESULTS, RESULTS)
def test_there_and_back_again_changes_nothing(before: list[Alert], after: list[Alert]) -> None:
    there, back = diff(before, after), diff(after, before)
    assert [alert.jr_id for alert in there.opened] == [gone.alert.jr_id for gone in back.retracted]
    assert [(new, old) for old, new in there.changed] == back.changed
    assert apply(apply(before, there), back) == sorted(before, key=lambda alert: alert.jr_id)
