"""Promise 5: clock, time zone, locale, hash seed and thread count of the machine change nothing."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from detectors.anomaly import model
from tests.promises.conftest import Judged
from tests.promises.kernel import KEY, PARAMS, alerts_of, as_bytes, models

ROOT = Path(__file__).parents[2]

#: Modules whose import, and names whose use, would let the machine into a result.
BANNED_MODULES = {"time", "random", "secrets", "uuid", "locale", "platform", "socket", "tempfile"}
BANNED_CALLS = re.compile(
    r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|os\.environ|os\.getenv|id\(self\))"
)

#: A line that must use one of these says so, and why.
ESCAPE = "# pure: "


def kernel_files() -> list[Path]:
    return [*(ROOT / "detectors").rglob("*.py"), *(ROOT / "streams" / "wire").rglob("*.py")]


@pytest.mark.parametrize("path", kernel_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_kernel_reads_no_clock_no_chance_and_no_environment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = []
    for node in ast.walk(ast.parse(text)):
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
        if names & BANNED_MODULES and ESCAPE not in lines[node.lineno - 1]:
            found.append(f"{path.name}:{node.lineno}: imports {sorted(names & BANNED_MODULES)}")
    found += [
        f"{path.name}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if BANNED_CALLS.search(line) and ESCAPE not in line
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(world: Judged, threads: int) -> None:
    assert as_bytes(alerts_of(world.lines, world.watermark, threads=threads)) == as_bytes(world.alerts)


def test_replays_under_other_hash_seeds_zones_and_locales_write_the_same_bytes(
    world: Judged, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(world.lines) + b"\n")
    model.save(tmp_path / "models", models())
    values = [f"{code}.{name}={value}" for code, named in PARAMS.items() for name, value in named.items()]
    machines = [
        {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "3", "TZ": "Asia/Kathmandu", "LANG": "zh_CN.UTF-8"},
    ]
    written = []
    for number, machine in enumerate(machines):
        out = tmp_path / f"run{number}"
        command = [
            sys.executable,
            "-m",
            "streams.cli",
            "replay",
            str(log),
            "--out",
            str(out),
            "--threads",
            str(number + 1),
            "--models",
            str(tmp_path / "models"),
            *(word for value in values for word in ("--param", value)),
        ]
        subprocess.run(
            command,
            check=True,
            cwd=ROOT,
            env={**os.environ, "FUNDWATCH_KEY": KEY.decode(), **machine},
            capture_output=True,
        )
        written.append(
            [(out / name).read_bytes() for name in ("alerts.jsonl", "coverage.jsonl", "rejects.jsonl")]
        )
    assert written[0] == written[1] == written[2]
    assert written[0][0].count(b"\n") == len(world.alerts)
