"""Pseudonyms: the same within a site, meaningless outside it, and in sentences too."""

from __future__ import annotations

from streams.pseudonyms import Pseudonyms
from tests.detectors.test_diff import an_alert

SITE, OTHER = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)


def test_a_person_has_one_name_in_a_site_and_another_elsewhere() -> None:
    assert SITE.person("P1") == SITE.person("P1")
    assert len({SITE.person("P1"), SITE.person("P2"), OTHER.person("P1")}) == 3
    assert SITE.person("P1").startswith("参保人-")


def test_nobody_is_a_dash() -> None:
    assert (SITE.person(None), SITE.person("")) == ("—", "—")


def test_unmasked_a_person_is_as_is() -> None:
    assert Pseudonyms(b"a" * 32, unmask=True).person("P1") == "P1"


def test_sentences_name_persons_by_their_pseudonyms() -> None:
    alert = an_alert(
        patn_id="99010012",
        anchor={"acct_owner_psn_no": "9901001", "year": 2026},
        vola_cont="参保人9901001的账户为99010012支付。",
    )
    owner, payee = SITE.person("9901001"), SITE.person("99010012")
    assert SITE.sentence(alert) == f"参保人{owner}的账户为{payee}支付。"
    assert Pseudonyms(b"a" * 32, unmask=True).sentence(alert) == alert.vola_cont


def test_a_whole_alert_names_nobody_in_clear() -> None:
    alert = an_alert(
        patn_id="99010012",
        subject_type="owner",
        subject="9901001",
        anchor={"acct_owner_psn_no": "9901001", "year": 2026, "member_psn_no": None},
        vola_cont="参保人9901001的账户为99010012支付。",
        evidence=["H1-9901001"],
    )
    masked = SITE.alert(alert)
    assert "99010" not in repr(masked)
    assert (masked.subject, masked.patn_id) == (SITE.person("9901001"), SITE.person("99010012"))
    assert masked.anchor == {"acct_owner_psn_no": masked.subject, "year": 2026, "member_psn_no": None}
    assert Pseudonyms(b"a" * 32, unmask=True).alert(alert) == alert


def test_a_subject_that_is_no_person_is_as_is() -> None:
    assert SITE.subject(an_alert(subject_type="visit", subject="M1", patn_id="P1")) == "M1"
    assert SITE.subject(an_alert(subject_type="visit", subject="P1", patn_id="P1")) == SITE.person("P1")
