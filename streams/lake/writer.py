"""The one process that may change a lake: it holds the lock, takes each change over at once, and clears up."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.errors import Refused
from streams.inputs import LogCounts
from streams.lake.layout import DROPPED, LOCK, REJECTS, Part, is_lake
from streams.lake.manifest import PARTIAL, Change, Journal, Manifest, Origin, counts_together, sync_folder

#: How long files stay that were replaced, for those who read the lake as it was.
GRACE = timedelta(days=1)

#: Bytes of the journal from which on it is folded into `lake.json`.
_LONG_JOURNAL = 1 << 20

#: Temporary folders of writers; those that are there when a writer begins are left from interrupted ones.
WORK = ".adding-"

_MOST_DELETED = 1000

#: What stands in a folder that was about to become a lake.
_MAKING = {LOCK, REJECTS, PARTIAL}


class Writer:
    """A lake open for writing. Everything that an interrupted writer left half done is cleared away at the start.

    After an exception of `commit` it is not known what is on the disk: open another.
    """

    def __init__(
        self, folder: Path, *, grace: timedelta = GRACE, now: Callable[[], float] = time.time
    ) -> None:
        """Raises `Refused` where the folder is no lake, or another process writes it."""
        self.folder = folder
        self._grace = grace
        self._now = now
        self._broken = False
        self._length = 0
        self._lock = lock(folder)
        try:
            self.manifest = Manifest.read(folder)
            self._begin()
        except BaseException:
            self._lock.close()
            raise

    @staticmethod
    def create(folder: Path) -> None:
        """Make an empty lake of a folder that is not there, or is empty. Raises `Refused`."""
        if folder.exists() and {path.name for path in folder.iterdir()} - _MAKING:
            raise Refused(f"{folder} is no lake, and it holds other things: give another folder.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        with lock(folder):
            if not is_lake(folder):
                (folder / REJECTS).write_bytes(b"")
                Manifest(counts=counts_together({}, LogCounts())).write(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another write the lake."""
        self._lock.close()

    @property
    def next_version(self) -> int:
        """The version that the next change makes."""
        return self.manifest.version + 1

    def commit(
        self,
        *,
        added: Iterable[tuple[str, Part]] = (),
        gone: Iterable[str] = (),
        origins: Iterable[Origin] = (),
        counts: LogCounts | None = None,
        rejects: bytes = b"",
    ) -> None:
        """Make files count (table and part), and others no more; they lie in their places already, on the disk.

        When this returns the lake is the new one, whatever happens; before, it is the old one. `counts` and
        `rejects` (lines) come on top of those that are there.
        """
        if self._broken:
            raise AssertionError("what is on the disk is not known after a failure")
        files: dict[str, dict[str, tuple[int, int]]] = {}
        for table, part in added:
            files.setdefault(table, {})[part.path] = (part.rows, part.version)
        self._broken = True
        if rejects:
            self._add_rejects(rejects)
        change = Change(
            version=self.next_version,
            at=int(self._now()),
            added=files,
            gone=list(gone),
            origins=list(origins),
            counts=None if counts is None else counts_together(self.manifest.counts, counts),
            rejects_bytes=self.manifest.rejects_bytes + len(rejects) if rejects else None,
        )
        self._length = self._journal.append(change, self._length)
        self.manifest = self.manifest.after([change])
        self._broken = False

    def replace(self, after: Manifest) -> None:
        """Make another manifest count, all of it, under a journal of its own."""
        before = self.manifest
        journal = Journal(self.folder, before.journal + 1)
        journal.create()
        gone = dict(after.gone)
        now = int(self._now())
        if before.journal:
            gone[Journal(self.folder, before.journal).path.name] = now
        gone.update((path, now) for path in before.paths - after.paths)
        self._broken = True
        after = replace(after, journal=before.journal + 1, gone=gone)
        after.write(self.folder)
        self.manifest, self._journal, self._length = after, journal, 0
        self._broken = False

    def tidy(self) -> bool:
        """Delete files that were replaced and whose time of grace is over, some at a time, or fold a long journal into
        `lake.json`. Whether there was anything to do."""
        before = self._now() - self._grace.total_seconds()
        expired = [path for path, at in self.manifest.gone.items() if at <= before][:_MOST_DELETED]
        if expired:
            for path in expired:
                (self.folder / path).unlink(missing_ok=True)
            change = Change(version=self.next_version, at=int(self._now()), deleted=expired)
            self._length = self._journal.append(change, self._length)
            self.manifest = self.manifest.after([change])
            return True
        if self._length > _LONG_JOURNAL:
            self.replace(self.manifest)
            return True
        return False

    def _begin(self) -> None:
        if self.manifest.journal:
            self._journal = Journal(self.folder, self.manifest.journal)
            _, self._length = self._journal.mend()
        else:
            self.replace(self.manifest)
        known = self.manifest.paths | set(self.manifest.gone) | {self._journal.path.name}
        for path in self.folder.glob(f"{WORK}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in [*self.folder.glob("*/month=*/bucket=*/*.parquet"), *self.folder.glob(f"{DROPPED}/*.parquet"),
                     *self.folder.glob("journal-*.jsonl")]:  # fmt: skip
            if path.relative_to(self.folder).as_posix() not in known:
                path.unlink()
        with (self.folder / REJECTS).open("ab") as file:
            file.truncate(self.manifest.rejects_bytes)

    def _add_rejects(self, lines: bytes) -> None:
        with (self.folder / REJECTS).open("r+b") as file:
            file.truncate(self.manifest.rejects_bytes)
            file.seek(self.manifest.rejects_bytes)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


def lock(folder: Path) -> IO[bytes]:
    """Hold the right to write a lake until the file is closed, or the process ends. Raises `Refused`."""
    file = (folder / LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Refused(
            f"{folder} is being written by another process (an archiver, or fundwatch lake build): "
            "let that end first, one writes at a time."
        ) from None
    return file


def settle(folder: Path, paths: Iterable[str]) -> None:
    """Have written files, and their names, on the disk."""
    folders: set[Path] = set()
    for path in paths:
        with (folder / path).open("rb") as file:
            os.fsync(file.fileno())
        here = (folder / path).parent
        while here != folder.parent and here not in folders:
            folders.add(here)
            here = here.parent
    for here in folders:
        sync_folder(here)
