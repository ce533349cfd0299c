"""What world is wanted: the settings of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from streams.simulate.clock import day_number

#: Plants need room for ten stays of one person and for what falls due after them.
SHORTEST = 100

#: Fewer institutions give no peers to compare with; more have no room in the codes.
INSTITUTIONS = (20, 4000)


@dataclass(frozen=True, slots=True)
class World:
    """A county of `persons` residents over `days` days from `start`, drawn from `seed`.

    `planted`: fraud and look-alikes live there too, on residents of their own (added to `persons`). `noise`
    scales how disorderly the log is: 0 everything in order and once, 1 as usual, 2 twice as bad.

    `anomalies`: so many more `institutions` serve the county, with patients of their own; some are honest but unusual, and where
    anything is `planted`, some, and some doctors, do what no exact rule decides.
    """

    persons: int
    days: int
    seed: int = 1
    start: date = date(2026, 1, 1)
    planted: bool = True
    noise: float = 1.0
    anomalies: bool = False
    institutions: int = 120

    def __post_init__(self) -> None:
        if self.persons < 1:
            raise ValueError("A world needs at least one person (persons).")
        if self.planted and self.days < SHORTEST:
            raise ValueError(
                f"Plants need at least {SHORTEST} days (days is {self.days}); ask for a clean world or for more days."
            )
        if not 0 <= self.noise <= 5:
            raise ValueError(f"noise must lie between 0 and 5, not {self.noise}.")
        low, high = INSTITUTIONS
        if self.anomalies and not low <= self.institutions <= high:
            raise ValueError(f"institutions must lie between {low} and {high}, not {self.institutions}.")
        if self.anomalies and self.days < SHORTEST:
            raise ValueError(
                f"What is unusual shows in at least {SHORTEST} days (days is {self.days}); ask for more days."
            )

    @property
    def first(self) -> int:
        """Day number of the first day."""
        return day_number(self.start)

    @property
    def last(self) -> int:
        """Day number of the day after the last."""
        return self.first + self.days

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=self.days)
