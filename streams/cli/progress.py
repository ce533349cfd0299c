"""Stages of long work on the progress bar."""

from __future__ import annotations

from rich.progress import Progress, TaskID


class Shown:
    """Told how far a stage is: one line for each group of stages (their first word)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` (0: not known) of a stage."""
        group = stage.split(" ", maxsplit=1)[0]
        if group not in self._tasks:
            self._tasks[group] = self._progress.add_task(group, total=total or None)
        self._progress.update(self._tasks[group], completed=done, total=total or None, description=stage)
