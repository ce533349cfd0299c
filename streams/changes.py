"""Changes of alerts: what is said on the topics, in the outbox and to the store.

A change is placed by (`jr_id`, `seq`): told twice it is one change, and of two the one with the higher `seq` holds.
On the wire it is one JSON object: the alert's fields and the change's beside them. What an older fundwatch wrote is
read for ever, fields that a newer one added are passed over.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from detectors.alert import Alert

OPENED, CHANGED, RETRACTED = "opened", "changed", "retracted"


class NotAChange(ValueError):  # noqa: N818 an answer, not a fault
    """Bytes that are no change; the message says which field and why, and nothing of what stands in it."""


class Fact(msgspec.Struct, frozen=True):
    """A fact that an alert rests on, as a row of `evidence.parquet`.

    `inf_time`: `yyyy-MM-dd HH:mm:ss`, Asia/Shanghai; empty where the source states none. `data`: the row as JSON text.
    """

    msgid: str
    table: str
    row_no: int | None
    inf_time: str
    data: str


class Change(msgspec.Struct, frozen=True):
    """One step in the life of an alert.

    `seq` counts the changes of this alert: 1, 2, 3, …, never used again. `kind`: `opened`, `changed` or `retracted`
    (`opened` again after a retraction). `alert` is what holds now, of a retraction what held last; its own `status`
    stays `open`. `reason` (a value of `detectors.diff.Reason`) and `reason_msgid` say what ended it. `speaker`:
    `worker` or `sweeper`. `rulebook`: hash of the whole rulebook. `facts`: the evidence of this revision.
    """

    jr_id: str
    seq: int
    kind: str
    alert: Alert
    reason: str | None = None
    reason_msgid: str | None = None
    speaker: str = ""
    rulebook: str = ""
    facts: list[Fact] = []

    @property
    def status(self) -> str:
        """What the alert is after this change: `open` or `retracted`."""
        return "retracted" if self.kind == RETRACTED else "open"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a change adds to the alert's fields on the wire; `facts` where they go with it."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    kind: Literal["opened", "changed", "retracted"]
    reason: str | None = None
    reason_msgid: str | None = None
    speaker: str = ""
    rulebook: str = ""
    facts: list[Fact] | msgspec.UnsetType = msgspec.UNSET


_encoder = msgspec.json.Encoder()
_alert = msgspec.json.Decoder(Alert)
_told = msgspec.json.Decoder(Told)


def encode(change: Change, with_facts: bool) -> bytes:
    """A record's value; `with_facts` for `supervision.alert-changes` and the outbox, not for `supervision.alerts`."""
    alert = msgspec.structs.replace(change.alert, status=change.status)
    told = Told(
        seq=change.seq,
        kind=change.kind,  # type: ignore[arg-type] # what is no kind is refused when it is read
        reason=change.reason,
        reason_msgid=change.reason_msgid,
        speaker=change.speaker,
        rulebook=change.rulebook,
        facts=change.facts if with_facts else msgspec.UNSET,
    )
    return _encoder.encode(alert)[:-1] + b"," + _encoder.encode(told)[1:]


def decode(value: bytes) -> Change:
    """The change of a record's value. Raises `NotAChange`."""
    try:
        alert, told = _alert.decode(value), _told.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotAChange(f"not a change of an alert: {error}") from None
    if alert.status != "open":
        alert = msgspec.structs.replace(alert, status="open")
    return Change(
        jr_id=alert.jr_id,
        seq=told.seq,
        kind=told.kind,
        alert=alert,
        reason=told.reason,
        reason_msgid=told.reason_msgid,
        speaker=told.speaker,
        rulebook=told.rulebook,
        facts=told.facts or [],
    )


#: Headers of a record and what each says: CloudEvents 1.0, binary mode, and one of our own.
HEADERS = MappingProxyType(
    {
        "ce_specversion": "version of CloudEvents",
        "ce_id": "`jr_id` and `seq` with a colon between: the same for a record that comes again",
        "ce_source": "who speaks: `/fundwatch/worker`, `/fundwatch/sweeper`",
        "ce_type": "`fundwatch.alert.opened`, `fundwatch.alert.changed`, `fundwatch.alert.retracted`",
        "ce_subject": "`jr_id`",
        "ce_time": "`detected_at` with its zone: event time, not the time of a machine",
        "content-type": "of the value",
        "fundwatch_rulebook": "hash of the whole rulebook",
    }
)


def headers(change: Change) -> list[tuple[str, bytes]]:
    """The headers of a change's record, each of `HEADERS` once."""
    day, _, time = change.alert.detected_at.partition(" ")
    values = (
        "1.0",
        f"{change.jr_id}:{change.seq}",
        f"/fundwatch/{change.speaker}" if change.speaker else "/fundwatch",
        f"fundwatch.alert.{change.kind}",
        change.jr_id,
        f"{day}T{time or '00:00:00'}+08:00",
        "application/json",
        change.rulebook,
    )
    return [(name, value.encode()) for name, value in zip(HEADERS, values, strict=True)]
