"""What a broker needs is provided where it may be, and otherwise named in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.kafka import jars
from deploy.kafka.jars import MissingError


class Machine:
    """A machine on which there is only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.log = folder / "apt.log"
        self.bin.mkdir()

    def has(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def has_java(self, version: str) -> None:
        self.has("java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")

    def has_apt(self, offers: str, then: str = "") -> None:
        self.has("apt-get", f'echo "$@" >> {self.log}\n{then}')
        self.has("apt-cache", f'[ "$2" = {offers} ] && echo "Version: 1"')


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return made


@pytest.mark.parametrize(("said", "version"), [("17.0.15", 17), ("1.8.0_402", 8), ("21", 21), ("25-ea", 25)])
def test_the_version_of_java_is_read(machine: Machine, said: str, version: int) -> None:
    machine.has_java(said)
    assert jars.java_version() == version


@pytest.mark.parametrize(
    ("java", "maven", "sentence"),
    [
        (None, False, "needs Java 17 or newer and Maven: install it (on Debian `apt-get install openjdk-17-jre-headless maven`)"),
        ("11.0.2", True, "needs Java 17 or newer: install it (on Debian `apt-get install openjdk-17-jre-headless`)"),
        ("17.0.1", False, "needs Maven: install it (on Debian `apt-get install maven`)"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_where_it_may_not_be_installed(
    machine: Machine, tmp_path: Path, java: str | None, maven: bool, sentence: str
) -> None:
    if java:
        machine.has_java(java)
    if maven:
        machine.has("mvn", "exit 0")
    with pytest.raises(MissingError) as missing:
        jars.fetch(tmp_path / "cache")
    assert sentence in str(missing.value)


def test_the_java_that_the_system_offers_is_installed(machine: Machine) -> None:
    machine.has_apt("openjdk-21-jre-headless")
    jars._install(maven=True)
    assert machine.log.read_text().splitlines() == [
        "-qq update",
        "-qq install --yes --no-install-recommends maven openjdk-21-jre-headless",
    ]


def test_jars_that_cannot_be_fetched_are_a_sentence_and_leave_nothing(
    machine: Machine, tmp_path: Path
) -> None:
    machine.has_java("17.0.1")
    machine.has("mvn", "echo '[ERROR] Could not transfer artifact'; exit 1")
    with pytest.raises(MissingError, match=r"could not fetch Kafka's jars .*Could not transfer"):
        jars.fetch(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_jars_that_are_there_need_no_maven(machine: Machine, tmp_path: Path) -> None:
    machine.has_java("17.0.1")
    machine.has("mvn", 'for a; do case $a in -DoutputDirectory=*) /bin/mkdir -p "${a#*=}";; esac; done')
    cache = tmp_path / "cache"
    folder = jars.fetch(cache)
    (machine.bin / "mvn").unlink()
    assert jars.fetch(cache) == folder


def test_the_compose_file_runs_the_version_that_is_pinned() -> None:
    assert f"apache/kafka:{jars.kafka_version()}" in (jars.HERE.parent / "compose.yaml").read_text()
