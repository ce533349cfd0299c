"""Pseudonyms for persons, the same within a site, meaningless outside it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from detectors.alert import Alert


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
        return "参保人-" + hmac.digest(self.key, psn_no.encode(), hashlib.sha256).hex()[:8].upper()

    def sentence(self, alert: Alert) -> str:
        """The alert's sentence, with the persons it names under their pseudonyms."""
        text = alert.vola_cont
        named = {alert.patn_id, *(str(value) for name, value in alert.anchor.items() if "psn_no" in name)}
        for psn_no in sorted((name for name in named if name), key=len, reverse=True):
            text = text.replace(psn_no, self.person(psn_no))
        return text
