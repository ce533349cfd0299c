"""A run: the folder that a replay leaves, written whole or not at all, and read again by `diff` and `show`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from detectors.alert import Alert
from streams.errors import Refused

#: Version of the folder's layout; a reader refuses another.
FORMAT = 1

ALERTS = "alerts.jsonl"
REJECTS = "rejects.jsonl"
COVERAGE = "coverage.jsonl"
CANCELLATIONS = "cancellations.jsonl"
EVIDENCE = "evidence.parquet"
RUN = "run.json"


@contextmanager
def written_whole(out: Path, *, replace: bool = False, marker: str = RUN) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends well, and is gone when it does not.

    Refuses where `out` is there already, unless `replace` says that what stands there (a folder that holds
    `marker`, so one of ours) may go.
    """
    out = out.absolute()
    occupied = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if occupied and not (replace and (out / marker).exists()):
        hint = "add --replace to write over it" if (out / marker).exists() else "it holds other things"
        raise Refused(f"{out.name} is there already: choose another folder with --out, or {hint}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    partial.chmod(0o750)
    try:
        yield partial
        before = partial.with_name(partial.name.replace(".partial-", ".before-"))
        if out.exists():
            out.rename(before)
        try:
            partial.rename(out)
        except BaseException:
            if before.exists():
                before.rename(out)  # what stood there stays, if the new cannot take its place
            raise
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """What a replay left."""

    folder: Path
    facts: dict[str, Any]

    @staticmethod
    def open(folder: Path) -> Run:
        try:
            facts = json.loads((folder / RUN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Refused(
                f"{folder} is not a run: it has no {RUN}. Make one with fundwatch replay … --out."
            ) from None
        if facts.get("format") != FORMAT:
            raise Refused(f"{folder} has run format {facts.get('format')}; this fundwatch reads {FORMAT}.")
        return Run(folder, facts)

    def alerts(self) -> list[Alert]:
        decoder = msgspec.json.Decoder(Alert)
        with (self.folder / ALERTS).open("rb") as lines:
            return [decoder.decode(line) for line in lines]

    def cancellations(self) -> list[dict[str, Any]]:
        with (self.folder / CANCELLATIONS).open("rb") as lines:
            return [json.loads(line) for line in lines]
