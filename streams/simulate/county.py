"""The county while it is being lived: where everything that happens is written to."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.simulate.arrival import Outbox
from streams.simulate.catalogue import Item
from streams.simulate.people import Person, Residents
from streams.simulate.places import Counter, Place, Places
from streams.simulate.world import World


@dataclass(slots=True)
class County:
    """World, places, residents, and the outbox that all messages go through."""

    world: World
    places: Places
    residents: Residents
    outbox: Outbox
    packs: int = 0
    #: Counters and days on which a burst of cards was planted.
    bursts: set[tuple[str, int]] = field(default_factory=set)
    #: The counter where regulars queue.
    busy: Counter | None = None
    #: Who lay where from when until when (day numbers): for bed checks.
    inpatients: list[tuple[Place, int, int, Person, str]] = field(default_factory=list)
    _kinds: dict[str, int] = field(default_factory=dict)

    def trace_code(self, item: Item) -> str:
        """The trace code of a pack that was never sold before: 20 digits, the first 7 name the drug."""
        self.packs += 1
        kind = self._kinds.setdefault(item.code, len(self._kinds) + 1)
        return f"8{kind:06d}{self.packs:013d}"
