"""`fundwatch evaluate`: any truth with named columns, always beside the plain baselines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from detectors.anomaly.rings.communities import Ring
from streams.anomaly.evaluation import MONEY, MONEY_PER_PATIENT, evaluate
from streams.anomaly.reading import Scored, Told, read_scores, read_truth
from streams.cli.evaluate import command
from streams.errors import Refused

_HEAD = "subject_type,subject,period,model,score,rank,cases,observed,expected,reason,money,patients"


def _county(count: int = 120) -> tuple[list[Scored], dict[str, Told]]:
    """Institutions of all sizes; the score knows the truth a little, money knows size."""
    rng = np.random.default_rng(5)
    scored, told = [], {}
    for number in range(count):
        bad, patients = number % 8 == 0, int(rng.integers(20, 900))
        score = float(np.clip(rng.random() * 0.7 + 0.3 * bad, 0, 1))
        scored.append(Scored(f"H{number:04d}", score, patients, patients * 5000.0, patients))
        told[f"H{number:04d}"] = Told(bad, "padded_bills" if bad else "ordinary", float(1 + number % 3) * bad)
    return scored, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scored, told = _county()
    rows = [
        f"institution,{one.subject},all,overall,{one.score},1,{one.cases},1,1,高,{one.money:.2f},{one.patients:.0f}"
        for one in scored
    ]
    extra = [
        "institution,H0001,2026-03,overall,0.9,1,5,1,1,高,,",
        "institution,H9999,all,overall,,1,3,,,,100.00,3",
    ]
    (tmp_path / "scores.csv").write_text("\n".join([_HEAD, *rows, *extra]) + "\n", encoding="utf-8")
    lines = ["subject_type,subject,label,kind,strength"]
    lines += [
        f"institution,{name},{int(one.label)},{one.kind},{one.strength:g}" for name, one in told.items()
    ]
    (tmp_path / "truth.csv").write_text(
        "\n".join([*lines, "practitioner,D1,1,five_drugs,2"]) + "\n", encoding="utf-8"
    )
    return tmp_path


def test_the_command_tells_measures_baselines_and_plots(folder: Path) -> None:
    result = CliRunner().invoke(
        command, [str(folder), "--truth", str(folder / "truth.csv"), "--bootstrap", "20"]
    )
    assert result.exit_code == 0, result.output
    for said in ("AUC", MONEY, MONEY_PER_PATIENT, "among equal size", "padded bills", "scored only: 1"):
        assert said in result.output
    told = json.loads((folder / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert set(told["lists"]) == {"overall", MONEY, MONEY_PER_PATIENT}
    assert told["lists"]["overall"]["auc"]["value"] > 0.6
    assert told["subjects"] == 120
    assert told["labelled_yes"] == 15
    for picture in ("gains.png", "strengths.png"):
        assert (folder / "evaluation" / picture).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_intervals() -> None:
    scored, told = _county()
    one, two, other = (evaluate(scored, told, repeats=30, seed=seed) for seed in (1, 1, 2))
    assert one.lists[0].intervals == two.lists[0].intervals
    assert one.lists[0].intervals != other.lists[0].intervals
    interval = one.lists[0].intervals["auc"]
    assert interval.low < one.lists[0].quality.auc < interval.high


def test_rows_in_another_order_are_judged_alike() -> None:
    scored, told = _county()
    assert (
        evaluate(scored[::-1], told, repeats=5).lists[0].intervals
        == evaluate(scored, told, repeats=5).lists[0].intervals
    )


def test_kinds_are_counted_within_the_attention() -> None:
    scored, told = _county()
    perfect = [
        Scored(one.subject, float(told[one.subject].label), one.cases, one.money, one.patients)
        for one in scored
    ]
    found = evaluate(perfect, told, repeats=1).found
    assert sum(one.taken for one in found if one.label) == pytest.approx(6)  # 5 % of 120
    assert sum(one.taken for one in found if not one.label) == 0


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("Provider,PotentialFraud", "A,Yes\nB,No"),
        ("fixmedins_code,confirmed", "A,1\nB,0"),
        ("subject,label", "A,true\nB,FALSE"),
        ("subject,label", "A,是\nB,否"),
        ("note,Subject,LABEL", "x,A,y\n,B,n"),
    ],
)
def test_a_truth_may_name_its_columns_and_answers_as_is_usual(tmp_path: Path, head: str, rows: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f"{head}\n{rows}\n", encoding="utf-8-sig")
    assert read_truth(path, "institution") == {"A": Told(True), "B": Told(False)}


def test_columns_of_any_name_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("wer,schuldig\nA,1\nB,0\nC,\n", encoding="utf-8")
    assert set(read_truth(path, "institution", "wer", "schuldig")) == {"A", "B"}


def test_a_ring_is_told_by_its_members_or_as_scores_name_it(tmp_path: Path) -> None:
    ring = Ring("H1", ("P1", "P2", "P3"))
    path = tmp_path / "truth.csv"
    path.write_text(
        "subject_type,subject,label\nring,H1:P3;P1;P2,1\nring,H2:0123456789abcdef,0\n", encoding="utf-8"
    )
    assert read_truth(path, "ring") == {ring.subject: Told(True), "H2:0123456789abcdef": Told(False)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "has no column subject, .* or id \\(it has a, b\\); name it with --subject-column"),
        ("subject,b\n1,2\n", "has no column label, .*; name it with --label-column"),
        ("subject,label\nA,perhaps\n", "row 2: label is 'perhaps'; write Yes or No"),
        ("subject,label\nA,1\nA,0\n", "both yes and no of A"),
        ("subject_type,subject,label\npractitioner,A,1\n", "says nothing of the subject type institution"),
        ("", "is empty"),
        ("subject,label\n", "no rows"),
    ],
)
def test_a_truth_that_cannot_be_read_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=said):
        read_truth(path, "institution")


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        (_HEAD.replace(",money", ""), "institution,A,all,overall,0.5,1,2,1,1,x,3", "has no column money"),
        (_HEAD, "institution,A,all,peers,0.5,1,2,1,1,x,3,4", "it has institution by peers"),
        (_HEAD, "institution,A,all,overall,high,1,2,1,1,x,3,4", "score of A is 'high', which is no number"),
    ],
)
def test_scores_that_cannot_be_read_are_refused_with_a_sentence(
    tmp_path: Path, head: str, row: str, said: str
) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    with pytest.raises(Refused, match=said):
        read_scores(path, "institution", "overall")


def test_a_truth_about_others_is_refused() -> None:
    scored, _ = _county(10)
    with pytest.raises(Refused, match="Do the subjects have the same codes"):
        evaluate(scored, {"X": Told(True)})
