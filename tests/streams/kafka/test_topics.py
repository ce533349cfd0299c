"""The topics as data, and the script that operators run."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.topics import command
from streams.kafka.dlq import source_topic
from streams.kafka.topics import EVENTS, LONGEST_RECORD, REJECTS, TOPICS, Layout
from streams.wire.reject import LONGEST_MESSAGE

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "deploy" / "kafka" / "topics.sh"


def test_the_script_of_operators_is_what_the_topics_say() -> None:
    printed = CliRunner().invoke(command, ["script"]).output
    assert SCRIPT.read_text(encoding="utf-8") == printed, (
        "run `fundwatch topics script > deploy/kafka/topics.sh`"
    )


@pytest.mark.parametrize("replication", [1, 2, 3])
def test_the_script_calls_kafkas_tool_once_a_topic(tmp_path: Path, replication: int) -> None:
    tool = tmp_path / "kafka-topics.sh"
    tool.write_text('#!/bin/sh\necho "$@"\n')
    tool.chmod(0o755)
    done = subprocess.run(
        ["sh", SCRIPT, "--command-config", "client.properties"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "BOOTSTRAP": "kafka:1", "REPLICATION": str(replication)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    calls = done.stdout.splitlines()
    assert len(calls) == len(TOPICS)
    for topic, call in zip(TOPICS, calls, strict=True):
        assert call.startswith("--bootstrap-server kafka:1 --command-config client.properties --create")
        assert f"--topic {topic.name} --partitions {Layout().partitions(topic)} " in call
        assert f"--replication-factor {replication} " in call
        told = set(re.findall(r"--config (\S+)", call))
        assert told == {f"{name}={value}" for name, value in topic.settings(replication).items()}


def test_the_longest_message_passes_everywhere_with_its_headers() -> None:
    assert LONGEST_RECORD > LONGEST_MESSAGE + (1 << 20)
    assert {topic.settings(1)["max.message.bytes"] for topic in TOPICS} == {str(LONGEST_RECORD)}


def test_a_reject_lasts_well_beyond_the_source_it_keeps_the_timestamp_of() -> None:
    assert source_topic(REJECTS.name) == EVENTS.name
    assert EVENTS.retention is not None
    assert REJECTS.retention is not None
    assert REJECTS.retention - EVENTS.retention >= timedelta(days=90)


def test_one_broker_may_fail_where_there_are_three() -> None:
    assert [EVENTS.settings(n)["min.insync.replicas"] for n in (1, 2, 3)] == ["1", "1", "2"]
