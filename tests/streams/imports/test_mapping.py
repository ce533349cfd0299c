"""A mistake in a mapping is told in one sentence, with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.schema import ledger_columns
from streams.errors import Refused
from streams.imports import mapping as mapping_module
from streams.imports.mapping import REQUIRED, SHIPPED, find, load
from streams.imports.read import assign

GOOD = """format: 1
sources:
  stays:
    files: "stays*"
    key: no
tables:
  death:
    from: stays
    columns:
      psn_no: no
      die_date: day
      source: {const: civil}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("format: 1", "format: 9", 1, "must be 1, the mapping language"),
        ("    key: no\n", "", 4, "sources.stays lacks the key 'key'"),
        ("    key: no\n", "    key: no\n    kee: x\n", 6, "unknown key 'kee' in sources.stays"),
        ("  death:", "  deaths:", 8, "is no ledger table that can be imported (did you mean 'death'?)"),
        ("from: stays", "from: stay", 8, "names no source; sources are stays"),
        ("      die_date: day\n", "", 8, "does not map die_date"),
        (
            "die_date: day",
            "die_day: day",
            11,
            "is no column of the ledger table death (did you mean 'die_date'?)",
        ),
        ("die_date: day", "die_date: day\n      msgid: x", 12, "is set by the import itself"),
        ("{const: civil}", "{const: civil, from: x}", 12, "needs exactly one of"),
        ("{const: civil}", "{konst: civil}", 12, "unknown key 'konst'"),
        ("die_date: day", "die_date: {from: day, time: start}", 11, "has 'time', but die_date is no time"),
        ("die_date: day", "die_date: {from: day, divide_by: 100}", 11, "but die_date is no amount"),
        ("die_date: day", "die_date: day_{n}", 11, "speaks of a repeat's number"),
        ("die_date: day", "die_date: day\n      die_date: x", 12, "the key 'die_date' stands twice"),
        ("columns:", "repeat: 3-1\n    columns:", 9, "must be first-last"),
        (
            "columns:",
            "where: {column: x}\n    columns:",
            9,
            "needs exactly one of is, is_not, present, matches",
        ),
        ("columns:", "where: {column: x, matches: '('}\n    columns:", 9, "is no regular expression"),
        ("die_date: day", "die_date: {from: day, pad: 4}", 11, "but die_date is no text"),
        ("tables:", "tables: [", 8, "not YAML"),
        ('"stays*"', '"stays*"\n    delimiter: ab', 5, "must be one character"),
        ("psn_no: no", "psn_no: [no]", 10, "must be a mapping"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    path = tmp_path / "m.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused, match=re.escape(message)) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")


def test_hashed_columns_take_no_clear_numbers(tmp_path: Path) -> None:
    text = (
        GOOD.replace("death:", "insured:")
        .replace("die_date: day", "cert_hash: card")
        .replace("      source: {const: civil}\n", "")
    )
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match="never kept in clear"):
        load(tmp_path / "m.yaml")


def test_files_go_to_the_source_whose_pattern_fits(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(GOOD, encoding="utf-8")
    mapping = load(tmp_path / "m.yaml")
    for name in ("stays-1.csv", "stays-2.csv", "other.csv"):
        (tmp_path / name).write_text("no,day\n")
    assert [one.path.name for one in assign(mapping, [tmp_path])] == ["stays-1.csv", "stays-2.csv"]
    with pytest.raises(Refused, match=r"other.csv fits no source of m.yaml; its patterns are stays\*"):
        assign(mapping, [tmp_path / "other.csv"])
    with pytest.raises(Refused, match="no file for the source stays"):
        assign(mapping, [])
    with pytest.raises(Refused, match=r"gone.csv does not exist"):
        assign(mapping, [tmp_path / "gone.csv"])


def test_required_columns_are_columns_of_the_ledger() -> None:
    for table, columns in REQUIRED.items():
        assert set(columns) <= set(ledger_columns()[table])


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_loads(path: Path) -> None:
    assert load(find(path.stem)).name == path.stem


def test_every_key_of_the_language_is_documented() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    for key in (*mapping_module._SOURCE_KEYS, *mapping_module._ENTRY_KEYS, *mapping_module._VALUE_KEYS):
        assert f"`{key}`" in text or f"`{key}:" in text, key


def test_the_example_of_the_documentation_is_a_mapping(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    (tmp_path / "county.yaml").write_text(text.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert set(load(tmp_path / "county.yaml").sources) == {"stays", "lines"}
