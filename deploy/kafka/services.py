"""fundwatch's services as processes on this machine: for tests that kill them and for measurements.

worker = Worker(folder, {"kafka": {"bootstrap": cluster.bootstrap}, …})
worker.start()
worker.kill()                 # as the power cut would; its state stays
worker.throw_state_away()
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.broker import HOST, free_ports

#: `fundwatch`, as this Python runs it.
FUNDWATCH = (sys.executable, "-m", "streams.cli")

#: Seconds that a service has to end in order, before it is killed.
STOP_TIMEOUT = 60.0

_ROOT = Path(__file__).parents[2]

Sample = tuple[str, Mapping[str, str], float]


class Service:
    """One service. `folder` holds what it writes; its log is `service.log`. `command`: how it is run."""

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.log = folder / "service.log"
        self._command = list(command)
        self._environment = {**os.environ, "PYTHONPATH": str(_ROOT), **environment}
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, *options: str) -> None:
        """Start the process; it is not waited for."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *options],
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None, "never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether there is a process; a paused one is one too."""
        return self._process is not None and self._process.poll() is None

    @property
    def paused(self) -> bool:
        """Whether it was stopped (SIGSTOP), by whomever, and not let go on."""
        told = subprocess.run(["ps", "-o", "state=", "-p", str(self.pid)], capture_output=True, check=False)
        return told.stdout.strip().startswith(b"T")

    @property
    def ended_with(self) -> int | None:
        """The exit code; None: it runs, or never did."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        """End it and what it started at once, as `kill -9` does."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def end(self, timeout: float = STOP_TIMEOUT) -> bool:
        """Ask it to drain and end; kill it where that takes too long. Returns whether it ended by itself."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                return False
        return True

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "never started"
        return self._process.wait(timeout)

    def pause(self) -> None:
        """Let it and what it started neither run nor end (SIGSTOP), until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Configured(Service):
    """A service that reads a file of settings, and answers at a port of its own.

    `settings`: as in the file; `section`: the part of them in which its state folder stands.
    """

    def __init__(
        self,
        folder: Path,
        section: str,
        settings: Mapping[str, Any],
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self.state = folder / "state"
        self.port = next(free_ports(1))
        self._section = section
        super().__init__(folder, [*command, "--config", str(folder / "settings.yaml")], environment)
        self.tell(settings)

    def tell(self, settings: Mapping[str, Any]) -> None:
        """Other settings, from the next start on."""
        self.state.mkdir(parents=True, exist_ok=True)
        whole = {
            **settings,
            self._section: {**settings.get(self._section, {}), "state": str(self.state)},
            "http": {"host": HOST, "port": self.port},
        }
        (self.folder / "settings.yaml").write_text(json.dumps(whole), encoding="utf-8")

    def throw_state_away(self) -> None:
        """Lose its disk. It must not run."""
        assert not self.running, "still running"
        shutil.rmtree(self.state)
        self.state.mkdir()

    def metrics(self) -> list[Sample]:
        """What /metrics says, as (name, labels, value); empty where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return []
        return [
            (sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]


class Worker(Configured):
    """`fundwatch worker`, or what behaves like it."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        command: Sequence[str] = (*FUNDWATCH, "worker"),
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(folder, "worker", settings, command, environment)

    def partitions(self) -> set[int]:
        """The judge's partitions that it has, by its own word."""
        return {
            int(labels["partition"])
            for name, labels, _ in self.metrics()
            if name == "fundwatch_outbox_changes"
        }


class Sweeper(Configured):
    """`fundwatch sweep`."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, environment: Mapping[str, str]) -> None:
        super().__init__(folder, "sweeper", settings, (*FUNDWATCH, "sweep"), environment)


class Archiver(Service):
    """`fundwatch archive` of a prefix's messages into a lake."""

    def __init__(
        self,
        folder: Path,
        lake: Path,
        bootstrap: str,
        prefix: str = "",
        *,
        max_seconds: float = 2,
        environment: Mapping[str, str],
    ) -> None:
        command = [*FUNDWATCH, "archive", "--lake", str(lake), "--brokers", bootstrap, "--prefix", prefix]
        told = {"FUNDWATCH_ARCHIVER_MAX_SECONDS": str(max_seconds), "FUNDWATCH_HTTP_PORT": "0"}
        super().__init__(folder, command, {**told, **environment})
