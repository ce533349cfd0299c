"""What a broker is made of: Java, and the jars of Apache Kafka, which Maven fetches once into `.kafka/`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"

#: Among the ignored files of the repository.
CACHE = HERE.parents[1] / ".kafka"

OLDEST_JAVA = 17
JAVA_PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless")
"""One of them is in every Debian from 11 on, and in Ubuntu from 20.04 on."""


class MissingError(Exception):
    """Kafka cannot be run here. The message is one sentence that says what to install or mend."""


def fetch(cache: Path = CACHE) -> Path:
    """The folder of Kafka's jars, fetched where it is not there yet.

    What is missing of Java and Maven is installed where that may be done (root on a Debian). Raises MissingError
    otherwise, and where the jars cannot be had. Processes that call at once wait for each other.
    """
    folder = cache / f"lib-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _provide(maven=not folder.is_dir())
        if not folder.is_dir():
            _copy(folder)
    return folder


def java() -> str:
    """The Java to run: of JAVA_HOME, else of the path."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def java_version() -> int:
    """The major version of Java, as 17; 0 where there is none."""
    try:
        said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def kafka_version() -> str:
    """The version that the POM pins."""
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)<", POM.read_text())
    if found is None:
        raise AssertionError(f"{POM} names no version of Kafka")
    return found[1]


def _lacking(*, maven: bool) -> list[str]:
    lacking = [] if java_version() >= OLDEST_JAVA else [f"Java {OLDEST_JAVA} or newer"]
    if maven and shutil.which("mvn") is None:
        lacking.append("Maven")
    return lacking


def _provide(*, maven: bool) -> None:
    if _lacking(maven=maven) and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(maven=maven)
    if lacking := _lacking(maven=maven):
        packages = " ".join(
            [JAVA_PACKAGES[0]] * (lacking[0] != "Maven") + ["maven"] * (lacking[-1] == "Maven")
        )
        raise MissingError(
            f"A real Kafka needs {' and '.join(lacking)}: install it (on Debian `apt-get install {packages}`) "
            "and try again."
        )


def _install(*, maven: bool) -> None:
    """Through apt; whether it helped is seen afterwards."""
    _apt("update")
    wanted = ["maven"] if maven and shutil.which("mvn") is None else []
    if java_version() < OLDEST_JAVA:
        offered = (name for name in JAVA_PACKAGES if _is_offered(name))
        wanted.append(next(offered, JAVA_PACKAGES[0]))
    print(f"Installing {' '.join(wanted)} …", flush=True)
    _apt("install", "--yes", "--no-install-recommends", *wanted)


def _is_offered(package: str) -> bool:
    said = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True, check=False)
    return said.returncode == 0 and "Version:" in said.stdout


def _apt(*arguments: str) -> None:
    subprocess.run(
        ["apt-get", "-qq", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL,
        check=False,
    )


def _copy(folder: Path) -> None:
    print(f"Fetching Apache Kafka {kafka_version()} (44 MB, once) …", flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as workspace:
        jars = Path(workspace) / "lib"
        _run(
            ["mvn", "--quiet", "--batch-mode", "--file", str(POM), "dependency:copy-dependencies",
             f"-DoutputDirectory={jars}"],
        )  # fmt: skip
        jars.rename(folder)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if "ERROR" in line] or [
            f"exit code {done.returncode}"
        ]
        raise MissingError(
            f"Maven could not fetch Kafka's jars ({said[0].strip()[:300]}): let it reach a repository, for "
            "instance through a mirror in ~/.m2/settings.xml, and try again."
        )
