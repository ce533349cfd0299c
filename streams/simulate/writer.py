"""The log in files, in order of arrival.

Residents are lived one after another but the log is ordered by time, so lines wait in a file per day of arrival
(compressed), and at the end each day is sorted and written. Memory holds what is pending and one day.
"""

from __future__ import annotations

import gzip
import json
import marshal
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

import zstandard

from streams.simulate.arrival import Outbox
from streams.simulate.clock import DATE
from streams.simulate.truth import Label, Plant, labels_csv

Compression = Literal["zst", "gz", "none"]

#: Lines that may wait in memory, and lines of one file.
PENDING = 100_000
PER_FILE = 500_000

README = """This log was invented by `fundwatch simulate`.

No person, institution, illness, payment or fraud in it is real. Administrative codes begin with 98 or 99, which
do not exist. Prices and the insurance policy (deductibles, shares, limits) are made up; the message layouts are
those of the national interface.

events/       the log, files in order of arrival
truth.jsonl   what was planted, and what each rule should say of it
world.json    settings and counts
"""

LABELLED = """truth.csv     who misbehaves as no exact rule decides (label 1), and who does not, for `fundwatch evaluate`
"""


def in_order(bucket: list[tuple[int, bytes]]) -> list[bytes]:
    """The lines of a day in order of arrival; ties by content, so that the order never depends on the making."""
    bucket.sort()
    return [line for _, line in bucket]


class LogWriter:
    """Spills pending lines to a scratch folder, and writes the log at the end."""

    def __init__(self, folder: Path, compression: Compression) -> None:
        self.folder = folder
        self.compression = compression
        self._spilled = 0
        self._days: set[int] = set()
        self._packer = zstandard.ZstdCompressor(level=-3)

    def __enter__(self) -> LogWriter:
        (self.folder / "events").mkdir(parents=True, exist_ok=True)
        if any((self.folder / "events").iterdir()):
            raise FileExistsError(
                f"{self.folder / 'events'} is not empty; choose a new folder for this world."
            )
        self._scratch = Path(tempfile.mkdtemp(prefix=".spill-", dir=self.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    def spill(self, outbox: Outbox, limit: int = PENDING) -> None:
        """Moves what waits to disk, if it is more than `limit` lines."""
        if outbox.pending - self._spilled <= limit:
            return
        for day, bucket in outbox.buckets.items():
            packed = self._packer.compress(marshal.dumps(bucket))
            with (self._scratch / str(day)).open("ab") as file:
                file.write(len(packed).to_bytes(8, "big"))
                file.write(packed)
        self._days.update(outbox.buckets)
        outbox.buckets.clear()
        self._spilled = outbox.pending

    def _day(self, outbox: Outbox, day: int) -> list[tuple[int, bytes]]:
        bucket = outbox.buckets.pop(day, [])
        path = self._scratch / str(day)
        if path.exists():
            unpacker = zstandard.ZstdDecompressor()
            with path.open("rb") as file:
                while size := file.read(8):
                    bucket += marshal.loads(unpacker.decompress(file.read(int.from_bytes(size, "big"))))
            path.unlink()
        return bucket

    def finish(self, outbox: Outbox, progress: Callable[[str, int, int], None]) -> None:
        """Writes the log, a file a month and at most `PER_FILE` lines each."""
        days = sorted(self._days | set(outbox.buckets))
        month, part, room = "", 0, 0
        with ExitStack() as files:
            sink: IO[bytes] | None = None
            for done, day in enumerate(days, 1):
                lines = in_order(self._day(outbox, day))
                if DATE[day][:7] != month or room < len(lines):
                    files.pop_all().close()
                    part = part + 1 if DATE[day][:7] == month else 1
                    month, room = DATE[day][:7], PER_FILE
                    sink = files.enter_context(self._open(f"{month}-{part:02d}"))
                assert sink is not None
                room -= len(lines)
                lines.append(b"")
                sink.write(b"\n".join(lines))
                progress("写出", done, len(days))

    def _open(self, name: str) -> IO[bytes]:
        path = self.folder / "events" / f"{name}.jsonl"
        if self.compression == "zst":
            packed: IO[bytes] = zstandard.open(
                path.with_suffix(".jsonl.zst"), "wb", cctx=zstandard.ZstdCompressor(level=3, threads=1)
            )
            return packed
        if self.compression == "gz":
            return gzip.GzipFile(path.with_suffix(".jsonl.gz"), "wb", compresslevel=4, mtime=0)  # type: ignore[return-value]
        return path.open("wb")

    def tell(self, truth: list[Plant], manifest: dict[str, object], labels: Sequence[Label] = ()) -> None:
        """Writes truth, labels if there are any, settings and the note that all of it is invented."""
        (self.folder / "truth.jsonl").write_bytes(b"".join(plant.line() + b"\n" for plant in truth))
        (self.folder / "world.json").write_text(
            json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        if labels:
            (self.folder / "truth.csv").write_bytes(labels_csv(labels))
        (self.folder / "README.txt").write_text(README + (LABELLED if labels else ""), encoding="utf-8")
