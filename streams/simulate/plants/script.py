"""The behaviours of a rule: how it may be broken, missed by little, looked like, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.simulate.truth import Kind

if TYPE_CHECKING:
    from streams.simulate.plants.scene import Scene

Act = Callable[["Scene"], None]

#: What may be done to hide a behaviour without changing what it amounts to.
LATE = "晚传"  # uploaded hours or days after the care
REDO = "撤销重录"  # settled, cancelled, settled again


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way to break a rule, or to look as if. `hidden`: it is disguised by nature (said how)."""

    rule: str
    kind: Kind
    act: Act
    name: str
    disguises: tuple[str, ...] = ()
    hidden: str = ""
    days: int = 0  # the shortest world it fits into


class Script:
    """The behaviours of one rule, in order."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.behaviours: list[Behaviour] = []

    def _kind(self, kind: Kind, disguises: tuple[str, ...], hidden: str, days: int) -> Callable[[Act], Act]:
        def add(act: Act) -> Act:
            self.behaviours.append(Behaviour(self.rule, kind, act, act.__name__, disguises, hidden, days))
            return act

        return add

    def fraud(self, *disguises: str, hidden: str = "", days: int = 0) -> Callable[[Act], Act]:
        """An alert is expected. `disguises` may be put over it."""
        return self._kind("fraud", disguises, hidden, days)

    def below(self, days: int = 0) -> Callable[[Act], Act]:
        """Just short of the threshold."""
        return self._kind("below", (), "", days)

    def lookalike(self, days: int = 0) -> Callable[[Act], Act]:
        """Innocent, though it looks alike."""
        return self._kind("lookalike", (), "", days)

    def cancelled(self, days: int = 0) -> Callable[[Act], Act]:
        """Fraud that is taken back: nothing is left at the end."""
        return self._kind("cancelled", (), "", days)
