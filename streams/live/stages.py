"""What a shard holds between the parts of a step: heard or recalled, not stored yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from streams.changes import Change
from streams.live.history import Kept, OfPerson, parted, read
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
    """Packets on their way into a shard: judged or not, and not stored yet. `kept`, and read as tables `held`: the history of
    those whom they tell of. `look_at_all`: they bring news for everyone. `parted`: what is to be kept with each person, where
    that was made already.

    Of the persons, by `levels`: `unsure` those of whom anything may be missing, `wanted` those whose past in the lake is
    to be had, `frozen` those judged on a history of which a part is gone.
    """

    packets: Sequence[Packet]
    position: int
    levels: dict[str, Held]
    kept: Kept
    new: dict[str, pa.Table]
    moved: dict[str, datetime]
    look_at_all: bool
    is_judged: bool
    held: Tables = field(default_factory=dict)
    copies: int = 0
    unsure: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)
    parted: list[OfPerson] | None = None

    @property
    def events(self) -> int:
        """Messages heard."""
        return sum(packet.events for packet in self.packets)


@dataclass
class Recalled:
    """Persons to be looked at again, as in `Heard`. `missing`: what the lake has of the unsure and the history lacks."""

    levels: dict[str, Held]
    kept: Kept
    unsure: set[str]
    wanted: set[str]
    frozen: set[str]
    watermark: datetime | None
    held: Tables = field(default_factory=dict)
    missing: dict[str, pa.Table] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)


def recollect(several: Collection[Heard | Recalled]) -> None:
    """Read what is kept of their persons, of several shards at once: a table of few rows costs nearly what one of many does."""
    for one, held in zip(several, read([one.kept for one in several]), strict=True):
        one.held = held


def part(several: Collection[Heard]) -> None:
    """Make of what is new what is to be kept with each person, likewise."""
    for one, by_person in zip(several, parted([one.new for one in several]), strict=True):
        one.parted = by_person
