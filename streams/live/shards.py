"""Which shard a person belongs to, and whose turn it is where shards take turns."""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def shard_of(psn_no: str, shards: int) -> int:
    """The number of the person's shard, 0 … shards - 1: stable over machines and versions."""
    digest = hashlib.md5(psn_no.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % shards


def shard_after(number: int, shards: Collection[int]) -> int:
    """The one of these shards that comes after that number, in a circle; there must be one."""
    return min((one for one in shards if one > number), default=min(shards))
