"""A run to look at: a small log with everything that a log may have, replayed once."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from detectors.alert import Alert
from streams.cli import main, options
from streams.run import Run
from tests.streams import small_world

KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Answer:
    """What the command line answered."""

    code: int
    out: str
    err: str


def fundwatch(*arguments: str | Path) -> Answer:
    """Call the command line as a terminal of 200 columns would."""
    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    options.out.width = options.err.width = 200
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(one) for one in arguments])
        except SystemExit as left:
            code = left.code
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


def replay(*arguments: str | Path, rules: Sequence[str] = small_world.RULES) -> Answer:
    chosen = [word for rule in rules for word in ("--rules", rule)]
    return fundwatch("replay", *arguments, *chosen)


@dataclass(frozen=True)
class Replayed:
    """A run folder, its log, and what the terminal said."""

    folder: Path
    log: Path
    answer: Answer

    @cached_property
    def alerts(self) -> list[Alert]:
        return Run.open(self.folder).alerts()

    @cached_property
    def lines(self) -> list[bytes]:
        """Of `alerts.jsonl`."""
        return self.read("alerts.jsonl")

    def read(self, name: str) -> list[bytes]:
        return (self.folder / name).read_bytes().splitlines()

    def records(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read(name)]

    @cached_property
    def described(self) -> dict[str, Any]:
        """`run.json`."""
        read: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return read


#: Lines that are no messages, one of each kind.
BAD_LINES = [
    b"",
    b"not json",
    b"\xff\xfe\x00 neither text",
    b'{"infno": "2301"',
    b'{"infno": "2301", "inf_time": "2026-01-05 10:00:00"}',
    b'{"registry": "moon", "msgid": "X2", "inf_time": "2026-01-05 10:00:00", "data": {}}',
    b"[]",
    b"17",
]


def conflicting(line: bytes) -> bytes:
    """The same message a month later, with other content."""
    message = json.loads(line)
    message["inf_time"] = f"2026-12-{message['inf_time'][8:]}"
    message["opter"] = "another"
    return json.dumps(message, ensure_ascii=False).encode()


@pytest.fixture(scope="session")
def good_lines() -> list[bytes]:
    return small_world.lines()


@pytest.fixture(scope="session")
def conflict(good_lines: list[bytes]) -> bytes:
    """A second content under a msgid of the log: that of the first settlement of a stay."""
    return conflicting(next(line for line in good_lines if b'"infno":"2304"' in line))


@pytest.fixture(scope="session")
def log_lines(good_lines: list[bytes], conflict: bytes) -> list[bytes]:
    """Messages, some of them twice, bad lines, and the conflict before the message that it disagrees with."""
    middle = len(good_lines) // 2
    return [conflict, *good_lines[:middle], *good_lines[:7], *BAD_LINES, *good_lines[middle:]]


@pytest.fixture(scope="session", autouse=True)
def _site_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNDWATCH_KEY", KEY)
        patch.setenv("COLUMNS", "200")
        patch.delenv("FUNDWATCH_KEY_FILE", raising=False)
        yield


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, log_lines: list[bytes], _site_key: None) -> Replayed:
    folder = tmp_path_factory.mktemp("base")
    log = folder / "log.jsonl"
    log.write_bytes(small_world.joined(log_lines))
    answer = replay(log, "--out", folder / "run")
    assert answer.code == 0, answer.err
    return Replayed(folder / "run", log, answer)


def machine(**more: str) -> dict[str, str]:
    """The environment of a subprocess."""
    return {**os.environ, "FUNDWATCH_KEY": KEY, **more}
