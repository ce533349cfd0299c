"""Coverage that is published: the replay's, and who fell silent."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from streams.lake import open_lake
from streams.live.published import SILENT_AFTER, Silence, published
from streams.live.whole import Means
from tests.promises.conftest import Judged
from tests.promises.conftest import world as world
from tests.promises.kernel import message
from tests.streams.live.county import County, every

MEANS = Means(threads=1)


def sender(line: bytes) -> tuple[str, str]:
    """Institution and time of a transaction; empty where there is none."""
    read: dict[str, Any] = message(line) or {}
    return str((read.get("infno") and read.get("fixmedins_code")) or ""), str(read.get("inf_time"))


def test_coverage_is_that_of_the_replay_and_lists_who_fell_silent(world: Judged, tmp_path: Path) -> None:
    busy = Counter(code for code, _ in map(sender, world.lines) if code).most_common(1)[0][0]
    assert world.watermark
    border = str(world.watermark - 2 * SILENT_AFTER)
    county = County(tmp_path)
    county.grow([line for line in world.lines if sender(line)[0] != busy or sender(line)[1] < border])
    found = published(open_lake(county.lake), every(), MEANS)
    assert [one.fixmedins_code for one in found.silent] == [busy]
    assert str(found.silent[0].silent_since) < border
    assert found.by_rule.keys() == {rule.rule_id for rule in every().rulebook.rules}

    path = tmp_path / "coverage.jsonl"
    found.write(path)
    lines = path.read_bytes().splitlines()
    county.replayed(every())
    assert lines[:-1] == (county.folder / "run" / "coverage.jsonl").read_bytes().splitlines()
    assert json.loads(lines[-1]) == {
        "fixmedins_code": busy,
        "silent_since": str(found.silent[0].silent_since),
    }
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_institution_that_has_closed_is_not_silent(world: Judged, tmp_path: Path) -> None:
    busy = Counter(code for code, _ in map(sender, world.lines) if code).most_common(1)[0][0]
    assert world.watermark
    border = str(world.watermark - 2 * SILENT_AFTER)
    kept = [line for line in world.lines if sender(line)[0] != busy or sender(line)[1] < border]
    registered = next(
        read
        for read in map(message, world.lines)
        if read and read.get("registry") == "institution" and read["data"]["fixmedins_code"] == busy
    )
    registered["data"]["enddate"] = border[:10]
    registered["msgid"] += "-closed"
    registered["inf_time"] = border
    county = County(tmp_path)
    county.grow([*kept, json.dumps(registered, ensure_ascii=False).encode()])
    assert published(open_lake(county.lake), every(), MEANS).silent == []


def test_the_lines_of_institutions_that_fell_silent_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sweeper.md").read_text(encoding="utf-8")
    section = page.partition("## Coverage")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(Silence.__struct_fields__)
    assert f"for {SILENT_AFTER // timedelta(hours=1)} hours" in section
