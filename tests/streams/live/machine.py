"""A `fundwatch up` in a process of its own: started, fed, killed and looked at by tests."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from detectors.alert import encode
from rules import knowledge
from rules.rulebook import load
from streams import run
from streams.operation.metrics import SHANGHAI
from streams.replay import Order, replay
from streams.store.reading import AlertReader

ROOT = Path(__file__).parents[3]
KEY = "a key for the tests of one machine"

#: Longest time that anything may take, seconds.
DEADLINE = 300.0


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, f"in {DEADLINE:.0f} s not: {what}"
        time.sleep(0.02)


class Machine:
    """A data folder, the folder that is watched, and the process that works on them, if one does."""

    def __init__(self, folder: Path, **settings: object) -> None:
        """`settings`: as variables of the environment, without FUNDWATCH_."""
        self.data, self.watch = folder / "data", folder / "watch"
        self.watch.mkdir(parents=True)
        # a nightly repair would mend, in one hour of the day, what a test wants to see mended when it is asked for
        other_hour = (datetime.now(SHANGHAI).hour + 12) % 24
        given = {
            "HTTP_PORT": 0,
            "LOGGING_FORMAT": "json",
            "ARCHIVER_MAX_SECONDS": 1,
            "SWEEPER_REPAIR_HOUR": other_hour,
            **settings,
        }
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("FUNDWATCH_")
        }
        self._environment |= {f"FUNDWATCH_{name}": str(value) for name, value in given.items()}
        self._environment |= {"FUNDWATCH_KEY": KEY, "PYTHONPATH": str(ROOT)}
        self._process: subprocess.Popen[bytes] | None = None
        self.log: list[dict[str, Any]] = []

    def once(self, *options: str, before: Sequence[str] = ()) -> int:
        """Run until everything that is there is done; the exit code. `before`: what is put before the command."""
        self.start("--once", *options, before=before)
        return self.ended()

    def start(self, *options: str, before: Sequence[str] = ("-m", "streams.cli")) -> None:
        """Start the process."""
        assert self._process is None, "one runs"
        self._said = self.data.with_name("said")
        command = [*(before or ("-m", "streams.cli")), "up"]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, *command, "--data", str(self.data), "--watch", str(self.watch), *options],
                env=self._environment,
                cwd=ROOT,
                stdout=said,
                stderr=said,
            )

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal the process, and wait for its end."""
        assert self._process is not None, "none runs"
        self._process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self._process is not None, "none runs"
        try:
            code = self._process.wait(DEADLINE)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.log += self.events()
        return code

    def said(self) -> str:
        """All that the last process wrote."""
        return self._said.read_text(encoding="utf-8")

    def events(self) -> list[dict[str, Any]]:
        """The lines of the last process's log."""
        lines = self.said().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_for(self, event: str) -> dict[str, Any]:
        """Wait for a line of the log."""
        found: list[dict[str, Any]] = []

        def is_said() -> bool:
            found[:] = [line for line in self.events() if line["event"] == event]
            assert self._process is None or self._process.poll() is None, self.said()
            return bool(found)

        wait_for(event, is_said)
        return found[-1]

    def post(self, lines: Sequence[bytes]) -> int:
        """Send messages; the status of the answer."""
        port = self.wait_for("listening for events")["port"]
        token = (self.data / "token").read_text().strip()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)) as client:
            client.request("POST", "/events", b"\n".join(lines), {"Authorization": f"Bearer {token}"})
            return client.getresponse().status

    @property
    def position(self) -> int:
        """How many messages are judged."""
        return self._number(self.data / "state" / "shard-0000.db", "position")

    @property
    def came(self) -> int:
        """How many messages came in."""
        return self._number(self.data / "journal.db", "end")

    def alerts(self) -> dict[str, bytes]:
        """The open alerts of the store, as lines of `alerts.jsonl`."""
        with AlertReader(f"sqlite:///{self.data}/alerts.db") as store:
            return {held.alert.jr_id: encode(held.alert) for held in store.every()}

    def changes(self) -> list[tuple[str, int, str]]:
        """All that was ever said: id, number, kind."""
        with closing(sqlite3.connect(self.data / "alerts.db")) as con:
            return con.execute("select jr_id, seq, kind from revision order by jr_id, seq").fetchall()

    def rejects(self) -> list[dict[str, Any]]:
        """The rejects, in the order of their places."""
        path = self.data / "rejects.jsonl"
        return in_order(path.read_bytes()) if path.exists() else []

    @staticmethod
    def _number(path: Path, key: str) -> int:
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as con:
                row = con.execute("select value from meta where key = ?", (key,)).fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(row[0]) if row else 0


def in_order(lines: bytes) -> list[dict[str, Any]]:
    """Rejects by their places."""
    found = [json.loads(line) for line in lines.splitlines()]
    return sorted(found, key=lambda one: (one["source"], one["line"], one["reason_code"], one["row"] or ""))


def replayed(logs: Sequence[Path], out: Path) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Open alerts and rejects of a replay of the same messages."""
    replay(
        Order(inputs=[str(log) for log in logs], out=out, key=KEY.encode(), processes=1, threads=1),
        load().running(),
        knowledge.load(),
    )
    lines = (out / run.ALERTS).read_bytes().splitlines()
    alerts = {msgspec.json.decode(line)["jr_id"]: line for line in lines}
    return alerts, in_order((out / run.REJECTS).read_bytes())
