"""`fundwatch config`: what holds, where it came from, what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streams.cli.conftest import fundwatch


def test_show_says_values_and_origins_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDWATCH_STORE_URL", "postgresql://u:geheim@h/db")
    file = tmp_path / "f.yaml"
    file.write_text("worker: {partitions: 3}\n", encoding="utf-8")
    answer = fundwatch("config", "show", "--config", file)
    assert answer.code == 0
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in answer.out.splitlines()
        if "│" in line
    ]
    assert ["store.url", "postgresql://u:set@h/db", "FUNDWATCH_STORE_URL"] in rows
    assert any(row[:2] == ["worker.partitions", "3"] and "f.yaml:1" in row[2] for row in rows)
    assert "geheim" not in answer.out


def test_check_says_every_mistake_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("worker: {partitions: 0, thread: 1}\n", encoding="utf-8")
    answer = fundwatch("config", "check", "--config", file)
    assert answer.code == 2
    assert answer.err.count("\n  ") == 2
    file.write_text("worker: {partitions: 1}\n", encoding="utf-8")
    answer = fundwatch("config", "check", "--config", file)
    assert answer.code == 0
    assert "nothing is wrong" in answer.out
