"""Worlds in files are the worlds in memory."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from streams.simulate import World, simulate, write
from streams.simulate import writer as writer_module
from streams.simulate.writer import Compression

_WORLD = World(persons=120, days=70, seed=4, planted=False)


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize("compression", ["zst", "gz", "none"])
def test_files_hold_the_lines_in_order_of_arrival(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: Compression
) -> None:
    monkeypatch.setattr(writer_module, "PENDING", 300)  # spills many times
    monkeypatch.setattr(writer_module, "PER_FILE", 700)
    manifest = write(_WORLD, tmp_path, compression=compression)
    files = sorted((tmp_path / "events").iterdir())
    assert len(files) > 3
    log = simulate(_WORLD)
    assert b"".join(_read(path) for path in files) == b"".join(line + b"\n" for line in log.events)
    assert (tmp_path / "truth.jsonl").read_bytes() == b"".join(plant.line() + b"\n" for plant in log.truth)
    assert json.loads((tmp_path / "world.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(manifest)
    )
    assert "invented" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_nothing_is_left_of_the_spill(tmp_path: Path) -> None:
    write(World(persons=20, days=20, planted=False), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.txt",
        "events",
        "truth.jsonl",
        "world.json",
    ]


def test_a_folder_with_another_world_is_refused(tmp_path: Path) -> None:
    write(World(persons=20, days=20, planted=False), tmp_path)
    with pytest.raises(FileExistsError, match="choose a new folder"):
        write(World(persons=20, days=20, planted=False), tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"persons": 0}, "at least one person"),
        ({"days": 30}, "at least 100 days"),
        ({"noise": 9}, "noise"),
    ],
)
def test_impossible_worlds_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(World(persons=10, days=200), **settings)
