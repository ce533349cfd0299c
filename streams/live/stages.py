"""What a shard holds between the parts of a step: heard or recalled, not stored yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from streams.changes import Change
from streams.live.judging import Findings
from streams.live.packets import Packet
from streams.live.persons import Held
from streams.live.tables import Tables


@dataclass(frozen=True)
class Took:
    """What a step did: messages heard, those among them that were copies, persons judged, changes said."""

    events: int = 0
    copies: int = 0
    persons: int = 0
    changes: tuple[Change, ...] = ()


@dataclass
class Heard:
    """Packets on their way into a shard: judged or not, and not stored yet. `look_at_all`: they bring news for everyone.

    Of the persons, by `levels`: `unsure` those of whom anything may be missing, `wanted` those whose past in the lake is
    to be had, `frozen` those judged on a history of which a part is gone.
    """

    packets: Sequence[Packet]
    position: int
    levels: dict[str, Held]
    held: Tables
    new: dict[str, pa.Table]
    moved: dict[str, datetime]
    copies: int
    look_at_all: bool
    is_judged: bool
    unsure: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)


@dataclass
class Recalled:
    """Persons to be looked at again, as in `Heard`. `missing`: what the lake has of the unsure and the history lacks."""

    levels: dict[str, Held]
    held: Tables
    unsure: set[str]
    wanted: set[str]
    frozen: set[str]
    watermark: datetime | None
    missing: dict[str, pa.Table] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
