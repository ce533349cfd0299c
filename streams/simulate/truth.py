"""What was planted, and what a rule, or a model, should say of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class Label:
    """Whether somebody belongs on the list that an inspector works down, as no exact rule decides it.

    `subject_type`: institution, practitioner, ring. `label`: 1 misbehaves, 0 honest. `kind`: how, or in which way an
    honest one is unusual; "ordinary" otherwise. `strength`: of the misbehaviour, 0 for the honest.
    """

    subject_type: str
    subject: str
    label: int
    kind: str
    strength: float = 0.0


def labels_csv(labels: Iterable[Label]) -> bytes:
    """As truth.csv: one row a subject, with a head."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("subject_type", "subject", "label", "kind", "strength"))
    rows.writerows(
        (one.subject_type, one.subject, one.label, one.kind, f"{one.strength:g}") for one in labels
    )
    return text.getvalue().encode()
