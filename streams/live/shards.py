"""Which shard a person belongs to."""

from __future__ import annotations

import hashlib


def shard_of(psn_no: str, shards: int) -> int:
    """The number of the person's shard, 0 … shards - 1: stable over machines and versions."""
    digest = hashlib.md5(psn_no.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % shards
