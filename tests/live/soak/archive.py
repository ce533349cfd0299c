"""What was sent: as files for the replay, and in the lake, from which histories that have gone are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streams.lake import build_lake
from tests.live.soak.world import KEY


class Archive:
    """Keeps what was sent in `log`, and puts it into `lake` when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.lake = folder / "lake"
        self.log.mkdir(parents=True)
        self._files = 0
        self._waiting: list[Path] = []

    def keep(self, lines: Sequence[bytes]) -> None:
        """These were sent."""
        self._files += 1
        path = self.log / f"{self._files:06}.jsonl"
        path.write_bytes(b"".join(one + b"\n" for one in lines))
        self._waiting.append(path)

    def flush(self) -> None:
        """Put into the lake what is not there yet."""
        if self._waiting:
            build_lake(
                [str(path) for path in self._waiting],
                self.lake,
                KEY.encode(),
                append=self.lake.exists(),
                processes=1,
            )
            self._waiting.clear()
