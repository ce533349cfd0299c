"""What was planted, and what a rule should say of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

import msgspec

Kind = Literal["fraud", "below", "lookalike", "cancelled"]


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted behaviour.

    `kind`: fraud (an alert is expected), below (just under the threshold), lookalike (innocent by an
    exemption), cancelled (fraud that was taken back: no alert at the end). `expect`: severity or None. `anchor`:
    the business keys of the alert. `disguise`: what was done to hide it ("" nothing). `also`: other rules that this very behaviour breaks.
    """

    plant_id: str
    rule_code: str
    kind: Kind
    expect: int | None
    subject_type: str
    subject: str
    anchor: dict[str, str | list[str]]
    psn_no: str
    mdtrt_ids: list[str]
    description: str
    disguise: str = ""
    variant: str = ""
    also: list[str] = field(default_factory=list)

    @property
    def disguised(self) -> bool:
        return bool(self.disguise)

    def line(self) -> bytes:
        """As a line of truth.jsonl."""
        return msgspec.json.encode({**asdict(self), "disguised": self.disguised})
