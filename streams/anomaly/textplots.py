"""Plots of letters, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from streams.anomaly.measures import Floats

#: Marks of the series, in their order; the first is drawn over the others.
MARKS = "●○△·"


def curves(series: Mapping[str, Floats], *, width: int = 60, height: int = 12, across: str, up: str) -> str:
    """Curves from 0 to 1 over 0 to 1; each series is its heights at equal steps."""
    grid = [[" "] * (width + 1) for _ in range(height + 1)]
    for number, heights in reversed(list(enumerate(series.values()))):
        steps = np.interp(np.linspace(0, 1, width + 1), np.linspace(0, 1, len(heights)), heights)
        for x, value in enumerate(steps):
            if not np.isnan(value):
                grid[height - round(float(np.clip(value, 0, 1)) * height)][x] = MARKS[number % len(MARKS)]
    lines = [
        f"{(height - y) / height:5.0%} │{''.join(row).rstrip()}"
        if y % 3 == 0
        else f"      │{''.join(row).rstrip()}"
        for y, row in enumerate(grid)
    ]
    legend = "   ".join(f"{MARKS[n % len(MARKS)]} {name}" for n, name in enumerate(series))
    return "\n".join([up, *lines, f"      └{'─' * (width + 1)} {across}", f"       {legend}"])


def bars(rows: Sequence[tuple[str, float, str]], *, width: int = 40) -> str:
    """A bar a row: what it is, 0 to 1, and what is said behind it."""
    widest = max((_width(name) for name, _, _ in rows), default=0)
    return "\n".join(
        f"{name}{' ' * (widest - _width(name))} {'█' * round(value * width):<{width}} {said}"
        for name, value, said in rows
    )


def _width(text: str) -> int:
    return sum(2 if ord(one) > 0x2E80 else 1 for one in text)
