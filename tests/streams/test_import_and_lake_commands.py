"""The commands `import` and `lake` say what they did, and refuse in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.cli import main
from tests.streams.wire.samples import SAMPLES

MAPPING = """
format: 1
sources: {bills: {files: "*.csv", key: no}}
tables:
  settlement:
    from: bills
    columns: {setl_id: no, mdtrt_id: visit, kind: {const: "2304"}, fund_pay_sumamt: paid}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDWATCH_KEY", "a key of the tests only")


def test_import_shows_rows_by_source_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "bills.csv").write_text("no,visit,paid\n1,V1,10.50\n2,V2,x\n", encoding="utf-8")
    arguments = [
        "import",
        str(tmp_path / "bills.csv"),
        "--mapping",
        str(tmp_path / "m.yaml"),
        "--out",
        str(tmp_path / "l"),
    ]
    main(arguments)
    told = capsys.readouterr().out
    assert "bills" in told
    assert "1 rows were rejected" in told
    with pytest.raises(SystemExit):
        main(arguments)
    assert "is there already" in capsys.readouterr().err


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", str(tmp_path), "--mapping", "nowhere", "--out", str(tmp_path / "l")])
    assert "neither a file nor a shipped mapping; shipped: claims_us" in capsys.readouterr().err


def test_lake_build_and_info_show_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "\n".join(json.dumps(SAMPLES[kind], ensure_ascii=False) for kind in ("2401", "2304")),
        encoding="utf-8",
    )
    main(["lake", "build", str(log), "--out", str(tmp_path / "lake")])
    assert "2 messages read = 2 facts" in capsys.readouterr().out
    main(["lake", "build", str(log), "--out", str(tmp_path / "lake"), "--append"])
    assert "0 facts + 2 duplicates" in capsys.readouterr().out
    main(["lake", "info", str(tmp_path / "lake")])
    told = capsys.readouterr().out
    assert "4 messages read = 2 facts + 2 duplicates" in told
    assert "settlement" in told
    with pytest.raises(SystemExit):
        main(["lake", "build", str(log), "--out", str(tmp_path / "lake"), "--append", "--replace"])
