"""What is said of a subject beside its peers: numbers as they are read, one sentence in Chinese, one in English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from detectors.anomaly import indicators
from detectors.anomaly.indicators import Indicator

#: How many indicators are told, and from which deviate on they are worth telling (one in twenty). Of many small oddities
#: those above one standard deviation are.
MOST, WORTH, SMALL = 3, 1.645, 1.0

NOTHING = "与同类相比无突出之处"
NOTHING_EN = "nothing stands out against the peers"

#: Who the peers are, in Chinese and English.
PEERS = MappingProxyType(
    {"institution": ("家同类机构", "peer institutions"), "practitioner": ("名同类医师", "peer practitioners")}
)


@cache
def known() -> Mapping[str, Indicator]:
    """Indicators by name; where two units have one of a name it means the same in both."""
    every = [one for kind in indicators.OWN for one in indicators.of_subjects(kind, outcomes=True)]
    return MappingProxyType({one.name: one for one in reversed(every)})


def number(name: str, value: float | None) -> str:
    """A value of an indicator as it is read: a percentage, or a number with as many digits as tell something.

    >>> number("short_share", 0.4567), number("cost_level", 12345.6)
    ('45.7%', '12,346元')
    """
    if value is None or value != value:
        return "—"
    one = known().get(name)
    if one is not None and one.is_share:
        return f"{value:.1%}" if value >= 0.001 or value == 0 else f"{value:.3%}"
    if one is not None and one.unit == "ln ratio":
        return f"{value:.2f}"
    unit = {"ln CNY": "元", "ln days": "天"}.get(one.unit, "") if one else ""
    return f"{value:,.0f}{unit}" if abs(value) >= 100 else f"{value:,.1f}{unit}"


def word(name: str) -> str:
    """What an indicator is called."""
    one = known().get(name)
    return re.split("[（；]", one.meaning, maxsplit=1)[0] if one else name


def sentences(
    kind: str, drivers: Sequence[Mapping[str, Any]], peers: int, worth: float = WORTH
) -> tuple[str, str]:
    """The drivers that are worth telling, against so many peers. The range is that of nineteen of twenty peers."""
    told = [one for one in drivers if one["z"] >= worth][:MOST]
    if not told:
        return NOTHING, NOTHING_EN
    who, who_en = PEERS[kind]
    parts, english = [], []
    for one in told:
        name = one["indicator"]
        seen, wanted, low, high = (
            number(name, one[part]) for part in ("observed", "expected", "low", "high")
        )
        parts.append(f"{word(name)}{seen}（同类{wanted}，范围{low}至{high}，{one['cases']:,}例）")
        english.append(
            f"{known()[name].english} {seen} (peers {wanted}, {low} to {high}, {one['cases']:,} cases)"
        )
    return (
        f"与{peers:,}{who}相比：" + "；".join(parts),
        f"against {peers:,} {who_en}: " + "; ".join(english).replace("元", " CNY").replace("天", " days"),
    )
