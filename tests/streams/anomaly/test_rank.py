"""`fundwatch rank`: a run's alerts in the order that past decisions suggest."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from detectors.alert import Alert, encode
from streams.anomaly.ranking import read_decisions
from streams.cli.rank import command
from streams.errors import Refused
from tests.detectors.anomaly.decided import reviewed


def _alert(row: dict[str, object]) -> Alert:
    return Alert(
        jr_id=str(row["jr_id"]), revision="0" * 16, mode="live", rule_id="x", rule_code=str(row["rule"]), rule_version=1, rule_hash="x",
        knowledge_batch="", params={}, official_gz_code=None, official_rule_name=None, rule_name="测试", vola_cont="测试疑点",
        vola_evid="", case_cause_no=[], sev_deg=str(row["severity"]), vola_bhvr_type="1", vola_amt=f"{row['amount']:.2f}",
        vola_amt_stas="1", amount_method="基金支付", route="supervision", stage="post", subject_type="visit", subject="M1", anchor={},
        patn_id=None, fixmedins_code=str(row["institution"]), mdtrt_ids=["M1"], setl_ids=[], dr_codes=[], opter=None, items=[],
        evidence=["m"] * int(str(row["evidence"])), occurred_at="2026-01-01 00:00:00", detected_at="2026-01-01 00:00:00",
    )  # fmt: skip


def _run(folder: Path, alerts: pa.Table) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"format": 1}), encoding="utf-8")
    (folder / "alerts.jsonl").write_bytes(b"".join(encode(_alert(row)) + b"\n" for row in alerts.to_pylist()))
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A past run whose alerts were decided, and a new run."""
    alerts, decisions = reviewed(940)
    _run(tmp_path / "past", alerts.slice(0, 900))
    _run(tmp_path / "new", alerts.slice(890, 50))
    lines = ["jr_id,Confirmed,Date"]
    lines += [
        f"{row['jr_id']},{'Yes' if row['confirmed'] else 'No'},{row['day']}"
        for row in decisions.to_pylist()[:900]
    ]
    (tmp_path / "decisions.csv").write_text("\n".join([*lines, "x,,2026-01-01"]) + "\n", encoding="utf-8")
    return tmp_path


def _ranked(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def test_it_learns_orders_and_leaves_nothing_out(site: Path) -> None:
    new, out = site / "new", site / "ranked.csv"
    arguments = [
        str(new),
        "--decisions",
        str(site / "decisions.csv"),
        "--past",
        str(site / "past"),
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(command, [*arguments, "--save", str(site / "models"), "--limit", "5"])
    assert result.exit_code == 0, result.output
    assert "which it had not seen: AUC" in " ".join(result.output.split())
    assert "45 more" in result.output
    rows = _ranked(out)
    assert len(rows) == 50
    chances = [float(row["chance"]) for row in rows]
    assert chances == sorted(chances, reverse=True)
    assert {row["decision"] for row in rows} == {"confirmed", "rejected", ""}
    again = CliRunner().invoke(
        command, [str(new), "--models", str(site / "models"), "--out", str(site / "again.csv")]
    )
    assert again.exit_code == 0, again.output
    assert [row["jr_id"] for row in _ranked(site / "again.csv")] == [row["jr_id"] for row in rows]


def test_too_few_decisions_are_refused_in_one_sentence(site: Path) -> None:
    result = CliRunner().invoke(command, [str(site / "new"), "--decisions", str(site / "decisions.csv")])
    assert isinstance(result.exception, Refused)
    assert "Too few decisions to rank by" in str(result.exception)


def test_it_wants_decisions_or_models(site: Path) -> None:
    result = CliRunner().invoke(command, [str(site / "new")])
    assert isinstance(result.exception, Refused)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jr_id,date\na,2026-01-01\n", "has no column label, confirmed"),
        ("id,confirmed,date\na,1,2026-01-01\n", "has no column jr_id"),
        ("jr_id,confirmed,date\na,1,last week\n", "date is 'last week'; write it as 2026-03-31"),
        ("jr_id,confirmed,date\na,perhaps,2026-01-01\n", "confirmed is 'perhaps'; write Yes or No"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=said):
        read_decisions(path)
