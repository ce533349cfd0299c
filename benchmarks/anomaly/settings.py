"""What is measured, on how much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """`seeds`: worlds without fraud; `fraud_seeds`: with; `keep`: where counties stay; `out`: where figures go."""

    seeds: int
    fraud_seeds: int
    institutions: int
    days: int
    stays: int
    keep: Path
    out: Path
