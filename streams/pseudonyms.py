"""Pseudonyms for persons, the same within a site, meaningless outside it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from detectors.alert import Alert

#: How a pseudonym begins.
PREFIX = "参保人-"

#: Types of subject that are persons.
PERSONS = frozenset({"person", "owner"})


@dataclass(frozen=True)
class Pseudonyms:
    """Shows persons by keyed hash; `unmask` shows them as they are (whoever sets it has recorded why)."""

    key: bytes
    unmask: bool = False

    def person(self, psn_no: str | None) -> str:
        """`参保人-3F9A2C41` for a person; `—` for none."""
        if not psn_no:
            return "—"
        if self.unmask:
            return psn_no
        return PREFIX + hmac.digest(self.key, psn_no.encode(), hashlib.sha256).hex()[:8].upper()

    def sentence(self, alert: Alert) -> str:
        """The alert's sentence, with the persons it names under their pseudonyms."""
        text = alert.vola_cont
        named = {alert.patn_id, *(str(value) for name, value in alert.anchor.items() if "psn_no" in name)}
        for psn_no in sorted((name for name in named if name), key=len, reverse=True):
            text = text.replace(psn_no, self.person(psn_no))
        return text

    def subject(self, alert: Alert) -> str:
        """The alert's subject, under a pseudonym where it is a person."""
        is_person = alert.subject_type in PERSONS or alert.subject == alert.patn_id
        return self.person(alert.subject) if is_person else alert.subject

    def alert(self, alert: Alert) -> Alert:
        """The whole alert with every person it names under a pseudonym, and no evidence: ids of messages may hold numbers."""
        if self.unmask:
            return alert
        return msgspec.structs.replace(
            alert,
            vola_cont=self.sentence(alert),
            subject=self.subject(alert),
            anchor={
                name: self.person(str(value)) if "psn_no" in name and value else value
                for name, value in alert.anchor.items()
            },
            patn_id=self.person(alert.patn_id) if alert.patn_id else None,
            evidence=[],
        )
