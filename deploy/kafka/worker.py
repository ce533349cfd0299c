"""A worker on this machine, as a process of its own: for tests that kill it and for measurements.

worker = LocalWorker("one", folder, {"kafka": {"bootstrap": cluster.bootstrap}, …})
worker.start()
worker.kill()                 # as the power cut would; its state stays
worker.throw_state_away()
"""

from __future__ import annotations

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

#: What runs unless somebody says otherwise.
COMMAND = (sys.executable, "-m", "streams.cli", "worker")

#: Seconds that a worker has to end in order, before it is killed.
STOP_TIMEOUT = 60.0

_ROOT = Path(__file__).parents[2]

Sample = tuple[str, Mapping[str, str], float]


class LocalWorker:
    """One worker. `folder` holds its settings, its log (`worker.log`) and its state. `settings`: as in the file that
    `--config` names; state and port are its own."""

    def __init__(
        self,
        name: str,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.state = folder / "state"
        self.port = next(free_ports(1))
        self._command = list(command)
        self._environment = {**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.tell(settings)

    def tell(self, settings: Mapping[str, Any]) -> None:
        """Other settings, from the next start on."""
        self.state.mkdir(parents=True, exist_ok=True)
        whole = {
            **settings,
            "worker": {**settings.get("worker", {}), "state": str(self.state)},
            "http": {"host": HOST, "port": self.port},
        }
        (self.folder / "settings.yaml").write_text(json.dumps(whole), encoding="utf-8")

    def start(self, *options: str) -> None:
        """Start the process; it is not waited for."""
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(self.folder / "settings.yaml"), *options],
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
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
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """Ask it to drain and end; kill it where that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "never started"
        return self._process.wait(timeout)

    def pause(self) -> None:
        """Let it neither run nor end (SIGSTOP), until `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

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

    def partitions(self) -> set[int]:
        """The judge's partitions that it has, by its own word."""
        return {
            int(labels["partition"])
            for name, labels, _ in self.metrics()
            if name == "fundwatch_outbox_changes"
        }
